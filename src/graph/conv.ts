// Convolutions over one or two axes (or more), with stride, padding, dilation and groups.
import {
  hasRowBlocks,
  isSmallPicture,
  pointwiseWeightGradient,
  rowBlockInputGradient,
  rowBlockWeightGradient,
  rowProducts,
  smallPictureConvolution,
  smallPictureInputGradient,
  smallPictureWeightGradient,
} from './depthwise.ts';
import { add } from './elementwise.ts';
import { gather } from './indexing.ts';
import { matmul } from './matmul.ts';
import { reduceSum, reshape, transpose } from './reshape.ts';
import { formatShape, sameShape, staticDim, staticSize } from './shapes.ts';
import { concat, pad, slice, takeLike } from './slicing.ts';
import { apply, type Dim, int64, type Tensor } from './tensor.ts';

export type ConvOptions = {
  /** Per spatial axis, or one number for all. Default 1. */
  stride?: number | readonly number[];
  /** Zeros on both sides of every spatial axis. Default 0. */
  padding?: number | readonly number[];
  dilation?: number | readonly number[];
  groups?: number;
  /** Names for the sizes of symbolic spatial axes after the convolution. */
  outputSizes?: readonly Dim[];
};

type Geometry = { stride: number[]; padding: number[]; dilation: number[]; groups: number };

function perAxis(value: number | readonly number[] | undefined, axes: number, fallback: number): number[] {
  const values = typeof value === 'object' ? [...value] : new Array<number>(axes).fill(value ?? fallback);
  if (values.length !== axes) throw new TypeError(`conv: expected one number or ${axes}, got [${values}]`);
  return values;
}

function outputSize(size: Dim, kernel: number, axis: number, geometry: Geometry, named?: Dim): Dim {
  if (typeof size !== 'number') {
    if (named === undefined) throw new TypeError(`conv: name the output size of symbolic axis ${size} in outputSizes`);
    return named;
  }
  const reach = geometry.dilation[axis] * (kernel - 1) + 1;
  const steps = Math.floor((size + 2 * geometry.padding[axis] - reach) / geometry.stride[axis]) + 1;
  if (steps < 1) throw new RangeError(`conv: a kernel reaching ${reach} does not fit into ${size} values`);
  return steps;
}

const attributesOf = (geometry: Geometry) => ({
  strides: geometry.stride,
  pads: [...geometry.padding, ...geometry.padding],
  dilations: geometry.dilation,
  group: geometry.groups,
});

const geometryOf = (x: Tensor, options: ConvOptions): Geometry => {
  const axes = x.shape.length - 2;
  return {
    stride: perAxis(options.stride, axes, 1),
    padding: perAxis(options.padding, axes, 0),
    dilation: perAxis(options.dilation, axes, 1),
    groups: options.groups ?? 1,
  };
};

/**
 * Cross-correlation, as every deep-learning library calls convolution.
 * x: [N, C, ...spatial], weight: [O, C/groups, ...kernel], bias: [O] -> [N, O, ...].
 */
export function conv(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const axes = x.shape.length - 2;
  const geometry = geometryOf(x, options);
  const channels = staticDim(x, 1, 'conv');
  const [filters, perGroup] = [staticDim(weight, 0, 'conv'), staticDim(weight, 1, 'conv')];
  if (
    axes < 1 ||
    weight.shape.length !== axes + 2 ||
    perGroup * geometry.groups !== channels ||
    filters % geometry.groups !== 0
  ) {
    throw new TypeError(
      `conv: input ${formatShape(x.shape)}, weight ${formatShape(weight.shape)} and ${geometry.groups} groups do not fit`,
    );
  }
  if (bias && !sameShape(bias.shape, [filters])) {
    throw new TypeError(`conv: expected a bias [${filters}], got ${formatShape(bias.shape)}`);
  }
  const spatial = Array.from({ length: axes }, (_, i) =>
    outputSize(x.shape[i + 2], staticDim(weight, i + 2, 'conv'), i, geometry, options.outputSizes?.[i]),
  );
  const shape = [x.shape[0], filters, ...spatial];
  return apply(
    'Conv',
    bias ? [x, weight, bias] : [x, weight],
    { shape, dtype: x.dtype },
    attributesOf(geometry),
    (g) => [
      inputGradient(g, x, weight, geometry),
      weightGradient(g, x, weight, geometry),
      bias && reduceSum(g, [0, ...spatial.map((_, i) => i + 2)]),
    ],
  );
}

/**
 * The numbers of `conv` without a bias, in the way that is quickest for many clips: depthwise convolutions of small pictures
 * become matrix products. For training; a network that is kept should have its convolutions as such.
 */
export function trainingConv(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const y = conv(x, weight, undefined, options);
  const geometry = geometryOf(x, options);
  if (!isDepthwise(x, weight, geometry) || !isSmallPicture(x, y)) return y;
  return smallPictureConvolution(x, weight, y.shape.slice(2) as number[], geometry);
}

