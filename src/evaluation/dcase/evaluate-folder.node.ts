// From folders of score files and ground truth to the figures of every system in them.
import { basename, dirname, resolve } from 'node:path';
import { InputError } from '../../signal/errors.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { evaluateDcase } from './evaluate.ts';
import { matchSubmission } from './match.ts';
import type { DcaseResult } from './result.ts';
import { readSubmissions } from './score-files.ts';
import { readTruth } from './truth.ts';
import { dcaseYear } from './years.ts';

export type DcaseFolders = {
  /** 2020 to 2025. */
  year: number;
  /** Folder with the files of one system, or any folder above those of several. */
  scores: string;
  /** Folder with the ground truth of that year, or any folder above. */
  truth: string;
  /** See `evaluateDcase`. */
  compat?: boolean;
};

/** One of the folders of the ground truth stands for all that lie beside it. */
const truthRoot = (folder: string): string =>
  /^ground_truth_(data|domain|attributes)$/i.test(basename(resolve(folder))) ? dirname(resolve(folder)) : folder;

/**
 * Evaluates every system below a folder, in order of their paths. Lines and files that cannot be used are listed in
 * `problems` of the system, and the others are evaluated.
 * @throws InputError for an unknown year, a folder that cannot be read or holds no score files, or ground truth that is
 *   not found or disagrees with itself.
 */
export function evaluateDcaseFolders({ year, scores, truth, compat }: DcaseFolders): DcaseResult[] {
  const rules = dcaseYear(year);
  const known = readTruth(listFolder(truthRoot(truth)), rules);
  const submissions = readSubmissions(listFolder(scores), rules).filter(
    ({ files, problems }) => files.length + problems.length > 0,
  );
  if (submissions.length === 0) {
    const name = year === 2020 ? 'anomaly_score_<machine>_id_NN.csv' : 'anomaly_score_<machine>_section_NN_test.csv';
    throw new InputError(
      `evaluateDcaseFolders: expected files named ${name} of the evaluation set of ${year}, found none (${scores}); name the folder that holds them, and the right year`,
    );
  }
  return submissions.map((submission) => {
    const { clips, problems, notes } = matchSubmission(known.clips, submission, rules);
    return {
      ...evaluateDcase(clips, rules, { compat }),
      system: submission.system || basename(resolve(scores)),
      problems: [...known.problems, ...submission.problems, ...problems],
      notes: [...known.notes, ...submission.notes, ...notes],
    };
  });
}
