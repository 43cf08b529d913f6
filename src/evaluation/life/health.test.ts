import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { healthIndicator, monotonicity, onsetOf, prognosability, trendability } from './health.ts';

const scores = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });
const windows = fc.integer({ min: 1, max: 10 });

describe('healthIndicator', () => {
  it('is the geometric mean of the last records, of fewer at the beginning', () => {
    const health = healthIndicator([1, 4, 2, 32], 2);
    for (const [i, expected] of [1, 2, Math.sqrt(8), 8].entries()) expect(health[i]).toBeCloseTo(expected, 12);
  });

  it('does not change what it said when records are added', () => {
    fc.assert(
      fc.property(scores, scores, windows, (before, after, window) => {
        const whole = healthIndicator([...before, ...after], window);
        expect(whole.slice(0, before.length)).toEqual(healthIndicator(before, window));
      }),
    );
  });

  it('lies between the lowest and the highest score of its window', () => {
    fc.assert(
      fc.property(scores, windows, (values, window) => {
        for (const [i, health] of healthIndicator(values, window).entries()) {
          const part = values.slice(Math.max(0, i + 1 - window), i + 1).map((value) => Math.max(1e-9, value));
          expect(health).toBeGreaterThanOrEqual(Math.min(...part) * (1 - 1e-9));
          expect(health).toBeLessThanOrEqual(Math.max(...part) * (1 + 1e-9));
        }
      }),
    );
  });

  it.each([
    [[1, Number.NaN], 2, /got NaN at record 1/],
    [[-1], 2, /got -1 at record 0/],
    [[1], 0, /window of at least 1 record, got 0/],
  ])('refuses %j with a window of %s', (values, window, message) => {
    expect(() => healthIndicator(values, window)).toThrow(InputError);
    expect(() => healthIndicator(values, window)).toThrow(message);
  });
});

describe('onsetOf', () => {
  const from = { from: 2, least: 2 };
  it.each([
    ['the last unbroken stretch', [1, 1, 3, 1, 3, 3], 4],
    ['not while health is normal', [1, 1, 3, 3, 3, 1], undefined],
    ['not for fewer records than asked', [1, 1, 1, 1, 1, 3], undefined],
    ['at the threshold itself', [1, 1, 1, 2, 2, 2], 3],
    ['never before the fitted records', [3, 3, 3, 3, 3, 3], 2],
    ['none without records', [], undefined],
  ])('finds %s', (_, health, expected) => {
    expect(onsetOf(health, 2, from)).toBe(expected);
  });
});

describe('monotonicity', () => {
  it.each([
    [[1, 2, 3, 4], 1],
    [[4, 3, 1], 1],
    // 3 rises, 1 fall over 4 steps.
    [[1, 2, 3, 2, 5], 0.5],
    [[1, 2, 1], 0],
    // 1 rise over 3 steps, two of them level.
    [[1, 1, 2, 2], 1 / 3],
  ])('of %j is %s', (values, expected) => {
    expect(monotonicity(values)).toEqual({ value: expected });
  });

  it('is undefined for one value', () => {
    expect(monotonicity([1])).toEqual({ value: null, reason: 'monotonicity needs 2 records, there are 1' });
  });

  it('does not depend on the direction of time, nor on the scale', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2 }), (values) => {
        const value = monotonicity(values);
        expect(monotonicity(values.toReversed())).toEqual(value);
        expect(monotonicity(values.map((one) => one ** 3))).toEqual(value);
      }),
    );
  });
});

describe('trendability', () => {
  it('is the absolute correlation with time', () => {
    // Deviations (-1, 0, 1) and (-1, 1, 0): covariance 1, variances 2 and 2.
    expect(trendability([1, 3, 2], [0, 1, 2]).value).toBeCloseTo(0.5, 12);
    expect(trendability([9, 7, 5, 3], [0, 1, 2, 3]).value).toBeCloseTo(1, 12);
    // Records missing in time: deviations (-2, -1, 3) and (-2, -1, 3).
    expect(trendability([0, 10, 50], [0, 1, 5]).value).toBeCloseTo(1, 12);
  });

  it.each([
    ['too few records', [1, 2], [0, 1], /needs 3 records/],
    ['an indicator that does not change', [0.1, 0.1, 0.1], [0, 1, 2], /indicator does not change/],
    ['time that stands still', [1, 2, 3], [4, 4, 4], /time does not change/],
  ])('is undefined for %s', (_, values, times, reason) => {
    const result = trendability(values, times);
    expect(result.value).toBeNull();
    expect(result.value === null && result.reason).toMatch(reason);
  });

  it('stays within 0 and 1', () => {
    const lists = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 3, maxLength: 30 });
    fc.assert(
      fc.property(lists, (values) => {
        const { value } = trendability(
          values,
          values.map((_, i) => 10 * i),
        );
        if (value !== null) expect(value >= 0 && value <= 1).toBe(true);
      }),
    );
  });

  it('refuses times that do not belong to the values', () => {
    expect(() => trendability([1, 2, 3], [0, 1])).toThrow(/as many times as values, got 2 and 3/);
  });
});

describe('prognosability', () => {
  it('compares the spread of final values with the range', () => {
    // Finals 4 and 6: standard deviation sqrt(2); ranges 3 and 5, mean 4.
    const { value } = prognosability([
      { initial: 1, final: 4 },
      { initial: 1, final: 6 },
    ]);
    expect(value).toBeCloseTo(Math.exp(-Math.SQRT2 / 4), 12);
  });

  it('is 1 where all lives end alike', () => {
    const lives = [
      { initial: 1, final: 5 },
      { initial: 2, final: 5 },
    ];
    expect(prognosability(lives)).toEqual({ value: 1 });
  });

  it('is undefined for one life, and where nothing changes', () => {
    expect(prognosability([{ initial: 1, final: 5 }]).value).toBeNull();
    const still = { initial: 2, final: 2 };
    expect(prognosability([still, still]).value).toBeNull();
  });
});
