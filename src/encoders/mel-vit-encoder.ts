// CED and Dasheng as encoders, in training and in files: recordings in chunks, tokens to embeddings, crops to hidden states.
import { float32, type Program } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import { type BandOutputs, type BandSequences, embedTogether } from './band-transformer.ts';
import { type Architecture, type ConfigHints, countLayers, headsFor, type StateDict, shapeAt } from './family.ts';
import {
  checkStoredFrontEnd,
  MEL_HOP,
  MEL_RATE,
  MELS,
  melDb,
  melStatistics,
  melStatisticsName,
  normaliseMel,
  untrainedMelStatistics,
} from './mel-db.ts';
import {
  type Chunk,
  type MelVit,
  type MelVitConfig,
  melPatches,
  melVitGraph,
  melVitStates,
  mostColumns,
  patchRows,
} from './mel-vit.ts';
import { onlyChannel } from './mono.ts';
import type { Trunk } from './trunk.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

/** Fewest samples at a rate that make a column of patches at 16 kHz (resampling rounds their number up). */
const leastSamples = ({ patchFrames }: MelVit, rate: number): number =>
  Math.floor((((patchFrames - 1) * MEL_HOP - 1) * rate) / MEL_RATE) + 1;

const seconds = (samples: number, rate: number): string => `${Number((samples / rate).toPrecision(3))} s`;

function checkLength(vit: MelVit, samples: number, rate: number, name?: string): void {
  const least = leastSamples(vit, rate);
  if (samples >= least) return;
  throw new InputError(
    `${vit.family}: expected at least ${least} samples (${seconds(least, rate)} at ${rate} Hz, ${vit.patchFrames} frames), got ${samples}${name === undefined ? '' : ` (${name})`}; use a longer recording`,
  );
}

/** Features over time: a row of D for every column of patches that was heard, the mean over its patches. */
function framesOf(vit: MelVit, chunks: readonly Chunk[], outputs: readonly BandOutputs[], bands: Band[]): Frames {
  const width = bands[0].end;
  const rows = patchRows(vit);
  const count = chunks.reduce((sum, { heard }) => sum + heard, 0);
  const values = new Float32Array(count * width);
  const starts = new Float64Array(count);
  let at = 0;
  for (const [i, { from, columns, heard }] of chunks.entries()) {
    for (let t = 0; t < heard; t++, at++) {
      starts[at] = ((from + t * vit.patchFrames) * MEL_HOP) / MEL_RATE;
      for (let row = 0; row < rows; row++) {
        const token = (row * columns + t) * width;
        for (let d = 0; d < width; d++) values[at * width + d] += outputs[i].tokens[token + d] / rows;
      }
    }
  }
  return { values, count, width, starts, seconds: (vit.patchFrames * MEL_HOP) / MEL_RATE, bands };
}

/** Mean of all tokens that count. */
function meanToken(vit: MelVit, chunks: readonly Chunk[], outputs: readonly BandOutputs[], width: number) {
  const sum = new Float64Array(width);
  let count = 0;
  for (const [i, { columns, counted }] of chunks.entries()) {
    for (let row = 0; row < patchRows(vit); row++) {
      for (let token = row * columns; token < row * columns + counted; token++, count++) {
        for (let d = 0; d < width; d++) sum[d] += outputs[i].tokens[token * width + d];
      }
    }
  }
  return Float32Array.from(sum, (value) => value / count);
}

type Prepared = { chunks: Chunk[]; sequences: BandSequences[] };

/**
 * An encoder around a compiled program of `melVitGraph`. Recordings of other rates are resampled to 16 kHz; long ones are
 * read in the chunks of the family. The embedding is the mean of the tokens [D]; one band, 0 to 8 kHz.
 */
