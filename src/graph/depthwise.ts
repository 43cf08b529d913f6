// Depthwise convolutions, of every channel with a kernel of its own, as matrix products: for training, where ONNX Runtime's
// convolutions of one channel each take several times as long.

import { matmul } from './matmul.ts';
import { reduceSum, reshape, swapLastAxes, transpose } from './reshape.ts';
import { staticSize } from './shapes.ts';
import { concat, pad, slice } from './slicing.ts';
import { constant, type Tensor } from './tensor.ts';

/** Per spatial axis. */
export type Grid = { stride: readonly number[]; padding: readonly number[]; dilation: readonly number[] };

/** Positions of a picture that is small enough for a matrix from all of its values to all outputs, channel by channel. */
const SMALL = 128;

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Indices along each axis of number `flat` of an array of `sizes`, row-major. */
function unravel(flat: number, sizes: readonly number[]): number[] {
  let rest = flat;
  return sizes
    .map((_, i) => sizes.length - 1 - i)
    .map((axis) => {
      const index = rest % sizes[axis];
      rest = Math.floor(rest / sizes[axis]);
      return index;
    })
    .reverse();
}

/**
 * Where the taps of a kernel stand in the matrix from inputs to outputs: [taps, inputs * outputs] of 0 and 1. Sizes per
 * spatial axis.
 */
function tapMatrix(
  inputs: readonly number[],
  outputs: readonly number[],
  kernel: readonly number[],
  { stride, padding, dilation }: Grid,
): Float32Array {
  const [from, to] = [product(inputs), product(outputs)];
  const taps = product(kernel);
  const values = new Float32Array(taps * from * to);
  for (let tap = 0; tap < taps; tap++) {
    const at = unravel(tap, kernel);
    for (let output = 0; output < to; output++) {
      const position = unravel(output, outputs);
      const source = position.map((p, i) => p * stride[i] + at[i] * dilation[i] - padding[i]);
      if (source.some((s, i) => s < 0 || s >= inputs[i])) continue;
      const input = source.reduce((sum, s, i) => sum * inputs[i] + s, 0);
      values[(tap * from + input) * to + output] = 1;
    }
  }
  return values;
}

const spatial = (x: Tensor): number[] => x.shape.slice(2) as number[];

/** Whether the convolution x [N, C, ...] -> y [N, C, ...] of known sizes is quicker as matrices from all inputs to all outputs. */
export function isSmallPicture(x: Tensor, y: Tensor): boolean {
  const [batch, inputs, outputs] = [x.shape[0], staticSize(x.shape.slice(2)), staticSize(y.shape.slice(2))];
  if (typeof batch !== 'number' || inputs === undefined || outputs === undefined) return false;
  // The matrices have to be made, which only many clips pay back.
  return inputs <= SMALL && outputs <= SMALL && 4 * batch >= inputs;
}

/** [N, C, ...] -> [C, N, positions] */
function channelsFirst(x: Tensor): Tensor {
  const [batch, channels] = x.shape;
  return transpose(reshape(x, [batch, channels, product(spatial(x))]), [1, 0, 2]);
}

/** The other way round, with the spatial sizes of `like`. */
const channelsSecond = (x: Tensor, sizes: readonly number[]): Tensor =>
  reshape(transpose(x, [1, 0, 2]), [x.shape[1], x.shape[0], ...sizes]);

/** The matrices [C, inputs, outputs] of the kernels [C, 1, ...], and the kernels' gradient from that of the matrices. */
function kernelMatrices(weight: Tensor, inputs: readonly number[], outputs: readonly number[], grid: Grid) {
  const [channels, , ...kernel] = weight.shape as number[];
  const [taps, from, to] = [product(kernel), product(inputs), product(outputs)];
  const values = tapMatrix(inputs, outputs, kernel, grid);
  const places = (): Tensor => constant(values, [taps, from * to], weight.dtype);
  return {
    matrices: () => reshape(matmul(reshape(weight, [channels, taps]), places()), [channels, from, to]),
    toKernels: (matrices: Tensor) =>
      reshape(matmul(reshape(matrices, [channels, from * to]), transpose(places(), [1, 0])), weight.shape),
  };
}

/** Depthwise convolution of a small picture: x [N, C, ...], weight [C, 1, ...kernel] -> [N, C, ...outputs]. */
export function smallPictureConvolution(x: Tensor, weight: Tensor, outputs: readonly number[], grid: Grid): Tensor {
  const { matrices } = kernelMatrices(weight, spatial(x), outputs, grid);
  return channelsSecond(matmul(channelsFirst(x), matrices()), outputs);
}

/** Its gradient by x. g: [N, C, ...outputs] */
export function smallPictureInputGradient(g: Tensor, x: Tensor, weight: Tensor, grid: Grid): Tensor {
  const { matrices } = kernelMatrices(weight, spatial(x), spatial(g), grid);
  return channelsSecond(matmul(channelsFirst(g), swapLastAxes(matrices())), spatial(x));
}

