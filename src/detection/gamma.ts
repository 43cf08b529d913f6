// The gamma distribution: quantiles, a fit to anomaly scores, and the decision threshold it gives.
import { mean } from '../signal/average.ts';
import { InputError } from '../signal/errors.ts';
import { logGamma } from './student-t.ts';

/** Density proportional to (x - location)^(shape - 1) exp(-(x - location) / scale) above `location`. */
export type GammaDistribution = { shape: number; location: number; scale: number };

/** From here on Stirling's series is exact to float64. */
const LARGE_SHAPE = 16;

function checkShape(caller: string, shape: number): void {
  if (!(shape > 0 && Number.isFinite(shape))) {
    throw new InputError(`${caller}: expected a shape above 0, got ${shape}`);
  }
}

/** ln Γ(a) - (a - 1/2) ln a + a - ln(2π) / 2: what Stirling's formula leaves (NIST DLMF 5.11.1). */
function stirlingRest(a: number): number {
  if (a < LARGE_SHAPE) return logGamma(a) - (a - 0.5) * Math.log(a) + a - 0.5 * Math.log(2 * Math.PI);
  const s = 1 / (a * a);
  return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / a;
}

/** x^a e^-x / Γ(a). For large a without the difference of large logarithms. */
function kernel(a: number, x: number): number {
  if (a < LARGE_SHAPE) return Math.exp(a * Math.log(x) - x - logGamma(a));
  const mu = (x - a) / a;
  return Math.sqrt(a / (2 * Math.PI)) * Math.exp(-a * (mu - Math.log1p(mu)) - stirlingRest(a));
}

/** Σ x^n / (a (a + 1) … (a + n)) (NIST DLMF 8.7.1). */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Continued fraction of the upper function (modified Lentz; NIST DLMF 8.9.2). */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < 1e6; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    const change = d * c;
    h *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return h;
}

/** Both tails, the smaller one without cancellation. */
function tails(a: number, x: number): { lower: number; upper: number } {
  if (x === 0) return { lower: 0, upper: 1 };
  if (x < a + 1) {
    const lower = kernel(a, x) * lowerSeries(a, x);
    return { lower, upper: 1 - lower };
  }
  const upper = kernel(a, x) * upperFraction(a, x);
  return { lower: 1 - upper, upper };
}

/**
 * Regularised lower incomplete gamma function P(a, x): the distribution function of the gamma distribution with shape a
 * and scale 1 (NIST DLMF 8.2.4).
 * @throws InputError if a is not above 0, or x is negative or not finite.
 */
export function incompleteGamma(a: number, x: number): number {
  checkShape('incompleteGamma', a);
  if (!(x >= 0 && Number.isFinite(x))) throw new InputError(`incompleteGamma: expected x of at least 0, got ${x}`);
  return tails(a, x).lower;
}

/** x with P(shape, x) = quantile, by Newton's method on the logarithm of the smaller tail over ln x, kept in a bracket. */
function standardQuantile(shape: number, quantile: number): number {
  const isLow = quantile <= 0.5;
  const target = Math.log(isLow ? quantile : 1 - quantile);
  // P(a, x) <= x^a / Γ(a + 1), so the solution lies at or above this; equal to it as x goes to 0.
  let low = (Math.log(quantile) + logGamma(shape + 1)) / shape;
  if (Math.exp(low) === 0) return 0;
  let high = Math.log(Math.max(Math.exp(low), shape, 1));
  while (tails(shape, Math.exp(high)).lower < quantile) high += 1;
  let at = Math.max(low, Math.min(high, Math.log(shape)));
  for (let i = 0; i < 200; i++) {
    const x = Math.exp(at);
    const { lower, upper } = tails(shape, x);
    const isBelow = isLow ? lower < quantile : upper > 1 - quantile;
    if (isBelow) low = at;
    else high = at;
    const tail = isLow ? lower : upper;
    const slope = ((isLow ? 1 : -1) * kernel(shape, x)) / tail;
    const step = (target - Math.log(tail)) / slope;
    const next = at + step;
    if (Math.abs(step) < 1e-15) break;
    at = next > low && next < high ? next : (low + high) / 2;
    if (high - low < 1e-16 * Math.abs(high)) break;
  }
  return Math.exp(at);
}

/**
 * The value below which a share `quantile` of the distribution lies.
 * @throws InputError if the quantile is not between 0 and 1, or shape or scale not above 0.
 */
