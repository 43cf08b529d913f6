import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { goldenPath } from '../../../tests/golden.ts';
import { sealedSplit, trainTestSplit } from './group-split.ts';
import { permutation } from './mersenne-twister.ts';
import { splitsOf, stratifiedFolds } from './stratified-folds.ts';

const rmis = JSON.parse(readFileSync(goldenPath('fisher/rmis_protocol.json'), 'utf8'));
const siren = JSON.parse(readFileSync(goldenPath('echo/siren_golden.json'), 'utf8'));

type SplitCase = { n: number; test_size: number; seed: number; train: number[]; test: number[]; error?: string };

describe('permutation', () => {
  it.each(
    rmis.numpy_legacy_permutation as { seed: number; n: number; perm: number[] }[],
  )('is that of RandomState($seed) for $n items', ({ seed, n, perm }) => {
    expect(Array.from(permutation(n, seed))).toEqual(perm);
  });
  it('refuses a seed that is no 32-bit number', () => {
    expect(() => permutation(3, -1)).toThrow('expected a whole seed');
  });
});

describe('trainTestSplit', () => {
  it.each(
    rmis.train_test_split as SplitCase[],
  )('is that of scikit-learn: $n groups, $test_size, seed $seed', (golden) => {
    if (golden.error) {
      expect(() => trainTestSplit(golden.n, golden.test_size, golden.seed)).toThrow('leaves both sides filled');
      return;
    }
    const { train, test } = trainTestSplit(golden.n, golden.test_size, golden.seed);
    expect(train).toEqual(golden.train);
    expect(test).toEqual(golden.test);
  });
  it('refuses to leave a side empty', () => {
    expect(() => trainTestSplit(1, 0.5, 111)).toThrow('leaves both sides filled');
    expect(() => trainTestSplit(10, 1, 111)).toThrow('leaves both sides filled');
  });
});

describe('sealedSplit', () => {
  const groups = ['a', 'a', 'b', 'c', 'd', 'e', 'e', 'f'];
  const labels = ['x', 'x', 'y', 'x', 'y', 'x', 'x', 'y'];

  it('keeps groups together and every class on both sides, moving the seed on by 100', () => {
    for (let seed = 111; seed <= 120; seed++) {
      const { train, test, seed: used } = sealedSplit(groups, labels, 0.5, seed);
      expect((used - seed) % 100).toBe(0);
      expect([...train, ...test].sort((a, b) => a - b)).toEqual(groups.map((_, i) => i));
      expect(test.some((i) => train.some((j) => groups[i] === groups[j]))).toBe(false);
      for (const side of [train, test]) expect(new Set(side.map((i) => labels[i])).size).toBe(2);
    }
  });

  it('takes the first seed whose split is complete', () => {
    const { seed, test } = sealedSplit(groups, labels, 0.5, 111);
    const order = ['a', 'b', 'c', 'd', 'e', 'f'];
    const incomplete = (s: number) => {
      const sides = Object.values(trainTestSplit(6, 0.5, s));
      return sides.some((side) => new Set(side.map((g) => labels[groups.indexOf(order[g])])).size < 2);
    };
    for (let earlier = 111; earlier < seed; earlier += 100) expect(incomplete(earlier)).toBe(true);
    expect(incomplete(seed)).toBe(false);
    const wanted = trainTestSplit(6, 0.5, seed).test.map((g) => order[g]);
    expect(new Set(test.map((i) => groups[i]))).toEqual(new Set(wanted));
  });

  it('says which class cannot be on both sides', () => {
    expect(() => sealedSplit(['a', 'a', 'b', 'c'], ['x', 'x', 'y', 'y'], 0.5, 111)).toThrow(
      'class x come from one take',
    );
  });
});

describe('stratifiedFolds', () => {
  it('is that of scikit-learn', () => {
    const { labels, n_splits, random_state, test_folds } = siren.stratified_kfold;
    const folds = stratifiedFolds(labels.map(String), n_splits, random_state);
    expect(splitsOf(folds).map(({ test }) => test)).toEqual(test_folds);
  });
  it('refuses classes smaller than the number of folds', () => {
    expect(() => stratifiedFolds(['a', 'a', 'b'], 2, 1)).toThrow('but b has 1');
    expect(() => stratifiedFolds([], 2, 1)).toThrow('expected at least 2 recordings');
  });
});
