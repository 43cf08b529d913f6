import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { fromRows, type Matrix, row, selectRows } from './matrix.ts';
import { applyTransform, learnTransform, type TransformKind, transformRows } from './transform.ts';

/** Rows with a mean, and a spread that differs from column to column and along a common direction. */
const exampleBank = (seed: string, rows: number, columns: number): Matrix => {
  const random = createRandom(seed);
  const vectors = Array.from({ length: rows }, () => {
    const common = random.gaussian(0, 3);
    return Float32Array.from(
      { length: columns },
      (_, d) => 5 - d + common * Math.cos(d) + random.gaussian(0, 0.2 + d / 4),
    );
  });
  return fromRows(vectors);
};

const rowsOf = (bank: Matrix): Float32Array[] => Array.from({ length: bank.rows }, (_, i) => row(bank, i));
const column = (bank: Matrix, d: number): number[] => rowsOf(bank).map((vector) => vector[d]);
const meanOf = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

/** Sample covariance [D, D] in float64. */
function covariance(bank: Matrix): number[][] {
  const mean = Array.from({ length: bank.columns }, (_, d) => meanOf(column(bank, d)));
  return mean.map((a, i) =>
    mean.map((b, j) => rowsOf(bank).reduce((sum, v) => sum + (v[i] - a) * (v[j] - b), 0) / (bank.rows - 1)),
  );
}

/** x with A x = b, by elimination with pivots. */
function solve(a: number[][], b: number[]): number[] {
  const rows = a.map((values, i) => [...values, b[i]]);
  for (let k = 0; k < b.length; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, _, i) => (Math.abs(rows[k + i][k]) > Math.abs(rows[best][k]) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < b.length; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= b.length; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const x = b.slice();
  for (let i = b.length - 1; i >= 0; i--) {
    x[i] = (rows[i][b.length] - rows[i].slice(i + 1, -1).reduce((sum, v, j) => sum + v * x[i + 1 + j], 0)) / rows[i][i];
  }
  return x;
}

describe('fromRows', () => {
  it('stacks copies, and selectRows picks them', () => {
    const first = Float32Array.of(1, 2);
    const matrix = fromRows([first, Float32Array.of(3, 4), Float32Array.of(5, 6)]);
    first[0] = 9;
    expect(matrix).toEqual({ values: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 3, columns: 2 });
    expect(selectRows(matrix, [2, 0, 2]).values).toEqual(Float32Array.of(5, 6, 1, 2, 5, 6));
    expect(fromRows([])).toEqual({ values: new Float32Array(0), rows: 0, columns: 0 });
    expect(() => fromRows([first, Float32Array.of(1)])).toThrow('fromRows: row 1 has 1 values, row 0 has 2');
  });
});

describe('none and centre', () => {
  const bank = exampleBank('centre', 20, 5);

  it('leave embeddings as they are, or take the mean of the bank out', () => {
    const vector = Float32Array.of(1, -2, 3, 4.5, 0);
    expect(applyTransform(learnTransform('none', bank), vector)).toEqual(vector);
    expect(transformRows(learnTransform('none', bank), bank)).toBe(bank);
    const wanted = vector.map((value, d) => value - Math.fround(meanOf(column(bank, d))));
    expect(applyTransform(learnTransform('centre', bank), vector)).toEqual(wanted);
    const centred = transformRows(learnTransform('centre', bank), bank);
    for (let d = 0; d < 5; d++) expect(Math.abs(meanOf(column(centred, d)))).toBeLessThan(1e-6);
  });
});

describe('standardise', () => {
  it('gives every dimension of the bank mean 0 and deviation 1', () => {
    const bank = exampleBank('standardise', 40, 6);
    const found = transformRows(learnTransform('standardise', bank), bank);
    for (let d = 0; d < 6; d++) {
      const values = column(found, d);
      expect(Math.abs(meanOf(values))).toBeLessThan(1e-6);
      expect(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / 39)).toBeCloseTo(1, 5);
    }
  });

  it('lets no quiet dimension shout: its spread counts as a tenth of the median spread', () => {
    const bank = fromRows([Float32Array.of(1, 0, 7, 3), Float32Array.of(1, 4, 9, 3.0002)]);
    // Spreads 0, 2.83, 1.41 and 1.4e-4; the median (upper of two) is 1.41.
    const { scale } = learnTransform('standardise', bank);
    expect(
      maxDifference(scale ?? [], [10 / Math.SQRT2, 0.5 / Math.SQRT2, 1 / Math.SQRT2, 10 / Math.SQRT2]),
    ).toBeLessThan(1e-5);
    const constant = learnTransform('standardise', fromRows([Float32Array.of(2, 3), Float32Array.of(2, 3)]));
    expect([...applyTransform(constant, Float32Array.of(2, 3))]).toEqual([0, 0]);
    expect(applyTransform(constant, Float32Array.of(2, 4)).every(Number.isFinite)).toBe(true);
  });
});

