// Exact nearest neighbours in bounded memory: every distance is computed, a block of the bank at a time.
import { linear } from '../graph/matmul.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { float32, type Program } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { type Floats, type Matrix, row } from './matrix.ts';

/** `cosine`: 1 - cos(a, b), from 0 to 2. `euclidean`: |a - b|. */
export type Metric = 'cosine' | 'euclidean';

export type KnnOptions = {
  k: number;
  metric: Metric;
  /** Group of every bank row and of every query; a query never meets rows of its own group (leave-one-out). */
  bankGroups?: ArrayLike<number>;
  queryGroups?: ArrayLike<number>;
};

/** Nearest first. Fewer than k where the bank (without the query's own group) is smaller. */
export type Neighbours = { indices: number[]; distances: number[] };

/** Above this many multiplications a matrix product on ONNX Runtime beats the plain loop. */
const PLAIN_LIMIT = 3e7;
const BLOCK_ROWS = 4096;
const QUERY_ROWS = 1024;
/** Candidates per query that rounding leaves in doubt; where there are more, every row is measured. */
const MAX_CANDIDATES = 256;

function dot(a: Floats, b: Floats): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (let i = whole; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + s2 + s3;
}

const squaredNorms = (matrix: Matrix<Floats>): Float64Array =>
  Float64Array.from({ length: matrix.rows }, (_, i) => dot(row(matrix, i), row(matrix, i)));

/** Distance in float64. A zero vector is at cosine distance 1 from everything. */
export function distance(a: Floats, b: Floats, metric: Metric): number {
  if (metric === 'cosine') {
    const norms = Math.sqrt(dot(a, a) * dot(b, b));
    return norms > 0 ? Math.max(0, 1 - dot(a, b) / norms) : 1;
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] - b[i];
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/**
 * What turns a product into a rank that grows with the distance from a given query: rank = offset - factor * product.
 * Euclidean: |b|² - 2 ab (|a|² is the same for all rows); cosine: -ab / |b|.
 */
type Ranking = { offsets: Float64Array; factors: Float64Array; largestNorm: number };

/** Norms of a bank cost as much as a query on it: they are kept as long as its numbers are. */
const rankings: Record<Metric, WeakMap<Floats, Ranking>> = { cosine: new WeakMap(), euclidean: new WeakMap() };

function rankingOf(bank: Matrix<Floats>, metric: Metric): Ranking {
  const known = rankings[metric].get(bank.values);
  if (known && known.offsets.length === bank.rows) return known;
  const norms = squaredNorms(bank);
  const largestNorm = norms.reduce((a, b) => Math.max(a, b), 0);
  const ranking =
    metric === 'euclidean'
      ? { offsets: norms, factors: new Float64Array(bank.rows).fill(2), largestNorm }
      : {
          offsets: new Float64Array(bank.rows),
          factors: norms.map((norm) => (norm > 0 ? 1 / Math.sqrt(norm) : 0)),
          largestNorm,
        };
  rankings[metric].set(bank.values, ranking);
  return ranking;
}

/**
 * How far a rank may be off. A product of D terms with unit roundoff u is wrong by at most lambda sqrt(D) u |a| |b|
 * but for a probability that falls like exp(-lambda^2 / 2); lambda is 8 here (Higham & Mary 2019, "A new approach to
 * probabilistic rounding error analysis").
 */
const rankError = (normA: number, normB: number, columns: number, unit: number, metric: Metric): number =>
  4 *
  Math.sqrt(columns) *
  unit *
  (metric === 'cosine' ? 2 * Math.sqrt(normA) : (Math.sqrt(normA) + Math.sqrt(normB)) ** 2);

/** Candidates for the k smallest of a stream of (rank, index): all whose rank is within `slack` of the k-th smallest, sorted. */
type Shortlist = { k: number; slack: number; ranks: number[]; indices: number[]; bound: number; dropped: number };

const createShortlist = (k: number, slack: number): Shortlist => ({
  k,
  slack,
  ranks: [],
  indices: [],
  bound: Number.POSITIVE_INFINITY,
  dropped: Number.POSITIVE_INFINITY,
});

/** Whether all candidates were few enough to keep. */
const isComplete = ({ dropped, bound }: Shortlist): boolean => dropped > bound;

/** Takes in a rank that is not above the bound of the list. */
function offer(list: Shortlist, rank: number, index: number): void {
  const { k, ranks, indices } = list;
  let at = ranks.length;
  while (at > 0 && ranks[at - 1] > rank) at--;
  ranks.splice(at, 0, rank);
  indices.splice(at, 0, index);
  if (ranks.length >= k) list.bound = ranks[k - 1] + list.slack;
  while (ranks.length > k && (ranks[ranks.length - 1] > list.bound || ranks.length > k + MAX_CANDIDATES)) {
    list.dropped = Math.min(list.dropped, ranks.pop() as number);
    indices.pop();
  }
}

let productProgram: Promise<Program> | undefined;

/** A program that multiplies queries [Q, D] with bank rows [N, D] to [Q, N]; made once, for every size. */
function products(): Promise<Program> {
  productProgram ??= (async () => {
    const queries = input('queries', ['queries', 'columns']);
    const bank = input('bank', ['rows', 'columns']);
    return loadProgram(toOnnx({ outputs: { products: linear(queries, bank) } }).bytes);
  })();
  return productProgram;
}

type Block = { values: ArrayLike<number>; from: number; rows: number };

const isPlain = (bank: Matrix<Floats>, queries: Matrix<Floats>): boolean =>
  bank.rows * queries.rows * bank.columns <= PLAIN_LIMIT;

/** Rounding to float32 is within the error that `rankError` allows for. */
const single = (values: Floats): Float32Array => (values instanceof Float32Array ? values : Float32Array.from(values));

/** Products of a block of queries with the bank, block by block. */
async function* productBlocks(bank: Matrix<Floats>, queries: Matrix<Floats>): AsyncGenerator<Block> {
  const plain = isPlain(bank, queries);
  for (let from = 0; from < bank.rows; from += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, bank.rows - from);
    const part = bank.values.subarray(from * bank.columns, (from + rows) * bank.columns);
    if (plain) {
      const values = new Float64Array(queries.rows * rows);
      for (let q = 0; q < queries.rows; q++) {
        for (let r = 0; r < rows; r++) values[q * rows + r] = dot(row(queries, q), row(bank, from + r));
      }
      yield { values, from, rows };
    } else {
      const result = await (await products()).run({
        queries: float32(single(queries.values), [queries.rows, queries.columns]),
        bank: float32(single(part), [rows, bank.columns]),
      });
      yield { values: result.products.data as Float32Array, from, rows };
    }
  }
}

