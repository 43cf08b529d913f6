// Operators that cut and join along axes: slice, split, concat, pad.
import { joinVectors, runtimeDim, shapeOf } from './reshape.ts';
import { formatShape, normalizeAxis, staticDim } from './shapes.ts';
import { addNode, apply, constant, type Dim, int64, scalarLike, type Tensor } from './tensor.ts';

const withAxis = (x: Tensor, axis: number, size: Dim): Dim[] => x.shape.map((dim, i) => (i === axis ? size : dim));

const vector = { shape: [1], dtype: 'int64' } as const;

/**
 * x[start:end] along `axis`. Negative bounds count from the end; `end` omitted means to the end.
 * A symbolic axis needs `size`, the name or number of what is left.
 */
export function slice(x: Tensor, axis: number, start: number, end?: number, size?: Dim): Tensor {
  const at = normalizeAxis(axis, x.shape.length, 'slice');
  const full = x.shape[at];
  let left = size;
  if (typeof full === 'number') {
    const from = start < 0 ? start + full : start;
    const to = end === undefined ? full : end < 0 ? end + full : end;
    if (from < 0 || to > full || to <= from) {
      throw new RangeError(`slice: [${start}, ${end ?? ''}) is outside axis ${at} of ${formatShape(x.shape)}`);
    }
    left = to - from;
  }
  if (left === undefined) {
    throw new TypeError(`slice: give the size of what is left of symbolic axis ${at} of ${formatShape(x.shape)}`);
  }
  const stop = end ?? Number.MAX_SAFE_INTEGER;
  return apply(
    'Slice',
    [x, int64([start]), int64([stop]), int64([at])],
    { shape: withAxis(x, at, left), dtype: x.dtype },
    {},
    (g) => [placeIn(g, x, at, start, (gg) => slice(gg, at, start, end, left))],
  );
}

/** As many values of `x` from the start of `axis` as `like` has there; both sizes may be symbolic. */
export function takeLike(x: Tensor, like: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length, 'takeLike');
  const shape = withAxis(x, at, like.shape[at]);
  return apply('Slice', [x, int64([0]), runtimeDim(like, at), int64([at])], { shape, dtype: x.dtype }, {}, (g) => [
    placeIn(g, x, at, 0, (gg) => takeLike(gg, like, at)),
  ]);
}

/** Zeros in the shape of `x`, with `g` from `start` along `axis`: the adjoint of a slice; `cutOut` is that slice. */
function placeIn(g: Tensor, x: Tensor, axis: number, start: number, cutOut: (gg: Tensor) => Tensor): Tensor {
  const rank = x.shape.length;
  const [full, part] = [x.shape[axis], g.shape[axis]];
  if (typeof full === 'number' && typeof part === 'number') {
    const before = start < 0 ? start + full : start;
    return pad(g, axis, before, full - before - part);
  }
  // Sizes known at run time only: before = start (or full + start), after = full - before - part.
  const before = start < 0 ? apply('Add', [runtimeDim(x, axis), int64([start])], vector) : int64([start]);
  const after = apply('Sub', [apply('Sub', [runtimeDim(x, axis), before], vector), runtimeDim(g, axis)], vector);
  const zeros = (count: number) => (count > 0 ? [int64(Array(count).fill(0))] : []);
  const pads = joinVectors([...zeros(axis), before, ...zeros(rank - 1), after, ...zeros(rank - 1 - axis)]);
  return apply('Pad', [g, pads, scalarLike(g, 0)], { shape: x.shape, dtype: g.dtype }, {}, (gg) => [cutOut(gg)]);
}

/** `before` and `after` copies of `value` added along `axis`. A symbolic axis needs the name of its new size. */
export function pad(x: Tensor, axis: number, before: number, after: number, value = 0, size?: Dim): Tensor {
  const at = normalizeAxis(axis, x.shape.length, 'pad');
  if (before < 0 || after < 0) throw new RangeError(`pad: expected counts of at least 0, got ${before} and ${after}`);
  if (before === 0 && after === 0) return x;
  const full = x.shape[at];
  const padded = typeof full === 'number' ? full + before + after : size;
  if (padded === undefined) {
    throw new TypeError(`pad: give the new size of symbolic axis ${at} of ${formatShape(x.shape)}`);
  }
  const rank = x.shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[at] = before;
  pads[rank + at] = after;
  return apply(
    'Pad',
    [x, int64(pads), scalarLike(x, value)],
    { shape: withAxis(x, at, padded), dtype: x.dtype },
    {},
    (g) => [slice(g, at, before, after === 0 ? undefined : -after, full)],
  );
}

/** Tensors joined along `axis`. If a size on that axis is symbolic, `size` names the sum. */
export function concat(parts: readonly Tensor[], axis: number, size?: Dim): Tensor {
  const [first] = parts;
  if (!first) throw new TypeError('concat: expected at least one tensor');
  if (parts.length === 1) return first;
  const at = normalizeAxis(axis, first.shape.length, 'concat');
  for (const part of parts) {
    if (part.dtype !== first.dtype) throw new TypeError(`concat: ${part.dtype} does not join ${first.dtype}`);
    const fits =
      part.shape.length === first.shape.length && part.shape.every((d, i) => i === at || d === first.shape[i]);
    if (!fits)
      throw new TypeError(`concat: ${formatShape(part.shape)} does not join ${formatShape(first.shape)} on axis ${at}`);
  }
  const sizes = parts.map((part) => part.shape[at]);
  const joined = sizes.every((dim) => typeof dim === 'number') ? sizes.reduce((sum, dim) => sum + dim, 0) : size;
  if (joined === undefined) throw new TypeError(`concat: give a name to the symbolic size of axis ${at}`);
  return apply('Concat', parts, { shape: withAxis(first, at, joined), dtype: first.dtype }, { axis: at }, (g) => {
    const lengths =
      typeof joined === 'number' ? int64(sizes as number[]) : joinVectors(parts.map((x) => runtimeDim(x, at)));
    return cut(g, at, sizes, lengths);
  });
}

/** `x` cut along `axis` into pieces of `sizes`, at run time `lengths`: one node, so that its gradient is one too. */
function cut(x: Tensor, axis: number, sizes: readonly Dim[], lengths: Tensor): Tensor[] {
  const pieces: Tensor[] = addNode({
    op: 'Split',
    inputs: [x, lengths],
    outputs: sizes.map((size) => ({ shape: withAxis(x, axis, size), dtype: x.dtype })),
    attributes: { axis },
    vjp: (gradients) => [
      concat(
        pieces.map((piece, i) => gradients[i] ?? fullLike(piece, 0)),
        axis,
        x.shape[axis],
      ),
    ],
  });
  return pieces;
}

/** `x` cut into `parts` equal pieces along `axis`. */
export function split(x: Tensor, parts: number, axis: number): Tensor[] {
  const size = staticDim(x, axis, 'split');
  if (size % parts !== 0) throw new RangeError(`split: ${size} does not divide into ${parts} parts`);
  const sizes = new Array<number>(parts).fill(size / parts);
  return cut(x, normalizeAxis(axis, x.shape.length, 'split'), sizes, int64(sizes));
}

/** A tensor of one value in the shape of `x`. */
export const fullLike = (x: Tensor, value: number): Tensor =>
  apply('Expand', [constant([value], [], x.dtype), shapeOf(x)], { shape: x.shape, dtype: x.dtype });
