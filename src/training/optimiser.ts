// AdamW and what belongs to an update, as graphs: clipping by the global norm, and the running average of a teacher.
import { add, div, minimum, mul, sqrt, sub } from '../graph/elementwise.ts';
import { reduceSum } from '../graph/reshape.ts';
import type { Tensor } from '../graph/tensor.ts';

export type AdamWConfig = { beta1: number; beta2: number; epsilon: number };

/** Of EAT's pre-training. */
export const eatAdamW: AdamWConfig = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

export type AdamWState = { parameter: Tensor; first: Tensor; second: Tensor };

/** Scalars that change from step to step. `correction1` is 1 - beta1^t, `correction2` 1 - beta2^t. */
export type AdamWScalars = { learningRate: Tensor; weightDecay: Tensor; correction1: Tensor; correction2: Tensor };

/**
 * One AdamW update with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2):
 * p <- p - lr wd p, then p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). Epsilon stands beside
 * the uncorrected moment, as in fairseq (and Kingma & Ba's faster form); PyTorch puts it beside the corrected one, which
 * makes a difference in the first steps only, where gradients are as small as epsilon.
 */
export function adamW(
  { parameter, first, second }: AdamWState,
  gradient: Tensor,
  { beta1, beta2, epsilon }: AdamWConfig,
  { learningRate, weightDecay, correction1, correction2 }: AdamWScalars,
): AdamWState {
  const m = add(mul(first, beta1), mul(gradient, 1 - beta1));
  const v = add(mul(second, beta2), mul(mul(gradient, gradient), 1 - beta2));
  const decayed = mul(parameter, sub(1, mul(learningRate, weightDecay)));
  const rate = div(mul(learningRate, sqrt(correction2)), correction1);
  const step = mul(rate, div(m, add(sqrt(v), epsilon)));
  return { parameter: sub(decayed, step), first: m, second: v };
}

/** Euclidean norm of all gradients together. */
export const globalNorm = (gradients: readonly Tensor[]): Tensor =>
  sqrt(gradients.map((g) => reduceSum(mul(g, g))).reduce((sum, part) => add(sum, part)));

/** min(1, limit / (norm + 1e-6)): the factor that clips gradients by their global norm (fairseq, PyTorch). */
export const clipFactor = (norm: Tensor, limit: Tensor): Tensor => minimum(div(limit, add(norm, 1e-6)), 1);

/** decay * average + (1 - decay) * value. */
export const movingAverage = (average: Tensor, value: Tensor, decay: Tensor): Tensor =>
  add(mul(average, decay), mul(value, sub(1, decay)));
