// Nearest neighbours of recordings with several channels: distances are made comparable channel by channel, then averaged.
import { distance, type Metric } from '../../detection/knn.ts';
import { type Floats, type Matrix, row } from '../../detection/matrix.ts';

export type FusionOptions = {
  k: number;
  metric: Metric;
  /** Group of every bank row and query: a query meets no row of its own group (leave one out). */
  bankGroups?: ArrayLike<number>;
  queryGroups?: ArrayLike<number>;
  /**
   * Whether a query's own group counts in the mean and deviation of its distances: SIREN's released code lets it, though
   * it is no part of the bank.
   */
  ownGroupInStatistics?: boolean;
};

/** Added to deviations by the released code; it also keeps a channel without any variation from dividing by zero. */
const EPSILON = 1e-10;

/**
 * The k nearest rows by fused distance, for every query: per channel the distances of a query are standardised over the
 * bank (population deviation), then averaged over channels (SIREN, channel fusion). With one channel: plain distances.
 * Ties go to the lower index. Time and memory: one row of distances per query and channel.
 * @param bank one matrix per channel, rows alike; `queries` likewise
 */
export function fusedNeighbours(
  bank: readonly Matrix<Floats>[],
  queries: readonly Matrix<Floats>[],
  options: FusionOptions,
): { indices: number[]; distances: number[] }[] {
  const rows = bank[0].rows;
  return Array.from({ length: queries[0].rows }, (_, q) => {
    const group = options.queryGroups?.[q];
    const own = (i: number) => group !== undefined && options.bankGroups?.[i] === group;
    const fused = new Float64Array(rows);
    for (const [c, channel] of bank.entries()) {
      const query = row(queries[c], q);
      const distances = Float64Array.from({ length: rows }, (_, i) => distance(query, row(channel, i), options.metric));
      const counted = options.ownGroupInStatistics ? () => true : (i: number) => !own(i);
      if (bank.length > 1) standardiseInPlace(distances, counted);
      for (let i = 0; i < rows; i++) fused[i] += distances[i] / bank.length;
    }
    const indices = Array.from(fused.keys())
      .filter((i) => !own(i))
      .sort((a, b) => fused[a] - fused[b] || a - b)
      .slice(0, options.k);
    return { indices, distances: indices.map((i) => fused[i]) };
  });
}

function standardiseInPlace(values: Float64Array, counted: (index: number) => boolean): void {
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!counted(i)) continue;
    count++;
    sum += values[i];
  }
  const mean = sum / Math.max(1, count);
  for (let i = 0; i < values.length; i++) if (counted(i)) squares += (values[i] - mean) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, count)) + EPSILON;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] - mean) / deviation;
}

/** Channels that SIREN's released code expects of every extractor. */
const EXPECTED_CHANNELS = 8;
const FUSED_CHANNELS = 7;

/**
 * How SIREN's released code sees a vector of one channel: where its length divides by 8, as 8 channels of an eighth each.
 * On the path that leaves one out the last of them is dropped; on the path with a test set all are kept.
 * @param matrix [N, D]; @returns one matrix [N, D / 8] per channel, or the matrix itself
 */
export function releasedChannels(matrix: Matrix, path: 'leave one out' | 'test set'): Matrix[] {
  if (matrix.columns % EXPECTED_CHANNELS !== 0) return [matrix];
  const width = matrix.columns / EXPECTED_CHANNELS;
  const kept = path === 'leave one out' ? FUSED_CHANNELS : EXPECTED_CHANNELS;
  return Array.from({ length: kept }, (_, c) => {
    const values = new Float32Array(matrix.rows * width);
    for (let i = 0; i < matrix.rows; i++) values.set(row(matrix, i).subarray(c * width, (c + 1) * width), i * width);
    return { values, rows: matrix.rows, columns: width };
  });
}
