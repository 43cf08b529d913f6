// Fine-tuning for anomalous sound, in its run folder: the encoder on classes of normal recordings, then transformer pooling
// over segments, then a detector for every machine.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DetectorSettings } from '../detection/detector.ts';
import { writeDetector } from '../detection/detector-file.ts';
import { fitFiles } from '../detection/fit-files.node.ts';
import { buildEncoder } from '../encoders/build.ts';
import type { TunedConfig } from '../encoders/config-hints.ts';
import { loadWeights, readCheckpoint } from '../encoders/load.node.ts';
import { tunedArchitecture } from '../encoders/tuned.ts';
import { MIX_KEY, SEGMENTS_PREFIX } from '../encoders/tuned-head.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { InputError, inputMessage } from '../signal/errors.ts';
import { labelledClasses } from '../training/data/labelled-classes.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { epochItem } from '../training/data/sampler.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import {
  type SegmentPoolingOptions,
  type SegmentSet,
  segmentPoolingRecipe,
} from '../training/recipes/segment-pooling.ts';
import { readRunConfig } from '../training/run-config.ts';
import { segmentSets } from '../training/segment-sets.node.ts';
import { initialState, type TrainingState } from '../training/step.ts';
import { planTuning, type TuneBase, type TunePlan } from '../training/tuned-plan.ts';
import type { FinetuneSettings } from './finetune-options.ts';
import { dataHash, encoderFile, hasRun, rateOfData, tuneOnCrops } from './finetune-run.ts';
import { createProgress, note, writeFileSafely } from './output.ts';
import { createStatusLine, trainInFolder } from './training-run.ts';

export type AsdSettings = FinetuneSettings & {
  items: readonly LabelledItem[];
  /** Width of the embedding. */
  embedding: number;
  /** Transformer pooling, if it is wanted, and the time from one segment to the next. */
  segmentPooling?: SegmentPoolingOptions & { hopSeconds: number; heads: number; hidden: number };
};

export type TunedStage = { encoder: string; folder: string };

type Stage<T> = { status?: number; step: number; result: T };

/** Stage 1: the encoder and its head on crops. */
async function tuneEncoder(settings: AsdSettings, base: TuneBase): Promise<Stage<TunePlan>> {
  const { items, crops, options } = settings;
  const classes = labelledClasses(items, crops.speeds);
  const sampleRate = settings.rate ?? (await rateOfData(items));
  const { cropSeconds, mix, pooling, embedding } = settings;
  const shape = { sampleRate, cropSeconds, hopSeconds: cropSeconds, mix, ...(pooling && { pooling }), embedding };
  const plan = planTuning(base, shape, { count: classes.names.length, of: ({ classIndex }) => [classIndex] }, options);
  return { ...(await tuneOnCrops('asd', settings, base, plan, items)), result: plan };
}

/** Sets by their number, each once per epoch. */
async function* setBatches(sets: readonly SegmentSet[], seed: number, from: number, batch: number) {
  for (let first = from; ; first += batch) {
    const clips = Array.from({ length: batch }, (_, i) => {
      const n = first + i;
      return sets[epochItem(seed, 0, sets.length, Math.floor(n / sets.length), n % sets.length)];
    });
    yield { clips };
  }
}

/** The encoder of stage 1 with transformer pooling, its weights drawn or those of `state`. */
function pooledEncoder(stage1: string, config: TunedConfig, base: TuneBase, state: TrainingState, out: string): void {
  const values = new Map(Array.from(readCheckpoint(stage1).weights, ([name, tensor]) => [name, toFloat32(tensor)]));
  for (const [name, own] of state.parameters) if (name.startsWith(SEGMENTS_PREFIX)) values.set(name, own);
  const architecture = tunedArchitecture(config, base.architecture, base.weights);
  const shapes = new Map(Array.from(values, ([name, own]) => [name, [own.length]]));
  const whole = initialState({ shapes, trainedNames: [], teacherNames: [] }, values);
  exportEncoder({ ...whole, step: state.step }, architecture, out, { weights: 'student' });
}

/** Whether pooling that has begun learns from this encoder. @throws InputError where stage 1 has gone on since */
function checkSameEncoder(folder: string, fingerprint: string): void {
  if (!hasRun(folder)) return;
  const path = join(folder, 'config.json');
  const { data } = readRunConfig(readFileSync(path, 'utf8'), path) as { data?: { encoder?: unknown } };
  if (data?.encoder === fingerprint) return;
  throw new InputError(
    `finetune: expected the encoder that ${folder} began with, found one trained further since; remove ${folder}, then resume`,
  );
}

