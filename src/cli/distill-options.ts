// Options of distillation, and what they ask for.

import type { StudentConfig } from '../encoders/student-config.ts';
import { studentSizes } from '../encoders/student-family.ts';
import { sceneFrontEnd2024 } from '../encoders/student-input.ts';
import type { Provider } from '../graph/runtime.ts';
import { cpMobile2024 } from '../nn/cp-mobile.ts';
import { type DistilOptions, distilDefaults } from '../training/recipes/distil.ts';
import { type BandDistilOptions, bandDistilDefaults } from '../training/recipes/distil-bands.ts';
import type { Course } from '../training/recipes/distil-student.ts';
import { choice, flag, number, type OptionSpecs, type Options, required, text, UsageError } from './command.ts';
import { subsetOptionSpec } from './finetune-items.ts';
import { encoderFrom, workersFrom } from './recording-options.ts';
import { accumulateOptionSpec, runOptionSpecs, seedOptionSpec } from './training-options.ts';

const TASKS = ['classify', 'embedding'] as const;
export type DistilTask = (typeof TASKS)[number];

const STUDENTS = ['scenes', 'scenes-32k', 'cp-mobile', 'bands'] as const;
const PARTS = ['front', 'layers', 'quantisation'] as const;
type Part = (typeof PARTS)[number];

export const distillOptionSpecs = {
  task: { value: 'TASK', description: 'classify (labels) or embedding (no labels)' },
  teacher: {
    value: 'ENCODER',
    description: 'name or file of the encoder to learn from; classify: several with commas; none: labels alone',
  },
  data: {
    value: 'DIR',
    short: 'd',
    description: 'classify: as finetune classify takes it; embedding: as pretrain takes it',
  },
  labels: { value: 'TABLE', description: 'classify: instead of --data, CSV of files with a label' },
  ...runOptionSpecs,
  student: {
    value: 'NAME',
    description: 'scenes (default), scenes-32k or cp-mobile; embedding: bands',
  },
  width: { value: 'X', description: "factor on the student's channels (default 1; not of cp-mobile)" },
  steps: { value: 'N', description: 'steps in floats (classify 4000, embedding 20000); may grow on resuming' },
  'qat-steps': { value: 'N', description: 'steps of training for 8 bits after them (default a tenth)' },
  without: { value: 'LIST', description: 'leave out front, layers (both classify) or quantisation' },
  'front-weight': { value: 'X', description: 'classify: of the alignment of front ends (default 0.5)' },
  'layer-weight': { value: 'X', description: 'classify: of layered distillation (default 0.5)' },
  'label-weight': { value: 'X', description: 'classify: of the labels (default 1)' },
  'relation-weight': { value: 'X', description: 'embedding: of cosines between bands (default 1)' },
  'squared-weight': { value: 'X', description: 'embedding: of squared differences (default 0.1)' },
  bands: { value: 'N', description: 'embedding: bands drawn per clip (default 4)' },
  batch: { value: 'N', description: 'crops or clips per step (classify 64, embedding 32)' },
  accumulate: accumulateOptionSpec,
  'learning-rate': { value: 'X', description: 'peak (classify 5e-3, embedding 2e-3); a tenth of it for 8 bits' },
  'warm-up': { value: 'N', description: 'steps of linear warm-up (default a tenth of the steps)' },
  'weight-decay': { value: 'X', description: 'of AdamW, not of norms and biases (default 1e-4)' },
  responses: { value: 'DIR', description: 'impulse responses of devices; classify: heard by the student alone' },
  'response-share': {
    value: 'X',
    description: 'share of crops (of device a, where devices are known) or clips that are heard so (default 0.6, 0.3)',
  },
  mixup: { value: 'A', description: 'classify: mix crops and labels, shares from Beta(A, A) (default 0: not)' },
  'freq-mixstyle': { value: 'X', description: 'classify: probability of mixed frequency styles (default 0)' },
  filter: { value: 'DB', description: 'classify: random filters over the mels, gains within ± this (default 0: none)' },
  'mask-mels': { value: 'X', description: 'classify: hide up to this share of the mels (default 0)' },
  roll: { description: 'classify: begin crops anywhere in themselves' },
  gain: { value: 'DB', description: 'random gain within ± this (classify 0, embedding 6)' },
  speed: { value: 'X', description: 'embedding: random speed within 1/x to x (default 1: none)' },
  include: { value: 'REGEX', description: 'embedding: only files whose name (without folders) matches' },
  unique: { value: 'X', description: 'embedding: leave out files of this cosine similarity, or more, to another' },
  test: { value: 'WHAT', description: 'classify: folder or table that is asked about at the end' },
  'test-fold': { value: 'N', description: 'classify: fold of a known data set that is asked about (default the last)' },
  subset: { ...subsetOptionSpec, description: `classify: ${subsetOptionSpec.description}` },
  seed: seedOptionSpec,
  'save-every': { value: 'N', description: 'steps between checkpoints (default 250)' },
  provider: { value: 'NAME', description: 'where the step runs: cpu, webgpu or cuda' },
  workers: {
    value: 'N',
    description: 'threads that make crops (default 1), and that embed recordings (default all cores)',
  },
  json: { description: 'print the result as JSON' },
} satisfies OptionSpecs;

