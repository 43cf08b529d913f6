// Data sets on disk: which folder below a root holds one.
import { basename, join, resolve } from 'node:path';
import type { Folder } from '../files/folder.ts';
import { byCodeUnit, folderOf, listFolder } from '../files/list-folder.node.ts';
import type { DataSet, Scan } from './types.ts';

/** How far below the root the folder of a data set may lie. */
const LEVELS_BELOW = 2;

/** Where a data set lies: `root` is its folder on disk, `folder` the same with paths as in `scan.samples`. */
export type Located = { root: string; folder: Folder; scan: Scan };

/** Folders listed so far, by absolute path: pass one to several calls and each folder is read once. */
export type FolderCache = Map<string, Folder>;

function cachedFolder(root: string, cache: FolderCache): Folder {
  const key = resolve(root);
  const known = cache.get(key);
  if (known) return known;
  const folder = listFolder(root);
  cache.set(key, folder);
  return folder;
}

/** The part of a listed folder that lies in `below`. */
function subfolder(root: string, whole: Folder, below: string, cache: FolderCache): Folder {
  const key = resolve(root, below);
  const known = cache.get(key);
  if (known) return known;
  const prefix = `${below}/`;
  const files = whole.files.filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length));
  const folder = folderOf(join(root, below), files);
  cache.set(key, folder);
  return folder;
}

/** Folders with files in them, up to two levels down, those nearest to the root first. */
function foldersBelow(whole: Folder): string[] {
  const found = new Set<string>();
  for (const file of whole.files) {
    const parts = file.split('/').slice(0, -1);
    for (let depth = 1; depth <= Math.min(LEVELS_BELOW, parts.length); depth++) {
      found.add(parts.slice(0, depth).join('/'));
    }
  }
  const depthOf = (path: string): number => path.split('/').length;
  return [...found].sort((a, b) => depthOf(a) - depthOf(b) || byCodeUnit(a, b));
}

/** Stateful expressions (flag g) would remember where the last match ended. */
const matches = (pattern: RegExp, name: string): boolean => name.search(pattern) >= 0;

/**
 * The folder of a data set: `dataRoot` itself or a folder up to two levels below it whose name the data set usually
 * has, the one with most samples where there are several; without such a folder, `dataRoot` itself if the data set
 * finds samples in it. Undefined where there are no samples.
 * @throws InputError where `dataRoot`, or a folder in it, cannot be searched
 */
export function locate(dataRoot: string, dataSet: DataSet, cache: FolderCache = new Map()): Located | undefined {
  const whole = cachedFolder(dataRoot, cache);
  const named: Located[] = [];
  const add = (root: string, folder: Folder): void => {
    named.push({ root, folder, scan: dataSet.scan(folder) });
  };
  if (matches(dataSet.folder, basename(resolve(dataRoot)))) add(dataRoot, whole);
  for (const below of foldersBelow(whole)) {
    if (matches(dataSet.folder, basename(below))) add(join(dataRoot, below), subfolder(dataRoot, whole, below, cache));
  }
  const best = named.reduce<Located | undefined>(
    (most, next) => (next.scan.samples.length > (most?.scan.samples.length ?? 0) ? next : most),
    undefined,
  );
  if (best) return best;
  const scan = dataSet.scan(whole);
  return scan.samples.length > 0 ? { root: dataRoot, folder: whole, scan } : undefined;
}
