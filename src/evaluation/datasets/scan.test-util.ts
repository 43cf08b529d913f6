// What the tests of data sets share: a folder of files in memory, counts, and every generated file read back.
import { readRecordings } from '../../signal/readers/index.ts';
import { type Recording, sampleCount } from '../../signal/recording.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import type { Folder } from '../files/folder.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

/** Files of which nothing is read. */
export const folderOf = (paths: Iterable<string>): Folder => ({ ...memoryFolder([]), files: [...paths].sort() });

export function countsOf(values: Iterable<string | undefined>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value ?? 'none'] = (counts[value ?? 'none'] ?? 0) + 1;
  return counts;
}

export const labelCounts = (samples: readonly Sample[]): Record<string, number> =>
  countsOf(samples.map(({ label }) => label));

/** The values of an attribute, each once, sorted. */
export const attributeValues = (samples: readonly Sample[], name: string): string[] =>
  [...new Set(samples.flatMap(({ attributes }) => attributes[name] ?? []))].sort();

/** A generated set and its scan. */
export function generated(dataSet: DataSet, options?: GenerateOptions) {
  const files = new Map<string, GeneratedFile>();
  for (const file of dataSet.generate(options)) {
    if (files.has(file.path)) throw new Error(`generated twice: ${file.path}`);
    files.set(file.path, file);
  }
  const scan = dataSet.scan(folderOf(files.keys()));
  const bytes = [...files.values()].reduce((total, file) => total + file.bytes.length, 0);
  const read = (sample: Sample): Promise<Recording[]> =>
    readRecordings(files.get(sample.path)?.bytes ?? new Uint8Array(), { name: sample.path, ...sample.read });
  return { files, scan, bytes, read };
}

/** Channels, samples and rate of every sample, and whether any channel is silent or constant. */
export async function shapesOf(set: ReturnType<typeof generated>): Promise<string[]> {
  const shapes = new Set<string>();
  for (const sample of set.scan.samples) {
    const [recording, ...more] = await set.read(sample);
    const { channels, sampleRate } = recording;
    const dead = channels.filter((samples) => samples.every((value) => value === samples[0])).length;
    shapes.add(`${channels.length} x ${sampleCount(recording)} at ${sampleRate}, ${dead} dead, ${more.length} more`);
  }
  return [...shapes];
}