/** Whether every filter sees one value of every channel: a matrix product. Spatial sizes must be known. */
function isPointwise(x: Tensor, weight: Tensor, { stride, padding, groups }: Geometry): boolean {
  const one = weight.shape.slice(2).every((size) => size === 1) && stride.every((s) => s === 1);
  return one && groups === 1 && padding.every((p) => p === 0) && staticSize(x.shape.slice(2)) !== undefined;
}

/** Whether every channel has one kernel of its own. */
const isDepthwise = (x: Tensor, weight: Tensor, { groups }: Geometry): boolean =>
  groups > 1 && groups === x.shape[1] && groups === weight.shape[0];

/** Transposed convolution of the gradient; rows that a stride never reached get zeros. */
function inputGradient(g: Tensor, x: Tensor, weight: Tensor, geometry: Geometry): Tensor {
  if (isPointwise(x, weight, geometry)) return conv(g, swapFirstAxes(weight));
  if (isDepthwise(x, weight, geometry) && isSmallPicture(x, g))
    return smallPictureInputGradient(g, x, weight, geometry);
  const [from, to] = [x.shape.slice(2), g.shape.slice(2)];
  if (staticSize([...from, ...to]) === undefined) return openInputGradient(g, x, weight, geometry);
  if (isDepthwise(x, weight, geometry) && hasOddKernel(weight, geometry)) {
    return conv(g, reversed(weight), undefined, geometry);
  }
  if (isDepthwise(x, weight, geometry) && hasRowBlocks(x, g, weight, geometry)) {
    return rowBlockInputGradient(g, x, weight, geometry);
  }
  const { stride, padding, dilation } = geometry;
  const reach = (i: number) => dilation[i] * (staticDim(weight, i + 2, 'conv') - 1) + 1;
  // Values at the end that the stride did not reach.
  const rest = stride.map((step, i) => ((from[i] as number) + 2 * padding[i] - reach(i)) % step);
  return apply(
    'ConvTranspose',
    [g, weight],
    { shape: x.shape, dtype: g.dtype },
    { ...attributesOf(geometry), output_padding: rest },
    // Differentiable in turn: the adjoint of a transposed convolution is the convolution itself.
    (gg) => [conv(gg, weight, undefined, geometry), weightGradient(g, gg, weight, geometry)],
  );
}

/** Whether the kernel reaches as far to both sides and the sizes stay: the gradient is a convolution of the same kind. */
function hasOddKernel(weight: Tensor, { stride, padding, dilation }: Geometry): boolean {
  const kernel = weight.shape.slice(2) as number[];
  return kernel.every((size, i) => stride[i] === 1 && 2 * padding[i] === dilation[i] * (size - 1));
}

/** Kernels [O, C, ...] with all spatial axes the other way round. */
function reversed(weight: Tensor): Tensor {
  const [filters, channels, ...kernel] = weight.shape as number[];
  const taps = kernel.reduce((a, b) => a * b, 1);
  const backwards = int64(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  return reshape(gather(reshape(weight, [filters, channels, taps]), backwards, 2), weight.shape);
}

/** The same with sizes that only a run knows. */
function openInputGradient(g: Tensor, x: Tensor, weight: Tensor, geometry: Geometry): Tensor {
  const axes = geometry.stride.length;
  const full = g.shape.slice(2).map((size, i): Dim => {
    const reach = geometry.dilation[i] * (staticDim(weight, i + 2, 'conv') - 1) + 1;
    return typeof size === 'number' ? (size - 1) * geometry.stride[i] + reach : `${size} transposed`;
  });
  let result: Tensor = apply(
    'ConvTranspose',
    [g, weight],
    { shape: [g.shape[0], x.shape[1], ...full], dtype: g.dtype },
    { ...attributesOf(geometry), pads: new Array<number>(2 * axes).fill(0) },
    // Differentiable in turn: the adjoint of a transposed convolution is the convolution itself.
    (gg) => [
      conv(gg, weight, undefined, { ...geometry, padding: 0, outputSizes: g.shape.slice(2) }),
      weightGradient(g, gg, weight, { ...geometry, padding: geometry.padding.map(() => 0) }),
    ],
  );
  for (let i = 0; i < axes; i++) {
    const [axis, before, size] = [i + 2, geometry.padding[i], x.shape[i + 2]];
    result = pad(result, axis, 0, before + geometry.stride[i] - 1, 0, `${full[i]} padded`);
    if (typeof size === 'number') {
      result = slice(result, axis, before, before + size);
    } else {
      const from = before > 0 ? slice(result, axis, before, undefined, `${size} and more`) : result;
      result = takeLike(from, x, axis);
    }
  }
  return result;
}

/** [N, G C', ...] -> [C', G N, ...]: batch and channels change places within every group. */
function batchAsChannels(x: Tensor, groups: number): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const perGroup = (channels as number) / groups;
  const byGroup = reshape(x, [batch, groups, perGroup, ...spatial]);
  const rows = typeof batch === 'number' ? batch * groups : groups === 1 ? batch : `${groups} ${batch}`;
  const swapped = transpose(byGroup, [2, 1, 0, ...spatial.map((_, i) => i + 3)]);
  return reshape(swapped, [perGroup, rows, ...spatial]);
}

/** The first two axes swapped. */
const swapFirstAxes = (x: Tensor): Tensor => transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);

