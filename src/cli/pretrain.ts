// thrum pretrain: trains an encoder on recordings without labels, in a run folder that can be resumed.
import { join } from 'node:path';
import { echoSizes } from '../encoders/echo.ts';
import { fisherSizes } from '../encoders/fisher.ts';
import { namedArchitectures } from '../encoders/load.node.ts';
import { renderTrainingPage } from '../report/training-page.ts';
import { openClipStream } from '../training/data/clip-stream.node.ts';
import type { DataSpec, SourceSpec } from '../training/data/types.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import { train } from '../training/loop.ts';
import { progressLine, recentPace } from '../training/progress.ts';
import { echoRecipe, echoRecipeDefaults } from '../training/recipes/echo.ts';
import { fisherRecipe, fisherRecipeDefaults } from '../training/recipes/fisher.ts';
import type { Recipe } from '../training/recipes/types.ts';
import { openRun } from '../training/run-folder.node.ts';
import { type Command, choice, flag, number, type Options, required, text, UsageError } from './command.ts';
import { note, print, writeFileSafely } from './output.ts';
import { encoderFrom, workersFrom } from './recording-options.ts';

const RECIPES = ['echo', 'fisher'] as const;
type RecipeName = (typeof RECIPES)[number];

const LOG_EVERY = 10;

