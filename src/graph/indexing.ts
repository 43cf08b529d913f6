// Operators that pick and place rows by index: the gather and scatter of tokens.
import { expand, reshape, transpose } from './reshape.ts';
import { formatShape, normalizeAxis, sameShape } from './shapes.ts';
import { fullLike } from './slicing.ts';
import { apply, type Shape, type Tensor } from './tensor.ts';

const asColumn = (indices: Tensor): Tensor => reshape(indices, [...indices.shape, 1]);

/**
 * Rows of `x` by number. x: [rows, ...], indices: int64 of any shape -> [...indices, ...]. An index may repeat, and its
 * gradients add up; where none does, `distinct` makes them quicker. For tokens of a batch, flatten [B, L, D] to [B L, D]
 * and number the tokens through.
 */
export function gatherRows(x: Tensor, indices: Tensor, distinct = false): Tensor {
  if (indices.dtype !== 'int64' || indices.shape.length < 1) {
    throw new TypeError(`gatherRows: expected int64 indices, got ${indices.dtype} ${formatShape(indices.shape)}`);
  }
  const rest = x.shape.slice(1);
  const flat = (tensor: Tensor, behind: Shape) =>
    indices.shape.length === 1 ? tensor : reshape(tensor, ['rows by number', ...behind]);
  const shape = [...indices.shape, ...rest];
  return apply('Gather', [x, indices], { shape, dtype: x.dtype }, { axis: 0 }, (g) => [
    (distinct ? scatterRows : scatterAddRows)(fullLike(x, 0), flat(indices, []), flat(g, rest)),
    undefined,
  ]);
}

/** Slices of `x` by number along `axis`. indices: int64 [N]. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  if (indices.shape.length !== 1) {
    throw new TypeError(`gather: expected int64 [N], got ${indices.dtype} ${formatShape(indices.shape)}`);
  }
  const at = normalizeAxis(axis, x.shape.length, 'gather');
  if (at === 0) return gatherRows(x, indices);
  const toFront = [at, ...x.shape.map((_, i) => i).filter((i) => i !== at)];
  const back = x.shape.map((_, i) => toFront.indexOf(i));
  return transpose(gatherRows(transpose(x, toFront), indices), back);
}

function checkRows(what: string, x: Tensor, indices: Tensor, updates: Tensor): void {
  const expected = [...indices.shape, ...x.shape.slice(1)];
  if (indices.dtype !== 'int64' || indices.shape.length !== 1 || !sameShape(updates.shape, expected)) {
    throw new TypeError(
      `${what}: expected int64 [N] and updates [N, ...] of ${formatShape(x.shape)}, ` +
        `got ${indices.dtype} ${formatShape(indices.shape)} and ${formatShape(updates.shape)}`,
    );
  }
}

/** `x` with the rows at `indices` replaced by `updates`. Indices must not repeat. */
export function scatterRows(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  checkRows('scatterRows', x, indices, updates);
  return apply('ScatterND', [x, asColumn(indices), updates], { shape: x.shape, dtype: x.dtype }, {}, (g) => [
    scatterRows(g, indices, fullLike(updates, 0)),
    undefined,
    gatherRows(g, indices),
  ]);
}

/**
 * `x` with `updates` added to the rows at `indices`; an index may repeat.
 * By ScatterElements, which repeats the index for every value of a row: ScatterND splits the updates among the
 * threads of ONNX Runtime's CPU and loses those that meet in one row (1.30: up to 17 % of 20,000 into 10 rows).
 */
export function scatterAddRows(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  checkRows('scatterAddRows', x, indices, updates);
  const flat = [...indices.shape, ...new Array<number>(x.shape.length - 1).fill(1)];
  return apply(
    'ScatterElements',
    [x, expand(reshape(indices, flat), updates.shape, updates), updates],
    { shape: x.shape, dtype: x.dtype },
    { axis: 0, reduction: 'add' },
    (g) => [g, undefined, gatherRows(g, indices)],
  );
}
