// From what stands on a command line to the files that are meant.
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { InputError } from './errors.ts';

/** Names that files of recordings usually have; in a folder, only these are taken. A file named directly always is. */
const RECORDING_EXTENSIONS = new Set(
  '.wav .wave .rf64 .flac .ogg .oga .opus .mp3 .mat .h5 .hdf5 .npy .npz .csv .tsv .tdms'.split(' '),
);

/** Whether a name is one that recordings usually have. */
export const isRecordingName = (name: string): boolean => RECORDING_EXTENSIONS.has(extname(name).toLowerCase());

/** What a path leads to; undefined where it leads nowhere: no such file, a link to one, a ring of links. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new InputError(
      `${folder}: this folder cannot be searched (${(error as NodeJS.ErrnoException).code}); change its permissions, or name files outside it`,
    );
  }
}

/** A folder that links lead to once more is searched once: a link to a folder above it would never end. */
function walk(folder: string, found: string[], searched: Set<string>): void {
  const real = realpathSync(folder);
  if (searched.has(real)) return;
  searched.add(real);
  for (const entry of entriesOf(folder)) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && statsOf(path)?.isDirectory());
    if (isFolder) walk(path, found, searched);
    // A link that leads nowhere is taken too: reading it will say so.
    else if (isRecordingName(entry.name)) found.push(path);
  }
}

function recordingsIn(folder: string): string[] {
  const found: string[] = [];
  walk(folder, found, new Set());
  if (found.length === 0) {
    throw new InputError(
      `${folder}: no recordings in this folder; Thrum looks for ${[...RECORDING_EXTENSIONS].join(' ')}`,
    );
  }
  return found;
}

/**
 * Files in the order given, each once; folders are searched through, in order of names.
 * @throws InputError if a path does not exist, or a folder holds no recordings or cannot be searched.
 */
export function collectFiles(paths: readonly string[]): string[] {
  const files = new Map<string, string>();
  for (const path of paths) {
    const stats = statsOf(path);
    if (!stats) throw new InputError(`${path}: no such file or folder`);
    for (const file of stats.isDirectory() ? recordingsIn(path) : [path]) {
      if (!files.has(resolve(file))) files.set(resolve(file), file);
    }
  }
  if (files.size === 0) throw new InputError('expected at least one file or folder');
  return [...files.values()];
}