describe('whiten', () => {
  it.each([
    ['more rows than columns', 30, 6],
    ['more columns than rows', 5, 12],
    ['one row', 1, 4],
    ['more rows than it looks at', 700, 3],
  ])('has orthonormal directions (%s)', (_, rows, columns) => {
    const { directions, gains } = learnTransform('whiten', exampleBank('orthonormal', rows, columns));
    expect(directions?.rows).toBe(Math.min(rows - 1, columns));
    expect(gains).toHaveLength(directions?.rows ?? -1);
    const found = directions ? rowsOf(directions) : [];
    for (const [i, a] of found.entries()) {
      for (const [j, b] of found.entries()) {
        const product = a.reduce((sum, value, d) => sum + value * b[d], 0);
        expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-5);
      }
    }
    expect(gains?.every((gain) => gain > 0 && gain < 1)).toBe(true);
  });

  // W^2 = rho (C + rho I)^-1 with the covariance C and rho a tenth of its mean variance over the directions it spans.
  it.each([
    ['more rows than columns', 60, 5],
    ['more columns than rows', 6, 15],
  ])('measures the shrunk Mahalanobis distance (%s)', (name, rows, columns) => {
    const bank = exampleBank(name, rows, columns);
    const c = covariance(bank);
    const rho = (0.1 * c.reduce((sum, values, d) => sum + values[d], 0)) / Math.min(rows - 1, columns);
    const shrunk = c.map((values, i) => values.map((value, j) => value + (i === j ? rho : 0)));
    const transform = learnTransform('whiten', bank);
    const random = createRandom('asked');
    for (let trial = 0; trial < 10; trial++) {
      const x = Float32Array.from({ length: columns }, () => random.gaussian(0, 4));
      const centred = Array.from(x, (value, d) => value - meanOf(column(bank, d)));
      const wanted = rho * solve(shrunk, centred).reduce((sum, value, d) => sum + value * centred[d], 0);
      const found = applyTransform(transform, x).reduce((sum, value) => sum + value * value, 0);
      expect(Math.abs(found - wanted) / wanted).toBeLessThan(2e-4);
    }
  });

  it('gives the bank the covariance rho C (C + rho I)^-1', () => {
    const bank = exampleBank('shrunk form', 50, 4);
    const c = covariance(bank);
    const rho = (0.1 * c.reduce((sum, values, d) => sum + values[d], 0)) / 4;
    const shrunk = c.map((values, i) => values.map((value, j) => value + (i === j ? rho : 0)));
    const found = covariance(transformRows(learnTransform('whiten', bank), bank));
    for (let j = 0; j < 4; j++) {
      const wanted = solve(
        shrunk,
        c.map((values) => rho * values[j]),
      ); // one column of (C + rho I)^-1 rho C
      expect(
        maxDifference(
          found.map((values) => values[j]),
          wanted,
        ),
      ).toBeLessThan(1e-4 * rho);
    }
  });

  it('leaves directions without any variance as they are', () => {
    const bank = fromRows([Float32Array.of(3, 1, 0), Float32Array.of(-3, 1, 0), Float32Array.of(0, 1, 0)]);
    const transform = learnTransform('whiten', bank);
    const rho = 0.1 * 9;
    const found = applyTransform(transform, Float32Array.of(2, 5, 7));
    expect(maxDifference(found, [2 * Math.sqrt(rho / (9 + rho)), 4, 7])).toBeLessThan(1e-5);
  });

  it('is only centred where all recordings are the same', () => {
    const bank = fromRows(Array.from({ length: 4 }, () => Float32Array.of(1, 2)));
    expect([...applyTransform(learnTransform('whiten', bank), Float32Array.of(3, 5))]).toEqual([2, 3]);
  });
});

describe('any transform', () => {
  const kinds: TransformKind[] = ['none', 'centre', 'standardise', 'whiten'];

  it('is affine, keeps its input, and treats rows alone as in a bank', () => {
    const input = fc.record({
      kind: fc.constantFrom(...kinds),
      rows: fc.integer({ min: 1, max: 12 }),
      columns: fc.integer({ min: 1, max: 10 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(input, ({ kind, rows, columns, seed }) => {
        const bank = exampleBank(`any ${seed}`, rows, columns);
        const before = bank.values.slice();
        const transform = learnTransform(kind, bank);
        const found = transformRows(transform, bank);
        expect(bank.values).toEqual(before);
        for (let i = 0; i < rows; i++) expect(row(found, i)).toEqual(applyTransform(transform, row(bank, i)));
        const [a, b] = [row(bank, 0), row(bank, rows - 1)];
        const middle = applyTransform(
          transform,
          a.map((value, d) => (value + b[d]) / 2),
        );
        const wanted = row(found, 0).map((value, d) => (value + row(found, rows - 1)[d]) / 2);
        const size = found.values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
        // A standardised dimension divides rounding errors by its spread, too.
        const gain = transform.scale?.reduce((largest, value) => Math.max(largest, value), 1) ?? 1;
        expect(maxDifference(middle, wanted)).toBeLessThan(1e-5 * size * gain);
      }),
      { numRuns: 100 },
    );
  });
});
