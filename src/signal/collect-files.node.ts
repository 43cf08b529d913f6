// From what stands on a command line to the files that are meant.
import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { InputError } from './errors.ts';

/** Names that files of recordings usually have; in a folder, only these are taken. A file named directly always is. */
const RECORDING_EXTENSIONS = new Set(
  '.wav .wave .rf64 .flac .ogg .oga .opus .mp3 .mat .h5 .hdf5 .npy .npz .csv .tsv .tdms'.split(' '),
);

function walk(folder: string, found: string[]): void {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && statSync(path).isDirectory());
    if (isFolder) walk(path, found);
    else if (RECORDING_EXTENSIONS.has(extname(entry.name).toLowerCase())) found.push(path);
  }
}

/**
 * Files in the order given; folders are searched through, in order of names.
 * @throws InputError if a path does not exist or a folder holds no recordings.
 */
export function collectFiles(paths: readonly string[]): string[] {
  const files: string[] = [];
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) throw new InputError(`${path}: no such file or folder`);
    if (!stats.isDirectory()) {
      files.push(path);
      continue;
    }
    const before = files.length;
    walk(path, files);
    if (files.length === before) {
      throw new InputError(
        `${path}: no recordings in this folder; Thrum looks for ${[...RECORDING_EXTENSIONS].join(' ')}`,
      );
    }
  }
  if (files.length === 0) throw new InputError('expected at least one file or folder');
  return files;
}
