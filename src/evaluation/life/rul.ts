// Remaining useful life: the score of the PHM 2012 challenge, a trend extrapolator, and two baselines that look at no signal.
import { mean, median } from '../../signal/average.ts';
import { InputError } from '../../signal/errors.ts';
import { checkSameLength } from './health.ts';

/**
 * Score of one prediction in the IEEE PHM 2012 challenge, 0 to 1, from the error in percent
 * Er = 100 (actual - predicted) / actual: exp(-ln(0.5) Er / 5) for Er <= 0 (failure predicted too late: half the score
 * for 5 %), exp(ln(0.5) Er / 20) for Er > 0 (too early: half the score for 20 %). The score of a method is the mean.
 * @throws InputError if the actual remaining life is not above 0, or the prediction is negative or not finite
 */
export function phmScore(actual: number, predicted: number): number {
  if (!(actual > 0 && Number.isFinite(actual))) {
    throw new InputError(`phmScore: expected an actual remaining life above 0, got ${actual}; truncate before the end`);
  }
  if (!(predicted >= 0 && Number.isFinite(predicted))) {
    throw new InputError(`phmScore: expected a finite prediction of at least 0, got ${predicted}`);
  }
  const error = (100 * (actual - predicted)) / actual;
  return error <= 0 ? Math.exp((-Math.log(0.5) * error) / 5) : Math.exp((Math.log(0.5) * error) / 20);
}

/** What is known of a machine that has run to failure. */
export type FinishedLife = {
  lifeSeconds: number;
  /** Health indicator at the end, above 0. */
  finalHealth: number;
};

/** What is known of a machine that still runs: everything up to now and nothing after. */
export type RunningLife = {
  /** Age at every record, ascending, in s. */
  ageSeconds: readonly number[];
  /** Health indicator at every record, above 0. */
  health: readonly number[];
  /** Record at which the degradation began; undefined while there is none. */
  onset?: number;
};

export type RulEstimate = {
  seconds: number;
  /** How it was found: by extrapolation, or by age alone. */
  basis: 'trend' | 'age';
};

function checkTraining(who: string, lives: readonly unknown[]): void {
  if (lives.length === 0) throw new InputError(`${who}: expected at least 1 finished life to learn from, got none`);
}

/**
 * What is left by age alone: the mean of finished lives minus the age, and 0 from there on. Unit of the lives.
 * @throws InputError if there are no lives
 */
export function ageRemainingLife(lives: readonly number[], age: number): number {
  checkTraining('ageRemainingLife', lives);
  return Math.max(0, mean(lives) - age);
}

/**
 * The same remaining life whatever the age: the mean over finished lives of what was left at `shares` of each.
 * @throws InputError if there are no lives or no shares
 */
export function constantRemainingLife(lives: readonly number[], shares: readonly number[]): number {
  checkTraining('constantRemainingLife', lives);
  checkTraining('constantRemainingLife', shares);
  return mean(lives) * mean(shares.map((share) => 1 - share));
}

/**
 * The line through points by least squares, as its slope and its value at the last point. Undefined where all lie at
 * one time.
 */
export function fitLine(
  times: readonly number[],
  values: readonly number[],
): { slope: number; last: number } | undefined {
  checkSameLength('fitLine', values, times);
  const [meanTime, meanValue] = [mean(times), mean(values)];
  let [covariance, variance] = [0, 0];
  for (const [i, time] of times.entries()) {
    covariance += (time - meanTime) * (values[i] - meanValue);
    variance += (time - meanTime) ** 2;
  }
  if (!(variance > 0)) return undefined;
  const slope = covariance / variance;
  return { slope, last: meanValue + slope * (times[times.length - 1] - meanTime) };
}

/** Fewer records since the onset make no trend. */
const LEAST_TREND = 5;

/** Health at which a machine is taken to fail: the median over finished lives of the health at their end. */
export function failureHealth(lives: readonly FinishedLife[]): number {
  checkTraining('failureHealth', lives);
  return median(lives.map(({ finalHealth }) => finalHealth));
}

/**
 * Remaining life of a machine in s, in 0 to the longest of the finished lives.
 *
 * Since the onset of degradation the logarithm of health is taken to rise along a line (health grows exponentially).
 * The line is fitted by least squares to all records since the onset, and the machine fails when it reaches
 * `failureHealth`. A line that is there already says 0; one that reaches it later than any finished life lasted says
 * that longest life. Where there is no onset yet, fewer than 5 records since, or a line that does not rise, only the
 * age speaks: `ageRemainingLife`.
 *
 * This is a plain method, and its weak point is known: finished lives end at healths that differ by a factor of
 * several, so the level at which the next one fails is hardly known.
 * @throws InputError if there are no finished lives, nothing was recorded, or a health is not above 0
 */
export function estimateRemainingLife(running: RunningLife, finished: readonly FinishedLife[]): RulEstimate {
  const { ageSeconds, health, onset } = running;
  checkSameLength('estimateRemainingLife', health, ageSeconds);
  checkTraining('estimateRemainingLife', finished);
  if (health.length === 0) throw new InputError('estimateRemainingLife: expected at least 1 record, got none');
  const bad = [...health, ...finished.map(({ finalHealth }) => finalHealth)].find(
    (value) => !(value > 0 && Number.isFinite(value)),
  );
  if (bad !== undefined) {
    throw new InputError(`estimateRemainingLife: expected finite health values above 0, got ${bad}`);
  }
  const lives = finished.map(({ lifeSeconds }) => lifeSeconds);
  const byAge: RulEstimate = { seconds: ageRemainingLife(lives, ageSeconds[ageSeconds.length - 1]), basis: 'age' };
  if (onset === undefined || health.length - onset < LEAST_TREND) return byAge;
  const line = fitLine(ageSeconds.slice(onset), health.slice(onset).map(Math.log));
  if (!line || !(line.slope > 0)) return byAge;
  const seconds = (Math.log(failureHealth(finished)) - line.last) / line.slope;
  return { seconds: Math.min(Math.max(...lives), Math.max(0, seconds)), basis: 'trend' };
}
