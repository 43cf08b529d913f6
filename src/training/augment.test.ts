import { describe, expect, it } from 'vitest';
import type { Features } from '../encoders/trunk.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { betaSample, dropPathFactors, mixup, rollFrames, specAugment } from './augment.ts';

const counted = (frames: number, bins: number): Features => ({
  values: Float32Array.from({ length: frames * bins }, (_, i) => i + 1),
  frames,
  bins,
});

const draws = <T>(count: number, draw: (seed: number) => T): T[] => Array.from({ length: count }, (_, i) => draw(i));

const moments = (values: readonly number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
};

describe('betaSample', () => {
  it.each([
    [0.8, 0.8],
    [10, 10],
    [0.2, 0.2],
    [2, 5],
    [1, 1],
  ])('has the moments of Beta(%d, %d)', (a, b) => {
    const random = createRandom(`${a} ${b}`);
    const values = draws(20_000, () => betaSample(random, a, b));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    const { mean, variance } = moments(values);
    const deviation = Math.sqrt((a * b) / ((a + b) ** 2 * (a + b + 1)));
    expect(Math.abs(mean - a / (a + b))).toBeLessThan((4 * deviation) / Math.sqrt(20_000));
    expect(Math.abs(variance / deviation ** 2 - 1)).toBeLessThan(0.05);
  });

  it('is uniform for 1 and 1', () => {
    const random = createRandom(1);
    const values = draws(20_000, () => betaSample(random, 1, 1)).sort((x, y) => x - y);
    const furthest = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (i + 0.5) / values.length)), 0);
    // Kolmogorov-Smirnov, at a level of about 1e-6.
    expect(furthest).toBeLessThan(2.7 / Math.sqrt(values.length));
  });

  it('is 0 or 1 for the smallest parameters, never NaN', () => {
    const random = createRandom(2);
    const values = draws(200, () => betaSample(random, 1e-4, 1e-4));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(moments(values).mean).toBeCloseTo(0.5, 0);
    expect(() => betaSample(random, 0, 1)).toThrow('betaSample: expected parameters above 0, got 0 and 1');
    expect(() => betaSample(random, 1, Number.NaN)).toThrow(InputError);
  });
});

describe('specAugment', () => {
  /** Frames and bins that are 0 throughout, and whether every other value is as it was. */
  function masked(before: Features, after: Features) {
    const { frames, bins } = before;
    const frameIsZero = draws(frames, (t) => draws(bins, (k) => after.values[t * bins + k]).every((v) => v === 0));
    const binIsZero = draws(bins, (k) => draws(frames, (t) => after.values[t * bins + k]).every((v) => v === 0));
    const kept = before.values.every((value, i) => {
      const zero = frameIsZero[Math.floor(i / bins)] || binIsZero[i % bins];
      return after.values[i] === (zero ? 0 : value);
    });
    return { time: frameIsZero.filter(Boolean).length, band: binIsZero.filter(Boolean).length, kept, frameIsZero };
  }

  const features = counted(50, 16);

  it('sets one stretch of frames and one band to 0, of widths up to the ratios', () => {
    const original = features.values.slice();
    const outcomes = draws(2000, (seed) => {
      const after = specAugment(features, { timeRatio: 0.2, frequencyRatio: 0.25 }, createRandom(seed));
      return masked(features, after);
    });
    expect(features.values).toEqual(original);
    expect(outcomes.every(({ kept }) => kept)).toBe(true);
    const widths = (of: 'time' | 'band') => new Set(outcomes.map((outcome) => outcome[of]));
    expect([...widths('time')].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...widths('band')].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    // Uniform in [0, 10) and rounded down: 4.5 in the mean.
    expect(moments(outcomes.map(({ time }) => time)).mean).toBeCloseTo(4.5, 0);
    // Every frame is hidden at times, those in the middle most.
    const hidden = draws(50, (t) => outcomes.filter(({ frameIsZero }) => frameIsZero[t]).length);
    expect(Math.min(...hidden)).toBeGreaterThan(0);
    expect(hidden[25] / 2000).toBeCloseTo(4.5 / 45, 1);
    const stretches = outcomes.filter(({ time }) => time > 1).map(({ frameIsZero }) => frameIsZero);
    expect(
      stretches.every((zero) => zero.lastIndexOf(true) - zero.indexOf(true) + 1 === zero.filter(Boolean).length),
    ).toBe(true);
  });

  it('has no band where there is one bin, and no mask at ratios of 0', () => {
    const wave = counted(100, 1);
    const after = specAugment(wave, { timeRatio: 0, frequencyRatio: 1 }, createRandom(1));
    expect(after).toEqual(wave);
    expect(after.values).not.toBe(wave.values);
    expect(specAugment(features, { timeRatio: 0, frequencyRatio: 0 }, createRandom(1))).toEqual(features);
    expect(() => specAugment(wave, { timeRatio: 1.2, frequencyRatio: 0 }, createRandom(1))).toThrow(
      'specAugment: expected timeRatio from 0 to 1, got 1.2',
    );
  });
});

