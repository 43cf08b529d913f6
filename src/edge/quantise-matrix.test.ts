import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantiseMatrix } from './quantise-matrix.ts';

describe('quantiseMatrix', () => {
  it('codes by hand: a scale for every column, zeros, halves to even', () => {
    // Columns [127, 2.5, -63.5] (scale 1), [0, 0, 0] and [-2.54, 1.27, 0.03] (scale 0.02).
    const values = Float32Array.of(127, 0, -2.54, 2.5, 0, 1.27, -63.5, 0, 0.03);
    const { codes, scales } = quantiseMatrix(values, 3, 3);
    expect(Array.from(scales)).toEqual([1, 1, Math.fround(Math.fround(2.54) / 127)]);
    expect(Array.from(codes)).toEqual([127, 0, -127, 2, 0, 64, -64, 0, 2]);
  });

  it('values come back within half a step, and the largest of every column exactly', () => {
    const numbers = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(numbers, (array) => {
        const values = Float32Array.from(array);
        const { codes, scales } = quantiseMatrix(values, 4, 3);
        for (const [i, value] of values.entries()) {
          const scale = scales[i % 3];
          expect(Math.abs(codes[i] * scale - value)).toBeLessThanOrEqual(0.5001 * scale + 1e-36);
          expect(codes[i]).toBeGreaterThanOrEqual(-127);
        }
      }),
    );
  });
});
