import { describe, expect, it } from 'vitest';
import { maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createScope } from './parameters.ts';
import { relativeBias, relativeBucket, relativeBuckets, relativeGate } from './relative-positions.ts';

const golden = readGolden('wavlm_buckets/data.safetensors');
const whole = (name: string): number[] => Array.from(golden.get(name)?.data as BigInt64Array, Number);

const bucket = (distance: number) => relativeBucket(distance, 320, 800);
const distances = Array.from({ length: 1201 }, (_, i) => i);

describe('relativeBucket', () => {
  it.each([
    [320, 800],
    [320, 1280],
    [32, 128],
    [32, 40],
  ])('is that of the released code of WavLM: %i buckets up to a distance of %i', (buckets, maxDistance) => {
    const offsets = whole('relative_positions');
    expect(offsets.length).toBe(4001);
    const found = offsets.map((offset) => relativeBucket(offset, buckets, maxDistance));
    expect(found).toEqual(whole(`bucket.${buckets}.${maxDistance}`));
  });

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
    buckets: relativeBuckets(length, buckets, 6),
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

it('gates the bias of every head by what the query is', async () => {
  const [length, heads, width] = [3, 2, 5];
  const random = createRandom('gate');
  const numbers = (size: number) => Float32Array.from({ length: size }, () => random.gaussian(0, 1));
  const [x, weight, bias, perHead] = [numbers(heads * length * width), numbers(8 * width), numbers(8), numbers(heads)];
  const stored = (shape: number[], data: Float32Array): StoredTensor => ({ dtype: 'F32', shape, data });
  const weights = new Map([
    ['linear.weight', stored([8, width], weight)],
    ['linear.bias', stored([8], bias)],
    ['head', stored([1, heads, 1, 1], perHead)],
  ]);
  const names = { linear: 'linear', head: 'head' };
  const { gate } = relativeGate(createScope(), names, input('x', ['batch', heads, 'length', width]));
  expect(gate.shape).toEqual(['batch', heads, 'length', 1]);
  const found = await runGraph({ gate }, weights, { x: float32(x, [1, heads, length, width]) });
  const expected = Array.from({ length: heads * length }, (_, row) => {
    const own = x.subarray(row * width, (row + 1) * width);
    const outputs = Array.from(bias, (start, i) =>
      own.reduce((sum, value, d) => sum + value * weight[i * width + d], start),
    );
    const [a, b] = [0, 4].map((from) => outputs.slice(from, from + 4).reduce((sum, value) => sum + value, 0));
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    return sigmoid(a) * (sigmoid(b) * perHead[Math.floor(row / length)] - 1) + 2;
  });
  expect(maxDifference(found.gate, expected)).toBeLessThan(1e-5);
});
