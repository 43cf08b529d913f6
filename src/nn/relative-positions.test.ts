import { describe, expect, it } from 'vitest';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { relativeBias, relativeBucket, relativeBuckets } from './relative-positions.ts';

const bucket = (distance: number) => relativeBucket(distance, 320, 800);
const distances = Array.from({ length: 1201 }, (_, i) => i);

describe('relativeBucket', () => {
  it('has one bucket for every distance below a quarter of them', () => {
    expect(distances.slice(0, 80).map((distance) => bucket(-distance))).toEqual(distances.slice(0, 80));
  });

  it('grows as the logarithm does up to the largest distance', () => {
    for (const distance of distances.slice(80)) {
      const share = Math.log(distance / 80) / Math.log(800 / 80);
      const exact = Math.min(159, 80 + 80 * share);
      expect(Math.abs(bucket(-distance) - exact + 0.5)).toBeLessThan(0.501);
    }
    expect([-799, -800, -1200].map(bucket)).toEqual([159, 159, 159]);
  });

  it('puts keys behind the query into the second half', () => {
    for (const distance of distances.slice(1)) expect(bucket(distance)).toBe(160 + bucket(-distance));
  });
});

it('gives every head the number of its bucket, rows for queries and columns for keys', async () => {
  const [length, heads, buckets] = [7, 2, 12];
  const table = Float32Array.from({ length: buckets * heads }, (_, i) => 10 * i);
  const bias = relativeBias(input('table', [buckets, heads]), input('buckets', ['length', 'length'], 'int64'));
  const found = await runGraph({ bias }, new Map(), {
    table: float32(table, [buckets, heads]),
    buckets: { dtype: 'int64', shape: [length, length], data: relativeBuckets(length, buckets, 6) },
  });
  const expected: number[] = [];
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < length; query++) {
      for (let key = 0; key < length; key++) {
        expected.push(table[relativeBucket(key - query, buckets, 6) * heads + head]);
      }
    }
  }
  expect([...found.bias]).toEqual(expected);
});
