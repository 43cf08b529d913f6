import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { goldenPath } from '../../../tests/golden.ts';
import { nearestNeighbours } from '../../detection/knn.ts';
import { fromRows, type Matrix, selectRows } from '../../detection/matrix.ts';
import { fusedNeighbours, releasedChannels } from './channel-fusion.ts';
import {
  CURVE_TEST_SIZES,
  curveWithAnchors,
  normaliseRows,
  predictSplit,
  rankNeighbours,
  sealedSplits,
  simpsonArea,
  trapezoidArea,
} from './multi-split.ts';
import { largestVote, majorityVote, similarityVotes } from './vote.ts';

const siren = JSON.parse(readFileSync(goldenPath('echo/siren_golden.json'), 'utf8'));
const rmis = JSON.parse(readFileSync(goldenPath('fisher/rmis_protocol.json'), 'utf8'));
const loocv = JSON.parse(readFileSync(goldenPath('metrics/loocv_knn.json'), 'utf8'));

const double = (rows: number[][]) => fromRows(rows.map((values) => Float64Array.from(values)));
/** [N][C][D] to a matrix per channel. */
const channelsOf = (x: number[][][], count: number) =>
  Array.from({ length: count }, (_, c) => double(x.map((item) => item[c])));
const close = (a: number, b: number, tolerance: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(tolerance);

describe('fusedNeighbours', () => {
  it.each([
    ['loocv_8ch', 7],
    ['loocv_1ch', 1],
  ] as const)('leaves one out as SIREN does: %s', async (name, fused) => {
    const golden = siren[name];
    const channels = channelsOf(golden.X, fused);
    const groups = golden.labels.map((_: number, i: number) => i);
    const options = { k: 5, metric: 'euclidean', bankGroups: groups, queryGroups: groups } as const;
    const found = await fusedNeighbours(channels, channels, { ...options, ownGroupInStatistics: true });
    for (const [i, { indices, distances }] of found.entries()) {
      const labels = indices.map((n) => golden.labels[n]);
      expect(labels).toEqual(golden.topk_labels[i]);
      expect(majorityVote(labels.map(String))).toBe(String(golden.pred[i]));
      // The reference computes the distance of a query to itself as the root of a rounding error, not as 0.
      for (const [j, wanted] of golden.topk_dists[i].entries()) close(distances[j], wanted, fused === 1 ? 1e-12 : 1e-7);
    }
    for (const [c, votes] of golden.per_channel_pred[0].entries()) {
      const own = channelsOf(golden.X, c + 1).slice(c);
      const single = await fusedNeighbours(own, own, options);
      expect(single[0].indices.map((n) => golden.labels[n])).toEqual(golden.per_channel_topk_labels[0][c]);
      expect(majorityVote(single[0].indices.map((n) => String(golden.labels[n])))).toBe(String(votes));
    }
  });

  it('searches a test set on 7 channels in a batch and on all 8 one by one, as the released code does', async () => {
    const golden = siren.batch_vs_single_8ch;
    for (const [path, count, tolerance] of [
      ['batch', 7, 1e-12],
      // Kept in float32 there.
      ['single', 8, 1e-6],
    ] as const) {
      const found = await fusedNeighbours(channelsOf(golden.X, count), channelsOf(golden.query, count), {
        k: 5,
        metric: 'euclidean',
      });
      for (const [i, { indices, distances }] of found.entries()) {
        expect(indices.map((n) => golden.labels[n])).toEqual(golden[`${path}_topk_labels`][i]);
        for (const [j, wanted] of golden[`${path}_topk_dists`][i].entries()) close(distances[j], wanted, tolerance);
      }
    }
  });

  it('keeps what was recorded together out of bank and statistics', async () => {
    const rows = double([[0], [0.1], [5], [6], [9]]);
    const groups = [0, 0, 1, 2, 3];
    const options = { k: 1, metric: 'euclidean', bankGroups: groups, queryGroups: groups } as const;
    const [first] = await fusedNeighbours([rows, rows], [rows, rows], options);
    expect(first.indices).toEqual([2]);
    // Standardised over 5, 6, 9 alone: mean 20/3.
    const deviation = Math.sqrt([5, 6, 9].reduce((sum, v) => sum + (v - 20 / 3) ** 2, 0) / 3);
    close(first.distances[0], (5 - 20 / 3) / deviation, 1e-9);
  });
});

describe('releasedChannels', () => {
  it.each(Object.entries(siren.standardize as Record<string, [number, number]>))('sees %s values as %j', (columns, [
    channels,
    width,
  ]) => {
    const matrix: Matrix = {
      values: Float32Array.from({ length: 2 * Number(columns) }, (_, i) => i),
      rows: 2,
      columns: Number(columns),
    };
    const all = releasedChannels(matrix, 'test set');
    expect([all.length, all[0].columns]).toEqual([channels, width]);
    expect(all[all.length - 1].values[width]).toBe(Number(columns) + (channels - 1) * width);
    expect(releasedChannels(matrix, 'leave one out')).toHaveLength(channels === 8 ? 7 : 1);
  });
});

describe('majorityVote', () => {
  it('gives ties to the nearest, or to the smallest where an order is given', () => {
    expect(majorityVote(['b', 'a', 'a', 'b', 'c'])).toBe('b');
    expect(majorityVote(['b', 'a', 'a', 'b', 'c'], ['a', 'b', 'c'])).toBe('a');
  });

  it.each(
    loocv.cases as {
      name: string;
      X: number[][];
      y: number[];
      results: Record<string, { pred: number[]; neighbours: number[][] }>;
    }[],
  )('leaves one out as scikit-learn does: $name', async ({ X, y, results }) => {
    const matrix = double(X);
    const groups = y.map((_, i) => i);
    const order = [...new Set(y)].sort((a, b) => a - b).map(String);
    for (const [k, { pred, neighbours }] of Object.entries(results)) {
      const found = await nearestNeighbours(matrix, matrix, {
        k: Number(k),
        metric: 'cosine',
        bankGroups: groups,
        queryGroups: groups,
      });
      expect(found.map(({ indices }) => indices)).toEqual(neighbours);
      const labels = found.map(({ indices }) =>
        majorityVote(
          indices.map((i) => String(y[i])),
          order,
        ),
      );
      expect(labels).toEqual(pred.map(String));
    }
  });
});

describe('predictSplit', () => {
  const toy = rmis.fd_toy;
  const matrix = normaliseRows(
    fromRows([...toy.train, ...toy.test].map((values: number[]) => Float32Array.from(values))),
  );
  const labels = [...toy.train_label, ...toy.test_label].map(String);
  const classes = Array.from({ length: toy.n_class }, (_, i) => String(i));
  const split = {
    train: toy.train.map((_: unknown, i: number) => i),
    test: toy.test.map((_: unknown, i: number) => toy.train.length + i),
  };

  it.each(['1', '5', '10'])('votes as RMIS does with k = %s', async (k) => {
    const ranked = await rankNeighbours(
      matrix,
      labels.map((_, i) => String(i)),
    );
    const predicted = await predictSplit(matrix, labels, ranked, split, { k: Number(k), classes });
    expect(predicted).toEqual(toy.k[k].pred.map(String));
    const found = await nearestNeighbours(selectRows(matrix, split.train), selectRows(matrix, split.test), {
      k: Number(k),
      metric: 'cosine',
    });
    for (const [i, { indices, distances }] of found.entries()) {
      expect(indices).toEqual(toy.k[k].neighbours[i]);
      const votes = similarityVotes(
        indices.map((n) => labels[n]),
        distances.map((d) => 1 - d),
        classes,
      );
      for (const [c, wanted] of (toy.k[k].logits[i] as number[]).entries()) close(votes[c], wanted, 1e-5);
    }
  });

  it('searches again where the kept neighbours do not reach the training side', async () => {
    const ranked = split.train
      .concat(split.test)
      .map(() => ({ indices: [] as number[], similarities: [] as number[] }));
    const predicted = await predictSplit(matrix, labels, ranked, split, { k: 5, classes });
    expect(predicted).toEqual(toy.k[5].pred.map(String));
  });

  it('gives ties to the lowest class', () => {
    expect(largestVote(similarityVotes(['b', 'a'], [0.5, 0.5], ['a', 'b']), ['a', 'b'])).toBe('a');
  });
});

describe('the multi-split curve', () => {
  it('has the areas of RMIS', () => {
    const golden = rmis.multi_split;
    close(trapezoidArea(golden.x, golden.y_percent), golden.trapezoid, 1e-12 * 100);
    close(simpsonArea(golden.x, golden.y_percent), golden.simpson, 1e-12 * 100);
    expect(CURVE_TEST_SIZES).toEqual(golden.test_sizes);
    const points = golden.test_sizes.map((testSize: number, i: number) => ({
      testSize,
      score: golden.y_percent[golden.y_percent.length - 2 - i] / 100,
    }));
    const curve = curveWithAnchors(points, 11);
    close(curve.simpson * 100, golden.simpson, 1e-10);
    close(curve.trapezoid * 100, golden.trapezoid, 1e-10);
    expect(curve.trainShare).toEqual(golden.x);
  });

  it('is exact for a parabola at uneven steps, and refuses an even number of points', () => {
    const x = [0, 1, 3, 4, 4.5];
    close(
      simpsonArea(
        x,
        x.map((v) => v * v),
      ),
      4.5 ** 3 / 3,
      1e-12,
    );
    expect(() => simpsonArea([0, 1], [0, 1])).toThrow('odd number of points, got 2');
  });

  it('makes ten sealed splits', () => {
    const groups = Array.from({ length: 40 }, (_, i) => `take ${i >> 1}`);
    const labels = groups.map((group) => (Number(group.slice(5)) % 2 === 0 ? 'a' : 'b'));
    const splits = sealedSplits(groups, labels, 0.5);
    expect(splits).toHaveLength(10);
    expect(new Set(splits.map(({ test }) => test.join())).size).toBeGreaterThan(1);
  });
});
