// Operators that move numbers without changing them: reshape, transpose, expand, and the sum, which undoes an expansion.
import {
  broadcastShapes,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  sameShape,
  sameSize,
  staticSize,
} from './shapes.ts';
import { apply, constant, type Dim, int64, type Shape, type Tensor } from './tensor.ts';

/** The shape of `x` as an int64 vector, known at run time. */
export const shapeOf = (x: Tensor): Tensor => apply('Shape', [x], { shape: [x.shape.length], dtype: 'int64' });

/** Concatenation of int64 vectors; kept here because shapes are built from it. */
export function joinVectors(parts: readonly Tensor[]): Tensor {
  const length = parts.reduce((sum, part) => sum + (part.shape[0] as number), 0);
  return parts.length === 1 ? parts[0] : apply('Concat', parts, { shape: [length], dtype: 'int64' }, { axis: 0 });
}

/** Size of an axis at run time, as int64 [1]. */
export const runtimeDim = (source: Tensor, axis: number): Tensor =>
  apply('Shape', [source], { shape: [1], dtype: 'int64' }, { start: axis, end: axis + 1 });

/**
 * An int64 vector holding `shape` at run time. Symbolic sizes are read from the first of `sources` that has them;
 * at most one size found nowhere becomes -1 (only a reshape can use that).
 */
export function shapeVector(shape: Shape, sources: readonly Tensor[], what: string): Tensor {
  let unknown: Dim | undefined;
  const found = shape.map((dim) => {
    if (typeof dim === 'number') return int64([dim]);
    for (const source of sources) {
      const axis = source.shape.indexOf(dim);
      if (axis >= 0) return runtimeDim(source, axis);
    }
    if (unknown !== undefined) {
      throw new TypeError(`${what}: neither ${unknown} nor ${dim} of ${formatShape(shape)} is a size of its input`);
    }
    unknown = dim;
    return int64([-1]);
  });
  const symbolic = shape.filter((dim) => typeof dim === 'string');
  // One symbolic size needs no look at run time: ONNX infers it from the rest.
  if (symbolic.length <= 1) return int64(shape.map((dim) => (typeof dim === 'number' ? dim : -1)));
  return joinVectors(found);
}

/** `x` with the same numbers in another shape. One symbolic size may be new (it is inferred). */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (sameSize(x.shape, shape) === false) {
    throw new TypeError(`reshape: ${formatShape(x.shape)} does not fit into ${formatShape(shape)}`);
  }
  const target = shapeVector(shape, [x], 'reshape');
  return apply('Reshape', [x, target], { shape, dtype: x.dtype }, {}, (g) => [reshapeLike(g, x)]);
}

/** `g` in the shape of `x`, whatever its symbolic sizes are at run time. */
export function reshapeLike(g: Tensor, x: Tensor): Tensor {
  if (sameShape(g.shape, x.shape)) return g;
  const symbolic = x.shape.filter((dim) => typeof dim === 'string');
  const target = symbolic.length <= 1 ? shapeVector(x.shape, [g], 'reshape') : shapeOf(x);
  return apply('Reshape', [g, target], { shape: x.shape, dtype: g.dtype }, {}, (gg) => [reshapeLike(gg, g)]);
}

/** Axes in another order: output axis i is input axis `permutation[i]`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const rank = x.shape.length;
  if (permutation.length !== rank || new Set(permutation).size !== rank) {
    throw new TypeError(`transpose: [${permutation}] is no permutation of the ${rank} axes of ${formatShape(x.shape)}`);
  }
  if (permutation.every((axis, i) => axis === i)) return x;
  // Of what is a transpose itself: one movement of the numbers, or none.
  if (x.node.op === 'Transpose') {
    const before = x.node.attributes.perm as readonly number[];
    return transpose(
      x.node.inputs[0] as Tensor,
      permutation.map((axis) => before[axis]),
    );
  }
  const inverse = permutation.map((_, i) => permutation.indexOf(i));
  const shape = permutation.map((axis) => x.shape[normalizeAxis(axis, rank, 'transpose')]);
  return apply('Transpose', [x], { shape, dtype: x.dtype }, { perm: permutation }, (g) => [transpose(g, inverse)]);
}

/** The last two axes swapped. */
export function swapLastAxes(x: Tensor): Tensor {
  const rank = x.shape.length;
  const order = Array.from({ length: rank }, (_, i) => i);
  return transpose(x, [...order.slice(0, -2), rank - 1, rank - 2]);
}

/** `x` repeated along axes of size 1 until it has `shape`; symbolic sizes come from `x` or from `like`. */
export function expand(x: Tensor, shape: Shape, like?: Tensor): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes(x.shape, shape, 'expand'), shape)) {
    throw new TypeError(`expand: ${formatShape(x.shape)} does not expand to ${formatShape(shape)}`);
  }
  const sources = like ? [x, like] : [x];
  for (const dim of shape) {
    if (typeof dim === 'string' && !sources.some((source) => source.shape.includes(dim))) {
      throw new TypeError(`expand: size ${dim} of ${formatShape(shape)} is known neither to x nor to like`);
    }
  }
  const parts = shape.map((dim) => {
    if (typeof dim === 'number') return int64([dim]);
    const source = sources.find((candidate) => candidate.shape.includes(dim)) as Tensor;
    return runtimeDim(source, source.shape.indexOf(dim));
  });
  const target = joinVectors(parts);
  return apply('Expand', [x, target], { shape, dtype: x.dtype }, {}, (g) => [sumTo(g, x)]);
}

/** Sum over `axes` (all of them by default; an empty list leaves `x` as it is). */
export function reduceSum(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  const over = normalizeAxes(x.shape, axes, 'reduceSum');
  if (over.length === 0) return x; // ONNX takes an empty list for all axes
  const kept = reducedShape(x.shape, over, true);
  const shape = reducedShape(x.shape, over, keepDims);
  return apply('ReduceSum', [x, int64(over)], { shape, dtype: x.dtype }, { keepdims: keepDims ? 1 : 0 }, (g) => [
    expand(reshape(g, kept), x.shape, x),
  ]);
}

/**
 * Sum over all axes but the last: [..., D] -> [D]. As a product with ones, which threads share without the detours of
 * ONNX Runtime's sums (of 2048 rows of 192 on two threads, in less than half the time); rounded more often than those.
 */
export function sumOverRows(x: Tensor): Tensor {
  const last = x.shape.length - 1;
  const rows = staticSize(x.shape.slice(0, last));
  const width = x.shape[last];
  if (rows === undefined || typeof width !== 'number') {
    return reduceSum(
      x,
      x.shape.slice(0, last).map((_, i) => i),
    );
  }
  const ones = constant(new Array<number>(rows).fill(1), [1, rows], x.dtype);
  const sums = apply('Gemm', [ones, reshape(x, [rows, width])], { shape: [1, width], dtype: x.dtype }, {}, (g) => [
    undefined,
    expand(g, [rows, width]),
  ]);
  return reshape(sums, [width]);
}

/** Inverse of broadcasting: sums `g` over the axes along which `x` was repeated. */
export function sumTo(g: Tensor, x: Tensor): Tensor {
  if (sameShape(g.shape, x.shape)) return g;
  const extra = g.shape.length - x.shape.length;
  const axes = g.shape.flatMap((dim, i) => (i < extra || (x.shape[i - extra] === 1 && dim !== 1) ? [i] : []));
  const summed = axes.length > 0 ? reduceSum(g, axes, true) : g;
  return reshapeLike(summed, x);
}
