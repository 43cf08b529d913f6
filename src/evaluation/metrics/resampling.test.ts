import { describe, expect, it } from 'vitest';
import { readGoldenJson } from '../../../tests/golden.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import type { Measured } from './measured.ts';
import { bootstrapInterval, dcaseJackknife } from './resampling.ts';
import { partialAuc, rocAuc } from './roc.ts';

const value = (found: Measured): number => found.value ?? Number.NaN;
const relative = (found: number, wanted: number): number => Math.abs(found / wanted - 1);

describe('dcaseJackknife', () => {
  const golden = readGoldenJson<{
    y: number[];
    s: number[];
    auc_jack: number;
    auc_ci95: number;
    pauc_jack: number;
    pauc_ci95: number;
    official_ci95: number;
  }>('metrics/jackknife.json');
  const { y, s } = golden;
  const of = (figure: typeof rocAuc) =>
    dcaseJackknife(y.length, (indices) =>
      value(
        figure(
          Array.from(indices, (i) => y[i]),
          Array.from(indices, (i) => s[i]),
        ),
      ),
    );

  it('is that of the evaluators', () => {
    const [auc, pauc] = [of(rocAuc), of((labels, scores) => partialAuc(labels, scores, 0.1))];
    expect(Math.abs(value(auc.estimate) - golden.auc_jack)).toBeLessThan(1e-12);
    expect(relative(value(auc.halfWidth), golden.auc_ci95)).toBeLessThan(1e-9);
    expect(Math.abs(value(pauc.estimate) - golden.pauc_jack)).toBeLessThan(1e-12);
    expect(relative(value(pauc.halfWidth), golden.pauc_ci95)).toBeLessThan(1e-9);
    const official = (value(auc.halfWidth) + value(pauc.halfWidth)) / 2;
    expect(relative(official, golden.official_ci95)).toBeLessThan(1e-9);
    // The reference took t(0.975; 59) from a library that is off by 5e-10 of it; everything else agrees to rounding.
    const exact = 2.0009953780882714 / 2.0009953770482105;
    expect(relative(value(auc.halfWidth), golden.auc_ci95 * exact)).toBeLessThan(1e-12);
    expect(relative(value(pauc.halfWidth), golden.pauc_ci95 * exact)).toBeLessThan(1e-12);
  });

  it('of a mean: leave-one-out values by hand, N(N-1) in the divisor', () => {
    // Means without one of 1, 2, 6: 4, 3.5, 1.5; their mean 3; squares 1 + 0.25 + 2.25.
    // Student's t with 2 degrees of freedom has a closed form: t(0.975; 2) = 0.95 sqrt(2 / 0.0975).
    const values = [1, 2, 6];
    const { estimate, halfWidth } = dcaseJackknife(3, (indices) => {
      return indices.reduce((sum, i) => sum + values[i], 0) / indices.length;
    });
    expect(value(estimate)).toBeCloseTo(3, 12);
    expect(value(halfWidth)).toBeCloseTo(0.95 * Math.sqrt(2 / 0.0975) * Math.sqrt(3.5 / 6), 12);
  });

  it('is undefined where the figure is', () => {
    const reason = 'the figure is undefined without one of the recordings';
    const aucOf = (labels: number[]) =>
      dcaseJackknife(labels.length, (indices) =>
        value(
          rocAuc(
            Array.from(indices, (i) => labels[i]),
            Array.from(indices),
          ),
        ),
      );
    expect(aucOf([0, 0, 1])).toEqual({ estimate: { value: null, reason }, halfWidth: { value: null, reason } });
    expect(aucOf([0, 0, 0]).estimate).toEqual({ value: null, reason: 'the figure is undefined' });
    expect(() => dcaseJackknife(1, () => 0)).toThrow('dcaseJackknife: expected at least 2 recordings, got 1');
  });
});

describe('bootstrapInterval', () => {
  const random = createRandom(11).fork('sample');
  const sample = Array.from({ length: 400 }, () => random.gaussian(3, 2));
  const mean = (indices: Int32Array): number => indices.reduce((sum, i) => sum + sample[i], 0) / indices.length;

  it('of a mean is that of the normal approximation', () => {
    const centre = mean(Int32Array.from(sample.keys()));
    const deviation = Math.sqrt(sample.reduce((sum, x) => sum + (x - centre) ** 2, 0) / sample.length);
    for (const [level, z] of [
      [0.95, 1.959963984540054],
      [0.5, 0.6744897501960817],
    ]) {
      const [low, high] = bootstrapInterval(400, mean, { seed: 1, level, resamples: 4000 })!;
      const width = (z * deviation) / 20;
      expect(Math.abs(low - (centre - width)) / width).toBeLessThan(0.1);
      expect(Math.abs(high - (centre + width)) / width).toBeLessThan(0.1);
    }
  });

  it('depends on the seed alone', () => {
    const [a, again, b] = [1, 1, 2].map((seed) => bootstrapInterval(400, mean, { seed }));
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
  });

  it('cuts between the sorted draws, linearly', () => {
    let draw = 0;
    // Draws 0 to 200, in another order: the middle 90 % end at 10 and 190, the middle 97 % at 3 and 197.
    const shuffled = () => (draw++ * 7) % 201;
    expect(bootstrapInterval(1, shuffled, { seed: 0, resamples: 201, level: 0.9 })).toEqual([
      expect.closeTo(10, 10),
      expect.closeTo(190, 10),
    ]);
    expect(bootstrapInterval(1, shuffled, { seed: 0, resamples: 201, level: 0.97 })).toEqual([
      expect.closeTo(3, 10),
      expect.closeTo(197, 10),
    ]);
    expect(bootstrapInterval(1, shuffled, { seed: 0, resamples: 201, level: 0.999 })).toEqual([
      expect.closeTo(0.1, 10),
      expect.closeTo(199.9, 10),
    ]);
  });

  it('draws every recording, with replacement', () => {
    const drawn = new Set<number>();
    let repeated = false;
    bootstrapInterval(
      7,
      (indices) => {
        for (const index of indices) drawn.add(index);
        repeated ||= new Set(indices).size < indices.length;
        return indices.length;
      },
      { seed: 3, resamples: 100 },
    );
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(repeated).toBe(true);
  });

  it('leaves out draws on which the figure is undefined, up to half of them', () => {
    let draw = 0;
    const often = () => (draw++ % 3 === 0 ? Number.NaN : 5);
    expect(bootstrapInterval(4, often, { seed: 0 })).toEqual([5, 5]);
    const rarely = () => (draw++ % 3 === 0 ? 5 : Number.NaN);
    expect(bootstrapInterval(4, rarely, { seed: 0 })).toBeUndefined();
  });

  it('rejects what makes no interval', () => {
    expect(() => bootstrapInterval(0, mean, { seed: 0 })).toThrow('expected at least 1 recordings, got 0');
    expect(() => bootstrapInterval(4, mean, { seed: 0, resamples: 10 })).toThrow('at least 100 resamples, got 10');
    expect(() => bootstrapInterval(4, mean, { seed: 0, level: 1 })).toThrow('a level between 0 and 1, got 1');
  });
});
