import { describe, expect, it } from 'vitest';
import { maxDifference, readGoldenJson } from '../../tests/golden.ts';
import { createRandom } from '../signal/simulate/random.ts';
import {
  createSelectiveMahalanobis,
  type ResidualBatch,
  residualCovariances,
  selectiveMahalanobisScore,
} from './selective-mahalanobis.ts';

const golden = readGoldenJson<{
  M: number;
  batches: { diff: number[][]; is_target: number[] }[];
  cov_source: number[][];
  cov_target: number[][];
  clip_diff: number[][];
  official_source: number;
  official_target: number;
  official_score: number;
  conventional_source: number;
  conventional_target: number;
  conventional_score: number;
}>('metrics/selective_mahalanobis.json');

const batches: ResidualBatch[] = golden.batches.map(({ diff, is_target }) => ({
  residuals: diff,
  isTarget: is_target.map((domain) => domain === 1),
}));

describe('baseline of DCASE 2023 and later', () => {
  it('covariances', async () => {
    const { source, target } = await residualCovariances(batches, golden.M);
    expect(maxDifference(source, golden.cov_source.flat())).toBeLessThan(1e-12);
    expect(maxDifference(target, golden.cov_target.flat())).toBeLessThan(1e-12);
  });

  it.each(['official', 'conventional'] as const)('%s score', async (mode) => {
    const model = createSelectiveMahalanobis(await residualCovariances(batches, golden.M));
    const found = selectiveMahalanobisScore(model, golden.clip_diff, mode);
    expect(Math.abs(found.source - golden[`${mode}_source`])).toBeLessThan(1e-12);
    expect(Math.abs(found.target - golden[`${mode}_target`])).toBeLessThan(1e-12);
    expect(Math.abs(found.score - golden[`${mode}_score`])).toBeLessThan(1e-12);
  });

  it('takes batches as they are made', async () => {
    async function* made() {
      yield* batches;
    }
    expect(await residualCovariances(made(), golden.M)).toEqual(await residualCovariances(batches, golden.M));
  });

  it('without target recordings scores both domains alike', async () => {
    const onlySource = batches.map(({ residuals }) => ({ residuals, isTarget: residuals.map(() => false) }));
    const model = createSelectiveMahalanobis(await residualCovariances(onlySource, golden.M));
    const { score, source, target } = selectiveMahalanobisScore(model, golden.clip_diff, 'official');
    expect([source, target]).toEqual([score, score]);
  });

  it('leaves out batches of one', async () => {
    const more = [...batches, { residuals: [new Array(golden.M).fill(1e6)], isTarget: [false] }];
    expect(await residualCovariances(more, golden.M)).toEqual(await residualCovariances(batches, golden.M));
  });
});

describe('modes', () => {
  const identity = Float64Array.from([1, 0, 0, 1]);
  const model = createSelectiveMahalanobis({ mels: 2, source: identity, target: identity.map((v) => 4 * v) });

  it('official is the distance of the mean, conventional the mean of the distances', () => {
    // Frames (1, 2), (-1, 0), (3, 1): mean (1, 1); squares 5, 1, 10.
    const residuals = [
      [1, 2, -1, 0],
      [3, 1],
    ];
    const official = selectiveMahalanobisScore(model, residuals, 'official');
    expect([official.source, official.target, official.score]).toEqual([2, 0.5, 0.5].map((v) => expect.closeTo(v, 12)));
    const conventional = selectiveMahalanobisScore(model, residuals, 'conventional');
    expect(conventional.source).toBeCloseTo(16 / 3, 12);
    expect(conventional.score).toBeCloseTo(4 / 3, 12);
  });
});

describe('bad input', () => {
  const random = createRandom(2).fork('residuals');
  const batchOf = (inputs: number, width: number): ResidualBatch => ({
    residuals: Array.from({ length: inputs }, () => Array.from({ length: width }, () => random.gaussian())),
    isTarget: new Array(inputs).fill(false),
  });

  it('too few frames for an inverse, or bands that depend on each other', async () => {
    const few = await residualCovariances([batchOf(3, 8)], 4);
    expect(() => createSelectiveMahalanobis(few)).not.toThrow();
    const fewer = await residualCovariances([batchOf(4, 4)], 4);
    expect(() => createSelectiveMahalanobis(fewer)).toThrow('the source covariance has no inverse (band 3 of 4');
    const silent = await residualCovariances([{ residuals: [[0], [0]], isTarget: [false, false] }], 1);
    expect(() => createSelectiveMahalanobis(silent)).toThrow('band 0 of 1 follows');
  });

  it('residuals that are not frames, not finite, or none', async () => {
    await expect(residualCovariances([batchOf(2, 7)], 4)).rejects.toThrow('whole frames of 4 values, got 7');
    await expect(residualCovariances([batchOf(2, 4)], 0)).rejects.toThrow('a positive number of mel bands, got 0');
    await expect(residualCovariances([], 4)).rejects.toThrow('got 0 source and 0 target');
    await expect(residualCovariances([{ residuals: [[1], [2]], isTarget: [false] }], 1)).rejects.toThrow('got 1 for 2');
    const infinite = [{ residuals: [[1], [Number.NaN]], isTarget: [false, false] }];
    await expect(residualCovariances(infinite, 1)).rejects.toThrow('expected finite values, got others in residual 1');
    const one = { mels: 1, source: Float64Array.of(1), target: Float64Array.of(1) };
    const model = createSelectiveMahalanobis(one);
    expect(() => selectiveMahalanobisScore(model, [], 'official')).toThrow('expected residuals, got none');
    expect(() => createSelectiveMahalanobis({ ...one, mels: 2 })).toThrow('expected 4 values of the source');
    const skew = Float64Array.from([1, 0.5, 0.4, 1]);
    expect(() => createSelectiveMahalanobis({ mels: 2, source: skew, target: skew })).toThrow('a symmetric source');
  });
});
