// Relative positions in buckets: a learned bias of the attention for every distance, coarser with the distance (Raffel et al. 2020, section 2.1), and WavLM's gate on it.
import { sigmoid } from '../graph/activation.ts';
import { add, mul, sub } from '../graph/elementwise.ts';
import { gatherRows } from '../graph/indexing.ts';
import { reduceSum, reshape, transpose } from '../graph/reshape.ts';
import type { Value } from '../graph/runtime.ts';
import { staticDim } from '../graph/shapes.ts';
import { split } from '../graph/slicing.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from './parameters.ts';
import { dense } from './transformer.ts';

/**
 * Bucket of a distance (key - query). The second half of the buckets is for keys behind the query. In each half, the first
 * half has a bucket for every distance; the rest grows as the logarithm does up to `maxDistance`, and the last bucket
 * takes all beyond. In float32, as the released code of BEATs and WavLM: a few distances fall elsewhere in float64.
 */
export function relativeBucket(distance: number, buckets: number, maxDistance: number): number {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const behind = distance > 0 ? half : 0;
  const far = Math.abs(distance);
  if (far < exact) return behind + far;
  const share = Math.fround(
    Math.fround(Math.log(Math.fround(far / exact))) / Math.fround(Math.log(maxDistance / exact)),
  );
  return behind + Math.min(half - 1, exact + Math.trunc(Math.fround(share * (half - exact))));
}

/** Buckets of every query (row) and key (column) of `length` tokens in a row: int64 [length, length], to be fed. */
export function relativeBuckets(length: number, buckets: number, maxDistance: number): Value {
  // Rows are stretches of one list of all distances, from 1 - length to length - 1.
  const all = BigInt64Array.from({ length: 2 * length - 1 }, (_, i) =>
    BigInt(relativeBucket(i + 1 - length, buckets, maxDistance)),
  );
  const data = new BigInt64Array(length * length);
  for (let query = 0; query < length; query++) {
    data.set(all.subarray(length - 1 - query, 2 * length - 1 - query), query * length);
  }
  return { dtype: 'int64', shape: [length, length], data };
}

/** The bias of every head: table [buckets, H] and int64 buckets [L, L] -> [H, L, L]. */
export const relativeBias = (table: Tensor, buckets: Tensor): Tensor =>
  transpose(gatherRows(table, buckets), [2, 0, 1]);

/**
 * How much a query minds its relative positions: a (b c - 1) + 2, where a and b are sigmoids of sums of four outputs of a
 * linear layer, and c is a number of the head (WavLM, Chen et al. 2022, section 3.1; released code). x [B, H, L, d]: BEATs
 * has the queries here, WavLM the layer's input. -> the gate [B, H, L, 1], and the outputs of the linear layer `names.linear`
 * [B, H, L, 8]; c is `names.head` [1, H, 1, 1].
 */
export function relativeGate(
  scope: ParameterScope,
  names: { linear: string; head: string },
  x: Tensor,
): { gate: Tensor; projected: Tensor } {
  const heads = staticDim(x, 1, 'relativeGate');
  const projected = dense(scope, names.linear, x, 8);
  const sums = reduceSum(reshape(projected, [x.shape[0], heads, x.shape[2], 2, 4]), [4]); // [B, H, L, 2]
  const [a, b] = split(sigmoid(sums), 2, 3);
  return { gate: add(mul(a, sub(mul(b, scope(names.head, [1, heads, 1, 1])), 1)), 2), projected };
}
