// The recordings that fine-tuning learns from, with their classes: from DCASE names, a table, or folders.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { dcaseItems } from '../evaluation/datasets/dcase-items.node.ts';
import { type Recognised, recogniseDataSets } from '../evaluation/datasets/recognise.node.ts';
import { type SceneSubset, sceneSubsets } from '../evaluation/datasets/tau-layout.ts';
import type { Sample } from '../evaluation/datasets/types.ts';
import { InputError } from '../signal/errors.ts';
import { folderItems, tableItems } from '../training/data/labelled-items.node.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { pseudoLabels } from '../training/data/pseudo-labels.ts';
import { choice, type OptionSpec, type Options } from './command.ts';
import type { FinetuneSettings } from './finetune-options.ts';
import { createProgress, note } from './output.ts';

function checkFolder(path: string): void {
  if (!existsSync(path)) throw new InputError(`finetune: ${resolve(path)}: no such file or folder; check the path`);
}

const isDcase = ({ dataSet }: Recognised): boolean => /^dcase\d{4}$/.test(dataSet.id);

/** Labels of items whose conditions are hidden: clusters of what the encoder makes of them, machine by machine. */
async function withPseudoLabels(
  items: LabelledItem[],
  { encoder, seed, workers }: FinetuneSettings,
): Promise<LabelledItem[]> {
  const hidden = items.filter((item) => item.hidden);
  if (hidden.length === 0) return items;
  const progress = createProgress('listened, for hidden conditions, to');
  const jobs = hidden.map(({ path, read, channel = 1 }) => ({
    path,
    read: read ?? {},
    preparation: { channel: channel - 1, segmentSeconds: null },
    detail: 'none' as const,
  }));
  const heard: { item: LabelledItem; vector: Float32Array }[] = [];
  let done = 0;
  for await (const { recordings, failures } of embedFiles({ encoder }, jobs, { workers })) {
    for (const { message } of failures) note(`${message}; it is left out`);
    const [first] = recordings;
    if (first) heard.push({ item: hidden[done], vector: unitVector(first.segments[0].vector) });
    progress.update(++done, jobs.length);
  }
  progress.end();
  const labels = pseudoLabels(
    heard.map(({ vector }) => vector),
    heard.map(({ item }) => item.group ?? ''),
    { seed },
  );
  const named = new Map(heard.map(({ item }, i) => [item, labels[i]]));
  return items.flatMap((item) => {
    if (!item.hidden) return [item];
    const label = named.get(item);
    return label === undefined ? [] : [{ ...item, label }];
  });
}

function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? vector.map((value) => value / length) : vector;
}

/**
 * Normal recordings and their operating conditions: from a table, from the names of DCASE Task 2, or a folder for each.
 * @throws InputError where there are none
 */
export async function asdItems(settings: FinetuneSettings): Promise<LabelledItem[]> {
  const { data, labels } = settings;
  if (labels !== undefined) return withPseudoLabels(tableItems(labels), settings);
  checkFolder(data);
  const items = recogniseDataSets(data).some(isDcase) ? dcaseItems(data) : folderItems([data]);
  return withPseudoLabels(items, settings);
}

/** Items to learn from and, where there are some, to be asked about. */
export type Split = { train: LabelledItem[]; test: LabelledItem[] };

/** `--subset`: a nested part of the training clips, in percent. */
export const subsetOptionSpec = {
  value: 'PERCENT',
  description: 'part of the training clips of scenes in the layout of TAU 2022: 5, 10, 25, 50 or 100',
} satisfies OptionSpec;

/** The subset that is asked for, if any. @throws UsageError for another number */
export function subsetFrom(options: Options): SceneSubset | undefined {
  const given = choice(options, 'subset', ['5', '10', '25', '50', '100']);
  return sceneSubsets.find((percent) => String(percent) === given);
}

/** What is asked of a division: the fold to be asked about, and a nested part of the training clips in percent. */
type Division = { testFold?: number; subset?: SceneSubset };

