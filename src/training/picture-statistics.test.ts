// The numbers by which pictures are normalised.
import { describe, expect, it } from 'vitest';
import { pictureStatistics } from './picture-statistics.ts';

async function* batches(...all: number[][]) {
  for (const values of all) yield Float32Array.from(values);
}

describe('pictureStatistics', () => {
  it('are those of all values together', async () => {
    expect(await pictureStatistics(batches([1, 3], [5, 7, 9]))).toEqual({ mean: 5, deviation: 2.82843 });
    expect(await pictureStatistics(batches([-1 / 3, 0]))).toEqual({ mean: -0.166667, deviation: 0.166667 });
  });

  it('are refused of silence, and of nothing', async () => {
    await expect(pictureStatistics(batches([2, 2]))).rejects.toThrow('found 2 values that are all alike');
    await expect(pictureStatistics(batches())).rejects.toThrow('found 0 values');
  });
});
