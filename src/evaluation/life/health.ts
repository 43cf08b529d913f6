// From anomaly scores in order of time to a health indicator, and how good an indicator it is.
import { mean } from '../../signal/average.ts';
import { InputError } from '../../signal/errors.ts';
import { type Measured, measured, undefinedBecause } from '../metrics/measured.ts';

/** Scores below this are the same: a recording that meets its like. */
const SMALLEST_SCORE = 1e-9;

/** @throws InputError if two lists that belong together differ in length. */
export function checkSameLength(who: string, values: { length: number }, times: { length: number }): void {
  if (values.length === times.length) return;
  throw new InputError(`${who}: expected as many times as values, got ${times.length} and ${values.length}`);
}

/**
 * The health indicator: the geometric mean of the last `window` scores (of as many as there are, at the beginning), in
 * the unit of the scores. Causal: a value knows only records up to its own. Scores are distances, skewed to the right;
 * among their logarithms a single loud record weighs little.
 * @throws InputError for a window that is no positive integer, and scores that are negative or not finite
 */
export function healthIndicator(scores: readonly number[], window: number): number[] {
  if (!Number.isInteger(window) || window < 1) {
    throw new InputError(`healthIndicator: expected a window of at least 1 record, got ${window}`);
  }
  const bad = scores.findIndex((score) => !(score >= 0 && Number.isFinite(score)));
  if (bad >= 0) {
    throw new InputError(`healthIndicator: expected finite scores of at least 0, got ${scores[bad]} at record ${bad}`);
  }
  const logs = scores.map((score) => Math.log(Math.max(SMALLEST_SCORE, score)));
  return logs.map((_, i) => {
    const part = logs.slice(Math.max(0, i + 1 - window), i + 1);
    return Math.exp(mean(part));
  });
}

/**
 * Where the degradation that lasts until now began: the first record of the last unbroken stretch of `health` at or
 * above `threshold`, if that stretch reaches the last record and holds at least `least` records. Undefined while
 * health is normal. Records before `from` (those the detector was fitted on) do not count.
 */
export function onsetOf(
  health: readonly number[],
  threshold: number,
  { from, least }: { from: number; least: number },
): number | undefined {
  let first = health.length;
  while (first > from && health[first - 1] >= threshold) first--;
  return health.length - first >= least ? first : undefined;
}

/**
 * Monotonicity of an indicator, 0 to 1: |number of rises - number of falls| / (n - 1) (Coble and Hines 2009). Equal
 * neighbours are neither. Undefined for fewer than 2 values.
 */
export function monotonicity(values: readonly number[]): Measured {
  if (values.length < 2) return undefinedBecause(`monotonicity needs 2 records, there are ${values.length}`);
  let balance = 0;
  for (let i = 1; i < values.length; i++) balance += Math.sign(values[i] - values[i - 1]);
  return measured(Math.abs(balance) / (values.length - 1));
}

/**
 * Trendability of an indicator, 0 to 1: |Pearson correlation with time|. Undefined for fewer than 3 values (two lie on
 * a line always) and where the indicator or time does not change.
 * @throws InputError if values and times differ in number
 */
export function trendability(values: readonly number[], times: readonly number[]): Measured {
  checkSameLength('trendability', values, times);
  if (values.length < 3) return undefinedBecause(`trendability needs 3 records, there are ${values.length}`);
  const [meanValue, meanTime] = [mean(values), mean(times)];
  let [covariance, valueVariance, timeVariance] = [0, 0, 0];
  for (const [i, value] of values.entries()) {
    covariance += (value - meanValue) * (times[i] - meanTime);
    valueVariance += (value - meanValue) ** 2;
    timeVariance += (times[i] - meanTime) ** 2;
  }
  // Rounding leaves a trace of variance in values that are all the same.
  const none = (variance: number, centre: number): boolean => variance <= values.length * (1e-12 * centre) ** 2;
  if (none(valueVariance, meanValue)) return undefinedBecause('the indicator does not change');
  if (none(timeVariance, meanTime)) return undefinedBecause('time does not change');
  return measured(Math.min(1, Math.abs(covariance) / Math.sqrt(valueVariance * timeVariance)));
}

/** First and last value of a health indicator over one whole life. */
export type LifeEnds = { initial: number; final: number };

/**
 * Prognosability over several lives, 0 to 1: exp(-std(final) / mean |final - initial|), with n - 1 below the variance.
 * 1 where all lives end at the same value of the indicator. Undefined for fewer than 2 lives, and where no indicator
 * changes over its life.
 */
export function prognosability(lives: readonly LifeEnds[]): Measured {
  if (lives.length < 2) return undefinedBecause(`prognosability needs 2 lives, there are ${lives.length}`);
  const range = mean(lives.map(({ initial, final }) => Math.abs(final - initial)));
  if (range === 0) return undefinedBecause('the indicator is the same at both ends of every life');
  const meanFinal = mean(lives.map(({ final }) => final));
  const variance = lives.reduce((sum, { final }) => sum + (final - meanFinal) ** 2, 0) / (lives.length - 1);
  return measured(Math.exp(-Math.sqrt(variance) / range));
}
