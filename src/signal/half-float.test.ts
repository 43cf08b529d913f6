import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, halfToFloat32, numberToHalf } from './half-float.ts';

describe('half floats', () => {
  it.each([
    ['zero', 0x0000, 0],
    ['minus zero', 0x8000, -0],
    ['one', 0x3c00, 1],
    ['minus two', 0xc000, -2],
    ['the smallest', 0x0001, 2 ** -24],
    ['the largest below normal', 0x03ff, 1023 * 2 ** -24],
    ['the smallest normal', 0x0400, 2 ** -14],
    ['the largest', 0x7bff, 65504],
    ['infinity', 0x7c00, Number.POSITIVE_INFINITY],
    ['a third', 0x3555, 0.333251953125],
  ])('reads and writes %s', (_, bits, value) => {
    expect(halfToFloat32(Uint16Array.of(bits))[0]).toBe(value);
    expect(numberToHalf(value)).toBe(bits);
  });

  it('gives back every pattern but those of NaN', () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = halfToFloat32(patterns);
    const wrong = patterns.filter((bits) => !Number.isNaN(values[bits]) && numberToHalf(values[bits]) !== bits);
    expect(wrong).toHaveLength(0);
    expect(values.filter(Number.isNaN)).toHaveLength(2 * 1023);
  });

  it('rounds to the nearest half, ties to even', () => {
    expect(numberToHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(numberToHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(numberToHalf(1.5 * 2 ** -24)).toBe(2);
    expect(numberToHalf(65519.99)).toBe(0x7bff);
    expect(numberToHalf(65520)).toBe(0x7c00);
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = numberToHalf(value);
        const [here, above, below] = halfToFloat32(
          Uint16Array.of(bits, bits + 1, Math.max(0, (bits & 0x7fff) - 1) | (bits & 0x8000)),
        );
        const error = Math.abs(here - value);
        expect(error).toBeLessThanOrEqual(Math.abs(above - value));
        expect(error).toBeLessThanOrEqual(Math.abs(below - value));
      }),
    );
  });

  it('reads bfloat16', () => {
    expect(bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc040, 0x0000, 0x4049))).toEqual(
      Float32Array.of(1, -3, 0, 3.140625),
    );
  });
});
