// Explanation over time and frequency: where a recording's features leave what normal recordings have shown.
import type { FrameSums } from '../encoders/frame-sums.ts';
import type { Frames } from '../encoders/types.ts';
import { InputError } from '../signal/errors.ts';
import type { FrameStatistics } from './detector.ts';

/** Mean and spread; the spread is limited below by a tenth of its median, as a constant feature explains nothing. */
export function frameStatistics(sums: FrameSums): FrameStatistics {
  const average = sums.sum.map((value) => value / sums.count);
  const spread = sums.squares.map((value, d) => Math.sqrt(Math.max(0, value / sums.count - average[d] ** 2)));
  const median = Float64Array.from(spread).sort()[spread.length >> 1];
  const floor = Math.max(0.1 * median, 1e-6);
  return {
    mean: Float32Array.from(average),
    deviation: Float32Array.from(spread, (value) => Math.max(value, floor)),
    bands: sums.bands,
  };
}

/** How unusual every band is at every step of time. */
export type DeviationMap = {
  /** [steps, bands]: root mean square of the features' standard scores, minus 1 (0 is usual). */
  values: Float32Array;
  steps: number;
  bands: { lowHz: number; highHz: number }[];
  starts: Float64Array;
  stepSeconds: number;
};

/** Longest map that a picture can show. */
const MAX_STEPS = 120;

/**
 * Standard scores of the features over time against normal recordings, pooled to at most 120 steps of time.
 * @throws InputError if the frames are not those the statistics were made from.
 */
export function deviationMap(frames: Frames, statistics: FrameStatistics): DeviationMap {
  if (frames.width !== statistics.mean.length) {
    throw new InputError(`explain: expected frames of ${statistics.mean.length} values, got ${frames.width}`);
  }
  const pool = Math.max(1, Math.ceil(frames.count / MAX_STEPS));
  const steps = Math.ceil(frames.count / pool);
  const { bands } = statistics;
  const values = new Float32Array(steps * bands.length);
  for (let s = 0; s < steps; s++) {
    const end = Math.min(frames.count, (s + 1) * pool);
    for (const [b, band] of bands.entries()) {
      let sum = 0;
      for (let t = s * pool; t < end; t++) {
        for (let d = band.start; d < band.end; d++) {
          sum += ((frames.values[t * frames.width + d] - statistics.mean[d]) / statistics.deviation[d]) ** 2;
        }
      }
      values[s * bands.length + b] = Math.sqrt(sum / ((end - s * pool) * (band.end - band.start))) - 1;
    }
  }
  const starts = Float64Array.from({ length: steps }, (_, s) => frames.starts[s * pool]);
  const stepSeconds = steps > 1 ? starts[1] - starts[0] : frames.seconds;
  return { values, steps, bands: bands.map(({ lowHz, highHz }) => ({ lowHz, highHz })), starts, stepSeconds };
}
