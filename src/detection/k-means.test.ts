import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { kMeans, pairwiseDistances, silhouette } from './k-means.ts';
import { fromRows } from './matrix.ts';

/** `each` points around every centre. */
function clouds(centres: readonly (readonly number[])[], each: number, deviation: number, seed = 1) {
  const random = createRandom(seed);
  return fromRows(
    centres.flatMap((centre) =>
      Array.from({ length: each }, () => Float32Array.from(centre, (value) => value + random.gaussian(0, deviation))),
    ),
  );
}

const options = (clusters: number, seed = 1) => ({ clusters, random: createRandom(seed) });

describe('kMeans', () => {
  it('finds the least inertia of all ways to divide a few points', () => {
    const points = fromRows([0, 1, 2.5, 6, 7, 7.5, 12].map((value) => Float32Array.of(value, -value / 2)));
    for (const clusters of [2, 3]) {
      let least = Number.POSITIVE_INFINITY;
      for (let code = 0; code < clusters ** points.rows; code++) {
        let inertia = 0;
        for (let c = 0; c < clusters; c++) {
          const own = [...points.values.keys()].filter(
            (i) => i % 2 === 0 && Math.floor(code / clusters ** (i / 2)) % clusters === c,
          );
          const mean = [0, 1].map((d) => own.reduce((sum, i) => sum + points.values[i + d], 0) / own.length);
          for (const i of own) inertia += [0, 1].reduce((sum, d) => sum + (points.values[i + d] - mean[d]) ** 2, 0);
        }
        least = Math.min(least, inertia);
      }
      expect(kMeans(points, { ...options(clusters), restarts: 20 }).inertia).toBeCloseTo(least, 9);
    }
  });

  it('finds clouds and their centres, the same for the same seed', () => {
    const centres = [
      [0, 0, 0],
      [5, 0, 1],
      [0, 6, -3],
      [9, 9, 9],
    ];
    const points = clouds(centres, 40, 0.3);
    const found = kMeans(points, options(4));
    const clusters = centres.map((_, c) => new Set(found.assignment.slice(40 * c, 40 * c + 40)));
    expect(clusters.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
    for (const [c, centre] of centres.entries()) {
      const [cluster] = clusters[c];
      for (const [d, value] of centre.entries()) {
        expect(Math.abs(found.centres.values[3 * cluster + d] - value)).toBeLessThan(0.3);
      }
    }
    expect(kMeans(points, options(4))).toEqual(found);
  });

  it('ends where no point is nearer to another centre, and centres are means', () => {
    const vector = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(vector, { minLength: 1, maxLength: 25 }), fc.integer({ min: 1, max: 6 }), (vectors, k) => {
        const points = fromRows(vectors.map((values) => Float64Array.from(values)));
        const { centres, assignment, inertia } = kMeans(points, options(k));
        const different = new Set(vectors.map(String)).size;
        expect(centres.rows).toBeLessThanOrEqual(Math.min(k, different));
        let sum = 0;
        for (const [i, [x, y]] of vectors.entries()) {
          const distances = Array.from(
            { length: centres.rows },
            (_, c) => (centres.values[2 * c] - x) ** 2 + (centres.values[2 * c + 1] - y) ** 2,
          );
          expect(distances[assignment[i]]).toBeCloseTo(Math.min(...distances), 9);
          sum += distances[assignment[i]];
        }
        expect(sum).toBeCloseTo(inertia, 6);
      }),
    );
  });

  it('has fewer clusters where there are fewer different points', () => {
    const points = fromRows([1, 1, 2, 2, 2].map((value) => Float32Array.of(value)));
    const { centres, assignment, inertia } = kMeans(points, options(4));
    expect([centres.rows, inertia]).toEqual([2, 0]);
    expect(new Set(assignment.slice(0, 2)).size).toBe(1);
    expect(assignment[0]).not.toBe(assignment[2]);
  });

  it('refuses what has no clusters', () => {
    const points = fromRows([Float32Array.of(1, 2), Float32Array.of(3, Number.NaN)]);
    expect(() => kMeans(points, options(1))).toThrow('kMeans: expected finite values, got NaN in row 1; leave it out');
    expect(() => kMeans(fromRows([]), options(1))).toThrow(InputError);
    expect(() => kMeans(points, options(0))).toThrow('kMeans: expected a whole number of clusters from 1 on, got 0');
  });
});

describe('silhouette', () => {
  it('is what it is defined as', () => {
    // Points 0, 1 | 4, 6: by hand.
    const points = fromRows([0, 1, 4, 6].map((value) => Float32Array.of(value)));
    const expected = (4 / 5 + 3 / 4 + (3.5 - 2) / 3.5 + (5.5 - 2) / 5.5) / 4;
    expect(silhouette(pairwiseDistances(points), [0, 0, 1, 1])).toBeCloseTo(expected, 12);
    // Alone in its cluster: 0.
    expect(silhouette(pairwiseDistances(points), [0, 0, 0, 1])).toBeCloseTo(
      ((6 - 2.5) / 6 + (5 - 2) / 5 + (2 - 3.5) / 3.5) / 4,
      12,
    );
    expect(silhouette(pairwiseDistances(points), [0, 0, 0, 0])).toBe(0);
  });
});
