// Convolutions along a line with groups of few channels, as matrix products: ONNX Runtime is slow at grouped convolutions and
// at their gradients.
import { withGradient } from './custom-gradient.ts';
import { mul } from './elementwise.ts';
import { gatherRows } from './indexing.ts';
import { matmul } from './matmul.ts';
import { reduceSum, reshape, swapLastAxes, transpose } from './reshape.ts';
import { formatShape, sameShape, staticSize } from './shapes.ts';
import { concat } from './slicing.ts';
import { constant, type Tensor } from './tensor.ts';

/** Channels of a bundle of groups: enough for a matrix product to run at its full rate. */
const BUNDLE = 48;

/** Groups that are taken together: the fewest that divide all of them and have at least `BUNDLE` channels. */
function bundled(groups: number, per: number): number {
  let together = 1;
  while (together * per < BUNDLE && together < groups) {
    together++;
    while (groups % together !== 0) together++;
  }
  return together;
}

export type LineConvolution = (x: Tensor, weight: Tensor) => Tensor;

/**
 * A convolution of lines [N, T, D] with kernels [D, D / groups, taps] of an odd number of taps, zeros beyond the ends:
 * [N, T, D] again, as PyTorch's `Conv1d` with the channels in the middle. All sizes are known. A few groups are taken
 * together as one block-diagonal matrix: more multiplications, in fewer and larger products. One that is made once serves
 * any number of layers of the same size.
 */
export function lineConvolution(
  shape: readonly [count: number, length: number, width: number],
  groups: number,
  taps: number,
): LineConvolution {
  const [count, length, width] = shape;
  const per = width / groups;
  if (!Number.isInteger(per) || taps % 2 === 0) {
    throw new RangeError(`lineConvolution: ${width} channels, ${groups} groups and ${taps} taps do not fit`);
  }
  const together = bundled(groups, per);
  const [bundles, own, rows] = [groups / together, together * per, count * length];

  // Row numbers of what every tap reads, in the rows [N T bundles] of a line and one of zeros behind them.
  const places = new Float64Array(bundles * rows * taps);
  let at = 0;
  for (let bundle = 0; bundle < bundles; bundle++) {
    for (let row = 0; row < rows; row++) {
      for (let tap = 0; tap < taps; tap++, at++) {
        const time = (row % length) + tap - (taps - 1) / 2;
        const inside = time >= 0 && time < length;
        places[at] = inside ? (row - (row % length) + time) * bundles + bundle : rows * bundles;
      }
    }
  }
  const read = constant(places, [bundles, rows, taps], 'int64');
  const zeros = constant(new Float32Array(own), [1, own]);
  const backwards = constant(
    Array.from({ length: taps }, (_, tap) => taps - 1 - tap),
    [taps],
    'int64',
  );
  const ownGroup = constant(
    Array.from({ length: together ** 2 }, (_, i) => (Math.floor(i / together) === i % together ? 1 : 0)),
    [1, 1, together, 1, together, 1],
  );

  /** The neighbours of every place side by side: [bundles, N T, taps * own]. */
  const neighbours = (x: Tensor): Tensor => {
    const padded = concat([reshape(x, [rows * bundles, own]), zeros], 0);
    return reshape(gatherRows(padded, read), [bundles, rows, taps * own]);
  };
  /** From kernels [taps, bundles, groups, inputs, outputs], zeros outside the own group. */
  const product = (columns: Tensor, kernels: Tensor): Tensor => {
    const apart = reshape(transpose(kernels, [1, 0, 2, 3, 4]), [bundles, taps, together, per, 1, per]);
    const blocks = reshape(mul(apart, ownGroup), [bundles, taps * own, own]);
    return reshape(transpose(matmul(columns, blocks), [1, 0, 2]), shape);
  };
  /** [bundles, groups, outputs, inputs, taps] */
  const byGroup = (weight: Tensor): Tensor => reshape(weight, [bundles, together, per, per, taps]);

  const convolve = (x: Tensor, weight: Tensor): Tensor => {
    const value = product(neighbours(x), transpose(byGroup(weight), [4, 0, 1, 3, 2]));
    return withGradient(value, [x, weight], (g) => {
      // By x: the same with the taps the other way round, inputs and outputs exchanged.
      const around = neighbours(g);
      const toX = product(around, gatherRows(transpose(byGroup(weight), [4, 0, 1, 2, 3]), backwards));
      const inputs = transpose(reshape(x, [rows, bundles, own]), [1, 0, 2]);
      const all = reshape(matmul(swapLastAxes(inputs), around), [bundles, together, per, taps, together, per]);
      // [bundles, groups, inputs, taps, outputs]
      const sums = reduceSum(mul(all, transpose(ownGroup, [0, 2, 1, 3, 4, 5])), [4]);
      const kernels = gatherRows(transpose(sums, [3, 0, 1, 4, 2]), backwards);
      return [toX, reshape(transpose(kernels, [1, 2, 3, 4, 0]), weight.shape)];
    });
  };
  return (x, weight) => {
    if (!sameShape(x.shape, shape) || staticSize(weight.shape) !== width * per * taps) {
      throw new TypeError(
        `lineConvolution: expected ${formatShape(shape)} and kernels ${formatShape([width, per, taps])}, got ${formatShape(x.shape)} and ${formatShape(weight.shape)}`,
      );
    }
    return convolve(x, weight);
  };
}
