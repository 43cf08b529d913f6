// Batch normalisation with running averages: of the batch in training, of what training has gathered afterwards.
import { add, cast, div, mul, sub } from '../graph/elementwise.ts';
import { batchNorm, batchNormTraining } from '../graph/normalization.ts';
import { pointwiseBatchNorm } from '../graph/pointwise-norm.ts';
import { runtimeDim } from '../graph/reshape.ts';
import { formatShape, staticDim, staticSize } from '../graph/shapes.ts';
import type { Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { ParameterScope } from './parameters.ts';

/**
 * Which statistics normalise. In training those of the batch; the next running averages go into `buffers` under the
 * names of the present ones, for the caller to make outputs of the graph and to feed back after the step.
 */
export type NormMode = { training: true; buffers: Map<string, Tensor> } | { training: false };

/** Whether a parameter is a running average: moved by `NormMode.buffers`, never by an optimiser. */
export const isRunningAverage = (name: string): boolean => /\.running_(mean|var)$/.test(name);

/** Running averages before the first batch: mean 0, variance 1. */
export const initialRunningAverage = (name: string, size: number): Float32Array =>
  new Float32Array(size).fill(name.endsWith('running_var') ? 1 : 0);

/** n / (n - 1), n being the number of values per channel of x [N, C, ...]: a number, or [1] where a size is symbolic. */
function unbiasedFactor(x: Tensor, name: string): Tensor | number {
  const sizes = x.shape.filter((_, axis) => axis !== 1);
  const known = staticSize(sizes);
  if (known === undefined) {
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const count = cast(
      axes.map((axis) => runtimeDim(x, axis)).reduce((product, size) => mul(product, size)),
      x.dtype,
    );
    return div(count, sub(count, 1));
  }
  if (known < 2) {
    throw new InputError(
      `batchNormLayer: expected at least 2 values per channel in training, found ${formatShape(x.shape)} at ${name}; use larger batches`,
    );
  }
  return known / (known - 1);
}

type Statistics = ReturnType<typeof batchNormTraining>['statistics'];

/** Puts the next running averages of a norm into the buffers; x [N, C, ...] tells how many values a statistic stands for. */
function moveAverages(
  own: (part: string) => Tensor,
  name: string,
  { mean, variance }: Statistics,
  x: Tensor,
  buffers: Map<string, Tensor>,
  momentum: number,
): void {
  const moved = (present: Tensor, batch: Tensor) => add(mul(present, 1 - momentum), mul(batch, momentum));
  buffers.set(`${name}.running_mean`, moved(own('running_mean'), mean));
  buffers.set(`${name}.running_var`, moved(own('running_var'), mul(variance, unbiasedFactor(x, name))));
}

/**
 * Batch normalisation of x [N, C], [N, C, T] or [N, C, H, W] over all axes but the channels (Ioffe & Szegedy 2015), with
 * `name.{weight,bias,running_mean,running_var}` [C]. As in PyTorch, a batch is normalised by its biased variance while
 * the running average takes the unbiased one. `running_var` starts at 1.
 * @param momentum share of the batch in the next running average (PyTorch's sense of the word)
 * @throws InputError in training where a channel has but one value.
 */
export function batchNormLayer(
  scope: ParameterScope,
  name: string,
  x: Tensor,
  mode: NormMode,
  epsilon = 1e-5,
  momentum = 0.1,
): Tensor {
  const channels = staticDim(x, 1, 'batchNormLayer');
  const own = (part: string) => scope(`${name}.${part}`, [channels]);
  const [gain, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(own);
  if (!mode.training) return batchNorm(x, { mean, variance }, gain, bias, epsilon);
  const { output, statistics } = batchNormTraining(x, gain, bias, epsilon);
  moveAverages(own, name, statistics, x, mode.buffers, momentum);
  return output;
}

/**
 * In training, a convolution with kernels of one value and the batch normalisation behind it, for more outputs than
 * inputs: the numbers of `batchNormLayer` of `conv`, in less time. x: [N, C, H, W] with known H and W, weight [O, C, 1, 1].
 * @throws InputError where a channel has but one value.
 */
export function pointwiseNormLayer(
  scope: ParameterScope,
  name: string,
  x: Tensor,
  weight: Tensor,
  buffers: Map<string, Tensor>,
  epsilon = 1e-5,
  momentum = 0.1,
): Tensor {
  const channels = staticDim(weight, 0, 'pointwiseNormLayer');
  const own = (part: string) => scope(`${name}.${part}`, [channels]);
  const { output, statistics } = pointwiseBatchNorm(x, weight, own('weight'), own('bias'), epsilon);
  moveAverages(own, name, statistics, x, buffers, momentum);
  return output;
}
