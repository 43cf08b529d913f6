import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ageRemainingLife,
  constantRemainingLife,
  estimateRemainingLife,
  failureHealth,
  fitLine,
  phmScore,
} from './rul.ts';

describe('phmScore', () => {
  it.each([
    ['exact', 100, 100, 1],
    // Er = -5: half; -10: a quarter; -100 (twice too long): 0.5^20.
    ['5 % too late', 100, 105, 0.5],
    ['10 % too late', 100, 110, 0.25],
    ['twice the life', 100, 200, 0.5 ** 20],
    // Er = 20: half; 40: a quarter; 100 (failed already): 0.5^5.
    ['20 % too early', 100, 80, 0.5],
    ['40 % too early', 100, 60, 0.25],
    ['failed already', 100, 0, 1 / 32],
    ['10 % too early', 2000, 1800, Math.SQRT1_2],
  ])('%s', (_, actual, predicted, expected) => {
    expect(phmScore(actual, predicted)).toBeCloseTo(expected, 12);
  });

  it('punishes late predictions harder than early ones, and every error', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (e, actual) => {
          const [late, early] = [phmScore(actual, actual * (1 + e)), phmScore(actual, actual * (1 - e))];
          expect(late).toBeLessThan(early);
          expect(early).toBeLessThan(1);
        },
      ),
    );
  });

  it.each([
    [0, 1, /remaining life above 0, got 0/],
    [10, -1, /prediction of at least 0, got -1/],
    [10, Number.POSITIVE_INFINITY, /got Infinity/],
  ])('refuses %s and %s', (actual, predicted, message) => {
    expect(() => phmScore(actual, predicted)).toThrow(message);
  });
});

describe('baselines', () => {
  it('take the age from the mean life, down to 0', () => {
    expect(ageRemainingLife([100, 200, 600], 120)).toBe(180);
    expect(ageRemainingLife([100, 200, 600], 400)).toBe(0);
  });

  it('say one thing at any age', () => {
    // Mean life 200; left at 50 % and 90 %: 100 and 20.
    expect(constantRemainingLife([100, 300], [0.5, 0.9])).toBeCloseTo(60, 12);
  });

  it('refuse to learn from nothing', () => {
    expect(() => ageRemainingLife([], 1)).toThrow(/ageRemainingLife: expected at least 1 finished life/);
    expect(() => constantRemainingLife([], [0.5])).toThrow(/at least 1 finished life/);
  });
});

describe('fitLine', () => {
  it('is least squares', () => {
    // Mean (1, 3); covariance 1 * 1 + 1 * 2 = 3 with deviations (-1, 0, 1) and (-1, -1, 2); variance 2.
    const line = fitLine([0, 1, 2], [2, 2, 5]);
    expect(line?.slope).toBeCloseTo(1.5, 12);
    expect(line?.last).toBeCloseTo(4.5, 12);
    expect(fitLine([3, 3], [1, 2])).toBeUndefined();
  });
});

const lives = [
  { lifeSeconds: 1000, finalHealth: 8 },
  { lifeSeconds: 3000, finalHealth: 32 },
  { lifeSeconds: 2000, finalHealth: 16 },
];

/** Health that doubles every 100 s from `first` at age 0, one record every 50 s. */
const doubling = (records: number, first = 1) => {
  const ageSeconds = Array.from({ length: records }, (_, i) => 50 * i);
  return { ageSeconds, health: ageSeconds.map((age) => first * 2 ** (age / 100)) };
};

describe('estimateRemainingLife', () => {
  it('takes the median final health as the end', () => {
    expect(failureHealth(lives)).toBe(16);
    expect(failureHealth(lives.slice(0, 2))).toBe(20);
  });

  it('extrapolates exponential growth to the end', () => {
    // 16 is reached at 400 s; the last record is at 250 s.
    const { seconds, basis } = estimateRemainingLife({ ...doubling(6), onset: 0 }, lives);
    expect(basis).toBe('trend');
    expect(seconds).toBeCloseTo(150, 9);
  });

  it('looks at records since the onset only', () => {
    const { ageSeconds, health } = doubling(10);
    const broken = health.map((value, i) => (i < 4 ? 7 : value));
    // The last record is at 450 s with health 22.6: failure is overdue.
    expect(estimateRemainingLife({ ageSeconds, health: broken, onset: 4 }, lives).seconds).toBe(0);
    const higher = lives.map((life) => ({ ...life, finalHealth: 64 }));
    expect(estimateRemainingLife({ ageSeconds, health: broken, onset: 4 }, higher).seconds).toBeCloseTo(150, 9);
  });

  it.each([
    ['without an onset', { ...doubling(6) }],
    ['soon after the onset', { ...doubling(6), onset: 2 }],
    ['with health that falls', { ageSeconds: doubling(6).ageSeconds, health: [9, 8, 7, 6, 5, 4], onset: 0 }],
  ])('goes by age %s', (_, running) => {
    expect(estimateRemainingLife(running, lives)).toEqual({ seconds: 1750, basis: 'age' });
  });

  it('promises no more than the longest life', () => {
    const ageSeconds = [0, 1, 2, 3, 4];
    const slow = { ageSeconds, health: ageSeconds.map((age) => 1 + 1e-9 * age), onset: 0 };
    expect(estimateRemainingLife(slow, lives)).toEqual({ seconds: 3000, basis: 'trend' });
  });

  it('is never negative and never beyond the longest life', () => {
    const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(positive, { minLength: 1, maxLength: 20 }),
        fc.array(fc.record({ lifeSeconds: positive, finalHealth: positive }), { minLength: 1, maxLength: 5 }),
        fc.nat(20),
        (health, finished, onset) => {
          const ageSeconds = health.map((_, i) => 100 * i);
          const { seconds } = estimateRemainingLife({ ageSeconds, health, onset }, finished);
          expect(seconds).toBeGreaterThanOrEqual(0);
          expect(seconds).toBeLessThanOrEqual(Math.max(...finished.map(({ lifeSeconds }) => lifeSeconds)));
        },
      ),
    );
  });

  it.each([
    [{ ageSeconds: [0], health: [0] }, /finite health values above 0, got 0/],
    [{ ageSeconds: [], health: [] }, /at least 1 record, got none/],
    [{ ageSeconds: [0, 1], health: [1] }, /as many times as values, got 2 and 1/],
  ])('refuses %j', (running, message) => {
    expect(() => estimateRemainingLife(running, lives)).toThrow(message);
  });
});