describe('mixup', () => {
  const batch = [1, 2, 4].map(
    (value): Features => ({ values: Float32Array.of(value, 10 * value), frames: 2, bins: 1 }),
  );
  const labels = [0, 1, 2].map((at) => Float32Array.from({ length: 3 }, (_, i) => (i === at ? 1 : 0)));

  it('mixes each crop and its labels with its partner in the reversed batch', () => {
    const { features, labels: soft, lambda } = mixup(batch, labels, { alpha: 0.8, probability: 1 }, createRandom(3));
    expect(lambda).toBeGreaterThan(0);
    expect(lambda).toBeLessThan(1);
    const rest = 1 - lambda;
    const expected = [lambda + 4 * rest, 2, 4 * lambda + rest];
    for (const [i, value] of expected.entries()) {
      expect(features[i].values[0]).toBeCloseTo(value, 5);
      expect(features[i].values[1]).toBeCloseTo(10 * value, 4);
    }
    const shares = [
      [lambda, 0, rest],
      [0, 1, 0],
      [rest, 0, lambda],
    ];
    for (const [i, row] of shares.entries()) {
      for (const [k, share] of row.entries()) expect(soft[i][k]).toBeCloseTo(share, 6);
    }
    expect(batch[0].values).toEqual(Float32Array.of(1, 10));
    expect(labels[0]).toEqual(Float32Array.of(1, 0, 0));
  });

  it('leaves as many batches as they are as asked for', () => {
    const lambdas = draws(4000, (seed) => mixup(batch, labels, { alpha: 0.8 }, createRandom(seed)).lambda);
    const mixed = lambdas.filter((lambda) => lambda < 1);
    expect(mixed.length / 4000).toBeCloseTo(0.9, 1);
    expect(moments(mixed).mean).toBeCloseTo(0.5, 1);
    expect(moments(mixed).variance).toBeCloseTo(1 / (4 * 2.6), 2);
    const plain = mixup(batch, labels, { alpha: 0 }, createRandom(1));
    expect(plain).toEqual({ features: batch, labels, lambda: 1 });
  });

  it('refuses what cannot be mixed', () => {
    const random = createRandom(1);
    const longer = [batch[0], { ...batch[1], values: new Float32Array(3), frames: 3 }, batch[2]];
    expect(() => mixup(longer, labels, { alpha: 1 }, random)).toThrow(
      'mixup: expected features of equal sizes, got 2 x 1 and 3 x 1; cut crops to one length',
    );
    expect(() => mixup(batch, labels.slice(1), { alpha: 1 }, random)).toThrow('expected labels of 3 crops, got 2');
    expect(() => mixup(batch, labels, { alpha: -1 }, random)).toThrow('expected alpha from 0 on, got -1');
    expect(() => mixup(batch, labels, { alpha: 1, probability: 2 }, random)).toThrow(InputError);
  });
});

describe('rollFrames', () => {
  it('moves frames by -10 to 9 around the ends and adds uniform noise of one level', () => {
    const features = counted(30, 4);
    const original = features.values.slice();
    const seen = draws(1000, (seed) => {
      const { values } = rollFrames(features, createRandom(seed));
      // Whole numbers below 121 plus noise below 0.1: the first value tells where its frame came from.
      const from = (Math.floor(values[0]) - 1) / 4;
      const noise = Array.from(values, (value, i) => {
        const source = (from + Math.floor(i / 4)) % 30;
        return value - features.values[source * 4 + (i % 4)];
      });
      return { shift: from > 15 ? 30 - from : -from, most: Math.max(...noise), least: Math.min(...noise), noise };
    });
    expect(features.values).toEqual(original);
    const shifts = [...new Set(seen.map(({ shift }) => shift || 0))].sort((a, b) => a - b);
    expect(shifts).toEqual(Array.from({ length: 20 }, (_, i) => i - 10));
    expect(Math.max(...seen.map(({ most }) => most))).toBeLessThan(0.1001);
    expect(Math.min(...seen.map(({ least }) => least))).toBeGreaterThan(-1e-4);
    // The level is uniform, and so is the noise below it: 0.1 · 1/2 · 1/2 in the mean.
    expect(moments(seen.flatMap(({ noise }) => noise)).mean).toBeCloseTo(0.025, 3);
    expect(moments(seen.map(({ most }) => most)).variance).toBeCloseTo(0.01 / 12, 4);
  });

  it('goes round a crop that is shorter than the roll', () => {
    const { values } = rollFrames(counted(3, 1), createRandom(4));
    expect(Array.from(values, Math.floor).sort()).toEqual([1, 2, 3]);
  });
});

describe('dropPathFactors', () => {
  it('is 0 at the rate of every block, and 1 in the mean', () => {
    const rates = [0, 0.1, 0.5, 0.9];
    const factors = dropPathFactors(createRandom(5), 20_000, rates);
    for (const [block, rate] of rates.entries()) {
      const kept = Math.fround(1 / (1 - rate));
      expect(new Set(factors[block])).toEqual(new Set(rate === 0 ? [1] : [0, kept]));
      const deviation = Math.sqrt(rate / (1 - rate) / 20_000);
      expect(Math.abs(moments([...factors[block]]).mean - 1)).toBeLessThan(4 * deviation + 1e-6);
    }
    const [, , half, most] = factors;
    const both = half.filter((value, i) => value > 0 && most[i] > 0).length;
    expect(both / 20_000).toBeCloseTo(0.05, 2);
  });

  it('refuses a block that is never there', () => {
    expect(() => dropPathFactors(createRandom(1), 2, [0, 1])).toThrow(
      'dropPathFactors: expected rates from 0 to below 1, got 1',
    );
  });
});