const CLASSIFY_ONLY = [
  ...[
    'labels',
    'front-weight',
    'layer-weight',
    'label-weight',
    'mixup',
    'freq-mixstyle',
    'mask-mels',
    'filter',
    'roll',
  ],
  ...['test', 'test-fold', 'subset'],
];
const EMBEDDING_ONLY = ['relation-weight', 'squared-weight', 'bands', 'speed', 'include', 'unique'];

/** What both tasks are asked for. */
export type DistilSettings = {
  task: DistilTask;
  /** Undefined: none. */
  teacher?: string;
  folder: string;
  resume: boolean;
  student: StudentConfig;
  seed: number;
  accumulate: number;
  saveEvery: number;
  provider?: Provider;
  workers?: number;
  /** Steps of training for 8 bits; 0: none. */
  quantisedSteps: number;
  /** The warm-up, where it was asked for; else it follows the steps. */
  warmUpSteps?: number;
};

function taskFrom(options: Options): DistilTask {
  required(options, 'task', TASKS.join('|'));
  const task = choice(options, 'task', TASKS) as DistilTask;
  const others = task === 'classify' ? EMBEDDING_ONLY : CLASSIFY_ONLY;
  const wrong = others.find((name) => options[name] !== undefined);
  if (wrong === undefined) return task;
  throw new UsageError(`--${wrong}: expected with --task ${TASKS.find((name) => name !== task)}, not with ${task}`);
}

/** Parts that `--without` leaves out. */
export function leftOut(options: Options): ReadonlySet<Part> {
  const given = text(options, 'without')?.split(',') ?? [];
  const wrong = given.find((name) => !PARTS.some((part) => part === name));
  if (wrong !== undefined) {
    throw new UsageError(`--without: expected some of ${PARTS.join(', ')}, separated by commas, got ${wrong}`);
  }
  return new Set(given as Part[]);
}

function studentFrom(options: Options, task: DistilTask): StudentConfig {
  const name = choice(options, 'student', STUDENTS) ?? (task === 'embedding' ? 'bands' : 'scenes');
  if ((name === 'bands') !== (task === 'embedding')) {
    throw new UsageError(
      `--student: expected ${task === 'embedding' ? 'bands' : 'scenes, scenes-32k or cp-mobile'} with --task ${task}, got ${name}`,
    );
  }
  const width = number(options, 'width', { above: 0, max: 16 });
  if (name === 'cp-mobile') {
    if (width !== undefined) throw new UsageError('--width: expected with another student than cp-mobile');
    return {
      ...{ frontEnd: sceneFrontEnd2024, network: { kind: 'cp-mobile', ...cpMobile2024 } },
      ...{ outputs: studentSizes.scenes.outputs, form: 'float' },
    };
  }
  const size: StudentConfig = name === 'bands' ? studentSizes.bands : studentSizes.scenes;
  const network = width === undefined || size.network.kind === 'cp-mobile' ? size.network : { ...size.network, width };
  return { ...size, network, ...(name === 'scenes-32k' && { frontEnd: sceneFrontEnd2024 }) };
}

const tenth = (steps: number): number => Math.ceil(steps / 10);

function courseFrom(options: Options, defaults: Course): Course {
  const steps = number(options, 'steps', { min: 1, integer: true }) ?? defaults.steps;
  return {
    steps,
    batch: number(options, 'batch', { min: 2, integer: true }) ?? defaults.batch,
    learningRate: number(options, 'learning-rate', { above: 0 }) ?? defaults.learningRate,
    warmUpSteps: number(options, 'warm-up', { min: 0, integer: true }) ?? tenth(steps),
    weightDecay: number(options, 'weight-decay', { min: 0 }) ?? defaults.weightDecay,
    clipNorm: defaults.clipNorm,
  };
}

