// Tensors as files keep them: a type, a shape and the numbers, C order.
import { InputError } from '../signal/errors.ts';
import { bfloat16ToFloat32, halfToFloat32, numberToHalf } from '../signal/half-float.ts';
import { elementCount, type NumericArray, type NumericArrayConstructor, typedView } from '../signal/typed-view.ts';

/** Element types, by safetensors' names. */
export type StoredDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/**
 * One tensor. `data` has one value per element, last index fastest: F16 and BF16 as bit patterns in a Uint16Array, BOOL
 * as bytes 0 and 1, 64-bit integers as bigint. It may share memory with the file it came from.
 */
export type StoredTensor = { dtype: StoredDtype; shape: number[]; data: NumericArray };

const ARRAY_TYPES: Record<StoredDtype, NumericArrayConstructor> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

export const isStoredDtype = (name: string): name is StoredDtype => Object.hasOwn(ARRAY_TYPES, name);

/** Bytes per element. */
export const storedWidth = (dtype: StoredDtype): number => ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;

/** `count` elements from `bytes[offset…]`, without copying where the alignment allows it. The caller checks the bounds. */
export const storedView = (dtype: StoredDtype, bytes: Uint8Array, offset: number, count: number): NumericArray =>
  typedView(ARRAY_TYPES[dtype], bytes, offset, count);

/** Values of any stored tensor as float32, in the tensor's order. F32 is handed out as it is, not copied. */
export const toFloat32 = ({ dtype, data }: StoredTensor): Float32Array => {
  if (data instanceof Float32Array) return data;
  if (data instanceof Uint16Array && dtype === 'F16') return halfToFloat32(data);
  if (data instanceof Uint16Array && dtype === 'BF16') return bfloat16ToFloat32(data);
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = Number(data[i]);
  return values;
};

/**
 * Float32 values as an F16 tensor, each rounded to the nearest half, ties to even.
 * @throws InputError when `values` does not fill `shape`, or a value is beyond float16's largest, 65,504.
 */
export const fromFloat32AsF16 = (values: Float32Array, shape: readonly number[]): StoredTensor => {
  if (values.length !== elementCount(shape)) {
    throw new InputError(`fromFloat32AsF16: expected values for [${shape.join(', ')}], found ${values.length}`);
  }
  const data = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    data[i] = numberToHalf(values[i]);
    // All exponent bits set: infinite or not a number.
    if ((data[i] & 0x7c00) === 0x7c00) {
      throw new InputError(`fromFloat32AsF16: expected values up to 65504, found ${values[i]} at ${i}; keep it as F32`);
    }
  }
  return { dtype: 'F16', shape: [...shape], data };
};
