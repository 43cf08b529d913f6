// Splits that keep what was recorded together on one side.
import { InputError } from '../../signal/errors.ts';
import { permutation } from './mersenne-twister.ts';

export type Split = { train: number[]; test: number[] };

/** Rounded up as scikit-learn does, floating-point noise included: 0.35 * 20 = 7.000000000000001 makes 8. */
const testCount = (count: number, testSize: number): number => Math.ceil(testSize * count);

/**
 * `train_test_split(range(count), test_size, random_state)` of scikit-learn, in its order: test is the first
 * ceil(testSize * count) of the permutation, train the rest.
 * @throws InputError where one side would be empty
 */
export function trainTestSplit(count: number, testSize: number, seed: number): Split {
  const tests = testCount(count, testSize);
  if (!(testSize > 0 && testSize < 1) || tests < 1 || tests >= count) {
    throw new InputError(
      `trainTestSplit: expected a test share that leaves both sides filled, got ${testSize} of ${count} groups`,
    );
  }
  const order = Array.from(permutation(count, seed));
  return { train: order.slice(tests), test: order.slice(0, tests) };
}

/** Numbers of groups in order of first appearance. */
export function groupNumbers(groups: readonly string[]): { numbers: Int32Array; count: number } {
  const known = new Map<string, number>();
  const numbers = Int32Array.from(groups, (group) => {
    const number = known.get(group) ?? known.size;
    known.set(group, number);
    return number;
  });
  return { numbers, count: known.size };
}

/** How often a seed may be moved on before a data set counts as one that cannot be split. */
const MAX_ATTEMPTS = 1000;

/**
 * RMIS's sealed split: groups in order of first appearance are split by `trainTestSplit`; while a class is missing on
 * one side, the seed is moved on by 100. Items keep their order within a side.
 * @throws InputError where no seed puts every class on both sides: a class with a single group, mostly
 */
export function sealedSplit(
  groups: readonly string[],
  labels: readonly string[],
  testSize: number,
  seed: number,
): Split & { seed: number } {
  const { numbers, count } = groupNumbers(groups);
  const single = singleGroupClass(numbers, labels);
  if (single !== undefined) {
    throw new InputError(
      `sealedSplit: all recordings of class ${single} come from one take, so it cannot be on both sides; add another take, or leave the class out`,
    );
  }
  const classes = new Set(labels).size;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const used = seed + 100 * attempt;
    const testGroups = new Set(trainTestSplit(count, testSize, used).test);
    const train: number[] = [];
    const test: number[] = [];
    for (let i = 0; i < numbers.length; i++) (testGroups.has(numbers[i]) ? test : train).push(i);
    const complete = [train, test].every((side) => new Set(side.map((i) => labels[i])).size === classes);
    if (complete) return { train, test, seed: used };
  }
  throw new InputError(
    `sealedSplit: no split of ${count} takes with a test share of ${testSize} has all ${classes} classes on both sides; add takes, or choose another share`,
  );
}

function singleGroupClass(numbers: Int32Array, labels: readonly string[]): string | undefined {
  const groupsOf = new Map<string, Set<number>>();
  for (const [i, label] of labels.entries()) {
    const set = groupsOf.get(label) ?? new Set();
    groupsOf.set(label, set.add(numbers[i]));
  }
  return [...groupsOf].find(([, set]) => set.size < 2)?.[0];
}
