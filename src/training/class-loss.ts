// Losses of a classifier: cross entropy with hard, soft or smoothed labels, and binary cross entropy for several labels at once.
import { logSoftmax, softplus } from '../graph/activation.ts';
import { add, cast, div, equal, maximum, mul, neg, sub } from '../graph/elementwise.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape } from '../graph/reshape.ts';
import { formatShape, staticDim } from '../graph/shapes.ts';
import { constant, isFloat, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';

/**
 * Labels as shares of the classes [B, C]: int64 [B] as rows of one 1; float [B, C] (mixup) as they are.
 * @throws InputError for labels of another kind.
 */
export function classShares(labels: Tensor, classes: number): Tensor {
  if (isFloat(labels) && labels.shape.length === 2 && labels.shape[1] === classes) return labels;
  if (labels.dtype !== 'int64' || labels.shape.length !== 1) {
    throw new InputError(
      `classShares: expected labels int64 [B] or float [B, ${classes}], found ${labels.dtype} ${formatShape(labels.shape)}; number the classes from 0`,
    );
  }
  const numbers = constant(
    Array.from({ length: classes }, (_, c) => c),
    [1, classes],
    'int64',
  );
  return cast(equal(reshape(labels, [labels.shape[0], 1]), numbers), 'float32');
}

/**
 * Mean over clips of -sum over c of y_c log softmax(logits)_c, a scalar. logits: [B, C]; labels as in `classShares`.
 * `smoothing` e puts e / C of every label on each class, (1 - e) y + e / C (Szegedy et al. 2016, section 7).
 * @throws InputError for smoothing outside [0, 1), and for labels of another kind.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, { smoothing = 0 }: { smoothing?: number } = {}): Tensor {
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new InputError(
      `crossEntropy: expected label smoothing from 0 up to but not 1, found ${smoothing}; 0.1 is usual`,
    );
  }
  const classes = staticDim(logits, 1, 'crossEntropy');
  const shares = classShares(labels, classes);
  const smoothed = smoothing === 0 ? shares : add(mul(shares, 1 - smoothing), smoothing / classes);
  return neg(reduceMean(reduceSum(mul(logSoftmax(logits, -1), smoothed), [1])));
}

/**
 * Binary cross entropy, summed over clips and classes, as a scalar: divided by the sum of all labels (`labels`) or by the
 * number of clips (`clips`) (specification EAT, fine-tuning). logits: [B, C]; labels: float [B, C] from 0 to 1. A batch
 * whose labels sum to less than 1 is divided by 1.
 */
export function binaryCrossEntropy(logits: Tensor, labels: Tensor, per: 'labels' | 'clips'): Tensor {
  // -y log σ(z) - (1 - y) log(1 - σ(z)) = ln(1 + e^z) - y z, which no logit overflows.
  const errors = sub(softplus(logits), mul(labels, logits)); // [B, C]
  if (per === 'clips') return reduceMean(reduceSum(errors, [1]));
  return div(reduceSum(errors), maximum(reduceSum(labels), 1));
}