function createMelVit(
  id: string,
  fingerprint: string,
  vit: MelVit,
  config: MelVitConfig,
  weights: StateDict,
  program: Program,
): Encoder {
  const { width } = config;
  const transformer = { program, width, patchSize: vit.patchMels * vit.patchFrames };
  const bands: Band[] = [{ lowHz: 0, highHz: MEL_RATE / 2, start: 0, end: width }];
  const prepare = (recording: Recording): Prepared => {
    const { sampleRate, name } = recording;
    const samples = onlyChannel(recording);
    checkLength(vit, samples.length, sampleRate, name);
    const [levels] = melDb([sampleRate === MEL_RATE ? samples : resample(samples, sampleRate, MEL_RATE)]);
    const values = normaliseMel(levels, weights);
    const chunks = vit.chunks(levels.frames, config);
    return { chunks, sequences: chunks.map((chunk) => melPatches(values, chunk, vit)) };
  };
  const embedMany = (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> =>
    embedTogether(transformer, recordings.map(prepare), ({ chunks }, outputs) => ({
      vector: meanToken(vit, chunks, outputs, width),
      bands,
      ...(options.frames && { frames: framesOf(vit, chunks, outputs, bands) }),
    }));
  return {
    id,
    fingerprint,
    embedMany,
    embed: async (recording, options) => (await embedMany([recording], options))[0],
    release: () => program.release(),
  };
}

/** Crops of one chunk, at 16 kHz; their features are the levels after the batch norm, whose statistics stay as they are. */
function melVitTrunk(vit: MelVit, config: MelVitConfig, statistics: StateDict): Trunk {
  const size = vit.patchMels * vit.patchFrames;
  const framesIn = (samples: number): number => {
    const frames = 1 + Math.floor(samples / MEL_HOP);
    if (frames <= config.targetLength) return frames;
    const most = config.targetLength * MEL_HOP - 1;
    throw new InputError(
      `${vit.family}: expected crops of at most ${most} samples (${seconds(most, MEL_RATE)}, ${config.targetLength} frames), got ${samples}; cut shorter crops`,
    );
  };
  const columnsOf = (frames: number): number => Math.floor(frames / vit.patchFrames);
  return {
    sampleRate: MEL_RATE,
    leastSamples: (sampleRate) => leastSamples(vit, sampleRate),
    width: config.width,
    states: config.depth + 1,
    features: (samples, sampleRate) => {
      if (sampleRate !== MEL_RATE) {
        throw new InputError(`${vit.family}: expected crops at ${MEL_RATE} Hz, got ${sampleRate} Hz; resample them`);
      }
      checkLength(vit, samples.length, sampleRate);
      const frames = framesIn(samples.length);
      return { values: normaliseMel(melDb([samples])[0], statistics), frames, bins: MELS };
    },
    feeds: (features) => {
      const columns = columnsOf(features[0].frames);
      const chunk = { from: 0, columns, counted: columns, heard: columns };
      const patches = patchRows(vit) * columns;
      const values = new Float32Array(features.length * patches * size);
      for (const [i, crop] of features.entries()) {
        values.set(melPatches(crop.values, chunk, vit).values, i * patches * size);
      }
      return { patches: float32(values, [features.length, patches, size]) };
    },
    graph: (scope, { count, samples }, options) => {
      const columns = columnsOf(framesIn(samples));
      const patches = input('patches', [count, patchRows(vit) * columns, size]);
      return { states: melVitStates(scope, vit, config, patches, columns, options), cls: 0 };
    },
  };
}

/** A configuration made ready; `statistics` are those of the checkpoint's batch norm. */
export function melVitArchitecture(
  vit: MelVit,
  config: MelVitConfig,
  statistics: Map<string, StoredTensor> = untrainedMelStatistics(),
): Architecture {
  return {
    family: vit.family,
    config,
    frontEnd: statistics,
    graph: (scope, options) => melVitGraph(scope, vit, config, options),
    create: (id, fingerprint, weights, program) => createMelVit(id, fingerprint, vit, config, weights, program),
    trunk: melVitTrunk(vit, config, statistics),
  };
}

/** The names of the original releases; Hugging Face's have `encoder.` in front and `init_bn` without `.1`. */
export const melVitName = (name: string): string => melStatisticsName(name.replace(/^encoder\./, ''));

/** Whether tensors are those of a family: its patches, and positions over time and frequency. */
export const recognisesMelVit = ({ patchMels, patchFrames }: MelVit, weights: StateDict): boolean =>
  weights.has('time_pos_embed') &&
  weights.has('freq_pos_embed') &&
  weights.get('patch_embed.proj.weight')?.shape.slice(1).join() === [1, patchMels, patchFrames].join();

/**
 * The architecture of a checkpoint. Heads that no hint says are those of the published size of this width, else width / 64;
 * `targetLength` that no hint says is the published one where as many positions are stored, else what they reach.
 * @throws InputError if shapes make no such model, or its front end is another
 */
export function inferMelVit(
  vit: MelVit,
  sizes: Record<string, MelVitConfig>,
  weights: StateDict,
  hints: ConfigHints,
): Architecture {
  checkStoredFrontEnd(weights);
  const [width] = shapeAt(weights, 'patch_embed.proj.weight');
  const columns = shapeAt(weights, 'time_pos_embed')[3];
  const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
  const published = Object.values(sizes);
  const known = published.find((size) => size.width === width && size.depth === depth);
  const heads = hints.heads ?? known?.heads;
  const reached = published.find((size) => size.columns === columns)?.targetLength ?? columns * vit.patchFrames;
  const { targetLength = reached, chunks } = hints;
  const config: MelVitConfig = {
    width,
    depth,
    heads: headsFor(width, heads === undefined ? {} : { heads }),
    columns,
    targetLength,
    ...(chunks !== undefined && { chunks }),
  };
  if (mostColumns(vit, config) < 1) {
    throw new InputError(`loadEncoder: expected a targetLength of at least ${vit.patchFrames}, got ${targetLength}`);
  }
  return melVitArchitecture(vit, config, melStatistics(weights));
}

/** Published sizes as architectures, with the statistics of random weights. */
export const architecturesOf = (vit: MelVit, sizes: Record<string, MelVitConfig>): Record<string, Architecture> =>
  Object.fromEntries(Object.entries(sizes).map(([name, config]) => [name, melVitArchitecture(vit, config)]));
