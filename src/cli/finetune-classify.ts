// thrum finetune classify: an encoder learns labels, and is asked about recordings that it was not shown.
import { join } from 'node:path';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { loadWeights } from '../encoders/load.node.ts';
import type { Labels } from '../encoders/types.ts';
import { meanAveragePrecision } from '../evaluation/metrics/average-precision.ts';
import { type ClassificationFigures, classificationFigures } from '../evaluation/metrics/classification.ts';
import type { Measured } from '../evaluation/metrics/measured.ts';
import { splitsOf, stratifiedFolds } from '../evaluation/splits/stratified-folds.ts';
import { mean } from '../signal/average.ts';
import { InputError } from '../signal/errors.ts';
import { labelledClasses } from '../training/data/labelled-classes.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { type CropClasses, classifyDefaults } from '../training/recipes/tune.ts';
import { planTuning } from '../training/tuned-plan.ts';
import { flag, number, type Options, text, UsageError } from './command.ts';
import { classifyItems, type Split, subsetFrom } from './finetune-items.ts';
import { type FinetuneDefaults, type FinetuneSettings, finetuneSettings } from './finetune-options.ts';
import { encoderFile, hasRun, rateOfData, tuneOnCrops } from './finetune-run.ts';
import { createProgress, note, print, writeFileSafely } from './output.ts';
import { resumeCommand } from './resume-command.ts';

const classify: FinetuneDefaults = {
  options: classifyDefaults,
  cropSeconds: 5,
  mix: false,
  speeds: [1],
  speedClasses: false,
  rollProbability: 1,
};

const SEVERAL = ';';

/** Names of the labels, and of which a crop is. */
function classesOf(items: readonly LabelledItem[], several: boolean): { labels: Labels; classes: CropClasses } {
  if (!several) {
    const { names } = labelledClasses(items);
    return { labels: { names, several }, classes: { count: names.length, of: ({ classIndex }) => [classIndex] } };
  }
  const names = [...new Set(items.flatMap(({ label }) => partsOf(label)))].sort();
  return {
    labels: { names, several },
    classes: { count: names.length, of: ({ label }) => partsOf(label).map((part) => names.indexOf(part)) },
  };
}

const partsOf = (label: string): string[] =>
  label
    .split(SEVERAL)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Trains in a folder. Returns the exit status of a run that was stopped. */
async function trainClassifier(
  settings: FinetuneSettings,
  items: readonly LabelledItem[],
  several: boolean,
): Promise<{ status: number; step: number } | undefined> {
  const { cropSeconds, mix, pooling, options } = settings;
  const base = loadWeights({ encoder: settings.encoder });
  const sampleRate = settings.rate ?? (await rateOfData(items));
  const { labels, classes } = classesOf(items, several);
  const objective = several ? ({ kind: 'binary', per: 'labels' } as const) : options.objective;
  const shape = { sampleRate, cropSeconds, hopSeconds: cropSeconds, mix, ...(pooling && { pooling }), labels };
  const plan = planTuning(base, shape, classes, { ...options, objective });
  const { status, step } = await tuneOnCrops('classify', settings, base, plan, items);
  return status === undefined ? undefined : { status, step };
}

export type Asked = { file: string; truth: string; predicted: string; logits: Float32Array };

/** What the classifier in a file says of recordings. */
export async function askClassifier(
  encoder: string,
  items: readonly LabelledItem[],
  names: readonly string[],
  workers?: number,
): Promise<Asked[]> {
  const jobs = items.map(({ path, read, record, channel = 1 }) => ({
    path,
    read: read ?? {},
    preparation: { channel: channel - 1, segmentSeconds: null },
    detail: 'none' as const,
    ...(record !== undefined && { record }),
  }));
  const progress = createProgress('asked about');
  const asked: Asked[] = [];
  let done = 0;
  for await (const { path, recordings, failures } of embedFiles({ encoder }, jobs, { workers })) {
    for (const { message } of failures) note(`${message}; it is left out`);
    const { label } = items[done];
    for (const { segments } of recordings) {
      const logits = segments[0].logits as Float32Array;
      const best = logits.reduce((top, value, c) => (value > logits[top] ? c : top), 0);
      asked.push({ file: path, truth: label, predicted: names[best], logits });
    }
    progress.update(++done, jobs.length);
  }
  progress.end();
  return asked;
}

export type Result = { recordings: number; figures?: ClassificationFigures; meanAveragePrecision?: Measured };

