import { expect, it } from 'vitest';
import { concatenate } from './concatenate.ts';

it('joins arrays of a kind, part after part, in a new one', () => {
  const parts = [Float32Array.of(1, 2.5), new Float32Array(0), Float32Array.of(-3)];
  expect(concatenate(Float32Array, parts)).toEqual(Float32Array.of(1, 2.5, -3));
  const bytes = Uint8Array.of(7, 255);
  const copy = concatenate(Uint8Array, [bytes]);
  expect(copy).toEqual(bytes);
  expect(copy.buffer).not.toBe(bytes.buffer);
  expect(concatenate(Uint8Array, [])).toEqual(new Uint8Array(0));
});
