// ECHO: frequency-aware sub-band encoder for signals of any rate and length (arXiv 2508.14689; released code, commit f55b5a3).

import { add, mul } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import type { Program } from '../graph/runtime.ts';
import { concat, slice } from '../graph/slicing.ts';
import { type Dim, input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { interleavedPosition, sineCosinePositions } from '../nn/positions.ts';
import { type BlockNames, norm, postNormBlocks, prependToken } from '../nn/transformer.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import type { Recording } from '../signal/recording.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import {
  assembleEmbedding,
  type BandOutputs,
  type BandSequences,
  type BandTransformer,
  embedTogether,
  type GraphOptions,
  placeFrames,
} from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import { bandWidth, echoPool } from './echo-pool.ts';
import { onlyChannel } from './requirements.ts';
import { segmentStarts } from './segment-starts.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

export type EchoConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Bins of a band: also the height of a patch. */
  bandBins: number;
  /** Frames of a patch. */
  patchFrames: number;
  /** Frames that are read at once, 2000 where nothing is said; longer recordings are averaged over segments. */
  segmentFrames?: number;
  /**
   * `removed`: the mean of the whole spectrogram is taken away before anything else, so that the same sound at another
   * volume is the same input (ours). Kept where nothing is said, as published.
   */
  level?: 'removed';
  /**
   * With `level: 'removed'`: every band's part of the embedding ends with this times the level that was taken away, in
   * units of the spectrogram. So loudness is one feature with a weight of its own, and not a part of all others (ours).
   */
  levelWeight?: number;
  /**
   * `overlap`: where frames do not fill the last patch it begins earlier, and a recording shorter than a patch is
   * repeated (ours). Else zeros follow, as published: of a short recording they are a large part.
   */
  tail?: 'overlap';
  /**
   * `0:2,3:1`: the embedding of a band is twice the mean over time of its patch embeddings, followed by the mean of its
   * tokens after block 3 (ours); later blocks are left out. Else it is CLS after all blocks, as published.
   */
  pool?: string;
};

const released = { bandBins: 32, patchFrames: 16 };

/** The published sizes (paper, table 2); `large` is in the code only. */
export const echoSizes = {
  tiny: { width: 192, depth: 12, heads: 3, ...released },
  small: { width: 384, depth: 12, heads: 6, ...released },
  base: { width: 768, depth: 12, heads: 12, ...released },
  large: { width: 1024, depth: 24, heads: 16, ...released },
} satisfies Record<string, EchoConfig>;

const EPSILON = 1e-6;
/** Of the released encoder. */
const SEGMENT_FRAMES = 2000;
/** Scale of the relative frequency position (paper, equation 3). */
const GAMMA = 25;

const blockNames = (i: number): BlockNames => {
  const layer = `encoder.layers.${i}`;
  return {
    qkvWeight: `${layer}.self_attn.in_proj_weight`,
    qkvBias: `${layer}.self_attn.in_proj_bias`,
    projection: `${layer}.self_attn.out_proj`,
    norm1: `${layer}.norm1`,
    norm2: `${layer}.norm2`,
    hidden: `${layer}.linear1`,
    output: `${layer}.linear2`,
  };
};

/** The encoder's input: the published spectrogram, and what was taken from it where the configuration says so (else 0). */
export function echoInput(
  samples: Float32Array,
  sampleRate: number,
  config: Pick<EchoConfig, 'level'>,
): { spectrogram: Spectrogram; level: number } {
  const spectrogram = echoSpectrogram(samples, sampleRate);
  if (config.level === undefined) return { spectrogram, level: 0 };
  const { values } = spectrogram;
  const level = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { spectrogram: { ...spectrogram, values: values.map((value) => value - level) }, level };
}

/** Patches [N, P, bandBins * patchFrames] to tokens [N, P, D], without positions. */
export function echoPatchTokens(scope: ParameterScope, config: EchoConfig, patches: Tensor): Tensor {
  const { width, bandBins, patchFrames } = config;
  const kernel = scope('patch_embed.proj.weight', [width, 1, bandBins, patchFrames]);
  const matrix = reshape(kernel, [width, bandBins * patchFrames]);
  return linear(patches, matrix, scope('patch_embed.proj.bias', [width]));
}

