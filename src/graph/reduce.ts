// Means, maxima and minima over axes. (The sum is in reshape.ts: it is the other side of `expand`.)
import { cast, div, equal, mul } from './elementwise.ts';
import { expand, reduceSum, reshape, shapeOf } from './reshape.ts';
import { normalizeAxes, reducedShape, staticSize } from './shapes.ts';
import { apply, int64, type Tensor } from './tensor.ts';

/** How a gradient with the reduced axes kept as size 1 goes back to the input. */
type Backward = (gradient: Tensor, output: Tensor, over: readonly number[]) => Tensor;

function reduce(
  op: string,
  x: Tensor,
  axes: readonly number[] | undefined,
  keepDims: boolean,
  backward: Backward,
): Tensor {
  const over = normalizeAxes(x.shape, axes, op);
  if (over.length === 0) return x; // ONNX takes an empty list for all axes
  const kept = reducedShape(x.shape, over, true);
  const shape = reducedShape(x.shape, over, keepDims);
  const output: Tensor = apply(op, [x, int64(over)], { shape, dtype: x.dtype }, { keepdims: keepDims ? 1 : 0 }, (g) => [
    backward(reshape(g, kept), reshape(output, kept), over),
  ]);
  return output;
}

/** How many values of `x` one reduced value stands for, as a scalar of its type; read from the shape at run time. */
function runtimeCount(x: Tensor, over: readonly number[]): Tensor {
  const vector = { shape: [over.length], dtype: 'int64' } as const;
  const sizes = apply('Gather', [shapeOf(x), int64(over)], vector, { axis: 0 });
  return cast(apply('ReduceProd', [sizes], { shape: [], dtype: 'int64' }, { keepdims: 0 }), x.dtype);
}

/** `g` divided by the number of values of `x` that one value reduced over the axes stands for. */
export function divideByCount(g: Tensor, x: Tensor, over: readonly number[]): Tensor {
  const count = staticSize(over.map((axis) => x.shape[axis]));
  return count === undefined ? div(g, runtimeCount(x, over)) : mul(g, 1 / count);
}

/** Mean over `axes` (all of them by default). */
export const reduceMean = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('ReduceMean', x, axes, keepDims, (g, _output, over) => expand(divideByCount(g, x, over), x.shape, x));

/** `x` less its mean over `axes`, and that mean with the axes kept as size 1. The gradient is centred in the same way. */
export function centre(x: Tensor, axes: readonly number[]): { centred: Tensor; mean: Tensor } {
  const mean = reduceMean(x, axes, true);
  const centred = apply('Sub', [x, mean], { shape: x.shape, dtype: x.dtype }, {}, (g) => [centre(g, axes).centred]);
  return { centred, mean };
}

/** Gradient of a maximum or minimum: shared evenly among the places that attain it. */
const toExtremes =
  (x: Tensor): Backward =>
  (g, output, over) => {
    const attained = cast(equal(x, output), x.dtype);
    return mul(attained, div(g, reduceSum(attained, over, true)));
  };

/** Largest value over `axes`. */
export const reduceMax = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('ReduceMax', x, axes, keepDims, toExtremes(x));

/** Smallest value over `axes`. */
export const reduceMin = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('ReduceMin', x, axes, keepDims, toExtremes(x));

/** Biased variance over `axes` of a tensor whose mean over them is zero; the axes stay as size 1. */
export const varianceOfCentred = (centred: Tensor, axes: readonly number[]): Tensor =>
  reduceMean(mul(centred, centred), axes, true);
