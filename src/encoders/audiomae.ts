// AudioMAE: a masked autoencoder that listens, of which the encoder is kept (arXiv 2207.06405; released code, commit bd60e29).

import type { Program } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { eatFbank } from '../signal/kaldi-fbank.ts';
import { type AudiomaeConfig, audiomaeBlocks, audiomaeGraph, audiomaeTokens } from './audiomae-transformer.ts';
import type { ConfigHints } from './config-hints.ts';
import {
  type Architecture,
  architecturesOf,
  countLayers,
  type Family,
  headsFor,
  type StateDict,
  shapeAt,
} from './family.ts';
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
import { requireRate, requireSamples } from './requirements.ts';
import { segmentStarts } from './segment-starts.ts';
import type { Features, Trunk } from './trunk.ts';
import type { Encoder } from './types.ts';

/** The published size. */
export const audiomaeSizes = {
  base: { width: 768, depth: 12, heads: 12, frames: 1024 },
} satisfies Record<string, AudiomaeConfig>;

/** One frame. */
const LEAST_SAMPLES = 400;
/** Of AudioSet: (x - mean) / (2 deviation). */
export const AUDIOMAE_MEAN = -4.2677393;
export const AUDIOMAE_DEVIATION = 4.5689974;

const normalise = (value: number): number => (value - AUDIOMAE_MEAN) / (2 * AUDIOMAE_DEVIATION);

/** Frames from `from` on, normalised: cut to `frames`, or zeros (before the normalisation) where they run out. [frames, 128] */
export function audiomaeInput(values: Float32Array, from: number, frames: number): Float32Array {
  const own = values.subarray(from * MELS, (from + frames) * MELS);
  const out = new Float32Array(frames * MELS).fill(normalise(0));
  out.set(own.map(normalise));
  return out;
}

/** Log-mels of samples at 16 kHz: mean removed, not yet normalised. */
function audiomaeFbank(samples: Float32Array, name?: string): { values: Float32Array; frames: number } {
  requireSamples('audiomae', samples.length, LEAST_SAMPLES, MEL_RATE, name);
  return eatFbank(samples, MEL_RATE);
}

/**
 * An AudioMAE encoder around a compiled program of `audiomaeGraph`. Recordings of other rates are resampled to 16 kHz;
 * shorter ones are padded to the length of the stored positions (1024 frames, 10.24 s), longer ones cut into windows of
 * it, the last one ending with the recording, and the embedding is the mean over windows [D].
 */
export function createAudiomae(id: string, fingerprint: string, config: AudiomaeConfig, program: Program): Encoder {
  const { width, frames } = config;
  return createMelEncoder(id, fingerprint, { program, width, patchSize: PATCH_SIZE }, (samples, name) => {
    const spectrogram = audiomaeFbank(samples, name);
    return segmentStarts(spectrogram.frames, frames).map(
      ({ from, frames: heard }): MelWindow => ({
        start: from * 0.01,
        rows: Math.ceil(heard / PATCH),
        sequence: oneSequence(cutPatches(audiomaeInput(spectrogram.values, from, frames), frames / PATCH)),
      }),
    );
  });
}

/** AudioMAE for fine-tuning: padded or cut log-mels in, the tokens with positions and every block out; CLS first. */
const audiomaeTrunk = (config: AudiomaeConfig): Trunk => {
  const { width, depth, frames } = config;
  const rows = frames / PATCH;
  return {
    sampleRate: MEL_RATE,
    leastSamples: () => LEAST_SAMPLES,
    width,
    states: depth + 1,
    features: (samples, sampleRate): Features => {
      requireRate('audiomae', sampleRate, MEL_RATE);
      return { values: audiomaeInput(audiomaeFbank(samples).values, 0, frames), frames, bins: MELS };
    },
    feeds: (features) => patchFeeds(features, rows),
    graph: (scope, { count }, options) => {
      const { tokens } = audiomaeTokens(scope, config, input('patches', [count, rows * COLUMNS, PATCH_SIZE]));
      const states = [tokens, ...audiomaeBlocks(scope, config, tokens, options)];
      return { states, cls: 1, grid: [1, rows, COLUMNS] };
    },
  };
};

const audiomaeArchitecture = (config: AudiomaeConfig): Architecture => ({
  family: 'audiomae',
  config,
  graph: (scope, options) => audiomaeGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createAudiomae(id, fingerprint, config, program),
  trunk: audiomaeTrunk(config),
});

function inferAudiomae(weights: StateDict, hints: ConfigHints): Architecture {
  const [, positions, width] = shapeAt(weights, 'pos_embed');
  if ((positions - 1) % COLUMNS !== 0) {
    throw new InputError(
      `loadEncoder: expected pos_embed of 1 + a multiple of ${COLUMNS} rows (patches of ${MELS} mels), got ${positions}`,
    );
  }
  return audiomaeArchitecture({
    width,
    depth: countLayers(weights, 'blocks.', '.attn.qkv.weight'),
    heads: headsFor(width, hints),
    frames: ((positions - 1) / COLUMNS) * PATCH,
    ...(weights.has('fc_norm.weight') && { fcNorm: 'stored' }),
  });
}

/**
 * Files of the authors: {"model", "optimizer", "epoch", "scaler", "args"}. Decoder, mask token, `norm` (pre-trained) and
 * head (fine-tuned) are left out.
 */
export const audiomaeFamily: Family = {
  name: 'audiomae',
  sizes: architecturesOf<AudiomaeConfig>(audiomaeSizes, audiomaeArchitecture),
  recognises: (weights) =>
    ['cls_token', 'pos_embed', 'patch_embed.proj.weight', 'blocks.0.attn.qkv.weight'].every((key) => weights.has(key)),
  infer: inferAudiomae,
};
