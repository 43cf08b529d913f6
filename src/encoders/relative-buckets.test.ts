import { expect, it } from 'vitest';
import { readGolden } from '../../tests/golden.ts';
import { bucketGrid, relativeBucket } from './relative-buckets.ts';

const golden = readGolden('wavlm_buckets/data.safetensors');
const whole = (name: string): number[] => Array.from(golden.get(name)?.data as BigInt64Array, Number);

it.each([
  [320, 800],
  [320, 1280],
  [32, 128],
  [32, 40],
])('%i buckets up to a distance of %i are those of the released code', (buckets, maxDistance) => {
  const offsets = whole('relative_positions');
  expect(offsets.length).toBe(4001);
  const found = offsets.map((offset) => relativeBucket(offset, { buckets, maxDistance }));
  expect(found).toEqual(whole(`bucket.${buckets}.${maxDistance}`));
});

it('lays the buckets out by query and key', () => {
  const rule = { buckets: 32, maxDistance: 40 };
  const grid = bucketGrid(30, rule);
  expect(grid).toHaveLength(900);
  for (const [query, key] of [
    [0, 0],
    [0, 29],
    [29, 0],
    [7, 19],
  ]) {
    expect(Number(grid[query * 30 + key])).toBe(relativeBucket(key - query, rule));
  }
});
