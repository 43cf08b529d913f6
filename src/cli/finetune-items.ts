// The recordings that fine-tuning learns from, with their classes: from DCASE names, a table, or folders.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { dcaseItems } from '../evaluation/datasets/dcase-items.node.ts';
import { type Recognised, recogniseDataSets } from '../evaluation/datasets/recognise.node.ts';
import { InputError } from '../signal/errors.ts';
import { folderItems, tableItems } from '../training/data/labelled-items.node.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { pseudoLabels } from '../training/data/pseudo-labels.ts';
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

/**
 * Samples of the one data set in a folder that has a division of its own; undefined where there is none.
 * @throws InputError for a fold that it has not
 */
function dividedItems(root: string, testFold: number | undefined): Split | undefined {
  const found = recogniseDataSets(root);
  if (found.length !== 1) return undefined;
  const [{ scan, root: own, dataSet }] = found;
  const side = { train: [] as LabelledItem[], test: [] as LabelledItem[] };
  const folds = scan.samples.flatMap(({ fold }) => fold ?? []);
  if (testFold !== undefined && !folds.includes(testFold)) {
    const known = [...new Set(folds)].sort((a, b) => a - b).join(', ') || 'none';
    throw new InputError(
      `finetune: expected a fold of ${dataSet.id} in ${root} as --test-fold (${known}), got ${testFold}`,
    );
  }
  const last = testFold ?? Math.max(...folds);
  for (const { path, label, read, record, channel, split, fold } of scan.samples) {
    const which = split ?? (fold === undefined ? undefined : fold === last ? 'test' : 'train');
    if (which === undefined) return undefined;
    const item = { path: resolve(own, path), label, ...(read && { read }), ...(record !== undefined && { record }) };
    side[which].push({ ...item, ...(channel !== undefined && { channel: 1 }) });
  }
  return side;
}

/**
 * Labelled recordings: from a table, a known data set with its own division (ESC-50's last fold, or `testFold`, is for
 * testing), or a folder per label; `test` names a folder or table to be asked about.
 * @throws InputError where there are none, and for a fold to be asked about where there are no folds
 */
export function classifyItems(
  { data, labels }: Pick<FinetuneSettings, 'data' | 'labels'>,
  test?: string,
  testFold?: number,
): Split {
  if (labels === undefined) checkFolder(data);
  const apart = (path: string) => (/\.(csv|tsv|txt)$/i.test(path) ? tableItems(path) : folderItems([path]));
  const asked = test === undefined ? [] : apart(test);
  const divided = labels === undefined ? dividedItems(data, testFold) : undefined;
  if (testFold !== undefined && !divided) {
    throw new InputError(
      `finetune: expected a data set with folds for --test-fold, found none in ${data}; leave it out`,
    );
  }
  if (labels !== undefined) return { train: tableItems(labels), test: asked };
  if (divided) return asked.length > 0 ? { train: [...divided.train, ...divided.test], test: asked } : divided;
  return { train: folderItems([data]), test: asked };
}
