// Nearest neighbours of recordings with several channels: distances are made comparable channel by channel, then averaged.
import { distanceMatrix, type Metric } from '../../detection/knn.ts';
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

/** Queries whose distances are held at once. */
const QUERY_ROWS = 256;

/** Added to deviations by the released code; it also keeps a channel without any variation from dividing by zero. */
const EPSILON = 1e-10;

/**
 * The k nearest rows by fused distance, for every query: per channel the distances of a query are standardised over the
 * bank (population deviation), then averaged over channels (SIREN, channel fusion). With one channel: plain distances.
 * Ties go to the lower index. Memory: a block of queries times the bank.
 * @param bank one matrix per channel, rows alike; `queries` likewise
 */
export async function fusedNeighbours(
  bank: readonly Matrix<Floats>[],
  queries: readonly Matrix<Floats>[],
  options: FusionOptions,
): Promise<{ indices: number[]; distances: number[] }[]> {
  const found: { indices: number[]; distances: number[] }[] = [];
  for (let from = 0; from < queries[0].rows; from += QUERY_ROWS) {
    const to = Math.min(queries[0].rows, from + QUERY_ROWS);
    const block = queries.map((channel) => ({
      values: channel.values.subarray(from * channel.columns, to * channel.columns),
      rows: to - from,
      columns: channel.columns,
    }));
    found.push(...(await fuseBlock(bank, block, options, from)));
  }
  return found;
}

async function fuseBlock(
  bank: readonly Matrix<Floats>[],
  queries: readonly Matrix<Floats>[],
  options: FusionOptions,
  offset: number,
): Promise<{ indices: number[]; distances: number[] }[]> {
  const rows = bank[0].rows;
  const fused = new Float64Array(queries[0].rows * rows);
  const isOwn = (q: number, i: number): boolean => {
    const group = options.queryGroups?.[offset + q];
    return group !== undefined && options.bankGroups?.[i] === group;
  };
  for (const [c, channel] of bank.entries()) {
    const all = await distanceMatrix(channel, queries[c], options.metric);
    for (let q = 0; q < queries[0].rows; q++) {
      const distances = all.subarray(q * rows, (q + 1) * rows);
      const counted = options.ownGroupInStatistics ? () => true : (i: number) => !isOwn(q, i);
      if (bank.length > 1) standardiseInPlace(distances, counted);
      for (let i = 0; i < rows; i++) fused[q * rows + i] += distances[i] / bank.length;
    }
  }
  return Array.from({ length: queries[0].rows }, (_, q) => {
    const mine = fused.subarray(q * rows, (q + 1) * rows);
    const indices = Array.from(mine.keys())
      .filter((i) => !isOwn(q, i))
      .sort((a, b) => mine[a] - mine[b] || a - b)
      .slice(0, options.k);
    return { indices, distances: indices.map((i) => mine[i]) };
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
