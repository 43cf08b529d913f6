// Batch normalisation behind a convolution with kernels of one value, which it follows without looking at its outputs.
import { conv } from './conv.ts';
import { add, div, maximum, mul, sqrt } from './elementwise.ts';
import { matmul } from './matmul.ts';
import type { BatchStatistics } from './normalization.ts';
import { centre, divideByCount } from './reduce.ts';
import { reduceSum, reshape, swapLastAxes } from './reshape.ts';
import { staticDim, staticSize } from './shapes.ts';
import { apply, type Tensor } from './tensor.ts';

/** Products of all channels with one another, summed over positions and clips: x [N, C, P] -> [C, C]. */
function channelProducts(x: Tensor): Tensor {
  const [batch, channels] = x.shape;
  const perClip = apply(
    'MatMul',
    [x, swapLastAxes(x)],
    { shape: [batch, channels, channels], dtype: x.dtype },
    {},
    // Both factors are x: the whole gradient goes to the first.
    (g) => [matmul(add(g, swapLastAxes(g)), x)],
  );
  return reduceSum(perClip, [0]);
}

/**
 * Convolution with kernels of one value, then batch normalisation with the statistics of the batch: x [N, C, ...] with
 * known spatial sizes, weight [O, C, 1, ...], gain and bias [O] -> [N, O, ...]. An output is w x, so its mean is w times
 * the mean of x, and its variance w K w, K being the covariance of the channels of x. With more outputs than inputs that
 * is the cheaper way: nothing but the convolution itself, scaled and shifted, runs over the outputs.
 */
export function pointwiseBatchNorm(
  x: Tensor,
  weight: Tensor,
  gain: Tensor,
  bias: Tensor,
  epsilon = 1e-5,
): { output: Tensor; statistics: BatchStatistics } {
  const [outputs, inputs] = [staticDim(weight, 0, 'pointwiseBatchNorm'), staticDim(weight, 1, 'pointwiseBatchNorm')];
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const positions = staticSize(x.shape.slice(2)) as number;
  const { centred, mean } = centre(x, axes);
  const products = channelProducts(reshape(centred, [x.shape[0], inputs, positions]));
  const covariance = divideByCount(products, x, axes);
  const rows = reshape(weight, [outputs, inputs]);
  // Rounding must not make a variance of nothing negative.
  const variance = maximum(reduceSum(mul(matmul(rows, covariance), rows), [1]), 0);
  const scale = div(gain, sqrt(add(variance, epsilon)));
  const kernels = reshape(mul(rows, reshape(scale, [outputs, 1])), weight.shape);
  const means = matmul(rows, reshape(mean, [inputs, 1]));
  return { output: conv(centred, kernels, bias), statistics: { mean: reshape(means, [outputs]), variance } };
}