/** Steps of the stride that a kernel may span for its gradient to be a few matrix products. */
const MOST_STEPS = 3;

/**
 * The weight gradient of a short kernel over one axis as matrix products over all positions of the batch, [stride C, N T']
 * by [N T', O]: the correlation below would have a kernel as long as the signal and as few outputs as the kernel has
 * values, which ONNX Runtime's CPU computes several times slower. Undefined where it does not apply.
 */
function productGradient(g: Tensor, x: Tensor, weight: Tensor, geometry: Geometry): Tensor | undefined {
  const [filters, channels, kernel] = weight.shape as number[];
  const { stride, padding, dilation, groups } = geometry;
  const steps = Math.ceil(kernel / stride[0]);
  const known = staticSize([...x.shape, ...g.shape]) !== undefined;
  if (stride.length > 1 || dilation[0] > 1 || groups > 1 || steps > MOST_STEPS || !known) return undefined;
  const [batch, , length] = x.shape as number[];
  const outputs = g.shape[2] as number;
  const rows = outputs + steps - 1;
  const needed = rows * stride[0];
  const missing = Math.max(0, needed - padding[0] - length);
  const padded = pad(transpose(x, [0, 2, 1]), 1, padding[0], missing); // [N, T, C]
  const strides = reshape(slice(padded, 1, 0, needed), [batch, rows, stride[0] * channels]);
  const flatGradient = reshape(transpose(g, [0, 2, 1]), [batch * outputs, filters]);
  const products = Array.from({ length: steps }, (_, i) => {
    const width = Math.min(stride[0], kernel - i * stride[0]) * channels;
    const part = slice(slice(strides, 1, i, i + outputs), 2, 0, width);
    return matmul(transpose(reshape(part, [batch * outputs, width]), [1, 0]), flatGradient); // [width, O]
  });
  return transpose(reshape(concat(products, 0), [kernel, channels, filters]), [2, 1, 0]);
}

/** Correlation of input and gradient: batch and channels change places, stride and dilation too. */
function weightGradient(g: Tensor, x: Tensor, weight: Tensor, geometry: Geometry): Tensor {
  const product = productGradient(g, x, weight, geometry);
  if (product) return product;
  if (isPointwise(x, weight, geometry)) return pointwiseWeightGradient(g, x, weight);
  if (isDepthwise(x, weight, geometry)) {
    if (isSmallPicture(x, g)) return smallPictureWeightGradient(g, x, weight, geometry);
    if (hasRowBlocks(x, g, weight, geometry)) return rowBlockWeightGradient(g, x, weight, geometry);
    if (x.shape.length === 4 && staticSize([...x.shape, ...g.shape]) !== undefined)
      return rowProducts(g, x, weight, geometry);
  }
  const [filters, perGroup, ...kernelShape] = weight.shape as number[];
  const sizes = kernelShape.map((_, i): Dim => {
    const [size, steps] = [x.shape[i + 2], g.shape[i + 2]];
    if (typeof size !== 'number' || typeof steps !== 'number') return `${size} kernel`;
    const reach = geometry.stride[i] * (steps - 1) + 1;
    return Math.floor((size + 2 * geometry.padding[i] - reach) / geometry.dilation[i]) + 1;
  });
  // With a stride the correlation may run past the kernel: cut it off. [C', O, ...] -> [O, C', ...kernel]
  const toWeight = (correlation: Tensor) => {
    let cut = correlation;
    for (const [i, kernel] of kernelShape.entries()) {
      if (sizes[i] !== kernel) cut = slice(cut, i + 2, 0, kernel, kernel);
    }
    return swapFirstAxes(cut);
  };
  const correlation = apply(
    'Conv',
    [batchAsChannels(x, geometry.groups), swapFirstAxes(g)],
    { shape: [perGroup, filters, ...sizes], dtype: g.dtype },
    attributesOf({ ...geometry, stride: geometry.dilation, dilation: geometry.stride }),
    // Linear in x and in g: its adjoints are the other two of the three convolutions.
    (gg) => [
      batchAsChannels(inputGradient(g, x, toWeight(gg), geometry), geometry.groups),
      swapFirstAxes(conv(x, toWeight(gg), undefined, { ...geometry, outputSizes: g.shape.slice(2) })),
    ],
  );
  return toWeight(correlation);
}

/**
 * Convolution whose kernel equals its stride, without padding: every patch is one row of a matrix product.
 * x: [N, C, H, W], weight: [O, C, h, w] -> [N, H/h, W/w, O]. Faster than `conv` and without a transpose behind it.
 */
export function patchEmbedding(x: Tensor, weight: Tensor, bias: Tensor, patches: readonly [Dim, Dim]): Tensor {
  const [filters, channels, height, width] = weight.shape as number[];
  const [rows, columns] = patches;
  const [batch] = x.shape;
  const cut = reshape(x, [batch, channels, rows, height, columns, width]);
  const flat = reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), [batch, rows, columns, channels * height * width]);
  const matrix = transpose(reshape(weight, [filters, channels * height * width]), [1, 0]);
  return add(matmul(flat, matrix), bias);
}
