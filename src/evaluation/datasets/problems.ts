// What a scan says about files it cannot use and classes it does not find, in the same words for every data set.
import { baseName, folderName, stemOf } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { listed } from '../text/words.ts';
import type { Problem, Sample } from './types.ts';

/** One problem per folder with files that do not look like `expected` (`12.288.csv, the speed in Hz`). */
export const notUnderstood = (id: string, paths: readonly string[], expected: string): Problem[] =>
  Array.from(groupBy(paths, folderName), ([folder, found]) => ({
    kind: 'unexpected',
    path: found[0],
    message: `${id}: expected ${expected}, found ${listed(found.map(baseName), 1)} in ${folder || 'the top folder'}; unpack the official download again, or move what does not belong to it elsewhere`,
  }));

/**
 * One problem for each label without samples, or a single one where there are no samples at all.
 * `places` says for each label where its recordings lie.
 */
export function missingLabels(
  id: string,
  samples: readonly Sample[],
  places: Readonly<Record<string, string>>,
  labelOf: (sample: Sample) => string | undefined = (sample) => sample.label,
): Problem[] {
  if (samples.length === 0) {
    const first = Object.values(places)[0];
    const message = `${id}: expected recordings such as ${first}, found none; name the folder that the official download unpacks to`;
    return [{ kind: 'missing', message }];
  }
  const found = new Set(samples.map(labelOf));
  const absent = Object.entries(places).filter(([label]) => !found.has(label));
  return absent.map(([label, place]) => ({
    kind: 'missing',
    path: place,
    message: `${id}: expected recordings of ${label} at ${place}, found none; unpack that part of the official download too`,
  }));
}

/** Files that are there under the same name twice: which copy to keep is for the user to say. */
export const repeatedNames = (paths: readonly string[]): Problem[] =>
  [...groupBy(paths, stemOf).values()].flatMap(([first, ...copies]) =>
    copies.map((path) => ({
      kind: 'inconsistent' as const,
      path,
      message: `${path}: the recording is there twice, also as ${first}; remove one of them`,
    })),
  );

/** A file whose folder says another class, bearing or the like than its name. */
export const misplaced = (id: string, path: string): Problem => ({
  kind: 'inconsistent',
  path,
  message: `${id}: expected the folder and the name of a file to say the same, found ${path}; move it to the folder of its name`,
});
