// thrum distill --task classify: a small network learns labels, and from an encoder that hears the same crops.
import { join } from 'node:path';
import { loadWeights } from '../encoders/load.node.ts';
import { studentInput, studentPlan } from '../encoders/student-config.ts';
import { studentPictures } from '../encoders/student-input.ts';
import { planCost } from '../nn/layer-plan.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import { checkLabelled } from '../training/check-sources.node.ts';
import { labelledClasses } from '../training/data/labelled-classes.ts';
import { openLabelledStream } from '../training/data/labelled-stream.node.ts';
import type { LabelledCrop, LabelledItem, LabelledSpec } from '../training/data/labelled-types.ts';
import { readResponses } from '../training/data/responses.node.ts';
import { pictureStatistics } from '../training/picture-statistics.ts';
import {
  cropPlan,
  type DistilAugmentation,
  type DistilOptions,
  distilRecipe,
  type SceneStudent,
} from '../training/recipes/distil.ts';
import { type DistilTeacher, distilTeacher, ensembleTeacher } from '../training/recipes/distil-teacher.ts';
import { flag, number, type Options, text, UsageError } from './command.ts';
import { classifyOptions, type DistilSettings, distilSettings } from './distill-options.ts';
import { type DistilEnd, type DistilJob, runPhases } from './distill-run.ts';
import { askClassifier, headlineOf, type Result, resultOf } from './finetune-classify.ts';
import { classifyItems, subsetFrom } from './finetune-items.ts';
import { dataFrom } from './finetune-options.ts';
import { dataHash, labelledBatches } from './finetune-run.ts';
import { note, print, writeFileSafely } from './output.ts';

/** Batches of crops that normalisation and ranges are measured on. */
const MEASURED_BATCHES = 4;
/** Of the paper: crops that are heard through another device. */
const RESPONSE_SHARE = 0.6;
/** The device that measured responses suit: it colours least (DCASE Task 1). */
const CLEAN_DEVICE = 'a';

type Responses = NonNullable<DistilAugmentation['responses']>;

async function responsesFrom(options: Options, items: readonly LabelledItem[]): Promise<Responses | undefined> {
  const path = text(options, 'responses');
  const share = number(options, 'response-share', { min: 0, max: 1 });
  if (path === undefined) {
    if (share !== undefined) throw new UsageError('--response-share: expected --responses DIR with it');
    return undefined;
  }
  const suits = ({ item }: LabelledCrop): boolean => [undefined, CLEAN_DEVICE].includes(items[item].device);
  return { recorded: await readResponses(path, note), share: share ?? RESPONSE_SHARE, suits };
}

/** The teacher, or several as one, with a remark where one is a classifier of other classes. */
function teacherFrom({ teacher: encoders }: DistilSettings, names: readonly string[]): DistilTeacher | undefined {
  if (encoders === undefined) return undefined;
  const teachers = encoders.split(',').map((encoder, place) => {
    const base = loadWeights({ encoder });
    const teacher = distilTeacher(base, names, place);
    if (base.architecture.family === 'tuned' && !teacher.classifies) {
      note(
        `${teacher.id} does not know all of ${names.length} classes: its layers are learned from, its answers are not`,
      );
    }
    return teacher;
  });
  return ensembleTeacher(teachers);
}

/** Pictures of the first crops, as they are. */
async function* pictures(spec: LabelledSpec, student: SceneStudent, batch: number, seed: number) {
  const size = studentInput(student).reduce((product, side) => product * side, 1);
  let left = MEASURED_BATCHES;
  for await (const { clips } of await openLabelledStream(spec, { seed, batch, workers: 0 })) {
    const heard = clips.map(({ samples, sampleRate }) => studentPictures(samples, sampleRate, student).values);
    yield concatenate(
      Float32Array,
      heard.map((values) => values.subarray(0, size)),
    );
    if (--left === 0) break;
  }
}

type Learned = { items: readonly LabelledItem[]; names: readonly string[] };

