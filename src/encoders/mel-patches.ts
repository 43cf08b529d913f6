// What EAT, BEATs and AudioMAE share: 128 Kaldi mels at 16 kHz in patches of 16 x 16, token = t * 8 + f.

import { type Feeds, float32 } from '../graph/runtime.ts';
import { concatenate } from '../signal/concatenate.ts';
import type { Recording } from '../signal/recording.ts';
import {
  assembleEmbedding,
  type BandOutputs,
  type BandSequences,
  type BandTransformer,
  embedTogether,
} from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import { channelAt } from './requirements.ts';
import type { Features } from './trunk.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

/** Hz that these encoders hear. */
export const MEL_RATE = 16_000;
export const MELS = 128;
/** Side of a patch in frames and in mels. */
export const PATCH = 16;
/** Values of a patch. */
export const PATCH_SIZE = PATCH * PATCH;
/** Patches across the mel axis. */
export const COLUMNS = MELS / PATCH;
/** Seconds from frame to frame. */
const HOP = 0.01;

/**
 * Log-mels [frames, 128] as patches [rows * 8, 256], each row-major in time, then frequency. Frames beyond `rows` steps of
 * time are left out; `fill` stands where frames are missing.
 */
export function cutPatches(values: Float32Array, rows: number, fill = 0): Float32Array {
  const out = new Float32Array(rows * COLUMNS * PATCH_SIZE).fill(fill);
  const frames = Math.min(values.length / MELS, rows * PATCH);
  for (let t = 0; t < frames; t++) {
    for (let f = 0; f < MELS; f++) {
      const token = Math.floor(t / PATCH) * COLUMNS + Math.floor(f / PATCH);
      out[token * PATCH_SIZE + (t % PATCH) * PATCH + (f % PATCH)] = values[t * MELS + f];
    }
  }
  return out;
}

/** A stretch of a recording that is heard at once. */
export type MelWindow = {
  /** Its beginning in seconds. */
  start: number;
  /** Steps of 16 frames that hold sound; what follows is padding. */
  rows: number;
  sequence: BandSequences;
};

/** One sequence of patches of `cutPatches`. */
export const oneSequence = (values: Float32Array): BandSequences => ({
  values,
  bands: 1,
  patches: values.length / PATCH_SIZE,
});

/** Features of several crops as patches, one crop after the other: `patches` [crops, rows * 8, 256]. */
export const patchFeeds = (crops: readonly Features[], rows: number): Feeds => ({
  patches: float32(
    concatenate(
      Float32Array,
      crops.map(({ values }) => cutPatches(values, rows)),
    ),
    [crops.length, rows * COLUMNS, PATCH_SIZE],
  ),
});

/** Tokens averaged over frequency: a row of D per step of time, `rows` of them from row `at` on. */
function placeRows(values: Float32Array, { tokens }: BandOutputs, width: number, rows: number, at: number): void {
  for (let t = 0; t < rows; t++) {
    for (let f = 0; f < COLUMNS; f++) {
      const from = (t * COLUMNS + f) * width;
      for (let d = 0; d < width; d++) values[(at + t) * width + d] += tokens[from + d] / COLUMNS;
    }
  }
}

function framesOf(
  windows: readonly MelWindow[],
  outputs: readonly BandOutputs[],
  bands: Band[],
  width: number,
): Frames {
  const count = windows.reduce((sum, { rows }) => sum + rows, 0);
  const seconds = PATCH * HOP;
  const values = new Float32Array(count * width);
  const starts = new Float64Array(count);
  let at = 0;
  for (const [i, { start, rows }] of windows.entries()) {
    placeRows(values, outputs[i], width, rows, at);
    for (let t = 0; t < rows; t++) starts[at + t] = start + t * seconds;
    at += rows;
  }
  return { values, count, width, starts, seconds, bands };
}

/**
 * An encoder that hears `windows` of a recording, which comes to it at 16 kHz (other rates are resampled, as the weights
 * know no other). The embedding is the mean of the windows' `cls` [D]; it hears all frequencies at once, so explanations
 * have one band.
 */
export function createMelEncoder(
  id: string,
  fingerprint: string,
  transformer: BandTransformer,
  windows: (samples: Float32Array, name: string) => MelWindow[],
): Encoder {
  const { width, program } = transformer;
  const prepare = (recording: Recording) => {
    const cut = windows(channelAt(recording, MEL_RATE), recording.name);
    return { windows: cut, sequences: cut.map(({ sequence }) => sequence) };
  };
  const bands: Band[] = [{ lowHz: 20, highHz: MEL_RATE / 2, start: 0, end: width }];
  const embedMany = (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> =>
    embedTogether(transformer, recordings.map(prepare), (one, outputs) =>
      assembleEmbedding(outputs, bands, options.frames ? framesOf(one.windows, outputs, bands, width) : undefined),
    );
  return batchEncoder({ id, fingerprint, embedMany, release: () => program.release() });
}
