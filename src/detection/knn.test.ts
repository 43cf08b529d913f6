import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, maxDifference, readGolden } from '../../tests/golden.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { distance, distanceMatrix, type KnnOptions, type Metric, type Neighbours, nearestNeighbours } from './knn.ts';
import { fromRows, type Matrix, row, selectRows } from './matrix.ts';

/** The definition, one term after the other in float64. */
const naiveDistance = (a: ArrayLike<number>, b: ArrayLike<number>, metric: Metric): number => {
  let [aa, bb, ab, squares] = [0, 0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    aa += a[d] * a[d];
    bb += b[d] * b[d];
    ab += a[d] * b[d];
    squares += (a[d] - b[d]) ** 2;
  }
  if (metric === 'euclidean') return Math.sqrt(squares);
  return aa === 0 || bb === 0 ? 1 : 1 - ab / (Math.sqrt(aa) * Math.sqrt(bb));
};

const naive = (bank: Matrix, queries: Matrix, options: KnnOptions): Neighbours[] =>
  Array.from({ length: queries.rows }, (_, q) => {
    const group = options.queryGroups?.[q];
    const sorted = Array.from({ length: bank.rows }, (_, index) => ({
      index,
      distance: naiveDistance(row(queries, q), row(bank, index), options.metric),
    }))
      .filter(({ index }) => group === undefined || options.bankGroups?.[index] !== group)
      .sort((a, b) => a.distance - b.distance || a.index - b.index)
      .slice(0, options.k);
    return { indices: sorted.map(({ index }) => index), distances: sorted.map((one) => one.distance) };
  });

const gaussianMatrix = (seed: string, rows: number, columns: number): Matrix => {
  const random = createRandom(seed);
  return { values: Float32Array.from({ length: rows * columns }, () => random.gaussian()), rows, columns };
};

const flatDistances = (found: Neighbours[]) => Float64Array.from(found.flatMap(({ distances }) => distances));

function expectSame(found: Neighbours[], wanted: Neighbours[]): void {
  expect(found.map(({ indices }) => indices)).toEqual(wanted.map(({ indices }) => indices));
  const [a, b] = [flatDistances(found), flatDistances(wanted)];
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i])).toBeLessThan(1e-12 * (1 + b[i]));
  });
}

const metrics = ['cosine', 'euclidean'] as const;
const small = fromRows([Float32Array.of(3, 4), Float32Array.of(0, 0), Float32Array.of(-3, -4), Float32Array.of(6, 8)]);

describe('distance', () => {
  it.each([
    ['euclidean', [3, 4], [0, 0], 5],
    ['euclidean', [1, 2, 3, 4, 5], [1, 2, 3, 4, 7], 2],
    ['cosine', [1, 0], [0, 5], 1],
    ['cosine', [1, 1], [-2, -2], 2],
    ['cosine', [1, 2, 3], [2, 4, 6], 0],
    ['cosine', [0, 0], [1, 2], 1],
    ['cosine', [0, 0], [0, 0], 1],
    ['euclidean', [0, 0], [0, 0], 0],
  ] as const)('%s of %o and %o', (metric, a, b, wanted) => {
    expect(distance(Float32Array.from(a), Float32Array.from(b), metric)).toBeCloseTo(wanted, 14);
  });

  it.each(metrics)('is what its definition says, and the same both ways (%s)', (metric) => {
    const values = fc.float32Array({ minLength: 1, maxLength: 40, noNaN: true, min: -1e3, max: 1e3 });
    fc.assert(
      fc.property(values, values, (x, y) => {
        const length = Math.min(x.length, y.length);
        const [a, b] = [x.subarray(0, length), y.subarray(0, length)];
        const found = distance(a, b, metric);
        expect(Math.abs(found - naiveDistance(a, b, metric))).toBeLessThanOrEqual(1e-9 * (1 + found));
        expect(distance(b, a, metric)).toBe(found);
        expect(found).toBeGreaterThanOrEqual(0);
      }),
      { examples: [[Float32Array.of(1e-30), Float32Array.of(-1e-30)]] },
    );
  });
});

