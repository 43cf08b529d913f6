// Files for tests: a folder in memory, and files written to disk.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Folder } from './folder.ts';

export type FileContents = Iterable<readonly [path: string, content: string | Uint8Array]>;

/** A folder that exists in memory only. */
export function memoryFolder(files: FileContents): Folder {
  const contents = new Map(files);
  return {
    files: [...contents.keys()].sort(),
    readText(path) {
      const content = contents.get(path);
      if (content === undefined) throw new Error(`no text expected to be read (${path})`);
      return typeof content === 'string' ? content : new TextDecoder().decode(content);
    },
  };
}

/** Writes files, and the folders they lie in, below `root`. */
export function writeFiles(root: string, files: FileContents): void {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