async function jobOf(options: Options, settings: DistilSettings, { items, names }: Learned, data: string) {
  const given = classifyOptions(options);
  const crops = {
    gainDecibels: number(options, 'gain', { min: 0, max: 120 }) ?? 0,
    ...(flag(options, 'roll') && { rollProbability: 1 }),
  };
  const responses = await responsesFrom(options, items);
  const plain = { ...settings.student, outputs: names.length, labels: { names, several: false } } as SceneStudent;
  const teacher = teacherFrom(settings, names);
  const { seconds, sampleRate } = cropPlan(plain, teacher);
  const spec: LabelledSpec = { items, ...crops, cropSeconds: seconds, sampleRate };
  const epochSteps = Math.max(1, Math.round(items.length / (given.batch * settings.accumulate)));
  const course: DistilOptions = { ...given, epochSteps };
  const statistics = await pictureStatistics(pictures(spec, plain, course.batch, settings.seed));
  const student: SceneStudent = { ...plain, frontEnd: { ...plain.frontEnd, ...statistics } };
  const classes = { count: names.length, of: ({ classIndex }: LabelledCrop) => [classIndex] };
  const job: DistilJob<LabelledCrop, DistilOptions> = {
    settings,
    title: `distill classify: ${teacher ? `${teacher.id} to ` : ''}${planCost(studentPlan(student)).parameters} parameters`,
    student,
    course,
    config: {
      crops,
      responses: responses && { path: text(options, 'responses'), share: responses.share },
      data: { path: data, recordings: items.length, hash: dataHash(items) },
    },
    recipe: (own, phase) => {
      const augmentation = { ...own.augmentation, ...(responses && { responses }) };
      return distilRecipe(student, teacher, classes, { ...own, augmentation }, phase);
    },
    clips: (from, batch, stride, status) => labelledBatches(spec, settings, { from, batch, stride }, status),
    pictures: () => pictures(spec, student, course.batch, settings.seed),
  };
  // Else wrong data would leave a run behind, which must be removed before the next try.
  if (!settings.resume) await checkLabelled(spec, job.recipe(course, { kind: 'float' }), settings.seed);
  return job;
}

type Answers = { float: Result; int8?: Result };

/** What the student says of recordings that it was not shown, in floats and in whole numbers. */
async function askStudents(
  end: Exclude<DistilEnd, { status: number }>,
  items: readonly LabelledItem[],
  names: readonly string[],
  { folder, workers }: DistilSettings,
): Promise<Answers> {
  const labels = { names: [...names], several: false };
  const ask = async (file: string): Promise<Result> =>
    resultOf(await askClassifier(file, items, names, workers), labels);
  const answers = { float: await ask(end.float), ...(end.int8 !== undefined && { int8: await ask(end.int8) }) };
  writeFileSafely(join(folder, 'result.json'), `${JSON.stringify(answers, undefined, 1)}\n`);
  return answers;
}

/** Runs the task. Returns the end of a run that was stopped, or undefined. */
export async function distillClassify(options: Options): Promise<{ status: number; step: number } | undefined> {
  const settings = distilSettings(options);
  const [test, testFold] = [text(options, 'test'), number(options, 'test-fold', { integer: true, min: 0 })];
  if (test !== undefined && testFold !== undefined) {
    throw new UsageError('--test-fold: expected without --test: either names what is asked about');
  }
  const from = dataFrom(options);
  const split = classifyItems(from, test, testFold, subsetFrom(options));
  if (split.train.length === 0) {
    throw new InputError(`distill: expected labelled recordings to learn from in ${from.data}, found none`);
  }
  const names = labelledClasses(split.train).names;
  const end = await runPhases(await jobOf(options, settings, { items: split.train, names }, from.data));
  if ('status' in end) return end;
  const answers = split.test.length > 0 ? await askStudents(end, split.test, names, settings) : undefined;
  if (flag(options, 'json')) {
    print(JSON.stringify({ folder: settings.folder, ...end, ...(answers && { results: answers }) }));
    return undefined;
  }
  if (answers) {
    print(`in floats: ${headlineOf(answers.float)}`);
    if (answers.int8) print(`in 8 bits: ${headlineOf(answers.int8)}`);
  }
  print(`distill classify: ${end.int8 ?? end.float}`);
  return undefined;
}
