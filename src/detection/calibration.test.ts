import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createRandom, type Random } from '../signal/simulate/random.ts';
import { createCalibration, pValue, thresholdBasis, thresholdFor } from './calibration.ts';
import { studentTail } from './student-t.ts';

const oneTo = (n: number) => createCalibration(Array.from({ length: n }, (_, i) => n - i));

describe('pValue', () => {
  it('is the conformal one among at least 20 scores: (1 + those at least as high) / (n + 1)', () => {
    const calibration = oneTo(20);
    // The anchor is the 5th highest, 16.
    expect([0, 1, 1.5, 10, 10.5, 15.999, 16].map((score) => pValue(calibration, score) * 21)).toEqual(
      [21, 21, 20, 12, 11, 6, 6].map((count) => expect.closeTo(count, 12)),
    );
    expect(pValue(calibration, 16.001) * 21).toBeLessThan(6);
  });

  it('counts ties as at least as high', () => {
    const calibration = createCalibration([...Array(10).fill(1), ...Array(12).fill(2), 3, 3, 3, 3, 3, 3]);
    expect(pValue(calibration, 1)).toBe(1);
    expect(pValue(calibration, 2)).toBeCloseTo(19 / 29, 14);
    expect(pValue(calibration, 3)).toBeCloseTo(7 / 29, 14);
  });

  it('is a prediction interval of the logarithms below 20 scores', () => {
    const calibration = createCalibration([Math.E ** 3, Math.E, Math.E ** 2]);
    for (const logarithm of [-1, 0, 1, 2, 4, 20]) {
      const t = (logarithm - 2) / Math.sqrt(4 / 3);
      const wanted = 0.5 - t / (2 * Math.sqrt(2 + t * t)); // Student t with 2 degrees of freedom
      expect(pValue(calibration, Math.exp(logarithm))).toBeCloseTo(wanted, 12);
    }
    expect(pValue(calibration, 0)).toBeCloseTo(1, 2);
  });

  it('goes on as an exponential where the highest scores spread wider than the logarithms of all', () => {
    const usual = Array.from({ length: 40 }, (_, i) => 0.95 + i / 390); // up to 1.05
    const calibration = createCalibration([...usual, 1.2, 1.6, 2, 2.4, 2.8, 3.2]);
    // The seven highest exceed the lowest of them, 1.05, by 1.15 on average.
    for (const score of [4, 6, 9]) {
      expect(pValue(calibration, score) * 47).toBeCloseTo(Math.exp(-(score - 3.2) / 1.15), 10);
    }
  });

  it('goes on as Student’s t of the logarithms where that is the heavier tail', () => {
    const calibration = oneTo(25); // effective count 15
    const logarithms = Array.from({ length: 25 }, (_, i) => Math.log(i + 1));
    const mean = logarithms.reduce((a, b) => a + b, 0) / 25;
    const deviation = Math.sqrt(logarithms.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 24);
    const tail = (score: number) => studentTail((Math.log(score) - mean) / (deviation * Math.sqrt(1 + 1 / 15)), 14);
    for (const score of [60, 200]) {
      expect(pValue(calibration, score) * 26).toBeCloseTo(tail(score) / tail(25), 10);
    }
  });

  it('stays above 0, however far', () => {
    for (const calibration of [createCalibration([1, 1, 1]), oneTo(30), createCalibration(Array(500).fill(2))]) {
      const far = [1e6, 1e300, Number.POSITIVE_INFINITY].map((score) => pValue(calibration, score));
      expect(far.every((p) => p > 0 && p < 1e-6)).toBe(true);
    }
  });

  const scores = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 3, maxLength: 60 });

  it('falls as the score rises', () => {
    fc.assert(
      fc.property(scores, fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 2 }), (normal, asked) => {
        const calibration = createCalibration(normal);
        const ordered = [...asked, ...normal].sort((a, b) => a - b).map((score) => pValue(calibration, score));
        for (let i = 1; i < ordered.length; i++) expect(ordered[i]).toBeLessThanOrEqual(ordered[i - 1] * (1 + 1e-12));
        expect(ordered.every((p) => p > 0 && p <= 1)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on from the highest score at the last rank, and falls from there', () => {
    const spread = fc.array(fc.double({ min: 0.5, max: 20, noNaN: true }), { minLength: 20, maxLength: 80 });
    fc.assert(
      fc.property(spread, (normal) => {
        const calibration = createCalibration(normal);
        const highest = calibration.scores[normal.length - 1];
        const lastRank = 1 / (normal.length + 1);
        const just = pValue(calibration, highest * (1 + 1e-9));
        expect(pValue(calibration, highest)).toBeGreaterThanOrEqual(2 * lastRank * (1 - 1e-12));
        expect(just).toBeLessThanOrEqual(lastRank);
        expect(just).toBeGreaterThan(lastRank * (1 - 1e-4));
        expect(pValue(calibration, 10 * highest)).toBeLessThan(just);
      }),
    );
  });
});