export function gammaQuantile({ shape, location, scale }: GammaDistribution, quantile: number): number {
  checkShape('gammaQuantile', shape);
  if (!(scale > 0)) throw new InputError(`gammaQuantile: expected a scale above 0, got ${scale}`);
  if (!(quantile > 0 && quantile < 1)) {
    throw new InputError(`gammaQuantile: expected a quantile between 0 and 1, got ${quantile}`);
  }
  return location + scale * standardQuantile(shape, quantile);
}

/** ln a - ψ(a), ψ the digamma function (recurrence and asymptotic series, NIST DLMF 5.5.2 and 5.11.2). */
function logMinusDigamma(a: number): number {
  let z = a;
  let shifted = 0;
  for (; z < 12; z++) shifted += 1 / z;
  const s = 1 / (z * z);
  const series = 1 / (2 * z) + s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s / 132))));
  return series + Math.log(a / z) + shifted;
}

/** The shape, at least 1, with ln a - ψ(a) = spread: the likelihood equation of the shape. */
function shapeOf(spread: number): number {
  if (spread >= logMinusDigamma(1)) return 1;
  // A fixed point: ln a - ψ(a) is close to proportional to 1 / a.
  let a = 1 / (2 * spread);
  for (let i = 0; i < 100; i++) {
    const ratio = logMinusDigamma(a) / spread;
    a *= ratio;
    if (Math.abs(ratio - 1) < 1e-15) break;
  }
  return Math.max(1, a);
}

type LocatedFit = GammaDistribution & { loss: number };

/** The best shape and scale where the location is `offset` below the lowest score; loss is -ln L per score. */
function fitAt(scores: readonly number[], lowest: number, mean: number, offset: number): LocatedFit {
  const height = mean - lowest + offset;
  // ln of the mean minus the mean of ln, without cancellation where scores are far above the location.
  const spread = -scores.reduce((sum, score) => sum + Math.log1p((score - mean) / height), 0) / scores.length;
  const shape = offset > 0 ? shapeOf(spread) : 1;
  const penalty = shape > 1 ? (shape - 1) * spread : 0;
  const loss = stirlingRest(shape) + 0.5 * Math.log((2 * Math.PI) / shape) + Math.log(height) + penalty;
  return { shape, location: lowest - offset, scale: height / shape, loss };
}

const GOLDEN_SECTION = (Math.sqrt(5) - 1) / 2;

/**
 * Maximum-likelihood fit of shape, location and scale. Shape and scale are solved for, the location is searched from the
 * lowest score to a thousand standard deviations below it. Shapes under 1 are left out: there the likelihood grows without
 * bound as the location nears the lowest score. Scores that are not skewed to the right have no best location (the limit
 * is a normal distribution); the fit then stops at the bound of the search, a shape of a million.
 * @throws InputError if a score is not finite, or fewer than two differ.
 */
export function fitGamma(scores: readonly number[]): GammaDistribution {
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) throw new InputError(`fitGamma: expected finite scores, got ${scores[bad]} at index ${bad}`);
  const lowest = scores.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const centre = mean(scores);
  const variance = scores.reduce((sum, score) => sum + (score - centre) ** 2, 0) / scores.length;
  if (!(variance > 0 && centre > lowest)) {
    throw new InputError(
      `fitGamma: expected at least two different scores, got ${scores.length} that are all equal; give more normal recordings`,
    );
  }
  const at = (decade: number) => fitAt(scores, lowest, centre, Math.sqrt(variance) * 10 ** decade);
  const grid = Array.from({ length: 91 }, (_, i) => -6 + i / 10);
  const losses = grid.map((decade) => at(decade).loss);
  const best = grid[losses.indexOf(Math.min(...losses))];
  let [low, high] = [best - 0.1, Math.min(3, best + 0.1)];
  while (high - low > 1e-6) {
    const [a, b] = [high - GOLDEN_SECTION * (high - low), low + GOLDEN_SECTION * (high - low)];
    if (at(a).loss <= at(b).loss) high = b;
    else low = a;
  }
  const inner = at((low + high) / 2);
  const edge = fitAt(scores, lowest, centre, 0);
  const { shape, location, scale } = edge.loss < inner.loss ? edge : inner;
  return { shape, location, scale };
}

/**
 * The decision threshold of the DCASE task 2 baselines: the 90 % quantile of a gamma distribution fitted to the scores of
 * normal recordings.
 * @throws InputError as `fitGamma` and `gammaQuantile` do.
 */
export const gammaThreshold = (scores: readonly number[], quantile = 0.9): number =>
  gammaQuantile(fitGamma(scores), quantile);
