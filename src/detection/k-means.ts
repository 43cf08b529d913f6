// K-means: centres of a few clusters of points, and how well points lie in theirs (silhouette).
import { InputError } from '../signal/errors.ts';
import type { Random } from '../signal/simulate/random.ts';
import { type Floats, type Matrix, row } from './matrix.ts';

export type KMeansOptions = {
  clusters: number;
  random: Random;
  /** Runs from other first centres; the one with the least inertia is taken. 4 by default. */
  restarts?: number;
  /** Most rounds of a run; 100 by default. */
  iterations?: number;
};

export type Clustering = {
  /** [clusters, columns]; fewer clusters where there are fewer different points. */
  centres: Matrix<Float64Array>;
  /** Cluster of every point. */
  assignment: Int32Array;
  /** Sum of squared distances of all points from their centres. */
  inertia: number;
};

function squaredDistance(a: Floats, b: Floats): number {
  let [even, odd] = [0, 0];
  const pairs = a.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    even += (a[i] - b[i]) ** 2;
    odd += (a[i + 1] - b[i + 1]) ** 2;
  }
  if (pairs < a.length) even += (a[pairs] - b[pairs]) ** 2;
  return even + odd;
}

/** Points of which each is drawn by its squared distance from those before it. */
function firstCentres(points: Matrix<Floats>, clusters: number, random: Random): Matrix<Float64Array> {
  const chosen = [random.integer(0, points.rows - 1)];
  const nearest = new Float64Array(points.rows).fill(Number.POSITIVE_INFINITY);
  for (;;) {
    let total = 0;
    for (let i = 0; i < points.rows; i++) {
      nearest[i] = Math.min(nearest[i], squaredDistance(row(points, i), row(points, chosen[chosen.length - 1])));
      total += nearest[i];
    }
    // What is left lies on centres.
    if (chosen.length === clusters || !(total > 0)) break;
    let rest = random.uniform(0, total);
    let next = 0;
    // Rounding may leave a rest after the last point: then it is the last one that is no centre.
    for (let i = 0; i < points.rows && rest > 0; i++) {
      if (nearest[i] > 0) next = i;
      rest -= nearest[i];
    }
    chosen.push(next);
  }
  const values = new Float64Array(chosen.length * points.columns);
  for (const [c, i] of chosen.entries()) values.set(row(points, i), c * points.columns);
  return { values, rows: chosen.length, columns: points.columns };
}

/** Assigns every point to its nearest centre; says whether any has changed. */
function assign(
  points: Matrix<Floats>,
  centres: Matrix<Float64Array>,
  assignment: Int32Array,
  distances: Float64Array,
) {
  let changed = false;
  for (let i = 0; i < points.rows; i++) {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let c = 0; c < centres.rows; c++) {
      const found = squaredDistance(row(points, i), row(centres, c));
      if (found < least) [best, least] = [c, found];
    }
    changed ||= assignment[i] !== best;
    assignment[i] = best;
    distances[i] = least;
  }
  return changed;
}

/** Moves centres to the means of their points; one without any goes to the point that is farthest from its own. */
function moveCentres(
  points: Matrix<Floats>,
  centres: Matrix<Float64Array>,
  assignment: Int32Array,
  distances: Float64Array,
) {
  const counts = new Int32Array(centres.rows);
  centres.values.fill(0);
  for (let i = 0; i < points.rows; i++) {
    const [centre, point] = [row(centres, assignment[i]), row(points, i)];
    for (let d = 0; d < point.length; d++) centre[d] += point[d];
    counts[assignment[i]]++;
  }
  for (let c = 0; c < centres.rows; c++) {
    const centre = row(centres, c);
    if (counts[c] > 0) for (let d = 0; d < centre.length; d++) centre[d] /= counts[c];
    else {
      const farthest = distances.reduce((best, value, i) => (value > distances[best] ? i : best), 0);
      centre.set(row(points, farthest));
      distances[farthest] = 0;
    }
  }
}

function oneRun(points: Matrix<Floats>, clusters: number, iterations: number, random: Random): Clustering {
  const centres = firstCentres(points, clusters, random);
  const assignment = new Int32Array(points.rows).fill(-1);
  const distances = new Float64Array(points.rows);
  for (let i = 0; assign(points, centres, assignment, distances) && i < iterations; i++) {
    moveCentres(points, centres, assignment, distances);
  }
  return { centres, assignment, inertia: distances.reduce((sum, value) => sum + value, 0) };
}

/**
 * Clusters of rows by Euclidean distance: Lloyd's rounds from first centres drawn by k-means++ (Arthur & Vassilvitskii
 * 2007), the best of several runs. The same random stream gives the same clusters.
 * @throws InputError for no points, values that are not finite, and a number of clusters that is not whole or above 0.
 */
export function kMeans(points: Matrix<Floats>, options: KMeansOptions): Clustering {
  const { clusters, random, restarts = 4, iterations = 100 } = options;
  if (!Number.isInteger(clusters) || clusters < 1) {
    throw new InputError(`kMeans: expected a whole number of clusters from 1 on, got ${clusters}`);
  }
  if (points.rows === 0) throw new InputError('kMeans: expected points, got none');
  const bad = points.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError(
      `kMeans: expected finite values, got ${points.values[bad]} in row ${Math.floor(bad / points.columns)}; leave it out`,
    );
  }
  const runs = Array.from({ length: restarts }, (_, i) =>
    oneRun(points, clusters, iterations, random.fork(`run ${i}`)),
  );
  return runs.reduce((best, next) => (next.inertia < best.inertia ? next : best));
}

/** Distances between all rows, [rows, rows]. */
export function pairwiseDistances(points: Matrix<Floats>): Matrix<Float64Array> {
  const { rows } = points;
  const values = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      values[i * rows + j] = Math.sqrt(squaredDistance(row(points, i), row(points, j)));
      values[j * rows + i] = values[i * rows + j];
    }
  }
  return { values, rows, columns: rows };
}

/**
 * Mean silhouette, -1 to 1 (Rousseeuw 1987): how much nearer points are to their own cluster than to the next one. A point
 * that is alone in its cluster counts 0, and so do all points where there is one cluster.
 * @param distances [n, n], as `pairwiseDistances` gives them
 */
export function silhouette({ values, rows }: Matrix<Floats>, assignment: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < rows; i++) count = Math.max(count, assignment[i] + 1);
  const sizes = new Int32Array(count);
  for (let i = 0; i < rows; i++) sizes[assignment[i]]++;
  let total = 0;
  const sums = new Float64Array(count);
  for (let i = 0; i < rows; i++) {
    const own = assignment[i];
    if (sizes[own] === 1) continue;
    sums.fill(0);
    for (let j = 0; j < rows; j++) sums[assignment[j]] += values[i * rows + j];
    const within = sums[own] / (sizes[own] - 1);
    let next = Number.POSITIVE_INFINITY;
    for (let c = 0; c < count; c++) if (c !== own && sizes[c] > 0) next = Math.min(next, sums[c] / sizes[c]);
    if (Number.isFinite(next) && Math.max(within, next) > 0) total += (next - within) / Math.max(within, next);
  }
  return total / rows;
}
