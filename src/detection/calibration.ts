// Calibration: from the scores of normal recordings to a p-value for any score, and a threshold for a false-alarm rate.
import { InputError } from '../signal/errors.ts';
import { studentTail } from './student-t.ts';

/**
 * What normal scores looked like. `scores` are sorted, and were made as a new recording's are: against a bank that did
 * not hold the scored recording.
 */
export type Calibration = { scores: Float64Array };

/** How far the threshold can be trusted. */
export type ThresholdBasis = 'distribution-free' | 'tail model';

/** Scores are distances, positive and skewed to the right; their logarithms are close to normal. */
const symmetric = (score: number): number => Math.log(Math.max(1e-9, score));

/** Below this many scores the model describes all of them; above it, only what lies beyond the highest. */
const WHOLE_MODEL_BELOW = 20;

/** @throws InputError if there are fewer than 3 scores, or one is not finite. */
export function createCalibration(scores: readonly number[]): Calibration {
  if (scores.length < 3) {
    throw new InputError(
      `createCalibration: expected at least 3 normal segments, got ${scores.length}; give more normal recordings, or cut them into shorter segments (--segment)`,
    );
  }
  const bad = scores.find((score) => !Number.isFinite(score));
  if (bad !== undefined) {
    throw new InputError(
      `createCalibration: expected finite scores, got ${bad}; an embedding holds values that are not finite`,
    );
  }
  return { scores: Float64Array.from(scores).sort() };
}

function moments(scores: Float64Array): { mean: number; deviation: number } {
  const n = scores.length;
  let mean = 0;
  for (const score of scores) mean += symmetric(score) / n;
  let variance = 0;
  for (const score of scores) variance += (symmetric(score) - mean) ** 2 / (n - 1);
  // Identical recordings have no spread; a thousandth keeps the tail finite.
  return { mean, deviation: Math.max(Math.sqrt(variance), 1e-3) };
}

/**
 * Nearest neighbours are mostly mutual, so two leave-one-out scores often are one and the same distance: n of them know
 * about as much as 0.6 n independent ones.
 */
const effectiveCount = (n: number): number => Math.max(Math.min(n, 4), 0.6 * n);

/** Probability that one more normal score exceeds `score` if their logarithms are normal (prediction interval). */
function predictiveTail(scores: Float64Array, score: number): number {
  const n = effectiveCount(scores.length);
  const { mean, deviation } = moments(scores);
  return studentTail((symmetric(score) - mean) / (deviation * Math.sqrt(1 + 1 / n)), n - 1);
}

/** Mean excess of the ceil(sqrt n) highest scores over the lowest of them: enough to be stable, few enough to be the tail. */
function meanExcess(scores: Float64Array): number {
  const above = scores.subarray(scores.length - Math.ceil(Math.sqrt(scores.length)));
  const sum = above.reduce((total, score) => total + score - above[0], 0);
  return Math.max(sum / Math.max(1, above.length - 1), 1e-12);
}

/** Number of calibration scores that are at least `score`. */
function countAbove(scores: Float64Array, score: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] < score) low = middle + 1;
    else high = middle;
  }
  return scores.length - low;
}

/**
 * Probability that a normal recording scores at least this high.
 * Up to the highest of n calibration scores: the conformal p-value (1 + #{scores >= score}) / (n + 1) (Vovk et al.
 * 2005), which needs no assumption. Beyond it, where ranks say no more than 1 / (n + 1): that, continued by the heavier
 * of two tails, Student's t of the logarithms and an exponential with the mean excess of the highest scores (Pickands
 * 1975, shape 0). Under 20 scores: Student's t alone. Never 0; falls as the score rises.
 */
export function pValue(calibration: Calibration, score: number): number {
  const { scores } = calibration;
  const n = scores.length;
  if (n < WHOLE_MODEL_BELOW) return Math.max(predictiveTail(scores, score), Number.MIN_VALUE);
  const highest = scores[n - 1];
  if (score <= highest) return (1 + countAbove(scores, score)) / (n + 1);
  const student = predictiveTail(scores, score) / predictiveTail(scores, highest);
  const exponential = Math.exp(-(score - highest) / meanExcess(scores));
  return Math.max(Math.min(1, Math.max(student, exponential)) / (n + 1), Number.MIN_VALUE);
}

/**
 * The lowest score whose p-value is at most `falseAlarmRate`, to 1e-9 of itself.
 * @throws InputError if the rate is not between 0 and 1, or so low that no score is high enough.
 */
export function thresholdFor(calibration: Calibration, falseAlarmRate: number): number {
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1)) {
    throw new InputError(`thresholdFor: expected a false-alarm rate between 0 and 1, got ${falseAlarmRate}`);
  }
  const { scores } = calibration;
  let low = 0;
  let high = Math.max(scores[scores.length - 1], 1e-9);
  while (pValue(calibration, high) > falseAlarmRate) {
    low = high;
    high *= 2;
  }
  if (!Number.isFinite(high)) {
    throw new InputError(
      `thresholdFor: ${scores.length} normal segments say nothing about a false-alarm rate of ${falseAlarmRate}; give more normal recordings, or a higher rate`,
    );
  }
  // Scores below 1e-12 are all the same: identical recordings.
  while (high - low > 1e-9 * high && high > 1e-12) {
    const middle = (low + high) / 2;
    if (pValue(calibration, middle) > falseAlarmRate) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether ranks alone reach down to the rate, or the tail model is needed. */
export const thresholdBasis = (calibration: Calibration, falseAlarmRate: number): ThresholdBasis => {
  const n = calibration.scores.length;
  return n >= WHOLE_MODEL_BELOW && falseAlarmRate * (n + 1) >= 1 ? 'distribution-free' : 'tail model';
};
