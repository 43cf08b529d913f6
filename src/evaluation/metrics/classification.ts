// Figures of a classification from true and predicted labels: per class, averaged, and by group of recordings.
import { InputError } from '../../signal/errors.ts';
import { arithmeticMean } from './means.ts';
import { type Measured, measured, undefinedBecause } from './measured.ts';

/** Of one class. */
export type ClassResult = {
  label: string;
  precision: Measured;
  recall: Measured;
  f1: Measured;
  /** Recordings of this class that were classified. */
  support: number;
};

/** Rows are the true classes, columns the predicted ones. */
export type Confusion = { labels: string[]; counts: number[][] };

/** All are undefined where there are no recordings. */
export type ClassificationFigures = {
  /** Recordings classified correctly over all. */
  accuracy: Measured;
  /** Mean recall of the classes that have recordings: chance is 1 / classes, however unequal they are. */
  macroAccuracy: Measured;
  /** Means over all classes that occur; an undefined figure of a class counts as 0. */
  macroPrecision: Measured;
  macroRecall: Measured;
  macroF1: Measured;
  /** Means weighted by the recordings of each class. */
  weightedPrecision: Measured;
  weightedRecall: Measured;
  weightedF1: Measured;
  /** Every label that is true or predicted somewhere, sorted. */
  perClass: ClassResult[];
  confusion: Confusion;
};

export type GroupAccuracy = { group: string; accuracy: number; recordings: number };

function check(caller: string, truth: readonly string[], predicted: readonly string[]): void {
  if (truth.length === predicted.length) return;
  throw new InputError(
    `${caller}: expected one prediction per true label, got ${predicted.length} predictions and ${truth.length} labels`,
  );
}

/** How often each true label (row) was predicted as each label (column). Labels are sorted by code unit. */
export function confusionMatrix(truth: readonly string[], predicted: readonly string[]): Confusion {
  check('confusionMatrix', truth, predicted);
  const labels = [...new Set([...truth, ...predicted])].sort();
  const indices = new Map(labels.map((label, i) => [label, i]));
  const counts = labels.map(() => labels.map(() => 0));
  for (const [i, label] of truth.entries()) counts[indices.get(label)!][indices.get(predicted[i])!]++;
  return { labels, counts };
}

const share = (part: number, whole: number, reason: string): Measured =>
  whole > 0 ? measured(part / whole) : undefinedBecause(reason);

function classResult({ labels, counts }: Confusion, c: number): ClassResult {
  const label = labels[c];
  const hits = counts[c][c];
  const support = counts[c].reduce((sum, n) => sum + n, 0);
  const claims = counts.reduce((sum, row) => sum + row[c], 0);
  return {
    label,
    precision: share(hits, claims, `${label} was never predicted`),
    recall: share(hits, support, `no recordings of ${label}`),
    // Of a label that occurs at all, the harmonic mean of both is 2 hits / (claims + support), defined even where one is not.
    f1: measured((2 * hits) / (claims + support)),
    support,
  };
}

function averages(classes: readonly ClassResult[], figure: (result: ClassResult) => Measured): [Measured, Measured] {
  const total = classes.reduce((sum, { support }) => sum + support, 0);
  if (total === 0) return [undefinedBecause('no recordings'), undefinedBecause('no recordings')];
  const values = classes.map((result) => figure(result).value ?? 0);
  const weighted = values.reduce((sum, value, c) => sum + value * classes[c].support, 0);
  return [arithmeticMean(values), measured(weighted / total)];
}

/**
 * Accuracy, confusion matrix, and precision, recall and F1 per class, macro- and support-weighted. The averages are those
 * of scikit-learn with `zero_division=0`: over every label that is true or predicted somewhere, an undefined figure as 0.
 * Per class such a figure stays undefined, with the reason: precision of a class never predicted, recall of one that has
 * no recordings.
 * @throws InputError if the lengths differ.
 */
export function classificationFigures(truth: readonly string[], predicted: readonly string[]): ClassificationFigures {
  check('classificationFigures', truth, predicted);
  const confusion = confusionMatrix(truth, predicted);
  const perClass = confusion.labels.map((_, c) => classResult(confusion, c));
  const [macroPrecision, weightedPrecision] = averages(perClass, ({ precision }) => precision);
  const [macroRecall, weightedRecall] = averages(perClass, ({ recall }) => recall);
  const [macroF1, weightedF1] = averages(perClass, ({ f1 }) => f1);
  const hits = confusion.counts.reduce((sum, row, c) => sum + row[c], 0);
  const present = perClass.filter(({ support }) => support > 0);
  return {
    accuracy: share(hits, truth.length, 'no recordings'),
    macroAccuracy: averages(present, ({ recall }) => recall)[0],
    macroPrecision,
    macroRecall,
    macroF1,
    weightedPrecision,
    weightedRecall,
    weightedF1,
    perClass,
    confusion,
  };
}

/**
 * Accuracy per group (recording device, machine, …), every recording of a group counting the same. Sorted by group.
 * For groups of groups (seen and unseen devices), give each recording the wider group.
 * @throws InputError if the lengths differ.
 */
export function groupedAccuracy(
  truth: readonly string[],
  predicted: readonly string[],
  groups: readonly string[],
): GroupAccuracy[] {
  check('groupedAccuracy', truth, predicted);
  if (groups.length !== truth.length) {
    throw new InputError(
      `groupedAccuracy: expected one group per recording, got ${groups.length} groups and ${truth.length} recordings`,
    );
  }
  const tallies = new Map<string, { hits: number; recordings: number }>();
  for (const [i, group] of groups.entries()) {
    const tally = tallies.get(group) ?? { hits: 0, recordings: 0 };
    tallies.set(group, tally);
    tally.recordings++;
    if (truth[i] === predicted[i]) tally.hits++;
  }
  return [...tallies.keys()].sort().map((group) => {
    const { hits, recordings } = tallies.get(group)!;
    return { group, accuracy: hits / recordings, recordings };
  });
}

/**
 * By what share accuracy falls from seen to unseen conditions: (seen - unseen) / seen, each the arithmetic mean of its
 * accuracies (of devices, say; in percent or as shares). Negative where unseen conditions do better.
 * @throws InputError if a value is not finite.
 */
export function relativeDecay(seen: readonly number[], unseen: readonly number[]): Measured {
  const before = arithmeticMean(seen);
  const after = arithmeticMean(unseen);
  if (before.value === null) return undefinedBecause('no seen conditions');
  if (after.value === null) return undefinedBecause('no unseen conditions');
  return share(before.value - after.value, before.value, 'accuracy is 0 under seen conditions');
}
