// Options of fine-tuning, and what they ask for: encoder, crops, augmentation, rates.

import type { Pooling } from '../encoders/tuned-head.ts';
import type { Provider } from '../graph/runtime.ts';
import type { LabelledSettings } from '../training/data/labelled-types.ts';
import type { TuneOptions, Tuning } from '../training/recipes/tune.ts';
import { choice, flag, number, type OptionSpecs, type Options, required, text, UsageError } from './command.ts';
import { encoderFrom, encoderOptionSpecs, workersFrom } from './recording-options.ts';
import { accumulateOptionSpec, runOptionSpecs, seedOptionSpec } from './training-options.ts';

export const finetuneOptionSpecs = {
  data: {
    value: 'DIR',
    short: 'd',
    description: 'recordings: in the layout of a known data set, or a folder per label',
  },
  labels: { value: 'TABLE', description: 'instead of --data: CSV of files with a label, or with attributes' },
  ...runOptionSpecs,
  ...encoderOptionSpecs,
  workers: {
    value: 'N',
    description: 'threads that make crops (default 1), and that embed recordings (default: all cores)',
  },
  crop: { value: 'SECONDS', description: 'length of a crop (asd 2, classify 5)' },
  rate: {
    value: 'HZ',
    short: 'r',
    description: 'bring recordings to this rate (default that of the encoder, or of the first recording)',
  },
  steps: { value: 'N', description: 'steps in all (asd 2000, classify 4000); may grow on resuming' },
  batch: { value: 'N', description: 'crops per step (asd 32, classify 48)' },
  accumulate: accumulateOptionSpec,
  'learning-rate': { value: 'X', description: 'peak (asd 5e-4, classify 5e-5)' },
  'warm-up': { value: 'N', description: 'steps of linear warm-up (default a tenth of the steps, at most 400)' },
  'weight-decay': { value: 'X', description: 'of AdamW (asd 1e-4, classify 0.05)' },
  'layer-decay': {
    value: 'X',
    description: 'learning rate of a block over that of the next one (asd 1, classify 0.65)',
  },
  'drop-path': { value: 'X', description: 'probability that the last block drops a branch (asd 0, classify 0.1)' },
  tune: { value: 'WHAT', description: 'all weights (default), head alone, or low-rank additions' },
  rank: { value: 'N', description: 'of low-rank additions (default 8)' },
  layers: {
    value: 'WHICH',
    description: 'mix of all layers with learned weights, or the last (asd mix, classify last)',
  },
  pooling: {
    value: 'HOW',
    description: 'attentive, mean or cls (asd attentive, classify cls, or mean where an encoder has none)',
  },
  mixup: { value: 'A', description: 'mix crops and labels, shares from Beta(A, A) (default 0: not)' },
  'spec-augment': { value: 'X', description: 'hide up to this share of time and of frequency (asd 0, classify 0.4)' },
  gain: { value: 'DB', description: 'random gain within ± this (default 0)' },
  noise: { value: 'DB', description: 'white noise in half of the crops, from this ratio to signal up to 30 dB above' },
  roll: { description: 'begin crops anywhere in themselves (classify: always)' },
  speeds: {
    value: 'LIST',
    description: 'speeds at which crops are played; for asd each a class of its own (default 0.9,1,1.1; 1: none)',
  },
  'keep-pitch': { description: 'change speed without moving tones' },
  seed: seedOptionSpec,
  'save-every': { value: 'N', description: 'steps between checkpoints (default 250)' },
  json: { description: 'print the result as JSON' },
} satisfies OptionSpecs;

/** What both kinds of fine-tuning are asked for. */
export type FinetuneSettings = {
  /** Folder of the recordings, or the table. */
  data: string;
  labels?: string;
  folder: string;
  resume: boolean;
  encoder: string;
  provider?: Provider;
  workers?: number;
  cropSeconds: number;
  rate?: number;
  accumulate: number;
  seed: number;
  saveEvery: number;
  mix: boolean;
  pooling?: Pooling;
  options: TuneOptions;
  /** The warm-up, where it was asked for; else it follows the steps. */
  warmUpSteps?: number;
  crops: Omit<LabelledSettings, 'cropSeconds' | 'sampleRate'>;
};

export type FinetuneDefaults = {
  options: TuneOptions;
  cropSeconds: number;
  mix: boolean;
  /** What suits the encoder where it is not given. */
  pooling?: Pooling;
  speeds: readonly number[];
  /** Whether a speed is a class of its own. */
  speedClasses: boolean;
  rollProbability: number;
};

const RANK = 8;
/** alpha over rank, as is usual. */
const ALPHA_PER_RANK = 2;
const LONGEST_WARM_UP = 400;

/** A tenth of the steps, at most 400. */
export const warmUpFor = (steps: number): number => Math.min(LONGEST_WARM_UP, Math.ceil(steps / 10));

const NOISE_SPAN = 30;
const NOISE_PROBABILITY = 0.5;

