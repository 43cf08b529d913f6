// EAT: one transformer over patches of a mel spectrogram (arXiv 2401.03497; released code, commit 06c1c34).
import type { Program } from '../graph/runtime.ts';
import { gridPositions } from '../nn/positions.ts';
import { eatFbank } from '../signal/kaldi-fbank.ts';
import { resample } from '../signal/resample.ts';
import type { Samples } from '../signal/samples.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import type { BandSequences, BandTransformer } from './band-transformer.ts';
import { EAT_PATCH, EAT_PREFIX, type EatTransformerConfig } from './eat-transformer.ts';
import { COLUMNS, createMelEncoder, cutPatches, MEL_RATE, oneSequence } from './mel-patches.ts';
import { segmentStarts } from './segment-starts.ts';
import type { Features } from './trunk.ts';
import type { Encoder } from './types.ts';

export type EatConfig = EatTransformerConfig;

/** `base` and `large` are published (paper, table 1); the smaller ones are of a size that one machine can pre-train. */
export const eatSizes = {
  tiny: { width: 192, depth: 12, heads: 3 },
  small: { width: 384, depth: 12, heads: 6 },
  base: { width: 768, depth: 12, heads: 12 },
  large: { width: 1024, depth: 24, heads: 16 },
} satisfies Record<string, EatConfig>;

export const EAT_RATE = MEL_RATE;
/** Patches across the mel axis. */
export const EAT_COLUMNS = COLUMNS;
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
  const normalise = (value: number) => (value - MEAN) / (2 * DEVIATION);
  const out = new Float32Array(filled * bins).fill(normalise(0));
  for (const [i, value] of values.subarray(from * bins, (from + frames) * bins).entries()) out[i] = normalise(value);
  return { values: out, frames: filled, bins };
}

/** Frames [from, from + frames) as normalised patches. */
export function eatPatches(spectrogram: Spectrogram, from: number, frames: number): BandSequences {
  const { values, frames: filled } = eatFeatures(spectrogram, from, frames);
  return oneSequence(cutPatches(values, filled / EAT_PATCH));
}

/**
 * An EAT encoder around a compiled program of `eatGraph`. Recordings of other rates are resampled to 16 kHz; those longer
 * than 1024 frames (10.2 s) are averaged over segments. The embedding is CLS [D].
 */
export function createEat(id: string, fingerprint: string, { width }: EatConfig, program: Program): Encoder {
  const transformer: BandTransformer = {
    program,
    width,
    patchSize: EAT_PATCH * EAT_PATCH,
    positions: (patches) => eatPositions(patches, width),
  };
  return createMelEncoder(id, fingerprint, transformer, (samples) => {
    const spectrogram = eatSpectrogram(samples, EAT_RATE);
    return segmentStarts(spectrogram.frames, SEGMENT_FRAMES).map(({ from, frames }) => {
      const sequence = eatPatches(spectrogram, from, frames);
      return { start: from * 0.01, rows: sequence.patches / EAT_COLUMNS, sequence };
    });
  });
}
