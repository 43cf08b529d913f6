// BEATs: audio tokens by self-distilled tokenizers (arXiv 2212.09058; released code, commit 768a3c8).

import type { Feeds, Program } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { relativeBuckets } from '../nn/relative-positions.ts';
import { InputError } from '../signal/errors.ts';
import { beatsFbank } from '../signal/kaldi-fbank.ts';
import type { BandTransformer } from './band-transformer.ts';
import { type BeatsConfig, beatsGraph, beatsTokens, beatsTransformer } from './beats-transformer.ts';
import type { ConfigHints } from './config-hints.ts';
import { type Architecture, architecturesOf, countLayers, type Family, type StateDict, shapeAt } from './family.ts';
import {
  COLUMNS,
  createMelEncoder,
  cutPatches,
  MEL_RATE,
  MELS,
  type MelWindow,
  oneSequence,
  PATCH,
  PATCH_SIZE,
  patchFeeds,
} from './mel-patches.ts';
import { findCounts, findSetting } from './published-settings.ts';
import { requireRate, requireSamples } from './requirements.ts';
import { segmentStarts } from './segment-starts.ts';
import type { Features, Trunk } from './trunk.ts';
import type { Encoder } from './types.ts';

/** The published size. */
export const beatsSizes = {
  base: {
    width: 768,
    depth: 12,
    heads: 12,
    hidden: 3072,
    patchWidth: 512,
    buckets: 320,
    maxDistance: 800,
    convKernel: 128,
    convGroups: 16,
  },
} satisfies Record<string, BeatsConfig>;

/** 16 frames of 25 ms, 10 ms apart: one step of time. */
const LEAST_SAMPLES = 2800;
/** Samples heard at once: 10 s, the length of the clips of pre-training. */
const WINDOW = 10 * MEL_RATE;
/** The bias makes the attention of every head an array of its own: 4 windows of 10 s take some 200 MB. */
const TOKENS_PER_RUN = 2048;

/** Steps of time in `samples` samples; frames that do not fill the last one are dropped. */
const rowsIn = (samples: number): number => Math.floor((1 + Math.floor((samples - 400) / 160)) / PATCH);

/** The normalised log-mels of samples at 16 kHz. The mean is left in, as the released code does; every frame loses its own. */
function beatsFeatures(samples: Float32Array, name?: string): Features {
  requireSamples('beats', samples.length, LEAST_SAMPLES, MEL_RATE, name);
  const { values, frames } = beatsFbank(samples, MEL_RATE);
  return { values, frames, bins: MELS };
}

const bucketsFor = ({ buckets, maxDistance }: BeatsConfig, length: number): Feeds => ({
  buckets: relativeBuckets(length, buckets, maxDistance),
});

/**
 * A padding mask (1: padded) at a coarser rate, as the released code makes it, from samples to frames and from frames to
 * tokens: what does not divide is dropped from the end, and a group is padded if all of it is. [length]
 */
export function coarserMask(mask: Uint8Array, length: number): Uint8Array {
  const group = Math.floor(mask.length / length);
  return Uint8Array.from({ length }, (_, i) => (mask.subarray(i * group, (i + 1) * group).every(Boolean) ? 1 : 0));
}

/**
 * A BEATs encoder around a compiled program of `beatsGraph`: the mean of the final tokens [D]. Recordings of other rates
 * are resampled to 16 kHz. The weights read any length, but were trained on 10 s: longer recordings are cut into windows of
 * 10 s, the last one ending with the recording, and the embedding is the mean over windows (as SIREN does).
 * Recordings below 175 ms are refused.
 */
export function createBeats(id: string, fingerprint: string, config: BeatsConfig, program: Program): Encoder {
  const transformer: BandTransformer = {
    program,
    width: config.width,
    patchSize: PATCH_SIZE,
    tokensPerRun: TOKENS_PER_RUN,
    inputs: (patches) => bucketsFor(config, patches),
  };
  return createMelEncoder(id, fingerprint, transformer, (samples, name) =>
    segmentStarts(samples.length, WINDOW).map(({ from, frames: count }): MelWindow => {
      const { values } = beatsFeatures(samples.subarray(from, from + count), name);
      const rows = rowsIn(count);
      return { start: from / MEL_RATE, rows, sequence: oneSequence(cutPatches(values, rows)) };
    }),
  );
}

