import type { Program } from '../graph/runtime.ts';
import { gridPositions } from '../nn/positions.ts';
import { eatFbank } from '../signal/kaldi-fbank.ts';
import type { Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import type { Samples } from '../signal/samples.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import {
  assembleEmbedding,
  type BandOutputs,
  type BandSequences,
  type BandTransformer,
  embedTogether,
} from './band-transformer.ts';
import { EAT_PATCH, EAT_PREFIX, type EatTransformerConfig } from './eat-transformer.ts';
import { onlyChannel } from './mono.ts';
import { segmentStarts } from './segment-starts.ts';
import type { Features } from './trunk.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

export type EatConfig = EatTransformerConfig;

/** `base` and `large` are published (paper, table 1); the smaller ones are of a size that one machine can pre-train. */
export const eatSizes = {
  tiny: { width: 192, depth: 12, heads: 3 },
  small: { width: 384, depth: 12, heads: 6 },
  base: { width: 768, depth: 12, heads: 12 },
  large: { width: 1024, depth: 24, heads: 16 },
} satisfies Record<string, EatConfig>;

export const EAT_RATE = 16_000;
const MELS = 128;
/** Patches across the mel axis. */
export const EAT_COLUMNS = MELS / EAT_PATCH;
/** Grid of the fixed positions: [time, frequency] patches. */
const POSITION_GRID = [768, EAT_COLUMNS] as const;
/** The published input of AudioSet: frames of a segment, and (x - mean) / (2 deviation) of the natural logarithm. */
const SEGMENT_FRAMES = 1024;
const MEAN = -4.268;
const DEVIATION = 4.569;

export const EAT_POSITIONS_KEY = `${EAT_PREFIX}.fixed_positional_encoder.positions`;

/** The fixed positions of the first `patches` patches [patches, width], token = t * 8 + f. */
export const eatPositions = (patches: number, width: number): Float32Array =>
  gridPositions(Math.ceil(patches / EAT_COLUMNS), EAT_COLUMNS, width).subarray(0, patches * width);

/** Most patches of a recording that positions reach. */
export const EAT_MAX_PATCHES = POSITION_GRID[0] * POSITION_GRID[1];

/** Names of the released checkpoints (fairseq, fine-tuned, Hugging Face) -> those of pre-training. */
export function eatName(name: string): string {
  const own = name.replace(/^model\./, '');
  if (/^(local_encoder|extra_tokens|fixed_positional_encoder)\b/.test(own)) return `${EAT_PREFIX}.${own}`;
  return own.replace(/^pre_norm\b/, `${EAT_PREFIX}.context_encoder.norm`);
}

/**
 * EAT's input: 16 kHz (other rates are resampled), mean removed, 128 Kaldi filters; log energies, not yet normalised.
 * @throws InputError for signals shorter than 25 ms and samples that are not finite
 */
export const eatSpectrogram = <S extends Samples>(samples: S, sampleRate: number): Spectrogram<S> =>
  eatFbank(sampleRate === EAT_RATE ? samples : resample(samples, sampleRate, EAT_RATE));

/**
 * Frames [from, from + frames), normalised with the statistics of AudioSet, as whole rows of patches. What is missing to
 * them are zeros before the normalisation, as in the released code.
 */
export function eatFeatures({ values, bins }: Spectrogram, from: number, frames: number): Features {
  const filled = Math.ceil(frames / EAT_PATCH) * EAT_PATCH;
  const out = new Float32Array(filled * bins).fill(-MEAN / (2 * DEVIATION));
  const given = values.subarray(from * bins, (from + frames) * bins);
  for (const [i, value] of given.entries()) out[i] = (value - MEAN) / (2 * DEVIATION);
  return { values: out, frames: filled, bins };
}

