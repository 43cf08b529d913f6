// ONNX operators of the graph oracle that move numbers: reshape, transpose, slice, pad, concat, gather, scatter.
import {
  at,
  broadcast,
  broadcastAt,
  fill,
  indicesOf,
  intAttribute,
  type Kernel,
  listAttribute,
  need,
  numbers,
  type OracleValue,
  offsetOf,
  sizeOf,
} from './value.ts';

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** Rows that ScatterND and ScatterElements write to; `reduction` is `none` or `add`. */
function write(target: Float64Array, offset: number, value: number, reduction: unknown): void {
  if (reduction === 'add') target[offset] += value;
  else if (reduction === undefined || reduction === 'none') target[offset] = value;
  else throw new Error(`oracle: reduction ${reduction}`);
}

const reshape: Kernel = (inputs) => {
  const x = need(inputs, 0);
  const target = numbers(need(inputs, 1)).map((dim, i) => (dim === 0 ? x.shape[i] : dim));
  const known = sizeOf(target.filter((dim) => dim !== -1));
  const shape = target.map((dim) => (dim === -1 ? x.data.length / known : dim));
  if (sizeOf(shape) !== x.data.length) throw new Error(`oracle: [${x.shape}] does not fit into [${target}]`);
  return [{ shape, data: x.data }];
};

const shapeKernel: Kernel = (inputs, attributes) => {
  const { shape } = need(inputs, 0);
  const rank = shape.length;
  const start = clamp(axisOf(intAttribute(attributes, 'start', 0), rank), 0, rank);
  const end = clamp(axisOf(intAttribute(attributes, 'end', rank), rank), 0, rank);
  const part = shape.slice(start, end);
  return [{ shape: [part.length], data: Float64Array.from(part) }];
};

const slice: Kernel = (inputs) => {
  const x = need(inputs, 0);
  const [starts, ends, axes] = [1, 2, 3].map((i) => numbers(need(inputs, i)));
  const from = x.shape.map(() => 0);
  const shape = [...x.shape];
  for (const [i, axis] of axes.entries()) {
    const n = x.shape[axis];
    from[axis] = clamp(axisOf(starts[i], n), 0, n);
    shape[axis] = Math.max(0, clamp(axisOf(ends[i], n), 0, n) - from[axis]);
  }
  return [
    fill(shape, (index) =>
      at(
        x,
        index.map((v, i) => v + from[i]),
      ),
    ),
  ];
};

const pad: Kernel = (inputs) => {
  const x = need(inputs, 0);
  const pads = numbers(need(inputs, 1));
  const value = need(inputs, 2).data[0];
  if (pads.some((count) => count < 0)) throw new Error(`oracle: pads [${pads}]`);
  const rank = x.shape.length;
  const shape = x.shape.map((dim, i) => dim + pads[i] + pads[rank + i]);
  return [
    fill(shape, (index) => {
      const source = index.map((v, i) => v - pads[i]);
      return source.every((v, i) => v >= 0 && v < x.shape[i]) ? at(x, source) : value;
    }),
  ];
};

const concat: Kernel = (inputs, attributes) => {
  const parts = inputs.map((_, i) => need(inputs, i));
  const axis = axisOf(intAttribute(attributes, 'axis', 0), parts[0].shape.length);
  const shape = [...parts[0].shape];
  shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  return [
    fill(shape, (index) => {
      const source = [...index];
      for (const part of parts) {
        if (source[axis] < part.shape[axis]) return at(part, source);
        source[axis] -= part.shape[axis];
      }
      throw new Error('oracle: concat ran past its parts');
    }),
  ];
};

const split: Kernel = (inputs, attributes) => {
  const x = need(inputs, 0);
  const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length);
  let start = 0;
  const pieces = numbers(need(inputs, 1)).map((length) => {
    const from = start;
    start += length;
    return fill([...x.shape].with(axis, length), (index) => at(x, index.with(axis, index[axis] + from)));
  });
  if (start !== x.shape[axis]) throw new Error(`oracle: pieces of ${start} from an axis of ${x.shape[axis]}`);
  return pieces;
};

const gather: Kernel = (inputs, attributes) => {
  const [x, indices] = [need(inputs, 0), need(inputs, 1)];
  const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const rank = indices.shape.length;
  return [
    fill(shape, (index) => {
      const chosen = axisOf(at(indices, index.slice(axis, axis + rank)), x.shape[axis]);
      return at(x, [...index.slice(0, axis), chosen, ...index.slice(axis + rank)]);
    }),
  ];
};

const scatterNd: Kernel = (inputs, attributes) => {
  const [x, indices, updates] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
  const data = x.data.slice();
  const depth = indices.shape[indices.shape.length - 1];
  const leading = indices.shape.length - 1;
  for (const index of indicesOf(updates.shape)) {
    const target = Array.from({ length: depth }, (_, i) => at(indices, [...index.slice(0, leading), i]));
    const offset = offsetOf([...target, ...index.slice(leading)], x.shape);
    write(data, offset, at(updates, index), attributes.reduction);
  }
  return [{ shape: x.shape, data }];
};

const scatterElements: Kernel = (inputs, attributes) => {
  const [x, indices, updates] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
  const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length);
  const data = x.data.slice();
  for (const index of indicesOf(indices.shape)) {
    const target = index.map((v, i) => (i === axis ? at(indices, index) : v));
    write(data, offsetOf(target, x.shape), at(updates, index), attributes.reduction);
  }
  return [{ shape: x.shape, data }];
};

const transpose: Kernel = (inputs, attributes) => {
  const x = need(inputs, 0);
  const permutation = listAttribute(attributes, 'perm');
  const shape = permutation.map((axis) => x.shape[axis]);
  return [
    fill(shape, (index) =>
      at(
        x,
        x.shape.map((_, axis) => index[permutation.indexOf(axis)]),
      ),
    ),
  ];
};

const expand: Kernel = (inputs) => {
  const x: OracleValue = need(inputs, 0);
  return [fill(broadcast(x.shape, numbers(need(inputs, 1))), (index) => broadcastAt(x, index))];
};

export const layout: Record<string, Kernel> = {
  Reshape: reshape,
  Shape: shapeKernel,
  Slice: slice,
  Pad: pad,
  Concat: concat,
  Split: split,
  Gather: gather,
  ScatterND: scatterNd,
  ScatterElements: scatterElements,
  Transpose: transpose,
  Expand: expand,
};
