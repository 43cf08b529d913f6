import { expect, it } from 'vitest';
import { typedView } from './typed-view.ts';

/** Bytes 0 1 2 … as a plain array, and as Node reads files. */
const kinds = { Uint8Array: Uint8Array.from({ length: 13 }, (_, i) => i), Buffer: Buffer.alloc(13).map((_, i) => i) };

it.each(Object.entries(kinds))('reads numbers at any place of a %s', (_, bytes) => {
  for (let offset = 0; offset < 5; offset++) {
    const at = (i: number) => offset + 2 * i;
    const little = [0, 1, 2, 3].map((i) => at(i) + 256 * (at(i) + 1));
    expect([...typedView(Uint16Array, bytes, offset, 4)]).toEqual(little);
    const big = [0, 1, 2, 3].map((i) => 256 * at(i) + at(i) + 1);
    expect([...typedView(Uint16Array, bytes, offset, 4, false)]).toEqual(big);
  }
  // The swap happened in a copy.
  expect([...bytes]).toEqual(Array.from({ length: 13 }, (_, i) => i));
});

it('shares memory where it can', () => {
  const bytes = new Uint8Array(16);
  expect(typedView(Float32Array, bytes, 4, 2).buffer).toBe(bytes.buffer);
  expect(typedView(Float32Array, bytes, 5, 2).buffer).not.toBe(bytes.buffer);
});
