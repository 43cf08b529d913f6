// How sure a figure is: bootstrap intervals, and the jackknife of the DCASE evaluators.
import { studentTail } from '../../detection/student-t.ts';
import { InputError } from '../../signal/errors.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { type Measured, measured, undefinedBecause } from './measured.ts';

/** A figure of the recordings at `indices`; NaN where it is undefined. The array is used again: keep no reference to it. */
export type Statistic = (indices: Int32Array) => number;

export type BootstrapOptions = {
  seed: number | string;
  resamples?: number;
  /** Share of the bootstrap distribution inside the interval. */
  level?: number;
};

function checkCount(caller: string, count: number, least: number): void {
  if (!(Number.isInteger(count) && count >= least)) {
    throw new InputError(`${caller}: expected at least ${least} recordings, got ${count}`);
  }
}

/** Linear between sorted values: position share * (n - 1). */
function quantileOf(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/**
 * Percentile bootstrap interval (Efron 1979): the statistic of `resamples` draws of `count` recordings with replacement,
 * cut at (1 - level) / 2 on both sides. The same seed gives the same interval on every platform. Draws on which the
 * statistic is NaN (one class only, say) are left out; where that is more than half of them there is no interval.
 * @throws InputError for no recordings, under 100 resamples, or a level that is not between 0 and 1.
 */
export function bootstrapInterval(
  count: number,
  statistic: Statistic,
  { seed, resamples = 1000, level = 0.95 }: BootstrapOptions,
): [number, number] | undefined {
  checkCount('bootstrapInterval', count, 1);
  if (!(Number.isInteger(resamples) && resamples >= 100)) {
    throw new InputError(`bootstrapInterval: expected at least 100 resamples, got ${resamples}`);
  }
  if (!(level > 0 && level < 1)) {
    throw new InputError(`bootstrapInterval: expected a level between 0 and 1, got ${level}`);
  }
  const random = createRandom(seed);
  const indices = new Int32Array(count);
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    for (let j = 0; j < count; j++) indices[j] = random.integer(0, count - 1);
    const value = statistic(indices);
    if (!Number.isNaN(value)) values.push(value);
  }
  if (values.length < resamples / 2) return undefined;
  const sorted = Float64Array.from(values).sort();
  return [quantileOf(sorted, (1 - level) / 2), quantileOf(sorted, (1 + level) / 2)];
}

/** t with P(T > t) = tail, for a tail under 1/2. */
function studentQuantile(tail: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (studentTail(high, degrees) > tail) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The jackknife as the official evaluators of DCASE task 2 compute it (2022 and later): N figures of all recordings but
 * one; the estimate is corrected for bias, N θ - (N - 1) mean(θ_i), and the half width of the 95 % interval is
 * t(0.975; N - 1) sqrt(Σ (θ_i - mean)² / (N (N - 1))). That divisor is a quirk: the variance of the jackknife (Quenouille,
 * Tukey) is (N - 1) / N Σ (θ_i - mean)², so the printed interval is narrower by a factor of N - 1. It is here to
 * reproduce printed figures; `bootstrapInterval` is the one to trust. The evaluators' interval of the official score is the
 * mean of the half widths of AUC and pAUC over all sections pooled.
 * Undefined where the statistic is, with all recordings or with one left out. Calls the statistic N + 1 times.
 * @throws InputError for fewer than two recordings.
 */
export function dcaseJackknife(count: number, statistic: Statistic): { estimate: Measured; halfWidth: Measured } {
  checkCount('dcaseJackknife', count, 2);
  const whole = statistic(Int32Array.from({ length: count }, (_, i) => i));
  const indices = Int32Array.from({ length: count - 1 }, (_, i) => i + 1);
  const partial = new Float64Array(count);
  for (let left = 0; left < count; left++) {
    for (let i = 0; i < count - 1; i++) indices[i] = i < left ? i : i + 1;
    partial[left] = statistic(indices);
  }
  const mean = partial.reduce((sum, value) => sum + value, 0) / count;
  if (Number.isNaN(whole) || Number.isNaN(mean)) {
    const undefinedFigure = undefinedBecause(
      Number.isNaN(whole) ? 'the figure is undefined' : 'the figure is undefined without one of the recordings',
    );
    return { estimate: undefinedFigure, halfWidth: undefinedFigure };
  }
  const squares = partial.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    estimate: measured(count * whole - (count - 1) * mean),
    halfWidth: measured(studentQuantile(0.025, count - 1) * Math.sqrt(squares / (count * (count - 1)))),
  };
}
