// Files of a generated data set, written below a folder and counted.
import { dirname, join } from 'node:path';
import type { GeneratedFile } from '../evaluation/datasets/types.ts';
import { writeFileSafely } from './output.ts';
import { makeFolder } from './output-folder.ts';

export type FolderWriter = {
  /** @throws InputError where it cannot be written */
  write(file: GeneratedFile): void;
  /** `fsdd: 60 files, 0.1 MB in sets/fsdd`; a marker is not counted. */
  summary(id: string): string;
};

/** Folders are made where they are missing. */
export function createFolderWriter(folder: string, uncounted: readonly string[] = []): FolderWriter {
  let [files, bytes] = [0, 0];
  return {
    write(file) {
      const path = join(folder, file.path);
      makeFolder(dirname(path));
      writeFileSafely(path, file.bytes);
      if (uncounted.includes(file.path)) return;
      files++;
      bytes += file.bytes.length;
    },
    summary: (id) => `${id}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB in ${folder}`,
  };
}
