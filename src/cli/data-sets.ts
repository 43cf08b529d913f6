// thrum data list, thrum data generate: the data sets that Thrum knows, and small ones made up in their layout.
import { join } from 'node:path';
import { dcaseDataSets } from '../evaluation/datasets/dcase.ts';
import { GENERATED_MARKER, generatedMarker } from '../evaluation/datasets/generated-marker.ts';
import { dataSetById, dataSets } from '../evaluation/datasets/registry.ts';
import type { DataSet, GenerateOptions } from '../evaluation/datasets/types.ts';
import { choice, flag, number, type Options, required, text, UsageError } from './command.ts';
import { createFolderWriter } from './data-writer.ts';
import { print } from './output.ts';
import { version } from './version.ts';

/** Everything that is known about a data set without its files. */
const factsOf = ({ id, title, source, licence, layout, sampleRate, seconds, ...rest }: DataSet) => {
  const { channels, classes, expected, views } = rest;
  return { id, title, source, licence, sampleRate, seconds, channels, classes, expected, views, layout };
};

/** A line for each data set; named ones with their layout. */
export function listData(ids: readonly string[], options: Options): number {
  const listed = ids.length > 0 ? ids.map(dataSetById) : dataSets;
  if (flag(options, 'json')) print(JSON.stringify(listed.map(factsOf)));
  else if (ids.length > 0) for (const dataSet of listed) describe(dataSet);
  else for (const dataSet of listed) print(row(dataSet));
  return 0;
}

const row = ({ id, title, sampleRate, views, licence, source }: DataSet): string => {
  const modalities = [...new Set(views.map(({ modality }) => modality))].join(', ');
  return `${id.padEnd(15)}${`${sampleRate} Hz`.padStart(9)}  ${modalities.padEnd(17)}  ${title}; ${licence}; ${source}`;
};

function describe({ id, title, source, licence, sampleRate, seconds, layout, ...rest }: DataSet): void {
  const { channels, classes, expected, views } = rest;
  print(`${id}: ${title}`);
  print(`  source: ${source}`);
  print(`  licence: ${licence}`);
  print(`  recordings: ${expected ? `${expected.samples}, ` : ''}${sampleRate} Hz, ${seconds} s`);
  print(`  channels: ${channels.join(', ')}`);
  print(`  classes: ${classes.join(', ')}`);
  print(`  views: ${views.map((view) => `${view.id} (${view.modality})`).join(', ')}`);
  print('  layout:');
  for (const line of layout.split('\n')) print(`    ${line}`);
}

/** `990+10`: training clips of the source and of the target domain; the second number may be left out. */
function trainingClips(options: Options): GenerateOptions['train'] {
  const given = text(options, 'train');
  if (given === undefined) return undefined;
  const [, source, target = '0'] = /^(\d+)(?:\+(\d+))?$/.exec(given) ?? [];
  if (source === undefined) throw new UsageError(`--train: expected clips such as 990+10, got ${given}`);
  return { source: Number(source), target: Number(target) };
}

/** Writes OUT/ID/… for each data set, and in it the marker that says it was made up. */
export function generateData(ids: readonly string[], options: Options): number {
  if (ids.length === 0) throw new UsageError('expected at least one data set (thrum data list shows them)');
  const out = required(options, 'out', 'DIR');
  const seed = number(options, 'seed', { integer: true });
  const perClass = number(options, 'per-class', { min: 1, integer: true });
  const seconds = number(options, 'seconds', { above: 0 });
  const train = trainingClips(options);
  const set = choice(options, 'set', ['development', 'evaluation']);
  const sets = ids.map(dataSetById);
  const other = sets.find((dataSet) => !dcaseDataSets.includes(dataSet));
  if ((train || set) && other) {
    throw new UsageError(`--${train ? 'train' : 'set'}: only for dcase2020 to dcase2025, not for ${other.id}`);
  }
  const settings = {
    ...(train && { train }),
    ...(set && { set }),
    ...(seed !== undefined && { seed }),
    ...(perClass !== undefined && { perClass }),
    ...(seconds !== undefined && { seconds }),
  };
  for (const dataSet of sets) writeDataSet(dataSet, join(out, dataSet.id), settings);
  return 0;
}

function writeDataSet(dataSet: DataSet, folder: string, settings: GenerateOptions): void {
  const writer = createFolderWriter(folder, [GENERATED_MARKER]);
  // First, so that a run that is interrupted leaves nothing that looks recorded.
  writer.write(generatedMarker(version(), settings.seed ?? 0));
  for (const file of dataSet.generate(settings)) writer.write(file);
  print(writer.summary(dataSet.id));
}