function tuningFrom(options: Options, fallback: Tuning): Tuning {
  const kind = choice(options, 'tune', ['all', 'head', 'low-rank']) ?? fallback.kind;
  const rank = number(options, 'rank', { min: 1, integer: true });
  if (kind !== 'low-rank') {
    if (rank !== undefined) throw new UsageError('--rank: expected --tune low-rank with it');
    return { kind };
  }
  return { kind, rank: rank ?? RANK, alpha: ALPHA_PER_RANK * (rank ?? RANK) };
}

/** `0.9,1,1.1`. */
export function numbersFrom(options: Options, name: string): number[] | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  return given.split(',').map((term) => {
    const value = Number(term.trim());
    if (term.trim() === '' || !(value > 0 && Number.isFinite(value))) {
      throw new UsageError(`--${name}: expected numbers above 0 separated by commas, got ${given}`);
    }
    return value;
  });
}

const warmUpFrom = (options: Options) => number(options, 'warm-up', { min: 0, integer: true });

function optionsFrom(options: Options, defaults: TuneOptions): TuneOptions {
  const steps = number(options, 'steps', { min: 1, integer: true }) ?? defaults.steps;
  const specAugment = number(options, 'spec-augment', { min: 0, below: 1 });
  const mixup = number(options, 'mixup', { min: 0 });
  return {
    ...defaults,
    steps,
    batch: number(options, 'batch', { min: 2, integer: true }) ?? defaults.batch,
    learningRate: number(options, 'learning-rate', { above: 0 }) ?? defaults.learningRate,
    warmUpSteps: warmUpFrom(options) ?? warmUpFor(steps),
    weightDecay: number(options, 'weight-decay', { min: 0 }) ?? defaults.weightDecay,
    layerDecay: number(options, 'layer-decay', { above: 0, max: 1 }) ?? defaults.layerDecay,
    dropPath: number(options, 'drop-path', { min: 0, below: 1 }) ?? defaults.dropPath,
    tuning: tuningFrom(options, defaults.tuning),
    augmentation: {
      ...defaults.augmentation,
      ...(specAugment !== undefined && { specAugment }),
      ...(mixup !== undefined && { mixup }),
    },
  };
}

function cropsFrom(options: Options, defaults: FinetuneDefaults): FinetuneSettings['crops'] {
  const noise = number(options, 'noise', { min: -60, max: 120 });
  const factors = numbersFrom(options, 'speeds') ?? defaults.speeds;
  const speeds = factors.some((factor) => factor !== 1);
  if (!speeds && options.speeds === undefined && flag(options, 'keep-pitch'))
    throw new UsageError('--keep-pitch: expected --speeds with it');
  const rollProbability = flag(options, 'roll') ? 1 : defaults.rollProbability;
  return {
    gainDecibels: number(options, 'gain', { min: 0, max: 120 }) ?? 0,
    ...(noise !== undefined && {
      noise: { ratio: [noise, noise + NOISE_SPAN] as const, probability: NOISE_PROBABILITY },
    }),
    ...(rollProbability > 0 && { rollProbability }),
    ...(speeds && { speeds: { factors, keepPitch: flag(options, 'keep-pitch'), ownClass: defaults.speedClasses } }),
  };
}

/** Where the recordings are: a folder, or a table instead of it. */
export function dataFrom(options: Options): Pick<FinetuneSettings, 'data' | 'labels'> {
  const labels = text(options, 'labels');
  if (labels === undefined) return { data: required(options, 'data', 'DIR (or --labels TABLE)') };
  if (options.data !== undefined) {
    throw new UsageError('--labels: expected without --data: the table says where its files are, from where it lies');
  }
  return { data: labels, labels };
}

/** @throws UsageError for options that are missing or out of range */
export function finetuneSettings(options: Options, defaults: FinetuneDefaults, encoder: string): FinetuneSettings {
  const spec = encoderFrom(options, encoder);
  const rate = number(options, 'rate', { above: 0 });
  const [workers, warmUpSteps] = [workersFrom(options), warmUpFrom(options)];
  const pooling = choice(options, 'pooling', ['attentive', 'mean', 'cls']) ?? defaults.pooling;
  return {
    ...dataFrom(options),
    folder: required(options, 'run', 'DIR'),
    resume: flag(options, 'resume'),
    encoder: spec.encoder,
    ...(spec.provider && { provider: spec.provider }),
    ...(workers !== undefined && { workers }),
    cropSeconds: number(options, 'crop', { above: 0 }) ?? defaults.cropSeconds,
    ...(rate !== undefined && { rate }),
    accumulate: number(options, 'accumulate', { integer: true, min: 1 }) ?? 1,
    seed: number(options, 'seed', { integer: true, min: 0 }) ?? 0,
    saveEvery: number(options, 'save-every', { integer: true, min: 1 }) ?? 250,
    mix: (choice(options, 'layers', ['mix', 'last']) ?? (defaults.mix ? 'mix' : 'last')) === 'mix',
    ...(pooling && { pooling }),
    options: optionsFrom(options, defaults.options),
    ...(warmUpSteps !== undefined && { warmUpSteps }),
    crops: cropsFrom(options, defaults),
  };
}
