// The receiver operating characteristic (ROC) of anomaly scores, and the areas under it.
import { InputError } from '../../signal/errors.ts';
import { type Measured, measured, undefinedBecause } from './measured.ts';

/** One point per distinct score, from (0, 0) to (1, 1). */
export type RocCurve = { fpr: number[]; tpr: number[]; thresholds: number[] };

/** Counts of false and true alarms at or above every distinct score, highest first. */
type Counts = { scores: number[]; falseAlarms: number[]; hits: number[]; normal: number; anomalous: number };

type Labels = ArrayLike<number | boolean>;

function check(caller: string, anomalous: Labels, scores: ArrayLike<number>): void {
  if (anomalous.length !== scores.length) {
    throw new InputError(
      `${caller}: expected one label per score, got ${anomalous.length} labels and ${scores.length} scores`,
    );
  }
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) {
      throw new InputError(
        `${caller}: expected finite scores, got ${scores[i]} at index ${i}; score that recording again`,
      );
    }
    const label = Number(anomalous[i]);
    if (label !== 0 && label !== 1) {
      throw new InputError(`${caller}: expected labels 0 (normal) or 1 (anomalous), got ${anomalous[i]} at index ${i}`);
    }
  }
}

function count(anomalous: Labels, scores: ArrayLike<number>): Counts {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const counts: Counts = { scores: [], falseAlarms: [], hits: [], normal: 0, anomalous: 0 };
  for (let i = 0; i < order.length; i++) {
    const score = scores[order[i]];
    if (Number(anomalous[order[i]]) === 1) counts.anomalous++;
    else counts.normal++;
    // Equal scores alarm together: one point after the last of them.
    if (i + 1 < order.length && scores[order[i + 1]] === score) continue;
    counts.scores.push(score);
    counts.falseAlarms.push(counts.normal);
    counts.hits.push(counts.anomalous);
  }
  return counts;
}

function missingClass({ normal, anomalous }: Counts): string | undefined {
  if (normal + anomalous === 0) return 'no recordings';
  if (normal > 0 && anomalous > 0) return undefined;
  return anomalous === 0 ? `no anomalous recordings among ${normal}` : `no normal recordings among ${anomalous}`;
}

/** The first, the last, and every point where the second difference of either count is not 0. */
function corners({ falseAlarms, hits }: Counts): number[] {
  const bends = (values: number[], i: number): boolean => values[i + 1] - values[i] !== values[i] - values[i - 1];
  const last = hits.length - 1;
  return Array.from(hits.keys()).filter((i) => i === 0 || i === last || bends(falseAlarms, i) || bends(hits, i));
}

/**
 * The ROC curve: shares of normal (false-positive rate) and anomalous (true-positive rate) recordings that score at
 * least `thresholds[i]`. Starts at (0, 0) with threshold +Infinity (no recording alarms); the next threshold is the
 * highest score. Points that equal steps on both sides make redundant are left out, as scikit-learn's `roc_curve` does
 * with `drop_intermediate`; the area does not change. Time O(n log n).
 * @param anomalous 1 or true for an anomalous recording, 0 or false for a normal one.
 * @param scores higher is more anomalous; one per label.
 * @throws InputError if the lengths differ, a score is not finite, a label is neither, or one of the classes is missing.
 */
export function rocCurve(anomalous: Labels, scores: ArrayLike<number>): RocCurve {
  check('rocCurve', anomalous, scores);
  const counts = count(anomalous, scores);
  const missing = missingClass(counts);
  if (missing) throw new InputError(`rocCurve: expected normal and anomalous recordings, got ${missing}`);
  const kept = corners(counts);
  return {
    fpr: [0, ...kept.map((i) => counts.falseAlarms[i] / counts.normal)],
    tpr: [0, ...kept.map((i) => counts.hits[i] / counts.anomalous)],
    thresholds: [Number.POSITIVE_INFINITY, ...kept.map((i) => counts.scores[i])],
  };
}

/** Area under the curve up to a false-positive rate, by trapezoids; linear between points. */
function areaUpTo({ falseAlarms, hits, normal, anomalous }: Counts, maxFpr: number): number {
  const limit = maxFpr * normal;
  let area = 0;
  let [x, y] = [0, 0];
  for (let i = 0; i < hits.length && x < limit; i++) {
    const step = falseAlarms[i] - x;
    const width = Math.min(step, limit - x);
    const height = width < step ? y + ((hits[i] - y) * width) / step : hits[i];
    area += (width * (y + height)) / 2;
    [x, y] = [falseAlarms[i], hits[i]];
  }
  return area / (normal * anomalous);
}

/**
 * Area under the ROC curve: the probability that an anomalous recording scores higher than a normal one, with ties
 * counted half (trapezoids; Hanley & McNeil 1982). Undefined where one of the classes is missing.
 * @throws InputError if the lengths differ, a score is not finite, or a label is neither 0 nor 1.
 */
export function rocAuc(anomalous: Labels, scores: ArrayLike<number>): Measured {
  check('rocAuc', anomalous, scores);
  const counts = count(anomalous, scores);
  const missing = missingClass(counts);
  return missing ? undefinedBecause(missing) : measured(areaUpTo(counts, 1));
}

/**
 * Area under the ROC curve up to a false-positive rate m, standardised so that chance is 0.5 and perfection 1
 * (McClish 1989): (1 + (A - m²/2) / (m - m²/2)) / 2. The curve is interpolated linearly at m. With `maxFpr` 1: `rocAuc`.
 * @param maxFpr m, above 0 and at most 1; the challenges of DCASE task 2 take 0.1.
 * @throws InputError as `rocAuc` does, and if `maxFpr` is out of range.
 */
export function partialAuc(anomalous: Labels, scores: ArrayLike<number>, maxFpr = 0.1): Measured {
  if (!(maxFpr > 0 && maxFpr <= 1)) {
    throw new InputError(`partialAuc: expected maxFpr above 0 and at most 1, got ${maxFpr}`);
  }
  check('partialAuc', anomalous, scores);
  const counts = count(anomalous, scores);
  const missing = missingClass(counts);
  if (missing) return undefinedBecause(missing);
  if (maxFpr === 1) return measured(areaUpTo(counts, 1));
  const chance = maxFpr ** 2 / 2;
  return measured((1 + (areaUpTo(counts, maxFpr) - chance) / (maxFpr - chance)) / 2);
}
