// What the options of `thrum pretrain` ask for: recipe, data, and everything that config.json keeps.

import { existsSync } from 'node:fs';
import { type EatConfig, eatSizes } from '../encoders/eat.ts';
import { type EchoConfig, echoSizes } from '../encoders/echo.ts';
import { echoArchitecture } from '../encoders/echo-family.ts';
import type { Architecture } from '../encoders/family.ts';
import { type FisherConfig, fisherSizes } from '../encoders/fisher.ts';
import { namedArchitectures } from '../encoders/load.node.ts';
import type { Provider } from '../graph/runtime.ts';
import type { DataSpec, FolderSource, SourceSpec } from '../training/data/types.ts';
import { defaultSyncEvery } from '../training/exchange.ts';
import { EAT_MAX_ROWS, eatRecipe, eatRecipeDefaults } from '../training/recipes/eat.ts';
import { type EchoRecipeOptions, echoRecipe, echoRecipeDefaults } from '../training/recipes/echo.ts';
import { fisherRecipe, fisherRecipeDefaults } from '../training/recipes/fisher.ts';
import type { Recipe } from '../training/recipes/types.ts';
import type { RunConfig } from '../training/run-config.ts';
import { choice, flag, number, type OptionSpecs, type Options, required, text, UsageError } from './command.ts';
import { encoderFrom, workersFrom } from './recording-options.ts';
import { accumulateOptionSpec, runOptionSpecs, seedOptionSpec } from './training-options.ts';

const RECIPES = ['echo', 'fisher', 'eat'] as const;
type RecipeName = (typeof RECIPES)[number];

export const pretrainOptionSpecs = {
  data: { value: 'LIST', short: 'd', description: 'folders, archives and `simulator`, with weights' },
  include: { value: 'REGEX', description: 'only files whose name (without folders) matches' },
  unique: { value: 'X', description: 'leave out files of this cosine similarity, or more, to another (try 0.999)' },
  responses: { value: 'DIR', description: 'impulse responses that 3 in 10 clips are heard through' },
  gain: { value: 'DB', description: 'random gain within ± this (default 6)' },
  speed: { value: 'X', description: 'random speed within 1/x to x (default 1: none)' },
  ...runOptionSpecs,
  size: { value: 'SIZE', description: 'size of the encoder (default tiny)' },
  steps: { value: 'N', description: 'steps in all (default 20000); may grow on resuming' },
  batch: { value: 'N', description: 'clips per step (default 32 for echo, 16 for fisher, 12 for eat)' },
  accumulate: accumulateOptionSpec,
  patches: { value: 'N', description: 'time patches of 160 ms per clip (default 12)' },
  'learning-rate': { value: 'X', description: 'peak (fisher and eat, 5e-4), or per 256 clips (echo, 1e-4)' },
  'warm-up': { value: 'N', description: 'steps of linear warm-up (default 1000)' },
  'target-norm': { value: 'N', description: 'sequence (as published, the default) or batch' },
  'utterance-weight': { value: 'X', description: 'weight of the utterance loss (default 1)' },
  bands: { value: 'N', description: 'bands drawn per clip (echo, default 4)' },
  clones: { value: 'N', description: 'students per band (echo, default 4) or clip (eat, default 8)' },
  'mask-ratio': { value: 'X', description: 'share of patches that students do not see (echo, default 0.75)' },
  contrast: {
    value: 'X',
    description: 'weight of the contrastive loss between two views of a thing (echo, default 0)',
  },
  temperature: { value: 'X', description: 'of the contrastive loss (default 0.1)' },
  depth: { value: 'N', description: 'blocks of the encoder (echo; default that of the size)' },
  'band-bins': { value: 'N', description: 'bins of a band (echo, default 32)' },
  level: { value: 'NAME', description: 'kept or removed: whether echo hears the level of a recording (default kept)' },
  same: { value: 'REGEX', description: 'files whose names agree in its group are of one thing' },
  seed: seedOptionSpec,
  probe: { value: 'DIR', description: 'labelled recordings, a folder per label, told apart at every checkpoint' },
  'save-every': { value: 'N', description: 'steps between checkpoints (default 500)' },
  provider: { value: 'NAME', description: 'where the step runs: cpu, webgpu or cuda' },
  workers: { value: 'N', description: 'threads that make clips ahead (default 1; 0: none)' },
  peers: { value: 'SERVERS', description: 'NATS servers through which several processes train together' },
  world: { value: 'N', description: 'processes in all' },
  rank: { value: 'R', description: 'number of this process, from 0' },
  'sync-every': { value: 'H', description: 'steps between averages over the processes (default 20)' },
  group: { value: 'NAME', description: 'name of the run on the servers (default recipe, size and seed)' },
} satisfies OptionSpecs;