const sideOf = ({ split, fold }: Sample, testFold: number): 'train' | 'test' | undefined =>
  split ?? (fold === undefined ? undefined : fold === testFold ? 'test' : 'train');

/** Whether a sample is in a nested part of the training clips; all of those are the whole of them. */
const isIn = ({ attributes }: Sample, subset: SceneSubset): boolean =>
  subset === 100 || (attributes.subset !== undefined && Number(attributes.subset) <= subset);

/** @throws InputError for a fold or a subset that the data set has not */
function checkDivision({ dataSet, scan }: Recognised, root: string, { testFold, subset }: Division): void {
  const folds = scan.samples.flatMap(({ fold }) => fold ?? []);
  if (testFold !== undefined && !folds.includes(testFold)) {
    const known = [...new Set(folds)].sort((a, b) => a - b).join(', ') || 'none';
    throw new InputError(
      `finetune: expected a fold of ${dataSet.id} in ${root} as --test-fold (${known}), got ${testFold}`,
    );
  }
  const parts = new Set(scan.samples.flatMap(({ attributes }) => attributes.subset ?? []));
  if (subset !== undefined && subset !== 100 && !parts.has(String(subset))) {
    throw new InputError(
      `finetune: expected a list split${subset}.csv of ${dataSet.id} in ${root} for --subset, found none; download the lists of DCASE 2024 too`,
    );
  }
}

/**
 * Samples of the one data set in a folder that has a division of its own, which may leave some out; undefined where there
 * is none.
 * @throws InputError for a fold or a subset that it has not
 */
function dividedItems(root: string, division: Division): Split | undefined {
  const found = recogniseDataSets(root);
  if (found.length !== 1) return undefined;
  const [one] = found;
  checkDivision(one, root, division);
  const { testFold, subset } = division;
  const last = testFold ?? Math.max(...one.scan.samples.flatMap(({ fold }) => fold ?? []));
  const side = { train: [] as LabelledItem[], test: [] as LabelledItem[] };
  for (const sample of one.scan.samples) {
    const which = sideOf(sample, last);
    if (which === undefined || (which === 'train' && subset !== undefined && !isIn(sample, subset))) continue;
    side[which].push(itemOf(sample, one.root));
  }
  return side.train.length + side.test.length > 0 ? side : undefined;
}

function itemOf({ path, label, read, record, channel, attributes }: Sample, root: string): LabelledItem {
  return {
    path: resolve(root, path),
    label,
    ...(read && { read }),
    ...(record !== undefined && { record }),
    ...(channel !== undefined && { channel: 1 }),
    ...(attributes.device !== undefined && { device: attributes.device }),
  };
}

/**
 * Labelled recordings: from a table, a known data set with its own division (ESC-50's last fold, or `testFold`, is for
 * testing), or a folder per label; `test` names a folder or table to be asked about. `subset`: a nested part of the training
 * clips in percent, of a data set that has such (TAU 2022 and its layout), whose items also know their devices.
 * @throws InputError where there are none, and for a fold or a subset where there are none of these
 */
export function classifyItems(
  { data, labels }: Pick<FinetuneSettings, 'data' | 'labels'>,
  test?: string,
  testFold?: number,
  subset?: SceneSubset,
): Split {
  if (labels === undefined) checkFolder(data);
  const apart = (path: string) => (/\.(csv|tsv|txt)$/i.test(path) ? tableItems(path) : folderItems([path]));
  const asked = test === undefined ? [] : apart(test);
  const divided = labels === undefined ? dividedItems(data, { testFold, subset }) : undefined;
  if (testFold !== undefined && !divided) {
    throw new InputError(
      `finetune: expected a data set with folds for --test-fold, found none in ${data}; leave it out`,
    );
  }
  if (subset !== undefined && !divided) {
    throw new InputError(
      `finetune: expected a data set in the layout of TAU 2022 for --subset, found none in ${data}; leave it out`,
    );
  }
  if (labels !== undefined) return { train: tableItems(labels), test: asked };
  if (divided) return asked.length > 0 ? { train: [...divided.train, ...divided.test], test: asked } : divided;
  return { train: folderItems([data]), test: asked };
}