describe.each(metrics)('nearestNeighbours, %s', (metric) => {
  it.each([
    ['one row, one column', 1, 1, 1, 1],
    ['widths that are no multiple of four', 37, 7, 9, 3],
    ['k larger than the bank', 5, 6, 4, 11],
    ['k of the whole bank', 20, 3, 4, 20],
  ])('agrees with the definition: %s', async (name, rows, columns, queries, k) => {
    const bank = gaussianMatrix(`bank ${name}`, rows, columns);
    const asked = gaussianMatrix(`queries ${name}`, queries, columns);
    const found = await nearestNeighbours(bank, asked, { k, metric });
    expectSame(found, naive(bank, asked, { k, metric }));
    expect(found[0].indices).toHaveLength(Math.min(k, rows));
  });

  it('leaves out rows of the query’s own group', async () => {
    const bank = gaussianMatrix('groups', 30, 5);
    const bankGroups = Array.from({ length: 30 }, (_, i) => i % 3);
    const options = { k: 4, metric, bankGroups, queryGroups: bankGroups };
    const found = await nearestNeighbours(bank, bank, options);
    expectSame(found, naive(bank, bank, options));
    for (const [q, { indices }] of found.entries()) for (const index of indices) expect(index % 3).not.toBe(q % 3);
    const alone = { k: 2, metric, bankGroups: [7, 7], queryGroups: [7] };
    expect(await nearestNeighbours(selectRows(bank, [0, 1]), selectRows(bank, [2]), alone)).toEqual([
      { indices: [], distances: [] },
    ]);
  });

  it('gives ties to the lower index', async () => {
    const bank = selectRows(
      gaussianMatrix('ties', 4, 6),
      [3, 1, 2, 1, 0, 1, 3, 3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    );
    const [{ indices, distances }] = await nearestNeighbours(bank, selectRows(bank, [1]), { k: 5, metric });
    expect(indices).toEqual([1, 3, 5, 8, 9]);
    expect(Math.max(...distances)).toBeLessThan(1e-15);
  });

  it('agrees with the definition for any bank', async () => {
    const shape = fc.record({
      rows: fc.integer({ min: 0, max: 40 }),
      columns: fc.integer({ min: 1, max: 9 }),
      queries: fc.integer({ min: 0, max: 5 }),
      k: fc.integer({ min: 1, max: 12 }),
      seed: fc.nat(),
      groups: fc.option(fc.integer({ min: 1, max: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ rows, columns, queries, k, seed, groups }) => {
        const bank = gaussianMatrix(`bank ${seed}`, rows, columns);
        const asked = gaussianMatrix(`queries ${seed}`, queries, columns);
        const group = (n: number) => Array.from({ length: n }, (_, i) => i % (groups ?? 1));
        const options = { k, metric, ...(groups && { bankGroups: group(rows), queryGroups: group(queries) }) };
        expectSame(await nearestNeighbours(bank, asked, options), naive(bank, asked, options));
      }),
      { numRuns: 60 },
    );
  });
});

describe('zero vectors', () => {
  it('are at cosine distance 1 from everything', async () => {
    const zero = fromRows([Float32Array.of(0, 0)]);
    const [{ indices, distances }] = await nearestNeighbours(small, zero, { k: 4, metric: 'cosine' });
    expect([indices, distances]).toEqual([
      [0, 1, 2, 3],
      [1, 1, 1, 1],
    ]);
    const [other] = await nearestNeighbours(small, selectRows(small, [0]), { k: 4, metric: 'cosine' });
    expect(other.indices).toEqual([0, 3, 1, 2]);
    expect(other.distances[2]).toBe(1);
  });
});

/** More multiplications than the plain loop takes: the products come from ONNX Runtime, in float32. */
describe.each(metrics)('float32 products, %s', (metric) => {
  const columns = 256;
  const queries = gaussianMatrix('float32 queries', 100, columns);
  const bank = gaussianMatrix('float32 bank', 3000, columns);

  it('agree with the definition', async () => {
    const found = await nearestNeighbours(bank, queries, { k: 10, metric });
    expectSame(found, naive(bank, queries, { k: 10, metric }));
  });

  it('do not mix up rows nearer to each other than their rounding', async () => {
    const near = { ...bank, values: bank.values.slice() };
    const random = createRandom('near duplicates');
    const wanted: number[] = [];
    // 64 copies of query 5 all over the bank, each a little farther than the one before; the last one in the bank is nearest.
    for (let copy = 0; copy < 64; copy++) {
      const index = 30 + 46 * copy;
      wanted.unshift(index);
      const size = 1e-4 * (1 + 0.02 * (63 - copy));
      const direction = Float64Array.from({ length: columns }, () => random.gaussian());
      const norm = Math.hypot(...direction);
      for (let d = 0; d < columns; d++) {
        near.values[index * columns + d] = row(queries, 5)[d] + (size * Math.sqrt(columns) * direction[d]) / norm;
      }
    }
    const found = await nearestNeighbours(near, queries, { k: 5, metric });
    expect(found[5].indices).toEqual(wanted.slice(0, 5));
    expectSame(found, naive(near, queries, { k: 5, metric }));
  });

  it('give ties to the lower index', async () => {
    const copies = selectRows(
      bank,
      Array.from({ length: 3000 }, (_, i) => (i % 7 === 3 ? 0 : i)),
    );
    const asked = selectRows(bank, [0, ...Array.from({ length: 99 }, (_, i) => i)]);
    const [{ indices, distances }] = await nearestNeighbours(copies, asked, { k: 20, metric });
    expect(indices).toEqual([0, ...Array.from({ length: 19 }, (_, i) => 7 * i + 3)]);
    expect(Math.max(...distances)).toBeLessThan(1e-15);
  });

  it('work out of one recording repeated all over the bank, with offsets far above its spread', async () => {
    const shifted = gaussianMatrix('offset', 1500, columns);
    for (let i = 0; i < shifted.values.length; i++) shifted.values[i] = 300 + 0.01 * shifted.values[i];
    const asked = selectRows(
      shifted,
      Array.from({ length: 100 }, (_, i) => 11 * i),
    );
    const found = await nearestNeighbours(shifted, asked, { k: 3, metric: 'euclidean' });
    expectSame(found, naive(shifted, asked, { k: 3, metric: 'euclidean' }));
  });
});

describe('blocks', () => {
  it.each([
    ['bank rows', 4097, 3, 2],
    ['bank rows of three blocks', 8193, 2, 2],
    ['queries', 9, 1025, 3],
    ['both, by float32 products', 4099, 1027, 8],
  ])('have no seam: %s', async (_, rows, queries, columns) => {
    const bank = gaussianMatrix('blocks', rows, columns);
    const asked = gaussianMatrix('asked', queries, columns);
    const groups = {
      bankGroups: Array.from({ length: rows }, (_, i) => i),
      queryGroups: Array.from({ length: queries }, (_, i) => rows - 1 - i),
    };
    // The nearest row of the last query stands on the last row of the bank, that of the first on the first.
    asked.values.set(row(bank, rows - 1), (queries - 1) * columns);
    asked.values.set(row(bank, 0), 0);
    const options = { k: 2, metric: 'euclidean' as const };
    const found = await nearestNeighbours(bank, asked, options);
    expect(found).toHaveLength(queries);
    expect([found[0].indices[0], found.at(-1)?.indices[0]]).toEqual([0, rows - 1]);
    const some = [0, 1, queries - 2, queries - 1];
    const wanted = naive(bank, selectRows(asked, some), options);
    expectSame(
      some.map((q) => found[q]),
      wanted,
    );
    const grouped = await nearestNeighbours(bank, asked, { ...options, ...groups });
    expectSame(
      [grouped[queries - 1]],
      naive(bank, selectRows(asked, [queries - 1]), {
        ...options,
        bankGroups: groups.bankGroups,
        queryGroups: [rows - queries],
      }),
    );
  });
});

describe.each(metrics)('distanceMatrix, %s', (metric) => {
  it.each([
    ['a square', 12, 5, 12],
    ['one row, one column', 1, 1, 1],
    ['no queries', 3, 4, 0],
    ['an empty bank', 0, 4, 3],
  ])('has what the definition says, query by query: %s', async (name, rows, columns, queries) => {
    const [bank, asked] = [
      gaussianMatrix(`bank ${name}`, rows, columns),
      gaussianMatrix(`asked ${name}`, queries, columns),
    ];
    const found = await distanceMatrix(bank, asked, metric);
    expect(found).toHaveLength(queries * rows);
    for (let q = 0; q < queries; q++) {
      for (let r = 0; r < rows; r++) {
        const wanted = naiveDistance(row(asked, q), row(bank, r), metric);
        expect(Math.abs(found[q * rows + r] - wanted)).toBeLessThan(1e-12 * (1 + wanted));
      }
    }
  });

  it('has zero vectors as `distance` has them', async () => {
    const found = await distanceMatrix(small, small, metric);
    for (let q = 0; q < 4; q++) {
      for (let r = 0; r < 4; r++) expect(found[q * 4 + r]).toBe(distance(row(small, q), row(small, r), metric));
    }
  });

  it('keeps to float32 precision where it is large, over the seam of blocks', async () => {
    const [rows, queries, columns] = [4100, 90, 96];
    const [bank, asked] = [
      gaussianMatrix('large bank', rows, columns),
      gaussianMatrix('large asked', queries, columns),
    ];
    asked.values.set(row(bank, 4099), 0);
    bank.values.fill(0, 7 * columns, 8 * columns);
    const found = await distanceMatrix(bank, asked, metric);
    let worst = 0;
    for (const q of [0, 1, 44, 89]) {
      for (let r = 0; r < rows; r++) {
        const wanted = naiveDistance(row(asked, q), row(bank, r), metric);
        worst = Math.max(worst, Math.abs(found[q * rows + r] - wanted) / (metric === 'cosine' ? 1 : 10));
      }
    }
    // A distance of 0 is the root of a rounding error of squares near 100.
    expect(worst).toBeLessThan(metric === 'cosine' ? 1e-6 : 2e-3);
    expect(found[4099]).toBeLessThan(0.02);
    expect(found[7]).toBeCloseTo(metric === 'cosine' ? 1 : Math.hypot(...row(asked, 0)), 5);
    expect(found.every((value) => value >= 0)).toBe(true);
  });
});

describe('bad input', () => {
  it('is refused with its numbers', async () => {
    const options = { k: 1, metric: 'cosine' as const };
    await expect(nearestNeighbours(small, gaussianMatrix('x', 2, 3), options)).rejects.toThrow(
      'nearestNeighbours: bank rows have 2 values, queries 3',
    );
    await expect(distanceMatrix(small, gaussianMatrix('x', 2, 3), 'cosine')).rejects.toThrow(
      'distanceMatrix: bank rows have 2 values, queries 3',
    );
    for (const k of [0, 1.5, -1, Number.NaN]) {
      await expect(nearestNeighbours(small, small, { ...options, k })).rejects.toThrow(`k of at least 1, got ${k}`);
    }
  });
});

describe('golden numbers (scikit-learn NearestNeighbors)', () => {
  const golden = readGolden('asd_heads/data.safetensors');
  const matrixOf = (name: string): Matrix<Float64Array> => {
    const [rows, columns] = golden.get(name)?.shape as number[];
    return { values: floats(golden, name) as Float64Array, rows, columns };
  };
  const cases = metrics.flatMap((metric) => [1, 2, 5].map((k) => [metric, k] as const));
  it.each(cases)('%s, k = %d', async (metric, k) => {
    const found = await nearestNeighbours(matrixOf('knn.train'), matrixOf('knn.test'), { k, metric });
    const indices = Array.from(golden.get(`knn.${metric}.k${k}.idx`)?.data as BigInt64Array, Number);
    expect(found.flatMap((one) => one.indices)).toEqual(indices);
    const means = found.map(({ distances }) => distances.reduce((a, b) => a + b) / k);
    const furthest = found.map(({ distances }) => distances[k - 1]);
    expect(maxDifference(means, floats(golden, `knn.${metric}.k${k}.mean_dist`))).toBeLessThan(1e-12);
    expect(maxDifference(furthest, floats(golden, `knn.${metric}.k${k}.max_dist`))).toBeLessThan(1e-12);
  });
});