/** The course of training for 8 bits: shorter, and ten times slower. */
export const quantisedCourse = <C extends Course>(course: C, { quantisedSteps }: DistilSettings): C => ({
  ...course,
  steps: quantisedSteps,
  learningRate: course.learningRate / 10,
  warmUpSteps: tenth(quantisedSteps),
});

/** Ranges follow the batches for the first half of it. */
export const observeSteps = ({ quantisedSteps }: DistilSettings): number => Math.ceil(quantisedSteps / 2);

/** Losses and augmentation of `--task classify`, without responses and epochs, which the data decide. */
export function classifyOptions(options: Options): DistilOptions {
  const [without, taught] = [leftOut(options), text(options, 'teacher') !== 'none'];
  const weight = (name: string, fallback: number): number => number(options, name, { min: 0 }) ?? fallback;
  const { weights } = distilDefaults;
  const mixup = number(options, 'mixup', { min: 0 });
  const freqMixStyle = number(options, 'freq-mixstyle', { min: 0, max: 1 });
  const maskFrequencies = number(options, 'mask-mels', { min: 0, max: 1 });
  const filter = number(options, 'filter', { min: 0, max: 60 });
  return {
    ...distilDefaults,
    ...courseFrom(options, distilDefaults),
    weights: {
      front: taught && !without.has('front') ? weight('front-weight', weights.front) : 0,
      layers: taught && !without.has('layers') ? weight('layer-weight', weights.layers) : 0,
      labels: weight('label-weight', weights.labels),
    },
    augmentation: {
      ...(mixup !== undefined && { mixup }),
      ...(freqMixStyle !== undefined && { freqMixStyle }),
      ...(maskFrequencies !== undefined && { maskFrequencies }),
      ...(filter !== undefined && { filter }),
    },
  };
}

export function embeddingOptions(options: Options): BandDistilOptions {
  const wrong = PARTS.find((part) => part !== 'quantisation' && leftOut(options).has(part));
  if (wrong) throw new UsageError(`--without: expected ${wrong} with --task classify, not with embedding`);
  const { weights, bandsPerClip } = bandDistilDefaults;
  return {
    ...courseFrom(options, bandDistilDefaults),
    bandsPerClip: number(options, 'bands', { min: 1, integer: true }) ?? bandsPerClip,
    weights: {
      relation: number(options, 'relation-weight', { min: 0 }) ?? weights.relation,
      squared: number(options, 'squared-weight', { min: 0 }) ?? weights.squared,
    },
  };
}

/** @throws UsageError for options that are missing, out of range, or of the other task */
export function distilSettings(options: Options): DistilSettings {
  const task = taskFrom(options);
  const teacher = required(options, 'teacher', 'ENCODER|none');
  if (teacher === 'none' && task === 'embedding') {
    throw new UsageError('--teacher: expected an encoder with --task embedding: nothing else says what to learn');
  }
  const steps = courseFrom(options, task === 'classify' ? distilDefaults : bandDistilDefaults).steps;
  const asked = number(options, 'qat-steps', { min: 1, integer: true });
  const without = leftOut(options).has('quantisation');
  if (without && asked !== undefined) throw new UsageError('--qat-steps: expected without --without quantisation');
  const [workers, warmUpSteps] = [workersFrom(options), number(options, 'warm-up', { min: 0, integer: true })];
  const { provider } = encoderFrom(options, '');
  return {
    task,
    ...(teacher !== 'none' && { teacher }),
    folder: required(options, 'run', 'DIR'),
    resume: flag(options, 'resume'),
    student: studentFrom(options, task),
    seed: number(options, 'seed', { integer: true, min: 0 }) ?? 0,
    accumulate: number(options, 'accumulate', { integer: true, min: 1 }) ?? 1,
    saveEvery: number(options, 'save-every', { integer: true, min: 1 }) ?? 250,
    ...(provider && { provider }),
    ...(workers !== undefined && { workers }),
    quantisedSteps: without ? 0 : (asked ?? tenth(steps)),
    ...(warmUpSteps !== undefined && { warmUpSteps }),
  };
}
