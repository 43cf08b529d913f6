// One fault-diagnosis row: from the embeddings of a view, by one or several encoders, to its result.
import { nearestNeighbours } from '../../detection/knn.ts';
import { type Matrix, selectRows } from '../../detection/matrix.ts';
import { InputError } from '../../signal/errors.ts';
import { classificationFigures } from '../metrics/classification.ts';
import { type Measured, undefinedBecause } from '../metrics/measured.ts';
import { bootstrapInterval } from '../metrics/resampling.ts';
import { fusedNeighbours, releasedChannels } from '../protocols/channel-fusion.ts';
import { auditLeaveOneOut, auditSplits } from '../protocols/leakage.ts';
import {
  CURVE_TEST_SIZES,
  curveWithAnchors,
  normaliseRows,
  predictSplit,
  type RankedNeighbours,
  RMIS_SEEDS,
  rankNeighbours,
  sealedSplits,
} from '../protocols/multi-split.ts';
import { majorityVote } from '../protocols/vote.ts';
import type { ClassificationResult, LeakageAudit, MultiSplitCurve } from '../result.ts';
import { groupNumbers, type Split } from '../splits/group-split.ts';
import { splitsOf, stratifiedFolds } from '../splits/stratified-folds.ts';
import { type Heard, type Rows, rowsByChannel, rowsByPiece } from './assemble.ts';
import { type Fusion, joinMatrices } from './fusion.ts';
import type { FaultTask } from './tasks.ts';

export type FaultOptions = { compat: boolean; fusion?: Fusion };

/** Neighbours that vote, in both suites. */
const K = 5;
const FOLDS = 5;
const FOLD_SEED = 1;

type Predicted = { truth: string[]; predicted: string[]; takes: string[] };

/** True and predicted labels of the tested rows, over all splits one after the other. */
function gather(rows: Rows, splits: readonly Split[], predictions: readonly string[][]): Predicted {
  const tested = splits.flatMap(({ test }) => test);
  return {
    truth: tested.map((i) => rows.labels[i]),
    predicted: predictions.flat(),
    takes: tested.map((i) => rows.takes[i]),
  };
}

/** Channels of every encoder, one after the other, or joined channel by channel. */
function channelsOf(parts: readonly Rows[], fusion: Fusion | undefined): Matrix[] {
  if (parts.length === 1) return parts[0].channels;
  if (fusion === 'averaged') return parts.flatMap(({ channels }) => channels);
  return parts[0].channels.map((_, c) => joinMatrices(parts.map(({ channels }) => channels[c])));
}

type Labels = { indices: number[] }[];
const voted = (found: Labels, labels: readonly string[]): string[] =>
  found.map(({ indices }) => majorityVote(indices.map((i) => labels[i])));

/** Every row against all rows outside its own group (SIREN: k = 5, Euclidean, majority, ties to the nearest). */
async function leaveOneOut(
  channels: readonly Matrix[],
  labels: readonly string[],
  own: readonly string[],
  compat: boolean,
) {
  const { numbers } = groupNumbers(own);
  const groups = { k: K, metric: 'euclidean', bankGroups: numbers, queryGroups: numbers } as const;
  if (channels.length === 1) return voted(await nearestNeighbours(channels[0], channels[0], groups), labels);
  return voted(await fusedNeighbours(channels, channels, { ...groups, ownGroupInStatistics: compat }), labels);
}

async function predictFold(
  channels: readonly Matrix[],
  labels: readonly string[],
  { train, test }: Split,
): Promise<string[]> {
  const side = (indices: readonly number[]) => channels.map((channel) => selectRows(channel, indices));
  const options = { k: K, metric: 'euclidean' } as const;
  const [bank, queries] = [side(train), side(test)];
  const found =
    channels.length === 1
      ? await nearestNeighbours(bank[0], queries[0], options)
      : await fusedNeighbours(bank, queries, options);
  return voted(
    found,
    train.map((i) => labels[i]),
  );
}

/** @throws InputError where a side is empty */
function officialSplit(rows: Rows): Split[] {
  const side = (wanted: 'train' | 'test') => rows.samples.flatMap((sample, i) => (sample.split === wanted ? [i] : []));
  const [train, test] = [side('train'), side('test')];
  const empty = train.length === 0 ? 'training' : test.length === 0 ? 'test' : undefined;
  if (empty)
    throw new InputError(`no recordings on the ${empty} side of the official split; unpack both parts of the data set`);
  return [{ train, test }];
}

