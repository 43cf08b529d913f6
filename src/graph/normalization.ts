// Normalisation layers: layer, group, instance and batch.
import { conv } from './conv.ts';
import { add, div, mul, neg, sqrt, sub } from './elementwise.ts';
import { divideByCount, reduceMean, varianceOfCentred } from './reduce.ts';
import { reduceSum, reshape, reshapeLike, sumOverRows } from './reshape.ts';
import { formatShape, sameShape, staticDim, staticSize } from './shapes.ts';
import { fullLike } from './slicing.ts';
import { addNode, apply, constant, type Dim, type Shape, type Tensor } from './tensor.ts';

/** (x - mean) / sqrt(variance + epsilon) over `axes`; biased variance. */
export function standardize(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = sub(x, reduceMean(x, axes, true));
  return div(centred, sqrt(add(varianceOfCentred(centred, axes), epsilon)));
}

/**
 * Layer normalisation over the last axis (Ba et al. 2016). gain: [D], or one number for all; bias: [D]; both may be absent.
 * One fused ONNX node; its gradient uses the mean and deviation that the node computed on the way, or its output.
 */
export function layerNorm(
  x: Tensor,
  gain: Tensor | number | undefined,
  bias: Tensor | undefined,
  epsilon = 1e-5,
): Tensor {
  const width = staticDim(x, -1, 'layerNorm');
  const vector = typeof gain === 'object' ? gain : undefined;
  for (const given of [vector, bias]) {
    if (given && !sameShape(given.shape, [width])) {
      throw new TypeError(`layerNorm: expected gain and bias [${width}], got ${formatShape(given.shape)}`);
    }
  }
  const factor = typeof gain === 'number' ? gain : 1;
  const scale = vector ?? constant(new Array<number>(width).fill(factor), [width], x.dtype);
  const last = x.shape.length - 1;
  const statistics: Shape = [...x.shape.slice(0, last), 1];
  const [y, mean, inverse] = addNode({
    op: 'LayerNormalization',
    inputs: [x, scale, bias],
    outputs: [
      { shape: x.shape, dtype: x.dtype },
      { shape: statistics, dtype: 'float32' },
      { shape: statistics, dtype: 'float32' },
    ],
    attributes: { axis: -1, epsilon: { float: epsilon } },
    // Gradients reach mean and inverse deviation too when this gradient is itself differentiated.
    vjp: ([gradient, ofMean, ofInverse]) => {
      const g = gradient ?? fullLike(x, 0);
      const own = vector === undefined && bias === undefined;
      const normal = own ? mul(y, 1 / factor) : mul(sub(x, mean), inverse);
      const toNormal = vector ? mul(g, scale) : g;
      // Of the output itself, which is `factor` times the normal numbers, or of these.
      const [like, share] = own ? [y, factor ** -2] : [normal, 1];
      const along = mul(reduceMean(mul(toNormal, like), [last], true), share);
      const projected = sub(sub(toNormal, reduceMean(toNormal, [last], true)), mul(like, along));
      let toX = mul(projected, vector ? inverse : mul(inverse, factor));
      if (ofMean) toX = add(toX, mul(ofMean, 1 / width));
      if (ofInverse) toX = sub(toX, mul(mul(ofInverse, mul(inverse, inverse)), mul(normal, 1 / width)));
      return [toX, vector && sumOverRows(mul(g, normal)), bias && sumOverRows(g)];
    },
  });
  return y;
}

/** [C] as [1, C, 1, ...], to meet a tensor [N, C, ...]. */
const alongChannels = (vector: Tensor, rank: number): Tensor =>
  reshape(vector, [1, staticDim(vector, 0, 'normalisation'), ...new Array<number>(rank - 2).fill(1)]);

function affine(x: Tensor, gain: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const scaled = gain ? mul(x, alongChannels(gain, x.shape.length)) : x;
  return bias ? add(scaled, alongChannels(bias, x.shape.length)) : scaled;
}

/**
 * Group normalisation (Wu & He 2018) of x [N, C, ...]: statistics over the channels of a group and all positions.
 * With as many groups as channels it is instance normalisation.
 */
export function groupNorm(x: Tensor, groups: number, gain?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  const channels = staticDim(x, 1, 'groupNorm');
  if (channels % groups !== 0) {
    throw new RangeError(
      `groupNorm: ${channels} channels do not divide into ${groups} groups (${formatShape(x.shape)})`,
    );
  }
  const rest = x.shape.slice(2);
  const numeric = rest.every((dim) => typeof dim === 'number');
  const flat: Dim = numeric
    ? rest.reduce<number>((product, dim) => product * (dim as number), channels / groups)
    : 'group size';
  const grouped = reshape(x, [x.shape[0], groups, flat]);
  return affine(reshapeLike(standardize(grouped, [2], epsilon), x), gain, bias);
}

