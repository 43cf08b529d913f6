// Folds in which every class has its share.
import { InputError } from '../../signal/errors.ts';
import { groupNumbers, type Split } from './group-split.ts';
import { createMersenneTwister, shuffle } from './mersenne-twister.ts';

/**
 * Fold of every item, as `StratifiedKFold(folds, shuffle=True, random_state=seed)` of scikit-learn assigns them:
 * classes are numbered in order of first appearance, dealt out in turn, and shuffled within each class.
 * @throws InputError where the smallest class has fewer items than there are folds
 */
export function stratifiedFolds(labels: readonly string[], folds: number, seed: number): Int32Array {
  const { numbers, count } = groupNumbers(labels);
  const sizes = new Int32Array(count);
  for (const number of numbers) sizes[number]++;
  const scarce = labels.find((_, i) => sizes[numbers[i]] < folds);
  if (scarce !== undefined || labels.length === 0) {
    const found =
      scarce === undefined ? 'there are no recordings' : `${scarce} has ${sizes[numbers[labels.indexOf(scarce)]]}`;
    throw new InputError(
      `stratifiedFolds: expected at least ${folds} recordings of every class for ${folds} folds, but ${found}; add recordings, or leave the class out`,
    );
  }
  // Dealing the sorted classes out in turn: item i of the sorted list goes to fold i mod folds.
  const sorted = Int32Array.from(numbers).sort();
  const shares = Array.from({ length: folds }, () => new Int32Array(count));
  for (const [i, number] of sorted.entries()) shares[i % folds][number]++;
  const next = createMersenneTwister(seed);
  const result = new Int32Array(labels.length);
  for (let c = 0; c < count; c++) {
    const dealt = shuffle(Int32Array.from(shares.flatMap((share, fold) => Array(share[c]).fill(fold))), next);
    let at = 0;
    for (let i = 0; i < numbers.length; i++) if (numbers[i] === c) result[i] = dealt[at++];
  }
  return result;
}

/** The splits that folds make: each fold is the test side once, in ascending order of fold. */
export function splitsOf(folds: ArrayLike<number>): Split[] {
  const all = Array.from(folds);
  return [...new Set(all)]
    .sort((a, b) => a - b)
    .map((fold) => ({
      train: all.flatMap((value, i) => (value === fold ? [] : [i])),
      test: all.flatMap((value, i) => (value === fold ? [i] : [])),
    }));
}