/** Folds of takes, stratified by class; in compatibility mode folds of recordings. */
function foldSplits(rows: Rows, byTake: boolean): Split[] {
  if (!byTake) return splitsOf(stratifiedFolds(rows.labels, FOLDS, FOLD_SEED));
  const { numbers, count } = groupNumbers(rows.takes);
  const labels = Array.from({ length: count }, (_, take) => rows.labels[numbers.indexOf(take)]);
  const folds = stratifiedFolds(labels, FOLDS, FOLD_SEED);
  return splitsOf(Array.from(numbers, (take) => folds[take]));
}

function lastOfficialFold(rows: Rows): Split[] {
  const folds = rows.samples.map(({ fold, path }) => {
    if (fold === undefined) throw new InputError(`${path}: has no fold; keep the data set's own file names`);
    return fold;
  });
  return splitsOf(folds).slice(-1);
}

/** Every value of an attribute against all others; of classes that the others do not have nothing is asked. */
function conditionSplits(rows: Rows, condition: string): Split[] {
  const values = rows.samples.map(({ attributes }) => attributes[condition]);
  return [...new Set(values)].sort().map((value) => {
    const train = values.flatMap((other, i) => (other === value ? [] : [i]));
    const known = new Set(train.map((i) => rows.labels[i]));
    return { train, test: values.flatMap((own, i) => (own === value && known.has(rows.labels[i]) ? [i] : [])) };
  });
}

function splitsFor({ protocol, condition = '' }: FaultTask, rows: Rows, compat: boolean): Split[] {
  if (protocol === 'official split') return officialSplit(rows);
  if (protocol === 'last official fold') return lastOfficialFold(rows);
  if (protocol === 'other conditions') return conditionSplits(rows, condition);
  return foldSplits(rows, !compat);
}

/** 95 % interval of accuracy by the bootstrap over takes: recordings of one take stand or fall together. */
function intervalOf({ truth, predicted, takes }: Predicted): [number, number] | undefined {
  const { numbers, count } = groupNumbers(takes);
  const [right, size] = [new Float64Array(count), new Float64Array(count)];
  for (const [i, take] of numbers.entries()) {
    right[take] += truth[i] === predicted[i] ? 1 : 0;
    size[take]++;
  }
  return bootstrapInterval(
    count,
    (chosen) => {
      let [hits, total] = [0, 0];
      for (const take of chosen) {
        hits += right[take];
        total += size[take];
      }
      return hits / total;
    },
    { seed: 0 },
  );
}

type Extra = Partial<Pick<ClassificationResult, 'interval' | 'runs' | 'curve'>>;

function resultOf(
  view: string,
  protocol: string,
  predicted: Predicted,
  score: Measured | undefined,
  recordings: number,
  audit: LeakageAudit,
  extra: Extra,
): ClassificationResult {
  const figures = classificationFigures(predicted.truth, predicted.predicted);
  const { accuracy, macroPrecision, macroRecall, macroF1, weightedF1, perClass, confusion } = figures;
  return {
    kind: 'classification',
    view,
    protocol,
    score: score ?? accuracy,
    accuracy,
    macroPrecision,
    macroRecall,
    macroF1,
    weightedF1,
    perClass,
    confusion,
    recordings,
    audit,
    ...extra,
  };
}

/** SIREN's rows, and those of freely available sets: accuracy of a majority vote. */
async function evaluateVote(task: FaultTask, parts: readonly Rows[], { compat, fusion }: FaultOptions) {
  const [rows] = parts;
  const { labels } = rows;
  const path = task.protocol === 'official split' ? 'test set' : 'leave one out';
  const plain = channelsOf(parts, fusion);
  const channels = compat && plain.length === 1 ? releasedChannels(plain[0], path) : plain;
  const own = compat ? rows.names.map((_, i) => String(i)) : rows.takes;
  const sealing = compat ? '' : ', sealed by take';
  const rule = `k = ${K}, Euclidean${channels.length > 1 ? `, ${channels.length} channels fused` : ''}`;
  const count = rows.names.length;
  if (task.protocol === 'leave one out') {
    const predictions = await leaveOneOut(channels, labels, own, compat);
    const predicted = { truth: labels, predicted: predictions, takes: rows.takes };
    const interval = intervalOf(predicted);
    return resultOf(
      task.view,
      `leave one out${sealing}, ${rule}`,
      predicted,
      undefined,
      count,
      auditLeaveOneOut(rows, own),
      {
        ...(interval && { interval }),
      },
    );
  }
  const splits = splitsFor(task, rows, compat);
  const predictions: string[][] = [];
  for (const split of splits) predictions.push(await predictFold(channels, labels, split));
  const predicted = gather(rows, splits, predictions);
  const interval = intervalOf(predicted);
  const detail = task.protocol === 'stratified 5-fold' ? sealing : task.condition ? ` (${task.condition})` : '';
  const words = `${task.protocol}${detail}`;
  return resultOf(task.view, `${words}, ${rule}`, predicted, undefined, count, auditSplits(rows, splits), {
    ...(interval && { interval }),
  });
}

