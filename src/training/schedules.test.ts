import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineSchedule, linearSchedule, stepDown } from './schedules.ts';

describe('cosineSchedule', () => {
  const schedule = { peak: 4, floor: 1, warmUpSteps: 10, steps: 110 };

  it.each([
    [1, 0.4],
    [5, 2],
    [10, 4],
    // A quarter, half and three quarters of the way: floor + 3 (1 + cos) / 2.
    [35, 1 + 1.5 * (1 + Math.SQRT1_2)],
    [60, 2.5],
    [85, 1 + 1.5 * (1 - Math.SQRT1_2)],
    [110, 1],
    [500, 1],
  ])('is at step %i: %f', (step, value) => {
    expect(cosineSchedule(schedule, step)).toBeCloseTo(value, 12);
  });

  it('begins below its peak without a warm-up, and ends at its floor', () => {
    expect(cosineSchedule({ ...schedule, warmUpSteps: 0, steps: 4 }, 2)).toBeCloseTo(2.5, 12);
    expect(cosineSchedule({ ...schedule, warmUpSteps: 0, steps: 1 }, 1)).toBe(1);
  });

  it('only rises through a warm-up that is longer than the run', () => {
    expect([1, 2, 3].map((step) => cosineSchedule({ ...schedule, steps: 3 }, step))).toEqual([0.4, 0.8, 1.2]);
  });

  it('never leaves floor and peak after the warm-up, and never rises', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 51, max: 400 }), (warmUpSteps, steps) => {
        const values = Array.from({ length: steps - warmUpSteps }, (_, i) =>
          cosineSchedule({ peak: 4, floor: 1, warmUpSteps, steps }, warmUpSteps + i + 1),
        );
        return values.every((value, i) => value >= 1 && value <= 4 && (i === 0 || value <= values[i - 1]));
      }),
    );
  });
});

describe('linearSchedule', () => {
  it.each([
    [0, 0.99],
    [1, 0.99225],
    [2, 0.9945],
    [4, 0.999],
    [9, 0.999],
  ])('is at step %i: %f', (step, value) => {
    expect(linearSchedule({ from: 0.99, to: 0.999, steps: 4 }, step)).toBeCloseTo(value, 12);
  });
});

describe('stepDown', () => {
  const levels = [
    { from: 0, value: 1 },
    { from: 60_000, value: 0.3 },
  ];
  it.each([
    [1, 1],
    [59_999, 1],
    [60_000, 0.3],
    [1e6, 0.3],
  ])('is at step %i: %f', (step, value) => {
    expect(stepDown(levels, step)).toBe(value);
  });

  it('holds its first value before the first level', () => {
    expect(stepDown([{ from: 5, value: 2 }], 1)).toBe(2);
  });
});