/** Settings of a recipe that an option changes, each where it was given. */
function changesFrom(options: Options): Record<string, number | string> {
  const given = {
    batch: number(options, 'batch', { min: 1, integer: true }),
    patches: number(options, 'patches', { min: 4, integer: true }),
    warmUpSteps: number(options, 'warm-up', { min: 0, integer: true }),
    targetNorm: choice(options, 'target-norm', ['sequence', 'batch']),
    utteranceWeight: number(options, 'utterance-weight', { min: 0 }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<
    string,
    number | string
  >;
}

/** The recipe with its settings, for the log of the run. */
function recipeFor(
  name: RecipeName,
  size: string,
  steps: number,
  options: Options,
): { recipe: Recipe; settings: object } {
  const rate = number(options, 'learning-rate', { above: 0 });
  if (name === 'echo') {
    const config = (echoSizes as Record<string, (typeof echoSizes)['tiny']>)[size];
    if (!config) throw new UsageError(`--size: expected one of ${Object.keys(echoSizes).join(', ')}, got ${size}`);
    const settings = { ...echoRecipeDefaults, ...changesFrom(options), steps, ...(rate && { baseLearningRate: rate }) };
    return { recipe: echoRecipe(config, settings), settings };
  }
  const config = (fisherSizes as Record<string, (typeof fisherSizes)['tiny']>)[size];
  if (!config) throw new UsageError(`--size: expected one of ${Object.keys(fisherSizes).join(', ')}, got ${size}`);
  const settings = { ...fisherRecipeDefaults, ...changesFrom(options), steps, ...(rate && { learningRate: rate }) };
  return { recipe: fisherRecipe(config, settings), settings };
}

/** `PATH`, or `PATH=WEIGHT`. */
function sourceFrom(term: string): SourceSpec {
  const [, path = term, weight] = /^(.+?)(?:=([\d.]+))?$/.exec(term.trim()) ?? [];
  const value = weight === undefined ? 1 : Number(weight);
  if (!(value > 0)) throw new UsageError(`--data: expected a weight above 0, got ${weight}`);
  return path === 'simulator' ? { kind: 'simulator', weight: value } : { kind: 'files', path, weight: value };
}

function dataFrom(options: Options, clipSeconds: number): DataSpec {
  const sources = required(options, 'data', 'LIST').split(',').map(sourceFrom);
  const responses = text(options, 'responses');
  return {
    sources,
    clipSeconds,
    ...(responses !== undefined && { responses: { path: responses, probability: 0.3 } }),
    gainDecibels: number(options, 'gain', { min: 0 }) ?? 6,
    speedFactor: number(options, 'speed', { min: 1 }) ?? 1,
  };
}

/** Frames of 25 ms every 10 ms that a clip must have for `patches` patches of 16 frames, and a little to crop from. */
const secondsFor = (patches: number): number => Math.ceil((0.025 + 0.01 * (16 * patches + 4)) * 100) / 100;

export const pretrainCommand: Command = {
  summary: 'train an encoder on recordings without labels',
  usage: 'echo|fisher --data LIST --run DIR [options]',
  details:
    'LIST names folders, archives (.zip, .tar) and `simulator`, separated by commas, each with a weight: rec/=2,simulator=1.\nThe run folder holds settings, log, curves (index.html), the last two checkpoints, and encoder.safetensors for --encoder.\nCtrl-C stops after the current step, with a checkpoint; --resume goes on to the same numbers.',
  examples: [
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000',
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000 --resume',
  ],
  options: {
    data: { value: 'LIST', short: 'd', description: 'folders, archives and `simulator`, with weights' },
    run: { value: 'DIR', description: 'folder of the run' },
    size: { value: 'SIZE', description: 'size of the encoder (default tiny)' },
    steps: { value: 'N', description: 'steps in all (default 20000); may grow on resuming' },
    resume: { description: 'go on with the run in the folder' },
    batch: { value: 'N', description: 'clips per step' },
    accumulate: { value: 'N', description: 'batches per step, gradients averaged (default 1)' },
    patches: { value: 'N', description: 'time patches of 160 ms per clip (default 12)' },
    'learning-rate': { value: 'X', description: 'peak (fisher), or per 256 clips (echo)' },
    'warm-up': { value: 'N', description: 'steps of linear warm-up' },
    'target-norm': { value: 'N', description: 'sequence (as published) or batch' },
    'utterance-weight': { value: 'X', description: 'weight of the utterance loss (default 1)' },
    responses: { value: 'DIR', description: 'impulse responses that 3 in 10 clips are heard through' },
    gain: { value: 'DB', description: 'random gain within ± this (default 6)' },
    speed: { value: 'X', description: 'random speed within 1/x to x (default 1: none)' },
    seed: { value: 'N', description: 'seed of everything (default 0)' },
    'save-every': { value: 'N', description: 'steps between checkpoints (default 500)' },
    provider: { value: 'NAME', description: 'where the step runs: cpu, webgpu or cuda' },
    workers: { value: 'N', description: 'threads that read and simulate ahead (default 1)' },
  },
  async run([name, ...rest], options) {
    const recipeName = RECIPES.find((known) => known === name);
    if (!recipeName || rest.length > 0)
      throw new UsageError(`expected one of ${RECIPES.join(', ')}, got ${name ?? 'nothing'}`);
    const folder = required(options, 'run', 'DIR');
    const size = text(options, 'size') ?? 'tiny';
    const steps = number(options, 'steps', { min: 1, integer: true }) ?? echoRecipeDefaults.steps;
    const seed = number(options, 'seed', { integer: true, min: 0 }) ?? 0;
    const accumulate = number(options, 'accumulate', { integer: true, min: 1 }) ?? 1;
    const saveEvery = number(options, 'save-every', { integer: true, min: 1 }) ?? 500;
    const workers = workersFrom(options) ?? 1;
    const { provider } = encoderFrom(options, '');
    const { recipe, settings } = recipeFor(recipeName, size, steps, options);
    const patches = number(options, 'patches', { min: 4, integer: true }) ?? echoRecipeDefaults.patches;
    const data = dataFrom(options, secondsFor(patches));
    const config = {
      recipe: recipeName,
      size,
      seed,
      accumulate,
      saveEvery,
      settings: { ...settings, steps: undefined },
      data,
      steps,
      workers,
      provider,
    };
    const architecture = namedArchitectures.get(`${recipeName}-${size}`);
    if (!architecture) throw new UsageError(`--size: no ${recipeName} of size ${size}`);
    const run = openRun(folder, config, { resume: flag(options, 'resume'), warn: note });
    const stop = new AbortController();
    const onSignal = () => {
      note('stopping after this step');
      stop.abort();
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    const title = `${recipeName}-${size}`;
    const lines = run.metrics();
    const before = lines.length > 0 ? (lines[lines.length - 1].seconds ?? 0) : 0;
    const started = performance.now();
    const seconds = () => before + (performance.now() - started) / 1000;
    const streams: { close(): Promise<void> }[] = [];
    try {
      const end = await train({
        recipe,
        steps,
        seed,
        accumulate,
        logEvery: LOG_EVERY,
        saveEvery,
        clips: async function* (from, batch) {
          const stream = await openClipStream(data, { seed, from, batch, workers });
          streams.push(stream);
          let told = 0;
          for await (const next of stream) {
            for (const warning of stream.warnings.slice(told)) note(warning);
            told = stream.warnings.length;
            yield next;
          }
        },
        store: {
          load: () => run.loadCheckpoint()?.state,
          save: (state) => {
            run.saveCheckpoint(state, {});
            exportEncoder(state, architecture, join(folder, 'encoder.safetensors'), { weights: 'student' });
            writeFileSafely(
              join(folder, 'index.html'),
              renderTrainingPage({ title, config: { ...config }, metrics: lines }),
            );
          },
          log: (record) => {
            const line = { ...record, step: record.step, seconds: seconds() };
            lines.push(line);
            run.log(line);
          },
        },
        onStep: (state, record) => {
          if (!process.stderr.isTTY) return;
          const { loss, frameLoss, utteranceLoss, learningRate, clipsPerSecond } = record;
          const pace = recentPace(lines);
          const line = progressLine({
            step: state.step,
            steps,
            losses: { loss, frame: frameLoss, utterance: utteranceLoss },
            learningRate,
            clipsPerSecond,
            ...(pace !== undefined && { secondsPerStep: pace }),
          });
          process.stderr.write(`\r\x1b[K${line}`);
        },
        stopped: () => stop.signal.aborted,
        ...(provider && { runtime: { provider } }),
      });
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      const encoder = join(folder, 'encoder.safetensors');
      print(
        end.reason === 'finished'
          ? `${title}: ${end.state.step} steps done; use it with --encoder ${encoder}, curves in ${join(folder, 'index.html')}`
          : `${title}: stopped after step ${end.state.step} with a checkpoint; go on with --resume`,
      );
      return 0;
    } finally {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      for (const stream of streams) await stream.close();
      run.close();
    }
  },
};
