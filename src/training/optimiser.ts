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
  const toFirst = (1 - beta1) * gradientFactor;
  const toSecond = (1 - beta2) * gradientFactor * gradientFactor;
  const { values, decay } = average ?? { values: parameter, decay: 0 };
  const toAverage = 1 - decay;
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i];
    const m = beta1 * first[i] + toFirst * g;
    const v = beta2 * second[i] + toSecond * (g * g);
    const p = parameter[i] * kept - (rate * m) / (Math.sqrt(v) + epsilon);
    first[i] = m;
    second[i] = v;
    parameter[i] = p;
    values[i] = decay * values[i] + toAverage * p;
  }
}

/** Adds what other batches say of a gradient to the first, in place, and returns the sum of its squares. */
export function sumSquares([sum, ...others]: readonly Float32Array[]): number {
  const last = others.pop();
  for (const values of others) for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  return last ? addAndSquare(sum, last) : squares(sum);
}

// Four sums, none of which waits for another.

function squares(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const rest = values.length % 4;
  for (let i = 0; i < rest; i++) a += values[i] * values[i];
  for (let i = rest; i < values.length; i += 4) {
    a += values[i] * values[i];
    b += values[i + 1] * values[i + 1];
    c += values[i + 2] * values[i + 2];
    d += values[i + 3] * values[i + 3];
  }
  return a + b + c + d;
}

/** Both in one pass take half as long. */
function addAndSquare(sum: Float32Array, values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const rest = sum.length % 4;
  for (let i = 0; i < rest; i++) {
    sum[i] += values[i];
    a += sum[i] * sum[i];
  }
  for (let i = rest; i < sum.length; i += 4) {
    const w = Math.fround(sum[i] + values[i]);
    const x = Math.fround(sum[i + 1] + values[i + 1]);
    const y = Math.fround(sum[i + 2] + values[i + 2]);
    const z = Math.fround(sum[i + 3] + values[i + 3]);
    sum[i] = w;
    sum[i + 1] = x;
    sum[i + 2] = y;
    sum[i + 3] = z;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  return a + b + c + d;
}

/** min(1, limit / (norm + 1e-6)): the factor that clips gradients by their global norm (fairseq, PyTorch). */
export const clipFactor = (norm: number, limit: number): number => Math.min(1, limit / (norm + 1e-6));

/** average <- decay * average + (1 - decay) * value, in place. */
export function movingAverage(average: Float32Array, value: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + (1 - decay) * value[i];
}