type Sealed = { matrix: Matrix; rows: Rows; ranked: RankedNeighbours; classes: string[] };

async function runSplits({ matrix, rows, ranked, classes }: Sealed, splits: readonly Split[]) {
  const predictions: string[][] = [];
  const runs: number[] = [];
  for (const split of splits) {
    const labels = await predictSplit(matrix, rows.labels, ranked, split, { k: K, classes });
    const { macroAccuracy } = classificationFigures(
      split.test.map((i) => rows.labels[i]),
      labels,
    );
    predictions.push(labels);
    if (macroAccuracy.value !== null) runs.push(macroAccuracy.value);
  }
  return { predictions, runs };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The multi-split curve, or why there is none: few takes leave some test sizes without a valid split. */
async function curveOf(sealed: Sealed, groups: readonly string[]): Promise<MultiSplitCurve | string> {
  const points: { testSize: number; score: number }[] = [];
  for (const testSize of CURVE_TEST_SIZES) {
    try {
      const { runs } = await runSplits(sealed, sealedSplits(groups, sealed.rows.labels, testSize));
      points.push({ testSize, score: meanOf(runs) });
    } catch (error) {
      if (error instanceof InputError) return `no multi-split curve: ${error.message}`;
      throw error;
    }
  }
  return curveWithAnchors(points, sealed.classes.length);
}

/** RMIS's rows: mean macro accuracy over ten sealed splits, or over the official one. */
async function evaluateSimilarity(
  task: FaultTask,
  parts: readonly Rows[],
  { compat, fusion }: FaultOptions,
  problems: string[],
) {
  const [rows] = parts;
  const matrices = parts.map(({ channels }) => channels[0]);
  // Of vectors of length 1 side by side, the cosine is the mean of the single cosines.
  const matrix = normaliseRows(joinMatrices(fusion === 'averaged' ? matrices.map(normaliseRows) : matrices));
  const channelsApart = compat && !task.wholeTakes;
  const groups = channelsApart ? rows.channelTakes : rows.takes;
  const classes = [...new Set(rows.labels)];
  const official = task.protocol === 'official split';
  const testSize = task.testSize ?? 0.5;
  const splits = official ? officialSplit(rows) : sealedSplits(groups, rows.labels, testSize);
  // In an official split the sides are given: only a row itself may not be its own neighbour.
  const apart = official ? rows.names.map((_, i) => String(i)) : groups;
  const sealed = { matrix, rows, ranked: await rankNeighbours(matrix, apart), classes };
  const { predictions, runs } = await runSplits(sealed, splits);
  const seal = channelsApart ? 'sealed by take and channel' : 'sealed by take';
  const words = official ? 'official split' : `${RMIS_SEEDS.length} splits, ${seal}, ${testSize} for testing`;
  const curve = official ? undefined : await curveOf(sealed, groups);
  if (typeof curve === 'string') problems.push(`${task.view}: ${curve}`);
  const score = runs.length > 0 ? { value: meanOf(runs) } : undefinedBecause('no split could be scored');
  const predicted = gather(rows, splits, predictions);
  return resultOf(
    task.view,
    `${words}, k = ${K}, votes by cosine similarity, macro accuracy`,
    predicted,
    score,
    rows.names.length,
    auditSplits(rows, splits),
    { runs, ...(typeof curve === 'object' && { curve }) },
  );
}

/**
 * Evaluates one view.
 * @param heard the embeddings of every encoder that takes part, of the same recordings in the same order
 * @throws InputError where the data cannot be split as the protocol says
 */
export async function evaluateFault(
  task: FaultTask,
  heard: readonly (readonly Heard[])[],
  options: FaultOptions,
  problems: string[],
): Promise<ClassificationResult> {
  const classes = new Set(heard[0].map(({ sample }) => sample.label));
  if (classes.size < 2) {
    throw new InputError(
      `expected recordings of at least two classes, found ${classes.size === 0 ? 'none' : `only ${[...classes][0]}`}`,
    );
  }
  if (task.windowSeconds !== undefined) {
    return evaluateSimilarity(task, heard.map(rowsByPiece), options, problems);
  }
  return evaluateVote(task, heard.map(rowsByChannel), options);
}