/** Its gradient by the kernels. */
export function smallPictureWeightGradient(g: Tensor, x: Tensor, weight: Tensor, grid: Grid): Tensor {
  const { toKernels } = kernelMatrices(weight, spatial(x), spatial(g), grid);
  return toKernels(matmul(swapLastAxes(channelsFirst(x)), channelsFirst(g)));
}

/** Rows `first`, `first` + stride, ... of x [C, N, H, W], `count` of them. */
function everyRow(x: Tensor, first: number, stride: number, count: number): Tensor {
  if (stride === 1) return slice(x, 2, first, first + count);
  const [channels, batch, rows, columns] = x.shape as number[];
  const cut = reshape(slice(x, 2, 0, rows - (rows % stride)), [
    channels,
    batch,
    Math.floor(rows / stride),
    stride,
    columns,
  ]);
  const own = slice(
    slice(cut, 3, first % stride, (first % stride) + 1),
    2,
    Math.floor(first / stride),
    Math.floor(first / stride) + count,
  );
  return reshape(own, [channels, batch, count, columns]);
}

/** The grid along columns alone. */
const lastAxis = ({ stride, padding, dilation }: Grid): Grid => ({
  stride: stride.slice(1),
  padding: padding.slice(1),
  dilation: dilation.slice(1),
});

/** Kernels from the products of columns of x by columns of g [C, 1, W W'] for every row of the kernel. */
function diagonalSums(parts: readonly Tensor[], weight: Tensor, columns: number, outputs: number, grid: Grid): Tensor {
  const [channels, , height, width] = weight.shape as number[];
  const places = tapMatrix([columns], [outputs], [width], lastAxis(grid));
  const diagonals = constant(places, [width, columns * outputs], weight.dtype);
  const rows = reshape(concat(parts, 1), [channels * height, columns * outputs]);
  return reshape(matmul(rows, transpose(diagonals, [1, 0])), weight.shape);
}

/**
 * Gradient by the kernels of a depthwise convolution of two axes with known sizes: for every row of the kernel one product
 * per channel, columns of x by columns of g over all rows of the batch, of which the kernel's columns are diagonals.
 * g: [N, C, H', W'], x: [N, C, H, W], weight: [C, 1, h, w].
 */
export function rowProducts(g: Tensor, x: Tensor, weight: Tensor, { stride, padding, dilation }: Grid): Tensor {
  const [batch, channels, rows, columns] = x.shape as number[];
  const [outputRows, outputColumns] = spatial(g);
  const height = weight.shape[2] as number;
  const needed = Math.ceil(((outputRows - 1) * stride[0] + (height - 1) * dilation[0] + 1) / stride[0]) * stride[0];
  const after = Math.max(0, needed - padding[0] - rows);
  const padded = pad(transpose(x, [1, 0, 2, 3]), 2, padding[0], after);
  const flat = reshape(transpose(g, [1, 0, 2, 3]), [channels, batch * outputRows, outputColumns]);
  const products = Array.from({ length: height }, (_, i) => {
    const own = everyRow(padded, i * dilation[0], stride[0], outputRows);
    return matmul(swapLastAxes(reshape(own, [channels, batch * outputRows, columns])), flat); // [C, W, W']
  });
  const parts = products.map((matrix) => reshape(matrix, [channels, 1, columns * outputColumns]));
  return diagonalSums(parts, weight, columns, outputColumns, { stride, padding, dilation });
}

/**
 * With a stride, rows of x in blocks of it, one block per row of the output: row i of the kernel reads row `at` of the block
 * `block` places further on.
 */
type KernelRow = { block: number; at: number };

/** Undefined where the blocks do not fit. */
function kernelRows(
  x: Tensor,
  g: Tensor,
  weight: Tensor,
  { stride, padding, dilation }: Grid,
): KernelRow[] | undefined {
  if (x.shape.length !== 4 || staticSize([...x.shape, ...g.shape]) === undefined) return undefined;
  const [step, outputs] = [stride[0], g.shape[2] as number];
  const rows = Array.from({ length: weight.shape[2] as number }, (_, i) => {
    const row = i * dilation[0] - padding[0];
    const block = Math.floor(row / step);
    return { block, at: row - block * step };
  });
  const fits = step > 1 && x.shape[2] === outputs * step && rows.every(({ block }) => Math.abs(block) < outputs);
  return fits ? rows : undefined;
}

/** Whether the two gradients below serve the convolution x -> y. */
export const hasRowBlocks = (x: Tensor, y: Tensor, weight: Tensor, grid: Grid): boolean =>
  kernelRows(x, y, weight, grid) !== undefined;

