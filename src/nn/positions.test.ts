import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { gridPositions, interleavedPosition, sineCosinePositions } from './positions.ts';

describe('sineCosinePositions', () => {
  it('has all sines, then all cosines', () => {
    const table = sineCosinePositions(3, 4);
    const wanted = [0, 1, 2].flatMap((p) => [Math.sin(p), Math.sin(p / 100), Math.cos(p), Math.cos(p / 100)]);
    expect(maxDifference(table, wanted)).toBeLessThan(1e-7);
  });

  it('has positions of equal length, whose products depend on their distance alone', () => {
    const width = 32;
    const table = sineCosinePositions(60, width);
    const product = (p: number, q: number) => {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += table[p * width + d] * table[q * width + d];
      return sum;
    };
    fc.assert(
      fc.property(fc.nat(29), fc.nat(29), fc.nat(29), (p, q, shift) => {
        expect(product(p, p)).toBeCloseTo(width / 2, 4);
        expect(product(p + shift, q + shift)).toBeCloseTo(product(p, q), 4);
      }),
    );
  });
});

describe('interleavedPosition', () => {
  it('alternates sines and cosines of the scaled position', () => {
    const found = interleavedPosition(0.3, 6, 25);
    const wanted = [0, 1, 2].flatMap((i) => {
      const angle = 25 * 0.3 * 10000 ** ((-2 * i) / 6);
      return [Math.sin(angle), Math.cos(angle)];
    });
    expect(maxDifference(found, wanted)).toBeLessThan(1e-6);
    expect(interleavedPosition(0, 5, 25)).toEqual(Float32Array.of(0, 1, 0, 1, 0));
  });
});

describe('gridPositions', () => {
  it('encodes the column in the first half and the row in the second', () => {
    const [rows, columns, width] = [4, 3, 8];
    const table = gridPositions(rows, columns, width);
    const [across, down] = [sineCosinePositions(columns, 4), sineCosinePositions(rows, 4)];
    for (let h = 0; h < rows; h++) {
      for (let w = 0; w < columns; w++) {
        const at = (h * columns + w) * width;
        expect(table.subarray(at, at + 4)).toEqual(across.subarray(w * 4, w * 4 + 4));
        expect(table.subarray(at + 4, at + 8)).toEqual(down.subarray(h * 4, h * 4 + 4));
      }
    }
    expect(table).toHaveLength(rows * columns * width);
  });
});