/** Stage 2: transformer pooling on the segments that the encoder of stage 1 hears. */
async function tunePooling(
  settings: AsdSettings,
  { hopSeconds, heads, hidden, ...options }: NonNullable<AsdSettings['segmentPooling']>,
  base: TuneBase,
  plan: TunePlan,
): Promise<Stage<string>> {
  const { items, crops, seed } = settings;
  const folder = join(settings.folder, 'pooling');
  mkdirSync(folder, { recursive: true });
  const stage1 = encoderFile(settings.folder);
  const config: TunedConfig = {
    ...plan.config,
    hopSamples: Math.max(1, Math.round(hopSeconds * plan.config.sampleRate)),
  };
  const architecture = tunedArchitecture(config, base.architecture, base.weights);
  const encoder = await buildEncoder('stage 1', architecture, readCheckpoint(stage1).weights);
  checkSameEncoder(folder, encoder.fingerprint);
  const progress = createProgress('segments of');
  const sets = await segmentSets(encoder, {
    items,
    ...(crops.speeds && { speeds: crops.speeds }),
    file: join(settings.folder, 'segments.safetensors'),
    onItem: progress.update,
    warn: note,
  });
  progress.end();
  await encoder.release();
  const classes = labelledClasses(items, crops.speeds).names.length;
  const segments = sets.reduce((most, set) => Math.max(most, set.segments), 1);
  const pooled: TunedConfig & { segments: { heads: number; hidden: number } } = {
    ...config,
    segments: { heads, hidden },
  };
  const recipe = segmentPoolingRecipe(pooled, { width: settings.embedding, segments, classes }, options);
  const status = createStatusLine();
  const end = await trainInFolder<SegmentSet>({
    title: `transformer pooling: ${base.id}`,
    folder,
    resume: hasRun(folder),
    config: {
      recipe: 'segment pooling',
      seed,
      saveEvery: settings.saveEvery,
      settings: { ...options, steps: undefined, warmUpSteps: undefined, heads, hidden, hopSeconds },
      data: { segments: sets.length, hash: dataHash(items), encoder: encoder.fingerprint },
      steps: options.steps,
    },
    recipe,
    seed,
    accumulate: 1,
    saveEvery: settings.saveEvery,
    clips: (from, batch) => setBatches(sets, seed, from, batch),
    publish: (state) => pooledEncoder(stage1, pooled, base, state, encoderFile(folder)),
    status,
  });
  return { step: end.state.step, ...(end.status !== undefined && { status: end.status }), result: encoderFile(folder) };
}

/** Distances between what the loss has put at angles: cosine, to the nearest, nothing learned on top. */
const detectorSettings: Partial<DetectorSettings> = { metric: 'cosine', k: 1, transform: 'none' };

/**
 * A detector for every machine, of its normal recordings, with a bank for each domain; in a folder beside the encoder. A
 * machine of which no recording can be used is noted and left out.
 * @throws InputError where that leaves none
 */
export async function fitDetectors(encoder: string, folder: string, items: readonly LabelledItem[], workers?: number) {
  mkdirSync(folder, { recursive: true });
  const groups = new Map<string, LabelledItem[]>();
  for (const item of items)
    groups.set(item.group ?? 'detector', [...(groups.get(item.group ?? 'detector') ?? []), item]);
  const written: string[] = [];
  for (const [group, own] of groups) {
    const domains = new Map(own.map(({ path, domain }) => [path, domain ?? 'source']));
    try {
      const { detector, failures, warnings } = await fitFiles([...new Set(own.map(({ path }) => path))], {
        encoder: { encoder },
        read: own[0].read ?? {},
        preparation: { channel: (own[0].channel ?? 1) - 1, segmentSeconds: null },
        settings: detectorSettings,
        ...(own.some(({ domain }) => domain !== undefined) && { domains: (path: string) => domains.get(path) }),
        ...(workers !== undefined && { workers }),
      });
      for (const line of [...failures.map(({ message }) => `${message}; it is left out`), ...warnings]) note(line);
      const path = join(folder, `${group.replaceAll(/[^\w.-]+/g, '_')}.thrum`);
      writeFileSafely(path, await writeDetector(detector));
      written.push(path);
    } catch (error) {
      note(`no detector of ${group}: ${inputMessage(error)}`);
    }
  }
  if (written.length === 0) throw new InputError(`finetune: no detector could be fitted with ${encoder}; see above`);
  return written;
}

export type AsdEnd =
  | { status: number; step: number }
  | { stage1: string; encoder: string; classes: number; layers?: number[] };

/** Shares of the layers that the mix has learned. */
export function layerShares(encoder: string): number[] | undefined {
  const mix = readCheckpoint(encoder).weights.get(MIX_KEY);
  if (!mix) return undefined;
  const powers = Array.from(toFloat32(mix), Math.exp);
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** Both stages; the encoder that comes out hears recordings as a whole. Stopped by a signal, it says at which step. */
export async function runAsd(settings: AsdSettings): Promise<AsdEnd> {
  const base = loadWeights({ encoder: settings.encoder });
  const first = await tuneEncoder(settings, base);
  if (first.status !== undefined) return { status: first.status, step: first.step };
  const stage1 = encoderFile(settings.folder);
  const classes = labelledClasses(settings.items, settings.crops.speeds).names.length;
  const layers = layerShares(stage1);
  const made = { stage1, classes, ...(layers && { layers }) };
  if (!settings.segmentPooling) return { ...made, encoder: stage1 };
  const second = await tunePooling(settings, settings.segmentPooling, base, first.result);
  if (second.status !== undefined) return { status: second.status, step: second.step };
  return { ...made, encoder: second.result };
}
