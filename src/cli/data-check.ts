// thrum data check: what is in folders of recordings, and what is wrong with it; known data sets against what they should be.
import { statSync } from 'node:fs';
import { checkDataSet, type DataSetCheck } from '../evaluation/datasets/check.node.ts';
import { checkLines, isDamaged } from '../evaluation/datasets/check-lines.ts';
import { locate } from '../evaluation/datasets/find.node.ts';
import { recogniseDataSets } from '../evaluation/datasets/recognise.node.ts';
import { dataSetById } from '../evaluation/datasets/registry.ts';
import type { DataSet } from '../evaluation/datasets/types.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { flag, type Options, requireFiles, text, UsageError } from './command.ts';
import { printSurvey, survey, withDataSets } from './data-survey.ts';
import { createProgress, print } from './output.ts';
import { readOptionsFrom } from './recording-options.ts';

/** A data set to check, and which of the files given belong to it. */
type Found = { dataSet: DataSet; root: string; holds(file: string): boolean };

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Returns the exit status: 1 where a file cannot be used, or a data set that was asked for is not there. */
export async function checkData(paths: readonly string[], options: Options): Promise<number> {
  requireFiles(paths);
  const asked = text(options, 'set');
  const files = collectFiles(paths);
  const found = asked === undefined ? paths.filter(isFolder).flatMap(recognised) : paths.map(askedFor(asked));
  const others = files.filter((file) => !found.some(({ holds }) => holds(file)));
  const checks: DataSetCheck[] = [];
  for (const { dataSet, root } of found) {
    const progress = createProgress(`checked ${dataSet.id}`);
    checks.push(await checkDataSet(dataSet, root, progress.update));
    progress.end();
  }
  const result = withDataSets(await survey(others, readOptionsFrom(options)), files.length, checks);
  if (flag(options, 'json')) print(JSON.stringify({ ...result, dataSets: checks }));
  else {
    printSurvey(result);
    for (const line of checks.flatMap(checkLines)) print(line);
  }
  return result.unreadable.length > 0 || checks.some((check) => check.samples === 0 || isDamaged(check)) ? 1 : 0;
}

const recognised = (folder: string): Found[] => recogniseDataSets(folder);

/** All that lies in the folder is taken for the data set, whatever its name. */
const askedFor =
  (id: string) =>
  (folder: string): Found => {
    const dataSet = dataSetById(id);
    if (!isFolder(folder)) throw new UsageError(`--set: expected the folder of ${id}, got the file ${folder}`);
    return { dataSet, root: locate(folder, dataSet)?.root ?? folder, holds: () => true };
  };
