// Average precision of a ranking, and its mean over classes: the figure of multi-label classification.
import { arithmeticMean } from './means.ts';
import { type Measured, measured, undefinedBecause } from './measured.ts';

/**
 * Average precision of one class: the sum over thresholds of (recall gained) x precision, as in scikit-learn's
 * `average_precision_score` (no interpolation); equal scores are one threshold.
 * @param positive whether each recording is of the class
 */
export function averagePrecision(positive: readonly boolean[], scores: ArrayLike<number>): Measured {
  const total = positive.filter(Boolean).length;
  if (total === 0) return undefinedBecause('no recording is of the class');
  const order = Array.from(positive.keys()).sort((a, b) => scores[b] - scores[a]);
  let [found, gained, sum] = [0, 0, 0];
  for (const [rank, i] of order.entries()) {
    if (positive[i]) found++;
    const next = order[rank + 1];
    if (next !== undefined && scores[next] === scores[i]) continue;
    sum += ((found - gained) / total) * (found / (rank + 1));
    gained = found;
  }
  return measured(sum);
}

/**
 * Mean average precision: over the classes that any recording is of.
 * @param truth classes of every recording, by number
 * @param scores a score per class of every recording
 */
export function meanAveragePrecision(truth: readonly (readonly number[])[], scores: readonly ArrayLike<number>[]): Measured {
  const classes = new Set(truth.flat());
  const each = [...classes].map((one) =>
    averagePrecision(
      truth.map((own) => own.includes(one)),
      scores.map((own) => own[one]),
    ),
  );
  const values = each.flatMap((figure) => (figure.value === null ? [] : [figure.value]));
  return values.length > 0 ? arithmeticMean(values) : undefinedBecause('no recording has a class');
}