/** Accuracy or mean average precision of answers. */
export function resultOf(asked: readonly Asked[], { names, several }: Labels): Result {
  if (several) {
    const numberOf = new Map(names.map((name, i) => [name, i]));
    // Labels that were not learned have no score.
    const truth = asked.map(({ truth: label }) => partsOf(label).flatMap((part) => numberOf.get(part) ?? []));
    const scores = asked.map(({ logits }) => logits);
    return { recordings: asked.length, meanAveragePrecision: meanAveragePrecision(truth, scores) };
  }
  const figures = classificationFigures(
    asked.map(({ truth }) => truth),
    asked.map(({ predicted }) => predicted),
  );
  return { recordings: asked.length, figures };
}

/** A result in a line. */
export const headlineOf = ({ figures, meanAveragePrecision: ap, recordings }: Result): string => {
  const figure = figures ? figures.accuracy : (ap as Measured);
  const shown = figure.value === null ? figure.reason : `${(100 * figure.value).toFixed(2)} %`;
  return `${figures ? 'accuracy' : 'mean average precision'} ${shown} on ${recordings} recordings`;
};

/** Parts of all recordings, each left out once. */
function foldsOf(items: readonly LabelledItem[], count: number, seed: number): Split[] {
  const numbers = stratifiedFolds(
    items.map(({ label }) => label),
    count,
    seed,
  );
  return splitsOf(numbers).map(({ train, test }) => ({
    train: train.map((i) => items[i]),
    test: test.map((i) => items[i]),
  }));
}

export async function runClassify(options: Options): Promise<number> {
  const settings = finetuneSettings(options, classify, 'thrum-ear');
  const several = flag(options, 'several');
  const folds = number(options, 'folds', { min: 2, integer: true });
  const test = text(options, 'test');
  const testFold = number(options, 'test-fold', { integer: true, min: 0 });
  if (folds !== undefined && (test !== undefined || testFold !== undefined)) {
    throw new UsageError('--folds: expected without --test and --test-fold: every recording is asked about once');
  }
  if (test !== undefined && testFold !== undefined) {
    throw new UsageError('--test-fold: expected without --test: either names what is asked about');
  }
  const whole = classifyItems(settings, test, testFold, subsetFrom(options));
  const splits = folds === undefined ? [whole] : foldsOf([...whole.train, ...whole.test], folds, settings.seed);
  const results: Result[] = [];
  for (const [i, split] of splits.entries()) {
    const folder = folds === undefined ? settings.folder : join(settings.folder, `fold-${i + 1}`);
    if (split.train.length === 0)
      throw new InputError(
        `finetune: expected labelled recordings to learn from in ${settings.data}, found ${split.test.length} that are for testing alone`,
      );
    const stopped = await trainClassifier(
      // Of several runs the later ones may not have begun.
      { ...settings, folder, resume: settings.resume && (i === 0 || hasRun(folder)) },
      split.train,
      several,
    );
    if (stopped) {
      print(`finetune classify: stopped after step ${stopped.step} with a checkpoint; go on with`);
      print(`  ${resumeCommand(['finetune', 'classify'], options)}`);
      return stopped.status;
    }
    if (split.test.length === 0) continue;
    const { labels } = classesOf(split.train, several);
    const asked = await askClassifier(encoderFile(folder), split.test, labels.names, settings.workers);
    const result = resultOf(asked, labels);
    results.push(result);
    const lines = asked.map(({ file, truth, predicted }) => ({ file, truth, predicted }));
    writeFileSafely(join(folder, 'result.json'), `${JSON.stringify({ ...result, asked: lines }, undefined, 1)}\n`);
  }
  report(results, settings, flag(options, 'json'), folds);
  return 0;
}

function report(results: readonly Result[], { folder }: FinetuneSettings, json: boolean, folds?: number): void {
  if (json) {
    print(JSON.stringify({ folder, results }));
    return;
  }
  for (const [i, result] of results.entries())
    print(`${folds === undefined ? '' : `fold ${i + 1}: `}${headlineOf(result)}`);
  const values = results.flatMap(({ figures, meanAveragePrecision: ap }) => (figures?.accuracy ?? ap)?.value ?? []);
  if (values.length > 1) print(`mean over folds ${(100 * mean(values)).toFixed(2)} %`);
  print(`finetune classify: ${folds === undefined ? `encoder ${encoderFile(folder)}` : `a run per fold in ${folder}`}`);
}
