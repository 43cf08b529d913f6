// Buckets of relative positions: how far a key lies from its query, finely nearby and coarsely far away (WavLM; Raffel et al. 2020, T5).

export type BucketRule = {
  /** Number of buckets, half of them for keys behind the query. */
  buckets: number;
  /** From this distance on, all keys share the last bucket of their half. */
  maxDistance: number;
};

/**
 * Bucket of a key `offset` frames after its query (negative: before it). Exact up to a quarter of the buckets, then by the
 * logarithm, in float32 as the released code computes it: a bound that is rounded differently moves a whole bucket.
 */
export function relativeBucket(offset: number, { buckets, maxDistance }: BucketRule): number {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const distance = Math.abs(offset);
  const side = offset > 0 ? half : 0;
  if (distance < exact) return side + distance;
  const { fround, log } = Math;
  const share = fround(fround(log(fround(distance / exact))) / fround(log(maxDistance / exact)));
  const bucket = Math.trunc(fround(exact + fround(share * (half - exact))));
  return side + Math.min(bucket, half - 1);
}

/** Buckets of all pairs of `frames` frames as int64 [frames, frames], row-major: [query, key]. */
export function bucketGrid(frames: number, rule: BucketRule): BigInt64Array {
  const byOffset = Array.from({ length: 2 * frames - 1 }, (_, i) => BigInt(relativeBucket(i - frames + 1, rule)));
  const grid = new BigInt64Array(frames * frames);
  for (let query = 0; query < frames; query++) {
    for (let key = 0; key < frames; key++) grid[query * frames + key] = byOffset[key - query + frames - 1];
  }
  return grid;
}
