// Scans of data sets where every path speaks for itself: folder and file name say all that is known about a recording.
import { missingLabels, notUnderstood } from './problems.ts';
import type { Problem, Sample, Scan } from './types.ts';

/** What a path holds: a sample or several, a contradiction, or nothing that is understood. */
export type PathReading = Sample | Sample[] | Problem | undefined;

export type FileScan = {
  /** Of the data set; problems begin with it. */
  id: string;
  /** The files that belong to the data set, or should. */
  files: readonly string[];
  read(path: string): PathReading;
  /** For every class, where its recordings lie. */
  places: Readonly<Record<string, string>>;
  /** What a path should look like, for those that are not understood. */
  expected: string;
  /** Which of `places` a sample belongs to, where that is not its label. */
  labelOf?: (sample: Sample) => string | undefined;
  /** What else may be wrong with the samples found; not asked where there are none. */
  check?: (samples: readonly Sample[]) => Problem[];
};

/** Reads every path by itself, in order; then come classes not found, contradictions and paths not understood. */
export function scanFiles({ id, files, read, places, expected, labelOf, check }: FileScan): Scan {
  const samples: Sample[] = [];
  const contradictions: Problem[] = [];
  const others: string[] = [];
  for (const path of files) {
    const reading = read(path);
    if (reading === undefined) others.push(path);
    else if (Array.isArray(reading)) samples.push(...reading);
    else if ('message' in reading) contradictions.push(reading);
    else samples.push(reading);
  }
  if (check && samples.length > 0) contradictions.push(...check(samples));
  const problems = [
    ...missingLabels(id, samples, places, labelOf),
    ...contradictions,
    ...notUnderstood(id, others, expected),
  ];
  return { samples, problems };
}
