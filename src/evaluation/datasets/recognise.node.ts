// Which of the known data sets lie in a folder.
import { basename, join, resolve, sep } from 'node:path';
import { type FolderCache, type Located, locate } from './find.node.ts';
import { dataSets } from './registry.ts';
import type { DataSet } from './types.ts';

export type Recognised = Located & {
  dataSet: DataSet;
  /** Whether a file is part of the data set, samples or not. */
  holds(file: string): boolean;
};

/**
 * The data sets in `root`: by the name of a folder, or, where no name says so, because at least half of all files are
 * samples of one. No file belongs to two of them; the one with more samples has it, then the one that the folder is named
 * after, then the one with fewer problems.
 * @throws InputError where `root`, or a folder in it, cannot be searched
 */
export function recogniseDataSets(root: string, cache: FolderCache = new Map()): Recognised[] {
  const candidates = dataSets
    .flatMap((dataSet) => {
      const located = locate(root, dataSet, cache);
      return located ? [candidate(root, dataSet, located)] : [];
    })
    .filter(({ sure }) => sure)
    .sort(
      (a, b) =>
        b.scan.samples.length - a.scan.samples.length ||
        Number(b.named) - Number(a.named) ||
        a.scan.problems.length - b.scan.problems.length,
    );
  const taken = new Set<string>();
  const recognised: Recognised[] = [];
  for (const { sure: _, named: __, ...one } of candidates) {
    const files = one.scan.samples.map(({ path }) => resolve(one.root, path));
    if (files.some((file) => taken.has(file))) continue;
    for (const file of files) taken.add(file);
    recognised.push(one);
  }
  return recognised;
}

function candidate(root: string, dataSet: DataSet, located: Located): Recognised & { sure: boolean; named: boolean } {
  const samples = new Set(located.scan.samples.map(({ path }) => resolve(join(located.root, path))));
  const named = resolve(located.root) !== resolve(root) || basename(resolve(root)).search(dataSet.folder) >= 0;
  const below = `${resolve(located.root)}${sep}`;
  return {
    ...located,
    dataSet,
    named,
    holds: (file) => (named ? resolve(file).startsWith(below) : samples.has(resolve(file))),
    sure: named || 2 * samples.size >= located.folder.files.length,
  };
}
