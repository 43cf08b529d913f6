// What a scan says about files it cannot use and classes it does not find, in the same words for every data set.
import type { Problem, Sample } from './types.ts';

const splitPath = (path: string): [folder: string, name: string] => {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
};

/** One problem per folder with files that do not look like `expected` (`12.288.csv, the speed in Hz`). */
export function notUnderstood(id: string, paths: readonly string[], expected: string): Problem[] {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const [folder, name] = splitPath(path);
    const names = folders.get(folder);
    if (names) names.push(name);
    else folders.set(folder, [name]);
  }
  return Array.from(folders, ([folder, names]) => {
    const found = names.length > 1 ? `${names[0]} and ${names.length - 1} more` : names[0];
    return {
      kind: 'unexpected',
      path: folder === '' ? names[0] : `${folder}/${names[0]}`,
      message: `${id}: expected ${expected}, found ${found} in ${folder || 'the top folder'}; unpack the official download again, or move what does not belong to it elsewhere`,
    };
  });
}

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
  const found = new Set(samples.map(labelOf));
  const absent = Object.entries(places).filter(([label]) => !found.has(label));
  if (samples.length === 0) {
    const first = Object.values(places)[0];
    const message = `${id}: expected recordings such as ${first}, found none; name the folder that the official download unpacks to`;
    return [{ kind: 'missing', message }];
  }
  return absent.map(([label, place]) => ({
    kind: 'missing',
    path: place,
    message: `${id}: expected recordings of ${label} at ${place}, found none; unpack that part of the official download too`,
  }));
}
