// Many splits of one data set: neighbours are found once, and every split picks those on its training side.
import { nearestNeighbours } from '../../detection/knn.ts';
import { type Floats, type Matrix, row, selectRows } from '../../detection/matrix.ts';
import { InputError } from '../../signal/errors.ts';
import { groupNumbers, type Split, sealedSplit } from '../splits/group-split.ts';
import { largestVote, similarityVotes } from './vote.ts';

/** Neighbours kept per item; a split with fewer on its training side searches the bank again. */
const KEPT = 256;

export type RankedNeighbours = { indices: number[]; similarities: number[] }[];

/**
 * The nearest items of other groups by cosine similarity, nearest first.
 * @param matrix [N, D]
 */
export async function rankNeighbours(matrix: Matrix<Floats>, groups: readonly string[]): Promise<RankedNeighbours> {
  const { numbers } = groupNumbers(groups);
  const found = await nearestNeighbours(matrix, matrix, {
    k: Math.min(KEPT, matrix.rows),
    metric: 'cosine',
    bankGroups: numbers,
    queryGroups: numbers,
  });
  return found.map(({ indices, distances }) => ({ indices, similarities: distances.map((d) => 1 - d) }));
}

export type SimilarityRule = { k: number; classes: readonly string[] };

/**
 * Labels of a split's test items by the votes of their k nearest training items, each weighted with its cosine
 * similarity; ties go to the lowest class (RMIS, fault diagnosis).
 */
export async function predictSplit(
  matrix: Matrix<Floats>,
  labels: readonly string[],
  ranked: RankedNeighbours,
  { train, test }: Split,
  { k, classes }: SimilarityRule,
): Promise<string[]> {
  const inTrain = new Uint8Array(labels.length);
  for (const i of train) inTrain[i] = 1;
  const enough = Math.min(k, train.length);
  const chosen = test.map((i) => {
    const { indices, similarities } = ranked[i];
    const at = [...indices.keys()].filter((n) => inTrain[indices[n]] === 1).slice(0, k);
    return { indices: at.map((n) => indices[n]), similarities: at.map((n) => similarities[n]) };
  });
  const short = [...test.keys()].filter((t) => chosen[t].indices.length < enough);
  if (short.length > 0) {
    const queries = selectRows(
      matrix,
      short.map((t) => test[t]),
    );
    const again = await nearestNeighbours(selectRows(matrix, train), queries, { k, metric: 'cosine' });
    for (const [s, t] of short.entries()) {
      const { indices, distances } = again[s];
      chosen[t] = { indices: indices.map((n) => train[n]), similarities: distances.map((d) => 1 - d) };
    }
  }
  return chosen.map(({ indices, similarities }) =>
    largestVote(
      similarityVotes(
        indices.map((i) => labels[i]),
        similarities,
        classes,
      ),
      classes,
    ),
  );
}

/** Rows scaled to length 1; a row of zeros stays. */
export function normaliseRows(matrix: Matrix): Matrix {
  const values = new Float32Array(matrix.values.length);
  for (let i = 0; i < matrix.rows; i++) {
    const vector = row(matrix, i);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    values.set(norm > 0 ? vector.map((value) => value / norm) : vector, i * matrix.columns);
  }
  return { ...matrix, values };
}

/** RMIS's ten runs. */
export const RMIS_SEEDS: readonly number[] = Array.from({ length: 10 }, (_, i) => 111 + i);

/** RMIS's test sizes of the multi-split curve: 0.05 to 0.95. */
export const CURVE_TEST_SIZES: readonly number[] = Array.from({ length: 19 }, (_, i) => Math.round(5 * (i + 1)) / 100);

/** The ten sealed splits of a test size. @throws InputError as `sealedSplit` */
export const sealedSplits = (groups: readonly string[], labels: readonly string[], testSize: number): Split[] =>
  RMIS_SEEDS.map((seed) => sealedSplit(groups, labels, testSize, seed));

/** Area under points by the trapezoid rule. `x` ascending. */
export function trapezoidArea(x: readonly number[], y: readonly number[]): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2;
  return area;
}

/**
 * Area by the composite Simpson rule for an odd number of points at any spacing (the parabola through each three).
 * @throws InputError for an even number of points
 */
export function simpsonArea(x: readonly number[], y: readonly number[]): number {
  if (x.length % 2 === 0) throw new InputError(`simpsonArea: expected an odd number of points, got ${x.length}`);
  let area = 0;
  for (let i = 0; i + 2 < x.length; i += 2) {
    const [h0, h1] = [x[i + 1] - x[i], x[i + 2] - x[i + 1]];
    const sum = h0 + h1;
    area += (sum / 6) * (y[i] * (2 - h1 / h0) + (y[i + 1] * sum * sum) / (h0 * h1) + y[i + 2] * (2 - h0 / h1));
  }
  return area;
}

/**
 * The multi-split curve with its anchors: chance at no training data, 1 at nothing left to test (RMIS).
 * @param points score by test size
 */
export function curveWithAnchors(
  points: readonly { testSize: number; score: number }[],
  classCount: number,
): { trainShare: number[]; score: number[]; trapezoid: number; simpson: number } {
  const inner = [...points].sort((a, b) => b.testSize - a.testSize);
  const trainShare = [0, ...inner.map(({ testSize }) => 1 - testSize), 1];
  const score = [1 / classCount, ...inner.map((point) => point.score), 1];
  return { trainShare, score, trapezoid: trapezoidArea(trainShare, score), simpson: simpsonArea(trainShare, score) };
}
