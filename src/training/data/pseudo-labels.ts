// Labels for recordings whose operating conditions are hidden: clusters of their embeddings, machine by machine.
import { kMeans, pairwiseDistances, silhouette } from '../../detection/k-means.ts';
import { type Floats, fromRows, type Matrix, selectRows } from '../../detection/matrix.ts';
import { InputError } from '../../signal/errors.ts';
import { createRandom, type Random } from '../../signal/simulate/random.ts';

export type PseudoLabelOptions = {
  seed: number | string;
  /** Clusters of every group; by default the number from 2 to `maxClusters` with the largest silhouette. */
  clusters?: number;
  /** 8 by default. */
  maxClusters?: number;
  /** Runs of k-means for every number of clusters; 4 by default. */
  restarts?: number;
};

/** Points that silhouettes are measured on: their distances take 8 MB. */
const MEASURED = 1000;

/** Numbers of at most `most` of n points, drawn without replacement, ascending. */
function sampleOf(n: number, most: number, random: Random): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (n <= most) return all;
  const keys = all.map(() => random.uniform());
  return all
    .sort((a, b) => keys[a] - keys[b])
    .slice(0, most)
    .sort((a, b) => a - b);
}

function clustersOf(points: Matrix<Floats>, options: PseudoLabelOptions, random: Random): Int32Array {
  const { clusters, maxClusters = 8, restarts } = options;
  const run = (k: number) => kMeans(points, { clusters: k, random: random.fork(`${k} clusters`), restarts }).assignment;
  if (clusters !== undefined) return run(clusters);
  const most = Math.min(maxClusters, points.rows - 1);
  if (most < 2) return run(1);
  const measured = sampleOf(points.rows, MEASURED, random.fork('measured'));
  const distances = pairwiseDistances(selectRows(points, measured));
  const candidates = Array.from({ length: most - 1 }, (_, i) => run(i + 2)).map((assignment) => ({
    assignment,
    score: silhouette(
      distances,
      measured.map((i) => assignment[i]),
    ),
  }));
  // Of equal scores the fewest clusters.
  return candidates.reduce((best, next) => (next.score > best.score ? next : best)).assignment;
}

/**
 * Labels `<group>_cluster_<number>` for embeddings, by k-means within each group on Euclidean distances: vectors of unit
 * length are clustered by their angles. The number of clusters is given, or chosen by the silhouette (of 1000 points at
 * most). Numbers count clusters in order of their first members. A group of one or two points, or of equal ones, is one
 * cluster.
 * @param groups of every vector: its machine
 * @throws InputError for lists of different lengths, vectors of different lengths or with values that are not finite, and
 * numbers of clusters that are not whole or too small
 * @example const labels = pseudoLabels(embeddings, items.map(({ group }) => group ?? ''), { seed: 1 });
 */
export function pseudoLabels(
  vectors: readonly Float32Array[],
  groups: readonly string[],
  options: PseudoLabelOptions,
): string[] {
  const { seed, clusters, maxClusters = 8, restarts = 4 } = options;
  const expect = (fine: boolean, what: string, got: unknown) => {
    if (!fine) throw new InputError(`pseudoLabels: expected ${what}, got ${got}`);
  };
  expect(vectors.length === groups.length, `a group of each of ${vectors.length} vectors`, groups.length);
  expect(clusters === undefined || (Number.isInteger(clusters) && clusters >= 1), 'clusters of 1 or more', clusters);
  expect(Number.isInteger(maxClusters) && maxClusters >= 2, 'maxClusters of 2 or more', maxClusters);
  expect(Number.isInteger(restarts) && restarts >= 1, 'restarts of 1 or more', restarts);
  const odd = vectors.find(({ length }) => length !== vectors[0].length);
  expect(odd === undefined, `vectors of ${vectors[0]?.length} values`, odd?.length);
  const labels = new Array<string>(vectors.length);
  const members = new Map<string, number[]>();
  for (const [i, group] of groups.entries()) {
    const own = members.get(group);
    if (own) own.push(i);
    else members.set(group, [i]);
  }
  for (const [group, own] of members) {
    const random = createRandom(seed).fork(`group ${group}`);
    const assignment = clustersOf(fromRows(own.map((i) => vectors[i])), { ...options, maxClusters, restarts }, random);
    const numbers = new Map<number, number>();
    for (const [at, i] of own.entries()) {
      const number = numbers.get(assignment[at]) ?? numbers.size;
      numbers.set(assignment[at], number);
      labels[i] = `${group}_cluster_${number}`;
    }
  }
  return labels;
}
