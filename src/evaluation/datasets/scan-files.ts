// Scans of data sets where every path speaks for itself: folder and file name say all that is known about a recording.
import { missingLabels, notUnderstood } from './problems.ts';
import type { Problem, Sample, Scan } from './types.ts';

/** What a path holds: samples, a contradiction, or nothing that is understood. */
export type PathReading = { samples: Sample[] } | { problem: Problem } | undefined;

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
};

/** Reads every path by itself, in order; then come contradictions, classes not found and paths not understood. */
export function scanFiles({ id, files, read, places, expected }: FileScan): Scan {
  const samples: Sample[] = [];
  const contradictions: Problem[] = [];
  const others: string[] = [];
  for (const path of files) {
    const reading = read(path);
    if (reading === undefined) others.push(path);
    else if ('problem' in reading) contradictions.push(reading.problem);
    else samples.push(...reading.samples);
  }
  const problems = [...missingLabels(id, samples, places), ...contradictions, ...notUnderstood(id, others, expected)];
  return { samples, problems };
}

export const isMat = (path: string): boolean => /\.mat$/i.test(path);

/** A file whose folder says another class, bearing or the like than its name. */
export const misplaced = (id: string, path: string): PathReading => ({
  problem: {
    kind: 'inconsistent',
    path,
    message: `${id}: expected the folder and the name of a file to say the same, found ${path}; move it to the folder of its name`,
  },
});
