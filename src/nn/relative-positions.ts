// Relative positions in buckets: a learned bias of the attention for every distance, coarser with the distance (Raffel et al. 2020, section 2.1).
import { gatherRows } from '../graph/indexing.ts';
import { transpose } from '../graph/reshape.ts';
import type { Tensor } from '../graph/tensor.ts';

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

/** Buckets of every query (row) and key (column) of `length` tokens in a row: [length, length]. */
export function relativeBuckets(length: number, buckets: number, maxDistance: number): BigInt64Array {
  // Rows are stretches of one list of all distances, from 1 - length to length - 1.
  const all = BigInt64Array.from({ length: 2 * length - 1 }, (_, i) =>
    BigInt(relativeBucket(i + 1 - length, buckets, maxDistance)),
  );
  const table = new BigInt64Array(length * length);
  for (let query = 0; query < length; query++) {
    table.set(all.subarray(length - 1 - query, 2 * length - 1 - query), query * length);
  }
  return table;
}

/** The bias of every head: table [buckets, H] and int64 buckets [L, L] -> [H, L, L]. */
export const relativeBias = (table: Tensor, buckets: Tensor): Tensor =>
  transpose(gatherRows(table, buckets), [2, 0, 1]);
