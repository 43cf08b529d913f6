import { describe, expect, it } from 'vitest';
import { averagePrecision, meanAveragePrecision } from './average-precision.ts';

describe('averagePrecision', () => {
  it('is 1 where all of the class come first, and their share where all scores are equal', () => {
    expect(averagePrecision([true, false, true], [0.9, 0.1, 0.8])).toEqual({ value: 1 });
    expect(averagePrecision([true, false, false, false], [1, 1, 1, 1])).toEqual({ value: 0.25 });
  });

  it('sums precision at every recording of the class that is found', () => {
    // Ranks 1, 3 and 4: precisions 1, 2/3 and 3/4.
    const { value } = averagePrecision([true, false, true, true, false], [5, 4, 3, 2, 1]);
    expect(value).toBeCloseTo((1 + 2 / 3 + 3 / 4) / 3, 12);
  });

  it('is undefined without a recording of the class', () => {
    expect(averagePrecision([false, false], [1, 2])).toEqual({ value: null, reason: 'no recording is of the class' });
  });
});

describe('meanAveragePrecision', () => {
  it('averages over the classes that occur', () => {
    const truth = [[0], [0, 1], [1]];
    const scores = [
      [0.9, 0.8, 1],
      [0.8, 0.7, 1],
      [0.1, 0.6, 1],
    ];
    // Class 0: 1. Class 1 at ranks 2 and 3: (1/2 + 2/3) / 2. Class 2 does not occur.
    expect(meanAveragePrecision(truth, scores).value).toBeCloseTo((1 + (1 / 2 + 2 / 3) / 2) / 2, 12);
    expect(meanAveragePrecision([[], []], [[1], [2]])).toEqual({ value: null, reason: 'no recording has a class' });
  });
});
