// Typed arrays over file bytes: no copy when the bytes are aligned and little-endian, a copied (and swapped) array otherwise.

/** Any array of numbers a file may hold; 64-bit integers come as bigint arrays. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The constructor of one kind of numeric array. */
export type NumericArrayConstructor<T extends NumericArray = NumericArray> = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * `count` numbers from `bytes[offset…]` as an array of `type`. It shares memory with `bytes` where it can, so a large
 * file is not held twice. The caller has checked that the bytes are there. Hosts are little-endian: every JavaScript
 * engine in use runs on such processors.
 */
export const typedView = <T extends NumericArray>(
  type: NumericArrayConstructor<T>,
  bytes: Uint8Array,
  offset: number,
  count: number,
  littleEndian = true,
): T => {
  const width = type.BYTES_PER_ELEMENT;
  const start = bytes.byteOffset + offset;
  if ((littleEndian || width === 1) && start % width === 0) return new type(bytes.buffer, start, count);
  // Not `slice`: that of Node's Buffer copies nothing.
  const copy = new Uint8Array(bytes.subarray(offset, offset + count * width));
  if (!littleEndian) swapBytes(copy, width);
  return new type(copy.buffer, 0, count);
};

/** Reverses every group of `width` bytes in place: big-endian to little-endian and back. */
const swapBytes = (bytes: Uint8Array, width: number): void => {
  for (let start = 0; start < bytes.length; start += width) {
    for (let low = start, high = start + width - 1; low < high; low++, high--) {
      const byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
  }
};

/** The bytes behind a typed array, as a view. */
export const bytesOf = (data: NumericArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Number of values in an array of this shape; 1 for []. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