/** Row a of the result is row a + `by` of x [N, C, H, W], or zeros. */
function shiftRows(x: Tensor, by: number): Tensor {
  const rows = x.shape[2] as number;
  return by > 0 ? pad(slice(x, 2, by, rows), 2, 0, by) : pad(slice(x, 2, 0, rows + by), 2, -by, 0);
}

/**
 * Gradient by x of a depthwise convolution with a stride: blocks of rows of x from the rows of g that reached them, one
 * product per clip and channel.
 */
export function rowBlockInputGradient(g: Tensor, x: Tensor, weight: Tensor, grid: Grid): Tensor {
  const rows = kernelRows(x, g, weight, grid) as KernelRow[];
  const [channels, , height, width] = weight.shape as number[];
  const [columns, outputs, step] = [x.shape[3] as number, g.shape[3] as number, grid.stride[0]];
  const blocks = [...new Set(rows.map(({ block }) => block))];
  const [from, to] = [blocks.length * outputs, step * columns];
  const along = lastAxis(grid);
  const own = tapMatrix([columns], [outputs], [width], along);
  const places = new Float32Array(height * width * from * to);
  for (const [i, { block, at }] of rows.entries()) {
    for (let j = 0; j < width; j++) {
      for (let column = 0; column < columns; column++) {
        for (let output = 0; output < outputs; output++) {
          const row = blocks.indexOf(block) * outputs + output;
          const value = own[(j * columns + column) * outputs + output];
          places[((i * width + j) * from + row) * to + at * columns + column] = value;
        }
      }
    }
  }
  const taps = reshape(weight, [channels, height * width]);
  const matrices = matmul(taps, constant(places, [height * width, from * to], weight.dtype));
  const reaching = concat(
    blocks.map((block) => shiftRows(g, -block)),
    3,
  ); // [N, C, H', blocks W']
  return reshape(matmul(reaching, reshape(matrices, [channels, from, to])), x.shape);
}

/** Its gradient by the kernels: like `rowProducts`, without moving the rows that lie in the block of an output's own number. */
export function rowBlockWeightGradient(g: Tensor, x: Tensor, weight: Tensor, grid: Grid): Tensor {
  const rows = kernelRows(x, g, weight, grid) as KernelRow[];
  const [batch, channels, , columns] = x.shape as number[];
  const [outputRows, outputs] = spatial(g);
  const cut = reshape(transpose(x, [1, 0, 2, 3]), [channels, batch, outputRows, grid.stride[0] * columns]);
  const other = transpose(g, [1, 0, 2, 3]);
  const products = new Map<number, { matrix: Tensor; first: number }>();
  for (const { block } of rows) {
    if (products.has(block)) continue;
    const used = rows.filter((row) => row.block === block).map(({ at }) => at);
    const [first, last] = [Math.min(...used), Math.max(...used)];
    const [start, end] = [Math.max(0, -block), Math.min(outputRows, outputRows - block)];
    const size = (last - first + 1) * columns;
    const read = slice(slice(cut, 2, start + block, end + block), 3, first * columns, first * columns + size);
    const left = reshape(read, [channels, batch * (end - start), size]);
    const right = reshape(slice(other, 2, start, end), [channels, batch * (end - start), outputs]);
    products.set(block, { matrix: matmul(swapLastAxes(left), right), first }); // [C, rows W, W']
  }
  const parts = rows.map(({ block, at }) => {
    const { matrix, first } = products.get(block) as { matrix: Tensor; first: number };
    const row = slice(matrix, 1, (at - first) * columns, (at - first + 1) * columns);
    return reshape(row, [channels, 1, columns * outputs]);
  });
  return diagonalSums(parts, weight, columns, outputs, grid);
}

/**
 * Gradient by the weights of a convolution with kernels of one value, groups of one and no stride: g [N, O, ...] by
 * x [N, C, ...] over all positions of the batch, as [O, C, 1, ...].
 */
export function pointwiseWeightGradient(g: Tensor, x: Tensor, weight: Tensor): Tensor {
  const [batch, inputs] = x.shape as [Tensor['shape'][0], number];
  const outputs = weight.shape[0] as number;
  const positions = product(spatial(x));
  // Either a product per clip and their sum, or one product behind two transposes: whichever moves fewer numbers.
  const perClip = typeof batch !== 'number' || outputs * inputs <= (outputs + inputs) * positions;
  if (perClip) {
    const clips = matmul(reshape(g, [batch, outputs, positions]), swapLastAxes(reshape(x, [batch, inputs, positions])));
    return reshape(reduceSum(clips, [0]), weight.shape);
  }
  const flat = (t: Tensor, channels: number) => reshape(channelsFirst(t), [channels, batch * positions]);
  return reshape(matmul(flat(g, outputs), transpose(flat(x, inputs), [1, 0])), weight.shape);
}