describe('thresholdFor', () => {
  it('is the inverse of pValue', () => {
    const shape = fc.record({
      n: fc.integer({ min: 3, max: 120 }),
      seed: fc.nat(),
      rate: fc.double({ min: 1e-4, max: 0.4, noNaN: true }),
    });
    fc.assert(
      fc.property(shape, ({ n, seed, rate }) => {
        const random = createRandom(seed);
        const calibration = createCalibration(Array.from({ length: n }, () => random.uniform(0.5, 1.5)));
        const threshold = thresholdFor(calibration, rate);
        expect(pValue(calibration, threshold)).toBeLessThanOrEqual(rate);
        expect(pValue(calibration, threshold * (1 - 1e-8))).toBeGreaterThan(rate);
      }),
    );
  });

  it('is a score of the calibration where ranks decide', () => {
    const calibration = oneTo(999);
    // p(score) = (1 + 1000 - ceil(score)) / 1000; the lowest score with p <= 0.05 lies just above 950.
    expect(thresholdFor(calibration, 0.05)).toBeCloseTo(950, 5);
    expect(thresholdBasis(calibration, 0.05)).toBe('distribution-free');
    // The highest of 999 stands for one in a thousand.
    expect(thresholdBasis(calibration, 0.001)).toBe('distribution-free');
    expect(thresholdBasis(calibration, 0.00099)).toBe('tail model');
    expect(thresholdBasis(oneTo(19), 0.9)).toBe('tail model');
  });

  it('is finite for recordings that are all the same, and for any rate', () => {
    for (const calibration of [createCalibration([1, 1, 1, 1]), createCalibration(Array(50).fill(0)), oneTo(5)]) {
      for (const rate of [1e-3, 0.01, 0.5, 0.99, 0.999999]) {
        const threshold = thresholdFor(calibration, rate);
        expect(Number.isFinite(threshold) && threshold >= 0).toBe(true);
        expect(pValue(calibration, threshold)).toBeLessThanOrEqual(rate);
      }
    }
  });
});

it('gives up on a rate that few scores say nothing about', () => {
  const find = () => thresholdFor(oneTo(5), 1e-9);
  expect(find).toThrow(InputError);
  expect(find).toThrow('thresholdFor: 5 normal segments say nothing about a false-alarm rate of 1e-9; give more');
});

describe('false alarms', () => {
  /** A distribution of scores: how to draw from it, and its exact tail. */
  type Scores = { draw(random: Random): number; tail(score: number): number };

  /** Sums of `shape` exponential draws: gamma-distributed. */
  const gamma = (shape: number): Scores => ({
    draw: (random) => {
      let sum = 0;
      for (let i = 0; i < shape; i++) sum -= Math.log(random.uniform());
      return sum;
    },
    tail: (score) => {
      let term = Math.exp(-score);
      let sum = term;
      for (let i = 1; i < shape; i++) {
        term *= score / i;
        sum += term;
      }
      return sum;
    },
  });
  const kinds: Record<string, Scores> = {
    'gamma, shape 10': gamma(10),
    'gamma, shape 50': gamma(50),
    'log-normal, deviation 0.3': {
      draw: (random) => Math.exp(random.gaussian(0, 0.3)),
      tail: (score) => studentTail(Math.log(score) / 0.3, 1e7), // as good as normal
    },
  };
  const detectors = 400;

  /** Mean false-alarm rate of 400 detectors, each with a calibration of its own, over the rate asked for. */
  const alarmRatio = ({ draw, tail }: Scores, n: number, rate: number): number => {
    let sum = 0;
    for (let i = 0; i < detectors; i++) {
      const random = createRandom(`${n} ${i}`);
      sum += tail(thresholdFor(createCalibration(Array.from({ length: n }, () => draw(random))), rate));
    }
    return sum / detectors / rate;
  };

  // The tail model errs on the safe side: real leave-one-out scores are worth fewer than independent ones, as here.
  describe.each([0.01, 0.05])('at a rate of %f', (rate) => {
    describe.each([
      [5, 0.15, 1.1],
      [20, 0.15, 1.1],
      [100, 0.3, 1.1],
      [500, 0.4, 1.1],
    ])('with %i normals', (n, low, high) => {
      it.each(Object.keys(kinds))(`stay between ${low} and ${high} times the rate (%s)`, (kind) => {
        const ratio = alarmRatio(kinds[kind], n, rate);
        expect(ratio).toBeGreaterThan(low);
        expect(ratio).toBeLessThan(high);
      });
    });
  });

  it('meet the rate where ranks decide, whatever the distribution', () => {
    for (const kind of Object.values(kinds)) expect(Math.abs(alarmRatio(kind, 500, 0.05) - 1)).toBeLessThan(0.03);
  });
});

describe('bad input', () => {
  it.each([0, 1, 2])('refuses %i scores', (n) => {
    const make = () => createCalibration(Array(n).fill(1));
    expect(make).toThrow(InputError);
    expect(make).toThrow(`expected at least 3 normal segments, got ${n}; give more normal recordings`);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a score of %f', (score) => {
    const make = () => createCalibration([1, score, 2]);
    expect(make).toThrow(InputError);
    expect(make).toThrow(`expected finite scores, got ${score}`);
  });

  it.each([0, 1, -0.1, 1.5, Number.NaN])('refuses a rate of %f', (rate) => {
    const find = () => thresholdFor(oneTo(5), rate);
    expect(find).toThrow(InputError);
    expect(find).toThrow(`expected a false-alarm rate between 0 and 1, got ${rate}`);
  });
});