export type BatchStatistics = { mean: Tensor; variance: Tensor };

/** Batch normalisation with stored statistics [C] (Ioffe & Szegedy 2015), as used after training. x: [N, C, ...]. */
export function batchNorm(
  x: Tensor,
  statistics: BatchStatistics,
  gain?: Tensor,
  bias?: Tensor,
  epsilon = 1e-5,
): Tensor {
  const deviation = sqrt(add(statistics.variance, epsilon));
  const scale = gain ? div(gain, deviation) : div(1, deviation);
  const offset = sub(bias ?? mul(statistics.mean, 0), mul(statistics.mean, scale));
  return affine(x, scale, offset);
}

/** Positions of a channel from which on a convolution with kernels of one value is the quicker way to scale and shift it. */
const MANY_POSITIONS = 64;

/** Whether channels of x [N, C, ...] are long enough for that. */
const hasLongChannels = (x: Tensor): boolean => (staticSize(x.shape.slice(2)) ?? 0) >= MANY_POSITIONS;

/** [1, C, 1, ...] as kernels [C, 1, 1, ...]. */
const asKernels = (vector: Tensor): Tensor => reshape(vector, [vector.shape[1], 1, ...vector.shape.slice(2)]);

/** x scale + offset, channel by channel; scale and offset [1, C, 1, ...]. */
function scaleAndShift(x: Tensor, scale: Tensor, offset: Tensor): Tensor {
  if (!hasLongChannels(x)) return add(mul(x, scale), offset);
  const channels = staticDim(x, 1, 'normalisation');
  return conv(x, asKernels(scale), reshape(offset, [channels]), { groups: channels });
}

/**
 * Batch normalisation with the statistics of the batch itself. Returns them too (biased variance [C]),
 * for the running averages that the caller keeps. Its gradient is computed in one piece, with two sums over the batch
 * (Ioffe & Szegedy 2015, section 3); that of the statistics goes its own way.
 */
export function batchNormTraining(
  x: Tensor,
  gain?: Tensor,
  bias?: Tensor,
  epsilon = 1e-5,
): { output: Tensor; statistics: BatchStatistics } {
  const channels = staticDim(x, 1, 'batchNormTraining');
  const rank = x.shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const mean = reduceMean(x, axes, true);
  const centred = sub(x, mean);
  const variance = varianceOfCentred(centred, axes);
  const inverse = div(1, sqrt(add(variance, epsilon))); // [1, C, 1, ...]
  const factor = gain && alongChannels(gain, rank);
  const scale = factor ? mul(factor, inverse) : inverse;

  // The same nodes again, which the runtime computes once, with gradients that lead past the statistics.
  const ofX = apply('Sub', [x, mean], { shape: x.shape, dtype: x.dtype }, {}, (g) => [g]);
  const ofGain = factor
    ? apply('Mul', [factor, inverse], { shape: scale.shape, dtype: x.dtype }, {}, (g) => [g])
    : inverse;
  const backward = (g: Tensor) => {
    const sum = reduceSum(g, axes, true);
    const product = reduceSum(mul(g, centred), axes, true);
    // scale (g - mean of g - centred inverse^2 (mean of g centred))
    const offset = neg(mul(scale, divideByCount(sum, x, axes)));
    const slope = neg(mul(mul(scale, mul(inverse, inverse)), divideByCount(product, x, axes)));
    const toX = add(scaleAndShift(g, scale, offset), mul(centred, slope));
    return { toX, toGain: factor && mul(product, inverse), toBias: reshape(sum, [channels]) };
  };

  const scaled = (): Tensor => {
    const out = { shape: x.shape, dtype: x.dtype };
    if (!hasLongChannels(x)) {
      const normal = apply('Mul', [ofX, ofGain], out, {}, (g) => {
        const { toX, toGain } = backward(g);
        return [toX, toGain];
      });
      return bias ? add(normal, alongChannels(bias, rank)) : normal;
    }
    // One node, into which the runtime fuses the activation behind it.
    const each = (value: number) => x.shape.slice(2).map(() => value);
    const geometry = { strides: each(1), pads: [...each(0), ...each(0)], dilations: each(1), group: channels };
    return apply('Conv', [ofX, asKernels(ofGain), bias], out, geometry, (g) => {
      const { toX, toGain, toBias } = backward(g);
      return [toX, toGain && asKernels(toGain), bias && toBias];
    });
  };
  return { output: scaled(), statistics: { mean: reshape(mean, [channels]), variance: reshape(variance, [channels]) } };
}