export type PretrainSettings = {
  /** `echo-tiny` … */
  title: string;
  folder: string;
  resume: boolean;
  recipe: Recipe;
  architecture: Architecture;
  data: DataSpec;
  seed: number;
  accumulate: number;
  saveEvery: number;
  warmUpSteps: number;
  workers: number;
  provider?: Provider;
  /** Folder of labelled recordings that a probe tells apart. */
  probe?: string;
  /** Servers and processes to train with. */
  peers?: { servers: string[]; group: string; world: number; rank: number };
  syncEvery?: number;
  /** What the run folder keeps, and compares on resuming. */
  config: RunConfig;
};

/** The entries that were given. */
const given = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;

/** FISHER reads at most 1024 frames of a recording; EAT's positions end. */
const MAX_PATCHES: Record<RecipeName, number> = { echo: 1000, fisher: 64, eat: EAT_MAX_ROWS };

const patchesFrom = (name: RecipeName, options: Options): number | undefined =>
  number(options, 'patches', { min: 4, max: MAX_PATCHES[name], integer: true });

/** Settings that both recipes have, where they were given. */
const commonChanges = (name: RecipeName, options: Options) =>
  given({
    batch: number(options, 'batch', { min: 1, integer: true }),
    patches: patchesFrom(name, options),
    warmUpSteps: number(options, 'warm-up', { min: 0, integer: true }),
    targetNorm: choice(options, 'target-norm', ['sequence', 'batch']),
    utteranceWeight: number(options, 'utterance-weight', { min: 0 }),
  });

function sizeOf<T>(sizes: Readonly<Record<string, T>>, size: string): T {
  if (Object.hasOwn(sizes, size)) return sizes[size];
  throw new UsageError(`--size: expected one of ${Object.keys(sizes).join(', ')}, got ${size}`);
}

/** Clips of every thing when the contrastive objective compares them. */
const VIEWS = 2;

function contrastFrom(options: Options): EchoRecipeOptions['contrast'] {
  const weight = number(options, 'contrast', { min: 0 }) ?? 0;
  if (weight === 0) return undefined;
  return { weight, temperature: number(options, 'temperature', { above: 0 }) ?? 0.1 };
}

type Chosen = { recipe: Recipe; architecture: Architecture; settings: { patches: number; warmUpSteps: number } };

/** A size, with what was asked for otherwise. */
const echoConfigFrom = (size: string, options: Options): EchoConfig => ({
  ...sizeOf<EchoConfig>(echoSizes, size),
  ...given({
    depth: number(options, 'depth', { min: 1, max: 48, integer: true }),
    bandBins: number(options, 'band-bins', { min: 4, max: 512, integer: true }),
    level: choice(options, 'level', ['kept', 'removed']) === 'removed' ? ('removed' as const) : undefined,
  }),
});

function recipeFrom(name: RecipeName, size: string, steps: number, options: Options): Chosen {
  const changes = { ...commonChanges(name, options), steps };
  const rate = number(options, 'learning-rate', { above: 0 });
  if (name === 'echo') {
    const settings = {
      ...echoRecipeDefaults,
      ...changes,
      ...given({
        baseLearningRate: rate,
        bandsPerClip: number(options, 'bands', { min: 1, integer: true }),
        clones: number(options, 'clones', { min: 1, integer: true }),
        maskRatio: number(options, 'mask-ratio', { above: 0, below: 1 }),
        contrast: contrastFrom(options),
      }),
    };
    if (settings.contrast && (settings.batch % VIEWS !== 0 || settings.batch < 2 * VIEWS)) {
      throw new UsageError(
        `--batch: expected a multiple of ${VIEWS}, at least ${2 * VIEWS}, with --contrast, got ${settings.batch}`,
      );
    }
    const config = echoConfigFrom(size, options);
    return { recipe: echoRecipe(config, settings), architecture: echoArchitecture(config), settings };
  }
  const architecture = namedArchitectures.get(`${name}-${size}`) as Architecture;
  if (name === 'eat') {
    const clones = number(options, 'clones', { min: 1, integer: true });
    const settings = { ...eatRecipeDefaults, ...changes, ...given({ learningRate: rate, clones }) };
    return { recipe: eatRecipe(sizeOf<EatConfig>(eatSizes, size), settings), architecture, settings };
  }
  const settings = { ...fisherRecipeDefaults, ...changes, ...given({ learningRate: rate }) };
  return { recipe: fisherRecipe(sizeOf<FisherConfig>(fisherSizes, size), settings), architecture, settings };
}

