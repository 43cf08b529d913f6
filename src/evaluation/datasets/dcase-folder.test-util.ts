// Folders of DCASE Task 2 for tests: generated as small as can be, then altered; nothing is written to disk.
import { memoryFolder } from '../files/files.test-util.ts';
import { dcaseDataSets } from './dcase.ts';
import type { Scan } from './types.ts';

export const dcaseDataSet = (year: number) => dcaseDataSets[year - 2020];

const generated = new Map<number, ReadonlyMap<string, Uint8Array>>();

/** Path and content of every file of a year with one clip of each kind: a copy that may be altered. */
export function smallest(year: number): Map<string, Uint8Array> {
  const known = generated.get(year);
  if (known) return new Map(known);
  const files = dcaseDataSet(year).generate({ perClass: 1, seconds: 0.02 });
  const made = new Map(Array.from(files, ({ path, bytes }): [string, Uint8Array] => [path, bytes]));
  generated.set(year, made);
  return new Map(made);
}

export const scanOf = (year: number, files: ReadonlyMap<string, Uint8Array | string>): Scan =>
  dcaseDataSet(year).scan(memoryFolder(files));

/** A folder of clips alone, with what else it holds as text. */
export const clipsAt = (paths: readonly string[], texts: Readonly<Record<string, string>> = {}) =>
  new Map<string, string>([...paths.map((path): [string, string] => [path, '']), ...Object.entries(texts)]);
