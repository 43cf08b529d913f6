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

/**
 * Scores are distances, positive and skewed; their cube root is close to normal (Wilson & Hilferty 1931: exact for
 * gamma-distributed scores to a very good approximation).
 */
const symmetric = (score: number): number => Math.cbrt(Math.max(0, score));

/** Upper part of the scores that anchors the tail model: enough of them to be stable, few enough to be the tail. */
const anchorCount = (n: number): number => Math.max(1, Math.ceil(Math.sqrt(n)));

/** Below this many scores the model describes all of them; above it, only what lies beyond the anchor. */
const WHOLE_MODEL_BELOW = 20;

export function createCalibration(scores: readonly number[]): Calibration {
  if (scores.length < 3) {
    throw new InputError(
      `createCalibration: expected at least 3 normal segments, got ${scores.length}; give more normal recordings, or cut them into shorter segments (--segment)`,
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
  // Identical recordings have no spread; a thousandth of the mean keeps the tail finite.
  return { mean, deviation: Math.max(Math.sqrt(variance), 1e-3 * Math.abs(mean), 1e-12) };
}

/** Probability that one more normal score exceeds `score` if their cube roots are normal (prediction interval). */
function predictiveTail(scores: Float64Array, score: number): number {
  const n = scores.length;
  const { mean, deviation } = moments(scores);
  return studentTail((symmetric(score) - mean) / (deviation * Math.sqrt(1 + 1 / n)), n - 1);
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
 * needs no assumption. Beyond the anchor (the ceil(sqrt n)-th highest): the same, continued by a Student t tail of the
 * cube roots, as a rank cannot fall below 1 / (n + 1). Never 0; falls as the score rises.
 */
export function pValue(calibration: Calibration, score: number): number {
  const { scores } = calibration;
  const n = scores.length;
  if (n < WHOLE_MODEL_BELOW) return Math.max(predictiveTail(scores, score), Number.MIN_VALUE);
  const anchor = scores[n - anchorCount(n)];
  const conformal = (1 + countAbove(scores, score)) / (n + 1);
  if (score <= anchor) return conformal;
  const atAnchor = (1 + countAbove(scores, anchor)) / (n + 1);
  const ratio = predictiveTail(scores, score) / predictiveTail(scores, anchor);
  return Math.max(atAnchor * Math.min(1, ratio), Number.MIN_VALUE);
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