/**
 * Tokens with time positions [N, P, D] and band positions [N, 1, D] through CLS, all blocks and the final norm.
 * `length` names P + 1. Returns all tokens, CLS first, the first block's input, and every block's output and feed-forward output.
 */
export function echoTransformer(
  scope: ParameterScope,
  config: EchoConfig,
  tokens: Tensor,
  bandPositions: Tensor,
  { length = 'length', ...shared }: GraphOptions & { length?: number | string } = {},
): { output: Tensor; embedded: Tensor; layers: { output: Tensor; inner: Tensor }[] } {
  const { width, depth, heads } = config;
  const embedded = add(prependToken(scope('cls_token', [1, 1, width]), tokens, length), bandPositions);
  const options = { depth, heads, mlpRatio: 4, epsilon: EPSILON, ...shared };
  const layers = postNormBlocks(scope, blockNames, embedded, options);
  return { output: norm(scope, 'norm', layers.at(-1)?.output ?? embedded, EPSILON), embedded, layers };
}

/**
 * The inference graph: inputs `patches`, `positions`, `bandPositions`; outputs `cls` [N, D] and `tokens` [N, P, D]; with
 * `pool` D is the width times the number of layers, and `cls` the mean of the tokens. N and P are numbers where `sizes` says
 * so, else names.
 */
export function echoGraph(
  scope: ParameterScope,
  config: EchoConfig,
  options: GraphOptions = {},
  sizes: { sequences: Dim; patches: Dim } = { sequences: 'sequences', patches: 'patches' },
): { cls: Tensor; tokens: Tensor } {
  const { width, bandBins, patchFrames } = config;
  const { sequences, patches: count } = sizes;
  const patches = input('patches', [sequences, count, bandBins * patchFrames]);
  const positions = input('positions', [1, count, width]);
  const bandPositions = input('bandPositions', [sequences, 1, width]);
  const embedded = echoPatchTokens(scope, config, patches);
  const { output, layers } = echoTransformer(scope, config, add(embedded, positions), bandPositions, {
    ...options,
    ...(typeof count === 'number' && { length: count + 1 }),
  });
  const pool = echoPool(config);
  if (pool === undefined) {
    return {
      cls: reshape(slice(output, 1, 0, 1, 1), [sequences, width]),
      tokens: slice(output, 1, 1, undefined, count),
    };
  }
  const parts = pool.map(({ layer, weight }) =>
    mul(layer === 0 ? embedded : slice(layers[layer - 1].output, 1, 1, undefined, count), weight),
  );
  const tokens = parts.length === 1 ? parts[0] : concat(parts, 2);
  return { cls: reduceMean(tokens, [1]), tokens };
}

/** First and last+1 bin of every band, and its relative frequency (centre over Nyquist, float32 as in the reference). */
export function echoBands(
  bins: number,
  nFft: number,
  bandBins = released.bandBins,
): { start: number; end: number; position: number }[] {
  return Array.from({ length: Math.ceil(bins / bandBins) }, (_, b) => {
    const start = b * bandBins;
    const end = Math.min(bins, start + bandBins);
    return { start, end, position: Math.fround((start + end - 1) / nFft) };
  });
}

/** Position vector of a band at relative frequency `position` (paper, equation 3). [width] */
export const echoBandPosition = (position: number, width: number): Float32Array =>
  interleavedPosition(position, width, GAMMA);

/**
 * Frames [from, from + frames) of a spectrogram as patches of its bands; zeros (or what `tail` says) where frames run
 * out, and zeros before the bins of a short band.
 */
export function echoPatches(spectrogram: Spectrogram, from: number, frames: number, config: EchoConfig): BandSequences {
  const { bandBins, patchFrames, width } = config;
  const { values, bins, nFft } = spectrogram;
  const bands = echoBands(bins, nFft, bandBins);
  const patches = Math.ceil(frames / patchFrames);
  const size = bandBins * patchFrames;
  const out = new Float32Array(bands.length * patches * size);
  const filled = config.tail === 'overlap' ? patches * patchFrames : frames;
  for (let t = 0; t < filled; t++) {
    const patch = Math.floor(t / patchFrames);
    const inLast = patch === patches - 1 && filled > frames;
    const frame = inLast && frames >= patchFrames ? t - (filled - frames) : t % frames;
    const row = (from + frame) * bins;
    for (let b = 0; b < bands.length; b++) {
      const { start, end } = bands[b];
      // A short last band is padded at the bottom of its frequencies: its real bins come last.
      const missing = bandBins - (end - start);
      let at = (b * patches + patch) * size + missing * patchFrames + (t % patchFrames);
      for (let f = row + start; f < row + end; f++, at += patchFrames) out[at] = values[f];
    }
  }
  const bandPositions = new Float32Array(bands.length * width);
  for (const [b, band] of bands.entries()) bandPositions.set(echoBandPosition(band.position, width), b * width);
  return { values: out, bands: bands.length, patches, bandPositions };
}

