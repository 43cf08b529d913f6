// What the scans of data sets ask of paths.
import type { Problem } from './types.ts';

/** Last part of a path: `audio/1-100032-A-0.wav` -> `1-100032-A-0.wav`. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Last part of a path without its ending: `audio/1-100032-A-0.wav` -> `1-100032-A-0`. */
export const stemOf = (path: string): string => baseName(path).replace(/\.[^.]*$/, '');

/** Endings of sound files, whatever a copy of the data set was converted to. */
export const isSound = (path: string): boolean => /\.(wav|flac|ogg|opus|mp3)$/i.test(path);

/** A file that is there under the same name twice: which copy to keep is for the user to say. */
export function repeatedNames(paths: readonly string[]): Problem[] {
  const first = new Map<string, string>();
  const problems: Problem[] = [];
  for (const path of paths) {
    const stem = stemOf(path);
    const known = first.get(stem);
    if (known === undefined) first.set(stem, path);
    else {
      problems.push({
        kind: 'inconsistent',
        path,
        message: `${path}: the recording is there twice, also as ${known}; remove one of them`,
      });
    }
  }
  return problems;
}
