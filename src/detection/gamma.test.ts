import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGoldenJson } from '../../tests/golden.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { fitGamma, type GammaDistribution, gammaQuantile, gammaThreshold, incompleteGamma } from './gamma.ts';
import { logGamma } from './student-t.ts';

const golden = readGoldenJson<{
  fits: { x: number[]; thr90: number; nll: number }[];
  ppf: { a: number; q: number; ppf: number }[];
}>('metrics/gamma_threshold.json');

const relative = (found: number, wanted: number): number => Math.abs(found / wanted - 1);
const standard = (shape: number): GammaDistribution => ({ shape, location: 0, scale: 1 });

/** By definition. */
function negativeLogLikelihood({ shape, location, scale }: GammaDistribution, scores: number[]): number {
  return scores.reduce((sum, score) => {
    const x = (score - location) / scale;
    return sum + logGamma(shape) + Math.log(scale) + x - (shape === 1 ? 0 : (shape - 1) * Math.log(x));
  }, 0);
}

describe('incompleteGamma', () => {
  it('has closed forms for whole shapes: 1 - e^-x Σ x^k / k!', () => {
    for (const a of [1, 2, 5, 20, 60]) {
      for (const x of [0.01, 0.7, 3, 20, 55, 90]) {
        let term = Math.exp(-x);
        let above = term;
        for (let k = 1; k < a; k++) {
          term *= x / k;
          above += term;
        }
        expect(Math.abs(incompleteGamma(a, x) - (1 - above))).toBeLessThan(2e-14);
      }
    }
  });

  it('joins series and fraction, and small and large shapes', () => {
    for (const a of [0.2, 1.5, 15.999999, 40, 1e4, 1e6]) {
      const [below, above] = [incompleteGamma(a, (a + 1) * (1 - 1e-12)), incompleteGamma(a, (a + 1) * (1 + 1e-12))];
      expect(Math.abs(above - below)).toBeLessThan(2e-9);
    }
    for (const x of [4, 15, 40]) {
      const [below, above] = [incompleteGamma(16 * (1 - 1e-13), x), incompleteGamma(16, x)];
      expect(Math.abs(above - below)).toBeLessThan(1e-12);
    }
  });

  it('obeys P(a + 1, x) = P(a, x) - x^a e^-x / Γ(a + 1)', () => {
    const shape = fc.double({ min: 0.05, max: 300, noNaN: true });
    fc.assert(
      fc.property(shape, fc.double({ min: 0.01, max: 3, noNaN: true }), (a, ratio) => {
        const x = a * ratio;
        const step = Math.exp(a * Math.log(x) - x - logGamma(a + 1));
        expect(Math.abs(incompleteGamma(a + 1, x) - (incompleteGamma(a, x) - step))).toBeLessThan(1e-12);
      }),
    );
  });

  it('rejects what it is not defined for', () => {
    expect(() => incompleteGamma(0, 1)).toThrow('incompleteGamma: expected a shape above 0, got 0');
    expect(() => incompleteGamma(1, -1)).toThrow('incompleteGamma: expected x of at least 0, got -1');
    expect(incompleteGamma(2, 0)).toBe(0);
  });
});

describe('gammaQuantile', () => {
  it.each(golden.ppf)('shape $a at $q', ({ a, q, ppf }) => {
    expect(relative(gammaQuantile(standard(a), q), ppf)).toBeLessThan(1e-12);
  });

  it('inverts the distribution function, shifted and scaled', () => {
    const shape = fc.double({ min: 0.05, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(shape, fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (a, q) => {
        const x = gammaQuantile(standard(a), q);
        expect(Math.abs(incompleteGamma(a, x) - q)).toBeLessThan(1e-11);
        const wide = gammaQuantile({ shape: a, location: -2, scale: 3 }, q);
        expect(Math.abs(wide - (3 * x - 2))).toBeLessThan(1e-12 * (1 + 3 * x));
      }),
    );
  });

  it('rejects what it is not defined for', () => {
    for (const quantile of [0, 1, Number.NaN]) {
      expect(() => gammaQuantile(standard(1), quantile)).toThrow(`a quantile between 0 and 1, got ${quantile}`);
    }
    expect(() => gammaQuantile({ shape: 1, location: 0, scale: 0 }, 0.5)).toThrow('expected a scale above 0, got 0');
  });
});

describe('fitGamma', () => {
  it.each(golden.fits)('is as likely as the reference: $nll', ({ x, thr90, nll }) => {
    const fit = fitGamma(x);
    expect(negativeLogLikelihood(fit, x)).toBeLessThan(nll + 1e-3);
    expect(relative(gammaThreshold(x), thr90)).toBeLessThan(1e-2);
    expect(gammaThreshold(x)).toBe(gammaQuantile(fit, 0.9));
  });

  it('finds no better parameters nearby', () => {
    const { x } = golden.fits[0];
    const fit = fitGamma(x);
    const least = negativeLogLikelihood(fit, x);
    for (const factor of [0.99, 1.01]) {
      expect(negativeLogLikelihood({ ...fit, shape: fit.shape * factor }, x)).toBeGreaterThan(least);
      expect(negativeLogLikelihood({ ...fit, scale: fit.scale * factor }, x)).toBeGreaterThan(least);
      expect(negativeLogLikelihood({ ...fit, location: fit.location + factor - 1 }, x)).toBeGreaterThan(least);
    }
  });

  it('shifts and scales with the scores', () => {
    const { x } = golden.fits[1];
    const threshold = gammaThreshold(x);
    const moved = gammaThreshold(x.map((score) => 1000 + 50 * score));
    expect(relative(moved, 1000 + 50 * threshold)).toBeLessThan(1e-6);
  });

  it('of scores skewed to the left is close to normal', () => {
    const random = createRandom(5).fork('left-skewed');
    const x = Array.from({ length: 500 }, () => -((random.gaussian() + 4) ** 2));
    const mean = x.reduce((sum, score) => sum + score, 0) / x.length;
    const deviation = Math.sqrt(x.reduce((sum, score) => sum + (score - mean) ** 2, 0) / x.length);
    // 1.2815515655446004: the 90 % quantile of the normal distribution.
    expect(Math.abs((gammaThreshold(x) - mean) / deviation - 1.2815515655446004)).toBeLessThan(1e-3);
  });

  it('of scores more skewed than an exponential distribution is exponential above the lowest', () => {
    const random = createRandom(6).fork('skewed');
    const x = Array.from({ length: 500 }, () => Math.exp(2 * random.gaussian()));
    const { shape, location, scale } = fitGamma(x);
    const mean = x.reduce((sum, score) => sum + score, 0) / x.length;
    expect(shape).toBe(1);
    expect(location).toBe(Math.min(...x));
    expect(relative(scale, mean - Math.min(...x))).toBeLessThan(1e-12);
  });

  it('rejects scores that say nothing', () => {
    expect(() => fitGamma([2, 2, 2])).toThrow('fitGamma: expected at least two different scores, got 3 that are all');
    expect(() => gammaThreshold([])).toThrow('fitGamma: expected at least two different scores, got 0');
    expect(() => gammaThreshold([1, Number.NaN])).toThrow('fitGamma: expected finite scores, got NaN at index 1');
  });
});
