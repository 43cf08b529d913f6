import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { addFrames } from '../encoders/frame-sums.ts';
import type { Frames } from '../encoders/types.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { deviationMap, frameStatistics } from './explain.ts';
import { equalBands } from './synthetic.test-util.ts';

/** Frames of 8 values in 4 bands, every 10 ms, each value normal around its own index with deviation 0.5. */
function exampleFrames(seed: string, count: number): Frames {
  const random = createRandom(seed);
  return {
    values: Float32Array.from({ length: count * 8 }, (_, i) => random.gaussian(i % 8, 0.5)),
    count,
    width: 8,
    starts: Float64Array.from({ length: count }, (_, t) => t / 100),
    seconds: 0.025,
    bands: equalBands(4, 8),
  };
}

const normal = exampleFrames('normal', 500);
const statistics = frameStatistics(addFrames(undefined, normal));
const column = (frames: Frames, d: number) => Array.from({ length: frames.count }, (_, t) => frames.values[t * 8 + d]);

describe('frameStatistics', () => {
  it('has mean and deviation of every feature', () => {
    for (let d = 0; d < 8; d++) {
      const values = column(normal, d);
      const mean = values.reduce((a, b) => a + b, 0) / 500;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 500);
      expect(Math.abs(statistics.mean[d] - mean)).toBeLessThan(1e-5);
      expect(Math.abs(statistics.deviation[d] - deviation)).toBeLessThan(1e-5);
    }
    expect(statistics.bands).toEqual(equalBands(4, 8));
  });

  it('takes a constant feature for one with a tenth of the median spread', () => {
    const values = normal.values.map((value, i) => (i % 8 === 3 ? 7 : value));
    const { deviation } = frameStatistics(addFrames(undefined, { ...normal, values }));
    const median = [...deviation].sort((a, b) => a - b)[4];
    expect(deviation[3]).toBeCloseTo(0.1 * median, 6);
  });
});

describe('deviationMap', () => {
  it('is the root mean square of the standard scores of a band, minus 1', () => {
    const frames = exampleFrames('asked', 3);
    const map = deviationMap(frames, statistics);
    const wanted = [0, 1, 2].flatMap((t) =>
      [0, 2, 4, 6].map((d) => {
        const score = (at: number) => (frames.values[t * 8 + at] - statistics.mean[at]) / statistics.deviation[at];
        return Math.sqrt((score(d) ** 2 + score(d + 1) ** 2) / 2) - 1;
      }),
    );
    expect(maxDifference(map.values, wanted)).toBeLessThan(1e-6);
    expect(map).toMatchObject({ steps: 3, starts: Float64Array.of(0, 0.01, 0.02), stepSeconds: 0.01 });
    expect(map.bands).toEqual([0, 1, 2, 3].map((b) => ({ lowHz: 1000 * b, highHz: 1000 * (b + 1) })));
  });

  it('shows a disturbance where and when it was, and nothing elsewhere', () => {
    const frames = exampleFrames('disturbed', 1000);
    for (let t = 300; t < 400; t++) frames.values[t * 8 + 5] += 10;
    const { values, steps, starts, stepSeconds } = deviationMap(frames, statistics);
    expect(steps).toBeLessThanOrEqual(120);
    expect(stepSeconds * steps).toBeGreaterThanOrEqual(10 - stepSeconds);
    for (let s = 0; s < steps; s++) {
      const inside = starts[s] >= 3 && starts[s] + stepSeconds <= 4.001;
      const outside = starts[s] + stepSeconds <= 3 || starts[s] >= 4;
      for (let b = 0; b < 4; b++) {
        if (b === 2 && inside) expect(values[s * 4 + b]).toBeGreaterThan(10);
        if (b !== 2 || outside) expect(Math.abs(values[s * 4 + b])).toBeLessThan(0.6);
      }
    }
    expect(starts.filter((start) => start >= 3 && start + stepSeconds <= 4.001).length).toBeGreaterThan(8);
  });

  it('pools to equal steps; the last may be shorter', () => {
    const frames = exampleFrames('pooled', 601);
    const { values, steps, starts } = deviationMap(frames, statistics);
    const pool = Math.ceil(601 / steps);
    expect(starts).toEqual(frames.starts.filter((_, t) => t % pool === 0));
    const last = { ...frames, values: frames.values.subarray((steps - 1) * pool * 8), count: 601 - (steps - 1) * pool };
    const squares = deviationMap(last, statistics).values.map((value) => (value + 1) ** 2);
    for (let b = 0; b < 4; b++) {
      const mean = squares.filter((_, i) => i % 4 === b).reduce((sum, square) => sum + square / last.count, 0);
      expect(values[(steps - 1) * 4 + b]).toBeCloseTo(Math.sqrt(mean) - 1, 5);
    }
  });

  it('has the length of a frame as its step where there is one', () => {
    expect(deviationMap(exampleFrames('one', 1), statistics)).toMatchObject({ steps: 1, stepSeconds: 0.025 });
  });

  it('refuses frames of another width', () => {
    const frames = { ...exampleFrames('wide', 2), width: 4 };
    expect(() => deviationMap(frames, statistics)).toThrow('explain: expected frames of 8 values, got 4');
  });
});
