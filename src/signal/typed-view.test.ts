import { expect, it } from 'vitest';
import { typedView } from './typed-view.ts';

const numbers = [1.5, -2, 3e-9, 4];
const bytesAt = (offset: number, littleEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(offset + 16).fill(7);
  for (const [i, value] of numbers.entries())
    new DataView(bytes.buffer).setFloat32(offset + 4 * i, value, littleEndian);
  return bytes;
};
const kinds = { array: (bytes: Uint8Array) => bytes, Buffer: (bytes: Uint8Array) => Buffer.from(bytes) };

it.each(
  Object.entries(kinds).flatMap(([kind, make]) =>
    [true, false].flatMap((littleEndian) => [8, 5].map((offset) => ({ kind, make, littleEndian, offset }))),
  ),
)('finds numbers at byte $offset of bytes in a $kind (little-endian: $littleEndian)', ({
  make,
  littleEndian,
  offset,
}) => {
  const bytes = make(bytesAt(offset, littleEndian));
  const before = Uint8Array.from(bytes);
  expect(typedView(Float32Array, bytes, offset, 4, littleEndian)).toEqual(Float32Array.from(numbers));
  expect(Uint8Array.from(bytes)).toEqual(before);
});

it('shares memory where bytes are aligned, and only there', () => {
  const bytes = bytesAt(8, true);
  expect(typedView(Float32Array, bytes, 8, 4).buffer).toBe(bytes.buffer);
  expect(typedView(Float32Array, bytes, 4, 4).buffer).toBe(bytes.buffer);
  expect(typedView(Float32Array, bytes, 5, 4).buffer).not.toBe(bytes.buffer);
});