/** BEATs for fine-tuning: log-mels in, the encoder's input and every layer out; no CLS. */
const beatsTrunk = (config: BeatsConfig): Trunk => ({
  sampleRate: MEL_RATE,
  leastSamples: () => LEAST_SAMPLES,
  width: config.width,
  states: config.depth + 1,
  features: (samples, sampleRate) => {
    requireRate('beats', sampleRate, MEL_RATE);
    return beatsFeatures(samples);
  },
  feeds: (features) => {
    const rows = Math.floor(features[0].frames / PATCH);
    return { ...patchFeeds(features, rows), ...bucketsFor(config, rows * COLUMNS) };
  },
  graph: (scope, { count, samples }, options) => {
    const length = rowsIn(samples) * COLUMNS;
    const { tokens } = beatsTokens(scope, config, input('patches', [count, length, PATCH_SIZE]));
    const buckets = input('buckets', [length, length], 'int64');
    const { normed, layers } = beatsTransformer(scope, config, tokens, buckets, options);
    const grid = [1, rowsIn(samples), COLUMNS] as const;
    return { states: [normed, ...layers.map(({ output }) => output)], cls: 0, grid };
  },
});

const beatsArchitecture = (config: BeatsConfig): Architecture => ({
  family: 'beats',
  config,
  graph: (scope, options) => beatsGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createBeats(id, fingerprint, config, program),
  trunk: beatsTrunk(config),
});

const refused = (found: string): InputError =>
  new InputError(`loadEncoder: expected a BEATs as published, found ${found}, which is not supported`);

/**
 * What the `cfg` of a file says that shapes do not; nothing else in it changes what is computed.
 * @throws InputError for layers that begin with their norms, which no published BEATs has
 */
function beatsHints(settings: unknown): ConfigHints {
  if (findSetting(settings, 'boolean', 'layer_norm_first')) throw refused('layer_norm_first');
  const plain = findSetting(settings, 'boolean', 'deep_norm') === false;
  return { ...findCounts(settings, { maxDistance: ['max_distance'] }), ...(plain && { deepNorm: 'off' }) };
}

/**
 * The configuration that shapes make. What they leave open is as in the published files unless the file's `cfg` says
 * otherwise; the defaults of the released class are others, and wrong for them.
 */
function inferBeats(weights: StateDict, { maxDistance = 800, deepNorm }: ConfigHints): Architecture {
  if (weights.has('patch_embedding.bias')) throw refused('patch_embedding.bias');
  const layer = 'encoder.layers.0';
  const [width, perGroup, convKernel] = shapeAt(weights, 'encoder.pos_conv.0.weight_v');
  const [buckets, heads] = shapeAt(weights, `${layer}.self_attn.relative_attention_bias.weight`);
  return beatsArchitecture({
    width,
    depth: countLayers(weights, 'encoder.layers.', '.fc1.weight'),
    heads,
    hidden: shapeAt(weights, `${layer}.fc1.weight`)[0],
    patchWidth: shapeAt(weights, 'patch_embedding.weight')[0],
    buckets,
    maxDistance,
    convKernel,
    convGroups: width / perGroup,
    ...(deepNorm && { deepNorm }),
  });
}

/** Files of the authors: {"cfg", "model"}; a fine-tuned one also has `predictor` and `label_dict`, which are left out. */
export const beatsFamily: Family = {
  name: 'beats',
  sizes: architecturesOf<BeatsConfig>(beatsSizes, beatsArchitecture),
  recognises: (weights) => weights.has('patch_embedding.weight') && weights.has('encoder.pos_conv.0.weight_v'),
  hintsFrom: beatsHints,
  infer: inferBeats,
};
