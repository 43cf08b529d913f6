import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestNeighbours } from '../../detection/knn.ts';
import { fromRows, type Matrix, row } from '../../detection/matrix.ts';
import { joinMatrices } from './fusion.ts';

const matrix = (...rows: number[][]): Matrix => fromRows(rows.map((values) => Float32Array.from(values)));

describe('joinMatrices', () => {
  it('leaves one matrix as it is', () => {
    const one = matrix([3, 4], [0, 0]);
    expect(joinMatrices([one])).toBe(one);
  });

  it('puts rows side by side, each matrix at a usual length of 1', () => {
    // Squared lengths 25 and 75: root mean square sqrt(50); of the second 4 and 0: sqrt(2).
    const joined = joinMatrices([matrix([3, 4], [5, Math.sqrt(50)]), matrix([2], [0])]);
    expect([joined.rows, joined.columns]).toEqual([2, 3]);
    const wanted = [3, 4, 5, Math.sqrt(50)].map((value) => value / Math.sqrt(50));
    for (const [i, value] of [wanted[0], wanted[1], Math.SQRT2, wanted[2], wanted[3], 0].entries()) {
      expect(joined.values[i]).toBeCloseTo(value, 6);
    }
  });

  it('keeps a matrix of zeros, and one without rows', () => {
    expect(Array.from(joinMatrices([matrix([0, 0]), matrix([5])]).values)).toEqual([0, 0, 1]);
    const empty = { values: new Float32Array(), rows: 0, columns: 2 };
    expect(joinMatrices([empty, empty])).toEqual({ values: new Float32Array(), rows: 0, columns: 4 });
  });

  it('does not depend on the units of a part', async () => {
    const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(values, values, fc.integer({ min: -8, max: 8 }), async (a, b, power) => {
        const of = (numbers: number[], scale: number) => ({
          values: Float32Array.from(numbers, (value) => value * scale),
          rows: 4,
          columns: 3,
        });
        const plain = joinMatrices([of(a, 1), of(b, 1)]);
        const scaled = joinMatrices([of(a, 2 ** power), of(b, 1)]);
        for (const [i, value] of scaled.values.entries()) expect(value).toBeCloseTo(plain.values[i], 5);
        for (let i = 0; i < 4; i++) expect(row(scaled, i)).toHaveLength(6);
      }),
    );
  });

  it('finds the neighbours of a matrix that is joined with itself', async () => {
    const one = matrix([1, 2], [3, 1], [-1, 4], [2, 2.5], [0, 1]);
    const groups = [0, 1, 2, 3, 4];
    const options = { k: 3, metric: 'euclidean', bankGroups: groups, queryGroups: groups } as const;
    const indices = async (m: Matrix) => (await nearestNeighbours(m, m, options)).map((found) => found.indices);
    expect(await indices(joinMatrices([one, one]))).toEqual(await indices(one));
  });
});
