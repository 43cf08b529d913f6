// Arithmetic on shapes with static and symbolic sizes.
import type { Dim, Shape, Tensor } from './tensor.ts';

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

/** Axis as a number from 0; negative axes count from the end. */
export function normalizeAxis(axis: number, rank: number, what: string): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw new RangeError(`${what}: axis ${axis} is outside a tensor of rank ${rank}`);
  }
  return positive;
}

/** The axes meant by `axes` (all of them by default), from 0 and in order. */
export function normalizeAxes(shape: Shape, axes: readonly number[] | undefined, what: string): number[] {
  const positive = (axes ?? shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, shape.length, what));
  if (new Set(positive).size !== positive.length) {
    throw new RangeError(`${what}: axes [${axes}] of ${formatShape(shape)} name an axis twice`);
  }
  return positive.sort((a, b) => a - b);
}

/** Shape after a reduction over `axes`. */
export const reducedShape = (shape: Shape, axes: readonly number[], keepDims: boolean): Dim[] =>
  shape.flatMap((dim, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [dim]));

function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a;
  return a === 1 ? b : undefined;
}

/** Shape of an element-wise result (NumPy broadcasting; a symbolic size meets only itself or 1). */
export function broadcastShapes(a: Shape, b: Shape, what: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const dim = broadcastDim(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1);
    if (dim === undefined)
      throw new TypeError(`${what}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
    return dim;
  });
}

/** The static size at an axis. */
export function staticDim(tensor: Tensor, axis: number, what: string): number {
  const dim = tensor.shape[normalizeAxis(axis, tensor.shape.length, what)];
  if (typeof dim !== 'number') {
    throw new TypeError(`${what}: axis ${axis} of ${formatShape(tensor.shape)} must have a static size`);
  }
  return dim;
}

/** Whether both shapes hold the same number of values, as far as their sizes tell: undefined if only a run can tell. */
export function sameSize(a: Shape, b: Shape): boolean | undefined {
  const names = (shape: Shape) => shape.filter((dim) => typeof dim === 'string').sort();
  const numbers = (shape: Shape) => shape.filter((dim) => typeof dim === 'number');
  if (!sameShape(names(a), names(b))) return undefined;
  return staticSize(numbers(a)) === staticSize(numbers(b));
}

/** Product of static sizes; undefined if one is symbolic. */
export function staticSize(shape: Shape): number | undefined {
  let size = 1;
  for (const dim of shape) {
    if (typeof dim !== 'number') return undefined;
    size *= dim;
  }
  return size;
}