/** Cosine distances equal to 12 decimals are ties: rounding errors must not choose between repeated recordings. */
const tieBroken = (distance: number, metric: Metric): number =>
  metric === 'cosine' ? Math.round(distance * 1e12) : distance;

async function searchBlock(
  bank: Matrix<Floats>,
  queries: Matrix<Floats>,
  options: KnnOptions,
  queryOffset: number,
): Promise<Neighbours[]> {
  const { k, metric, bankGroups, queryGroups } = options;
  const { offsets, factors, largestNorm } = rankingOf(bank, metric);
  const unit = isPlain(bank, queries) ? 2 ** -53 : 2 ** -24;
  const lists = Array.from(squaredNorms(queries), (norm) =>
    createShortlist(k, 2 * rankError(norm, largestNorm, bank.columns, unit, metric)),
  );
  const meets = (q: number, index: number): boolean => {
    const group = queryGroups?.[queryOffset + q];
    return group === undefined || bankGroups?.[index] !== group;
  };
  for await (const { values, from, rows } of productBlocks(bank, queries)) {
    for (let q = 0; q < queries.rows; q++) {
      const list = lists[q];
      for (let r = 0; r < rows; r++) {
        const index = from + r;
        const rank = offsets[index] - factors[index] * values[q * rows + r];
        if (rank <= list.bound && meets(q, index)) offer(list, rank, index);
      }
    }
  }
  return lists.map((list, q) => {
    const candidates = isComplete(list)
      ? list.indices
      : Array.from({ length: bank.rows }, (_, index) => index).filter((index) => meets(q, index));
    const measured = candidates
      .map((index) => ({ index, distance: distance(row(queries, q), row(bank, index), metric) }))
      .sort((a, b) => tieBroken(a.distance, metric) - tieBroken(b.distance, metric) || a.index - b.index)
      .slice(0, k);
    return { indices: measured.map((m) => m.index), distances: measured.map((m) => m.distance) };
  });
}

/**
 * The k nearest rows of `bank` for every row of `queries`; ties go to the lower index. Products choose the candidates,
 * and all that their rounding leaves in doubt are measured in float64, so the answer is that of float64 distances.
 * Memory: one block of 4096 bank rows times 1024 queries.
 * @throws TypeError if the widths differ or k is not a positive integer.
 */
export async function nearestNeighbours(
  bank: Matrix<Floats>,
  queries: Matrix<Floats>,
  options: KnnOptions,
): Promise<Neighbours[]> {
  if (bank.columns !== queries.columns) {
    throw new TypeError(`nearestNeighbours: bank rows have ${bank.columns} values, queries ${queries.columns}`);
  }
  if (!Number.isInteger(options.k) || options.k < 1) {
    throw new TypeError(`nearestNeighbours: expected k of at least 1, got ${options.k}`);
  }
  const results: Neighbours[] = [];
  for (let from = 0; from < queries.rows; from += QUERY_ROWS) {
    const rows = Math.min(QUERY_ROWS, queries.rows - from);
    const values = queries.values.subarray(from * queries.columns, (from + rows) * queries.columns);
    const part = { values, rows, columns: queries.columns };
    results.push(...(await searchBlock(bank, part, options, from)));
  }
  return results;
}

/**
 * Distances of every query to every bank row [queries, rows]. Exact in float64 for small sizes; above, from float32
 * products, so that distances far smaller than the vectors lose digits: for ranking and standardising, not for ties.
 * @throws TypeError if the widths differ.
 */
export async function distanceMatrix(
  bank: Matrix<Floats>,
  queries: Matrix<Floats>,
  metric: Metric,
): Promise<Float64Array> {
  if (bank.columns !== queries.columns) {
    throw new TypeError(`distanceMatrix: bank rows have ${bank.columns} values, queries ${queries.columns}`);
  }
  const result = new Float64Array(queries.rows * bank.rows);
  if (isPlain(bank, queries)) {
    for (let q = 0; q < queries.rows; q++) {
      for (let r = 0; r < bank.rows; r++) result[q * bank.rows + r] = distance(row(queries, q), row(bank, r), metric);
    }
    return result;
  }
  const [bankNorms, queryNorms] = [squaredNorms(bank), squaredNorms(queries)];
  for await (const { values, from, rows } of productBlocks(bank, queries)) {
    for (let q = 0; q < queries.rows; q++) {
      for (let r = 0; r < rows; r++) {
        const product = values[q * rows + r];
        const [a, b] = [queryNorms[q], bankNorms[from + r]];
        const norms = Math.sqrt(a * b);
        result[q * bank.rows + from + r] =
          metric === 'euclidean'
            ? Math.sqrt(Math.max(0, a + b - 2 * product))
            : norms > 0
              ? Math.max(0, 1 - product / norms)
              : 1;
      }
    }
  }
  return result;
}