/** `PATH`, `PATH=WEIGHT`, or `simulator` likewise. A path that is there as it stands is one, whatever it ends in. */
function sourceFrom(item: string, filters: Pick<FolderSource, 'include' | 'same' | 'unique'>): SourceSpec {
  const term = item.trim();
  if (term === '') throw new UsageError('--data: expected names separated by single commas, got an empty one');
  const [, name, digits] = existsSync(term) ? [] : (/^(.+)=([\d.]+)$/.exec(term) ?? []);
  const path = name ?? term;
  const weight = digits === undefined ? 1 : Number(digits);
  if (!(weight > 0)) throw new UsageError(`--data: expected a weight above 0, got ${digits} (${path})`);
  return path === 'simulator' ? { kind: 'simulator', weight } : { kind: 'files', path, weight, ...filters };
}

/** Length of a clip of so many frames of 25 ms every 10 ms, and a little to crop from. */
export const secondsForFrames = (frames: number): number => Math.ceil((0.025 + 0.01 * (frames + 4)) * 100) / 100;

const RESPONSE_PROBABILITY = 0.3;

/** Sources, responses and augmentation that options ask for. @throws UsageError for sources that are none */
export function clipData(options: Options, clipSeconds: number): DataSpec {
  const include = text(options, 'include');
  const unique = number(options, 'unique', { above: 0, max: 1 });
  const filters = given({ include, same: text(options, 'same'), unique });
  const sources = required(options, 'data', 'LIST')
    .split(',')
    .map((item) => sourceFrom(item, filters));
  if (include !== undefined && sources.every(({ kind }) => kind === 'simulator')) {
    throw new UsageError('--include: expected files in --data, got the simulator alone');
  }
  const responses = text(options, 'responses');
  return {
    sources,
    clipSeconds,
    ...(responses !== undefined && { responses: { path: responses, probability: RESPONSE_PROBABILITY } }),
    gainDecibels: number(options, 'gain', { min: 0 }) ?? 6,
    speedFactor: number(options, 'speed', { min: 1 }) ?? 1,
    ...(contrastFrom(options) && { views: VIEWS }),
  };
}

function peersFrom(options: Options, title: string, seed: number) {
  const servers = text(options, 'peers');
  if (servers === undefined) {
    const alone = ['world', 'rank', 'sync-every', 'group'].find((name) => text(options, name) !== undefined);
    if (alone) throw new UsageError(`--${alone}: expected --peers SERVERS with it`);
    return {};
  }
  required(options, 'world', 'N with --peers');
  required(options, 'rank', 'R with --peers');
  const world = number(options, 'world', { min: 2, integer: true }) as number;
  const rank = number(options, 'rank', { min: 0, below: world, integer: true }) as number;
  const group = text(options, 'group') ?? `${title}-${seed}`;
  if (!/^[\w-]+$/.test(group)) throw new UsageError(`--group: expected letters, digits, - and _, got ${group}`);
  const syncEvery = number(options, 'sync-every', { min: 1, integer: true }) ?? defaultSyncEvery;
  return { peers: { servers: servers.split(','), group, world, rank }, syncEvery };
}

/** @throws UsageError for arguments and options that are missing, unknown or out of range. */
export function pretrainSettings(args: readonly string[], options: Options): PretrainSettings {
  const [first, ...rest] = args;
  const name = RECIPES.find((known) => known === first);
  if (!name || rest.length > 0) {
    throw new UsageError(`expected one of ${RECIPES.join(', ')}, got ${args.join(' ') || 'nothing'}`);
  }
  const folder = required(options, 'run', 'DIR');
  const size = text(options, 'size') ?? 'tiny';
  const steps = number(options, 'steps', { min: 1, integer: true }) ?? echoRecipeDefaults.steps;
  const seed = number(options, 'seed', { integer: true, min: 0 }) ?? 0;
  const accumulate = number(options, 'accumulate', { integer: true, min: 1 }) ?? 1;
  const saveEvery = number(options, 'save-every', { integer: true, min: 1 }) ?? 500;
  const workers = workersFrom(options) ?? 1;
  const { provider } = encoderFrom(options, '');
  const { recipe, architecture, settings } = recipeFrom(name, size, steps, options);
  const data = clipData(options, secondsForFrames(16 * settings.patches));
  const title = `${name}-${size}`;
  const probe = text(options, 'probe');
  const { peers, syncEvery } = peersFrom(options, title, seed);
  return {
    title,
    folder,
    resume: flag(options, 'resume'),
    recipe,
    architecture,
    data,
    seed,
    accumulate,
    saveEvery,
    warmUpSteps: settings.warmUpSteps,
    workers,
    ...(provider && { provider }),
    ...(probe !== undefined && { probe }),
    ...(peers && { peers, syncEvery }),
    config: {
      recipe: name,
      size,
      seed,
      accumulate,
      saveEvery,
      // The steps stand beside the recipe's settings, as they may grow.
      settings: { ...settings, steps: undefined },
      architecture: architecture.config,
      data,
      steps,
      workers,
      provider,
      probe,
      world: peers?.world,
      rank: peers?.rank,
      syncEvery,
    },
  };
}
