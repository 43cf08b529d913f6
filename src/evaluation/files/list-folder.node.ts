// The files below a folder on disk.
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../signal/errors.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import type { Folder } from './folder.ts';

/** Sorts alike on every machine, whatever its language. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new InputError(
      `listFolder: expected a folder that can be searched, found that ${systemReason(error)} (${folder}); check the path and its permissions, or name a folder below it`,
    );
  }
}

/**
 * Every folder is searched once, under the name it really has: links to folders wait until all that is no link was
 * searched, so neither a ring of links nor a second name for the same files lists anything twice.
 */
function search(root: string): string[] {
  const files: string[] = [];
  const links: string[] = [];
  const searched = new Set<string>();
  const walk = (below: string): void => {
    const folder = join(root, below);
    const entries = entriesOf(folder);
    const real = realpathSync(folder);
    if (searched.has(real)) return;
    searched.add(real);
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isSymbolicLink() && isFolderLink(join(root, path))) links.push(path);
      // A link that leads nowhere is listed too: reading it will say so.
      else files.push(path);
    }
  };
  walk('');
  // Folders reached by a link may hold further links, which are appended while this goes on.
  for (const link of links) walk(link);
  return files.sort(byCodeUnit);
}

/** Links that lead nowhere, or around in a ring, are no folders. */
function isFolderLink(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The files of `root` that are listed already. */
export const folderOf = (root: string, files: readonly string[]): Folder => ({
  files,
  readText(path) {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch (error) {
      throw new InputError(
        `readText: expected a readable text file, found that ${systemReason(error)} (${join(root, path)}); copy it again`,
      );
    }
  },
});

/**
 * All files below `root`, links followed, dot files left out: paths relative to it with forward slashes, sorted by
 * code unit.
 * @throws InputError where `root`, or a folder in it, cannot be searched
 */
export const listFolder = (root: string): Folder => folderOf(root, search(root));