/** The bands of a spectrogram, and the part of an embedding that describes each, `width` values of it. */
export function describeBands(spectrogram: Spectrogram, bandBins: number, width: number): Band[] {
  const { sampleRate, nFft, bins } = spectrogram;
  return echoBands(bins, nFft, bandBins).map(({ start, end }, b) => ({
    lowHz: (start * sampleRate) / nFft,
    highHz: Math.min((end * sampleRate) / nFft, sampleRate / 2),
    start: b * width,
    end: (b + 1) * width,
  }));
}

type Prepared = {
  spectrogram: Spectrogram;
  level: number;
  segments: { from: number; frames: number }[];
  sequences: BandSequences[];
};

function framesOf(prepared: Prepared, outputs: readonly BandOutputs[], bands: Band[], config: EchoConfig): Frames {
  const { hopLength, sampleRate } = prepared.spectrogram;
  const width = bands.length * bandWidth(config);
  const count = prepared.sequences.reduce((total, { patches }) => total + patches, 0);
  const values = new Float32Array(count * width);
  const starts = new Float64Array(count);
  const seconds = (config.patchFrames * hopLength) / sampleRate;
  let at = 0;
  for (const [i, { patches }] of prepared.sequences.entries()) {
    placeFrames(values, outputs[i].tokens, bands.length, patches, at);
    const { from, frames } = prepared.segments[i];
    const last = config.tail === 'overlap' ? Math.max(0, frames - config.patchFrames) : frames;
    for (let p = 0; p < patches; p++) {
      starts[at + p] = ((from + Math.min(p * config.patchFrames, last)) * hopLength) / sampleRate;
    }
    at += patches;
  }
  return { values, count, width, starts, seconds, bands };
}

/** One more value at the end of every band's part of the vector; features over time stay as they are. */
export function withLevel({ vector, bands, frames }: Embedding, value: number): Embedding {
  const longer = new Float32Array(vector.length + bands.length).fill(value);
  const parts = bands.map((band, b): Band => ({ ...band, start: band.start + b, end: band.end + b + 1 }));
  for (const [b, { start, end }] of bands.entries()) longer.set(vector.subarray(start, end), parts[b].start);
  return { vector: longer, bands: parts, ...(frames && { frames }) };
}

/** An ECHO encoder around a compiled program of `echoGraph`. */
export function createEcho(id: string, fingerprint: string, config: EchoConfig, program: Program): Encoder {
  const transformer: BandTransformer = {
    program,
    width: config.width,
    outputWidth: bandWidth(config),
    patchSize: config.bandBins * config.patchFrames,
    positions: (patches) => sineCosinePositions(patches, config.width),
  };
  const prepare = (recording: Recording): Prepared => {
    const { spectrogram, level } = echoInput(onlyChannel(recording), recording.sampleRate, config);
    const segments = segmentStarts(spectrogram.frames, config.segmentFrames ?? SEGMENT_FRAMES);
    return {
      spectrogram,
      level,
      segments,
      sequences: segments.map(({ from, frames }) => echoPatches(spectrogram, from, frames, config)),
    };
  };
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> =>
    embedTogether(transformer, recordings.map(prepare), (one, outputs) => {
      const bands = describeBands(one.spectrogram, config.bandBins, bandWidth(config));
      const frames = options.frames ? framesOf(one, outputs, bands, config) : undefined;
      const embedding = assembleEmbedding(outputs, bands, frames);
      return config.levelWeight === undefined ? embedding : withLevel(embedding, config.levelWeight * one.level);
    });
  return batchEncoder({ id, fingerprint, embedMany, release: () => program.release() });
}
