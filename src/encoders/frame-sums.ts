// Sums of features over time: mean and spread of any number of recordings, in memory that does not grow with them.
import type { Band, Frames } from './types.ts';

/** Running sums of features over time, for a mean and spread of everything normal in bounded memory. */
export type FrameSums = { count: number; sum: Float64Array; squares: Float64Array; bands: Band[] };

/** Adds the frames of one recording. */
export function addFrames(before: FrameSums | undefined, frames: Frames): FrameSums {
  const into = before ?? {
    count: 0,
    sum: new Float64Array(frames.width),
    squares: new Float64Array(frames.width),
    bands: frames.bands,
  };
  for (let t = 0; t < frames.count; t++) {
    for (let d = 0; d < frames.width; d++) {
      const value = frames.values[t * frames.width + d];
      into.sum[d] += value;
      into.squares[d] += value * value;
    }
  }
  into.count += frames.count;
  return into;
}

/** Joins the sums of two sets of recordings. */
export function mergeFrameSums(a: FrameSums | undefined, b: FrameSums | undefined): FrameSums | undefined {
  if (!a || !b) return a ?? b;
  return {
    count: a.count + b.count,
    sum: a.sum.map((value, d) => value + b.sum[d]),
    squares: a.squares.map((value, d) => value + b.squares[d]),
    bands: a.bands,
  };
}