/** Whole rows of 128 bins as 16 x 16 patches, token = t * 8 + f. */
export function cutEatPatches({ values, frames, bins }: Features): BandSequences {
  const patches = Math.floor(frames / EAT_PATCH) * EAT_COLUMNS;
  const out = new Float32Array(patches * EAT_PATCH * EAT_PATCH);
  for (let token = 0, at = 0; token < patches; token++) {
    const row = Math.floor(token / EAT_COLUMNS) * EAT_PATCH;
    const column = (token % EAT_COLUMNS) * EAT_PATCH;
    for (let t = row; t < row + EAT_PATCH; t++, at += EAT_PATCH) {
      out.set(values.subarray(t * bins + column, t * bins + column + EAT_PATCH), at);
    }
  }
  return { values: out, bands: 1, patches };
}

/** Frames [from, from + frames) as normalised patches. */
export const eatPatches = (spectrogram: Spectrogram, from: number, frames: number): BandSequences =>
  cutEatPatches(eatFeatures(spectrogram, from, frames));

/** Tokens averaged over frequency: a row of D per step of time, appended at row `at`. */
function placeRows(values: Float32Array, { tokens }: BandOutputs, width: number, at: number): void {
  const rows = tokens.length / (EAT_COLUMNS * width);
  for (let t = 0; t < rows; t++) {
    for (let f = 0; f < EAT_COLUMNS; f++) {
      const from = (t * EAT_COLUMNS + f) * width;
      for (let d = 0; d < width; d++) values[(at + t) * width + d] += tokens[from + d] / EAT_COLUMNS;
    }
  }
}

type Prepared = { spectrogram: Spectrogram; segments: { from: number; frames: number }[]; sequences: BandSequences[] };

function framesOf({ segments, sequences }: Prepared, outputs: readonly BandOutputs[], bands: Band[], width: number) {
  const rowsOf = ({ patches }: BandSequences) => patches / EAT_COLUMNS;
  const count = sequences.reduce((sum, sequence) => sum + rowsOf(sequence), 0);
  const frames: Frames = {
    values: new Float32Array(count * width),
    count,
    width,
    starts: new Float64Array(count),
    seconds: EAT_PATCH * 0.01,
    bands,
  };
  let at = 0;
  for (const [i, sequence] of sequences.entries()) {
    placeRows(frames.values, outputs[i], width, at);
    for (let t = 0; t < rowsOf(sequence); t++) frames.starts[at + t] = segments[i].from * 0.01 + t * frames.seconds;
    at += rowsOf(sequence);
  }
  return frames;
}

/**
 * An EAT encoder around a compiled program of `eatGraph`. Recordings of other rates are resampled to 16 kHz, as the
 * weights know no other; those longer than 1024 frames (10.2 s) are averaged over segments. The embedding is CLS [D]; it
 * hears all frequencies at once, so explanations have one band.
 */
export function createEat(id: string, fingerprint: string, { width }: EatConfig, program: Program): Encoder {
  const transformer: BandTransformer = {
    program,
    width,
    patchSize: EAT_PATCH * EAT_PATCH,
    positions: (patches) => eatPositions(patches, width),
  };
  const prepare = (recording: Recording): Prepared => {
    const spectrogram = eatSpectrogram(onlyChannel(recording), recording.sampleRate);
    const segments = segmentStarts(spectrogram.frames, SEGMENT_FRAMES);
    return {
      spectrogram,
      segments,
      sequences: segments.map(({ from, frames }) => eatPatches(spectrogram, from, frames)),
    };
  };
  const bands: Band[] = [{ lowHz: 20, highHz: EAT_RATE / 2, start: 0, end: width }];
  const embedMany = (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> =>
    embedTogether(transformer, recordings.map(prepare), (one, outputs) =>
      assembleEmbedding(outputs, bands, options.frames ? framesOf(one, outputs, bands, width) : undefined),
    );
  return {
    id,
    fingerprint,
    embedMany,
    embed: async (recording, options) => (await embedMany([recording], options))[0],
    release: () => program.release(),
  };
}
