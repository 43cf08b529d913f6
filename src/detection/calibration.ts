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

/** Upper part of the scores that anchors the tail model: enough of them to be stable, few enough to be the tail. */
const anchorCount = (n: number): number => Math.max(1, Math.ceil(Math.sqrt(n)));

/** Below this many scores the model describes all of them; above it, only what lies beyond the anchor. */
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

/** Mean distance of the scores above the anchor from it. */
function meanExcess(scores: Float64Array): number {
  const above = scores.subarray(scores.length - anchorCount(scores.length));
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
 * Among the calibration scores: the conformal p-value (1 + #{scores >= score}) / (n + 1) (Vovk et al. 2005), which
 * needs no assumption. Beyond the anchor (the ceil(sqrt n)-th highest), as a rank cannot fall below 1 / (n + 1): the
 * same, continued by the heavier of two tails, Student's t of the logarithms and an exponential with the mean excess
 * over the anchor (Pickands 1975, shape 0). Under 20 scores: Student's t alone. Never 0; falls as the score rises.
 */
export function pValue(calibration: Calibration, score: number): number {
  const { scores } = calibration;
  const n = scores.length;
  if (n < WHOLE_MODEL_BELOW) return Math.max(predictiveTail(scores, score), Number.MIN_VALUE);
  const anchor = scores[n - anchorCount(n)];
  const conformal = (1 + countAbove(scores, score)) / (n + 1);
  if (score <= anchor) return conformal;
  const atAnchor = (1 + countAbove(scores, anchor)) / (n + 1);
  const student = predictiveTail(scores, score) / predictiveTail(scores, anchor);
  const exponential = Math.exp(-(score - anchor) / meanExcess(scores));
  return Math.max(atAnchor * Math.min(1, Math.max(student, exponential)), Number.MIN_VALUE);
}

/**
 * The lowest score whose p-value is at most `falseAlarmRate`, to 1e-9 of itself.
 * @throws InputError if the rate is not between 0 and 1.
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
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (pValue(calibration, middle) > falseAlarmRate) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether ranks alone reach down to the rate, or the tail model is needed. */
export const thresholdBasis = (calibration: Calibration, falseAlarmRate: number): ThresholdBasis => {
  const n = calibration.scores.length;
  return n >= WHOLE_MODEL_BELOW && falseAlarmRate * (n + 1) >= 1 + anchorCount(n) ? 'distribution-free' : 'tail model';
};
