// Numbers of the graph oracle: row-major float64, whatever the type in the graph, and loops over their positions.
import type { Attributes } from '../../src/graph/tensor.ts';

/** Integers and booleans are held as float64 too: sizes and indices are far below 2^53. */
export type OracleValue = { shape: readonly number[]; data: Float64Array };

/** Computes one ONNX node. `integer` tells whether its first output is of an integer type. */
export type Kernel = (
  inputs: readonly (OracleValue | undefined)[],
  attributes: Attributes,
  integer: boolean,
) => OracleValue[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

export const zeros = (shape: readonly number[]): OracleValue => ({ shape, data: new Float64Array(sizeOf(shape)) });

/** Position of `index` in a row-major array. */
export function offsetOf(index: readonly number[], shape: readonly number[]): number {
  let offset = 0;
  for (let i = 0; i < shape.length; i++) {
    if (index[i] < 0 || index[i] >= shape[i]) throw new Error(`oracle: index [${index}] is outside [${shape}]`);
    offset = offset * shape[i] + index[i];
  }
  return offset;
}

/** Every index of `shape` in row-major order. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const count = sizeOf(shape);
  for (let position = 0; position < count; position++) {
    const index = new Array<number>(shape.length);
    let rest = position;
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i] = rest % shape[i];
      rest = Math.floor(rest / shape[i]);
    }
    yield index;
  }
}

/** A value made by asking for the number at every index. */
export function fill(shape: readonly number[], at: (index: number[]) => number): OracleValue {
  const result = zeros(shape);
  let position = 0;
  for (const index of indicesOf(shape)) result.data[position++] = at(index);
  return result;
}

export const at = (value: OracleValue, index: readonly number[]): number => value.data[offsetOf(index, value.shape)];

/** NumPy broadcasting of two shapes. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Error(`oracle: [${a}] and [${b}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** The number of `value` that meets `index` of a broadcast result. */
export const broadcastAt = (value: OracleValue, index: readonly number[]): number => {
  const extra = index.length - value.shape.length;
  return at(
    value,
    value.shape.map((dim, i) => (dim === 1 ? 0 : index[i + extra])),
  );
};

/** An input that must be there. */
export function need(inputs: readonly (OracleValue | undefined)[], i: number): OracleValue {
  const value = inputs[i];
  if (!value) throw new Error(`oracle: input ${i} is missing`);
  return value;
}

export const numbers = (value: OracleValue): number[] => Array.from(value.data);

export const intAttribute = (attributes: Attributes, name: string, fallback: number): number => {
  const value = attributes[name] ?? fallback;
  if (typeof value !== 'number') throw new Error(`oracle: attribute ${name} is no integer`);
  return value;
};

export const floatAttribute = (attributes: Attributes, name: string, fallback: number): number => {
  const value = attributes[name] ?? { float: fallback };
  if (typeof value !== 'object' || !('float' in value)) throw new Error(`oracle: attribute ${name} is no float`);
  return value.float;
};

export const listAttribute = (attributes: Attributes, name: string): readonly number[] => {
  const value = attributes[name];
  if (!Array.isArray(value)) throw new Error(`oracle: attribute ${name} is no list`);
  return value;
};
