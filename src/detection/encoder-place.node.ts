// Where a detector's encoder lies, seen from the folder of the detector.
import { existsSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import type { Detector } from './detector.ts';

/**
 * What to load for a detector in `folder`: weights that lie where the detector remembers them, beside it, or in the folder
 * above it, as fine-tuning leaves them; else what the name means anywhere.
 */
export function encoderOf({ encoder: { id, file } }: Pick<Detector, 'encoder'>, folder: string): string {
  // The name of an encoder of the registry is no file's.
  if (extname(id) === '') return id;
  const places = [...(file === undefined ? [] : [join(folder, file)]), join(folder, id), join(folder, '..', id)];
  return places.find((place) => existsSync(place)) ?? id;
}

/** Weights given by their path, as seen from the folder of the detector; undefined for names. */
export function encoderFile(encoder: string, folder: string): string | undefined {
  if (extname(encoder) === '' || !existsSync(encoder)) return undefined;
  return relative(resolve(folder), resolve(encoder)).split(sep).join('/');
}
