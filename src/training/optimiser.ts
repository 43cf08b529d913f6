// AdamW and what belongs to an update, on arrays: clipping by the global norm, and the running average of a teacher.
// Plain loops touch every number once. As a graph, each operator writes an array of its own, and ONNX Runtime copies the
// results: three times as long.

export type AdamWConfig = { beta1: number; beta2: number; epsilon: number };

/** Of EAT's pre-training. */
export const eatAdamW: AdamWConfig = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

/** A parameter and its moments, changed in place; with a running average of the parameter where a teacher has one. */
export type AdamWState = {
  parameter: Float32Array;
  first: Float32Array;
  second: Float32Array;
  average?: { values: Float32Array; decay: number };
};

/** Numbers of an update; `step` counts from 1, `gradientFactor` is what `clipFactor` says. */
export type AdamWScalars = { step: number; learningRate: number; weightDecay: number; gradientFactor: number };

/**
 * One AdamW update with decoupled weight decay, in place (Loshchilov & Hutter 2019, algorithm 2):
 * p <- p - lr wd p, then p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). Epsilon stands beside
 * the uncorrected moment, as in fairseq (and Kingma & Ba's faster form); PyTorch puts it beside the corrected one, which
 * makes a difference in the first steps only, where gradients are as small as epsilon. The average follows at once, while
 * the new value is at hand: average <- decay * average + (1 - decay) * p.
 */
export function adamW(
  { parameter, first, second, average }: AdamWState,
  gradient: Float32Array,
  { beta1, beta2, epsilon }: AdamWConfig,
  { step, learningRate, weightDecay, gradientFactor }: AdamWScalars,
): void {
  const kept = 1 - learningRate * weightDecay;
  const rate = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  const { values, decay } = average ?? { values: parameter, decay: 0 };
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i] * gradientFactor;
    const m = beta1 * first[i] + (1 - beta1) * g;
    const v = beta2 * second[i] + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    parameter[i] = parameter[i] * kept - (rate * m) / (Math.sqrt(v) + epsilon);
    values[i] = decay * values[i] + (1 - decay) * parameter[i];
  }
}

/** Adds what other batches say of a gradient to the first, in place, and returns the sum of its squares. */
export function sumSquares([sum, ...others]: readonly Float32Array[]): number {
  for (const values of others) for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  // Four sums, none of which waits for another.
  let [a, b, c, d] = [0, 0, 0, 0];
  const rest = sum.length % 4;
  for (let i = 0; i < rest; i++) a += sum[i] * sum[i];
  for (let i = rest; i < sum.length; i += 4) {
    a += sum[i] * sum[i];
    b += sum[i + 1] * sum[i + 1];
    c += sum[i + 2] * sum[i + 2];
    d += sum[i + 3] * sum[i + 3];
  }
  return a + b + c + d;
}

/** min(1, limit / (norm + 1e-6)): the factor that clips gradients by their global norm (fairseq, PyTorch). */
export const clipFactor = (norm: number, limit: number): number => Math.min(1, limit / (norm + 1e-6));

/** average <- decay * average + (1 - decay) * value, in place. */
export function movingAverage(average: Float32Array, value: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + (1 - decay) * value[i];
}
