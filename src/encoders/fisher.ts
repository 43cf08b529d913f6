// FISHER: sub-band encoder for multi-modal industrial signals (arXiv 2507.16696; released code, commit 60dd0c8).

import { add } from '../graph/elementwise.ts';
import type { Program } from '../graph/runtime.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { fisherSpectrogram } from '../signal/log-spectrogram.ts';
import type { Recording } from '../signal/recording.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import {
  assembleEmbedding,
  type BandOutputs,
  type BandSequences,
  type BandTransformer,
  type GraphOptions,
  runBandTransformer,
} from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import { EAT_PATCH, eatPatchTokens, eatTransformer } from './eat-transformer.ts';
import { onlyChannel } from './requirements.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

/** `readme`: cut to 1024 frames, nothing padded. `rmis`: also zero-padded to 1024, as the published RMIS numbers were made. */
export type FisherLengthMode = 'readme' | 'rmis';

export type FisherConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Bins of a band: 100 (4 kHz) or 50 (2 kHz). */
  bandBins: number;
  lengthMode: FisherLengthMode;
  /** Width of the patch embedding where it is not that of the encoder: a linear layer follows then. */
  patchWidth?: number;
};

/** The published sizes (paper, table 1). */
export const fisherSizes = {
  tiny: { width: 192, depth: 12, heads: 3, bandBins: 100, lengthMode: 'readme' },
  mini: { width: 256, depth: 12, heads: 4, bandBins: 100, lengthMode: 'readme' },
  small: { width: 384, depth: 12, heads: 6, bandBins: 50, lengthMode: 'readme' },
} satisfies Record<string, FisherConfig>;

const MAX_FRAMES = 1024;
/** Grid of the frozen position table where the checkpoint brings none: [time, frequency] patches. */
export const FISHER_POSITION_GRID = [128, 50] as const;

/** Patches [N, L, 256] with their positions through CLS, norm and blocks. Returns all tokens, CLS first, and every layer. */
export const fisherTransformer = (
  scope: ParameterScope,
  config: FisherConfig,
  patches: Tensor,
  positions: Tensor,
  options: GraphOptions & { length?: Dim } = {},
) => eatTransformer(scope, config, add(eatPatchTokens(scope, config, patches), positions), options);

/** Frames used and frames fed for a spectrogram: cut to 1024, and in `rmis` mode padded to it. */
const frameCounts = (spectrogram: Spectrogram, mode: FisherLengthMode) => {
  const used = Math.min(spectrogram.frames, MAX_FRAMES);
  return { used, fed: mode === 'rmis' ? MAX_FRAMES : used };
};

/** Bands of `bandBins` bins from bin 0; the rest (at least the Nyquist bin) is dropped, too few bins are padded to one band. */
const bandCount = (bins: number, bandBins: number): number => Math.max(1, Math.floor(bins / bandBins));

/** Sub-bands as 16 x 16 patches, token = t * patchesAcross + f, zeros where frames or bins were padded. */
export function fisherPatches(spectrogram: Spectrogram, config: FisherConfig): BandSequences {
  const { values, bins } = spectrogram;
  const { bandBins } = config;
  const { used, fed } = frameCounts(spectrogram, config.lengthMode);
  const bands = bandCount(bins, bandBins);
  const [down, across] = [Math.floor(fed / EAT_PATCH), Math.floor(bandBins / EAT_PATCH)];
  const size = EAT_PATCH * EAT_PATCH;
  const out = new Float32Array(bands * down * across * size);
  const rows = Math.min(used, down * EAT_PATCH);
  for (let t = 0; t < rows; t++) {
    const tokenRow = Math.floor(t / EAT_PATCH) * across;
    for (let b = 0; b < bands; b++) {
      const end = Math.min(across * EAT_PATCH, bins - b * bandBins);
      for (let f = 0; f < end; f++) {
        const token = b * down * across + tokenRow + Math.floor(f / EAT_PATCH);
        out[token * size + (t % EAT_PATCH) * EAT_PATCH + (f % EAT_PATCH)] = values[t * bins + b * bandBins + f];
      }
    }
  }
  return { values: out, bands, patches: down * across };
}

function describeBands(spectrogram: Spectrogram, config: FisherConfig): Band[] {
  const { sampleRate, nFft, bins } = spectrogram;
  return Array.from({ length: bandCount(bins, config.bandBins) }, (_, b) => ({
    lowHz: (b * config.bandBins * sampleRate) / nFft,
    highHz: Math.min(((b + 1) * config.bandBins * sampleRate) / nFft, sampleRate / 2),
    start: b * config.width,
    end: (b + 1) * config.width,
  }));
}

/** Tokens [bands, down * across, D] averaged over frequency inside a band: one row of bands * D per step of time. */
function framesOf(spectrogram: Spectrogram, output: BandOutputs, bands: Band[], config: FisherConfig): Frames {
  const { used } = frameCounts(spectrogram, config.lengthMode);
  const across = Math.floor(config.bandBins / EAT_PATCH);
  const { width } = config;
  const perBand = output.tokens.length / bands.length;
  const count = Math.max(1, Math.floor(used / EAT_PATCH));
  const values = new Float32Array(count * bands.length * width);
  for (let b = 0; b < bands.length; b++) {
    for (let t = 0; t < count; t++) {
      const to = (t * bands.length + b) * width;
      for (let f = 0; f < across; f++) {
        const from = b * perBand + (t * across + f) * width;
        for (let d = 0; d < width; d++) values[to + d] += output.tokens[from + d] / across;
      }
    }
  }
  const seconds = (EAT_PATCH * spectrogram.hopLength) / spectrogram.sampleRate;
  const starts = Float64Array.from({ length: count }, (_, t) => t * seconds);
  return { values, count, width: bands.length * width, starts, seconds, bands };
}

/** A FISHER encoder around a compiled program of `fisherGraph`; `table` is the position table [rows, width]. */
export function createFisher(
  id: string,
  fingerprint: string,
  config: FisherConfig,
  table: Float32Array,
  program: Program,
): Encoder {
  const rows = table.length / config.width;
  const transformer: BandTransformer = {
    program,
    width: config.width,
    patchSize: EAT_PATCH * EAT_PATCH,
    positions: (patches) => {
      if (patches > rows)
        throw new InputError(`fisher: ${patches} patches are more than the ${rows} positions of ${id}`);
      return table.subarray(0, patches * config.width);
    },
  };
  const prepare = (recording: Recording): Spectrogram => {
    const spectrogram = fisherSpectrogram(onlyChannel(recording), recording.sampleRate);
    if (frameCounts(spectrogram, config.lengthMode).fed < EAT_PATCH) {
      throw new InputError(
        `fisher: expected at least ${EAT_PATCH} frames (0.175 s), got ${spectrogram.frames} (${recording.name}); use a longer recording`,
      );
    }
    return spectrogram;
  };
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> => {
    const spectrograms = recordings.map(prepare);
    const outputs = await runBandTransformer(
      transformer,
      spectrograms.map((s) => fisherPatches(s, config)),
    );
    return spectrograms.map((spectrogram, i) => {
      const bands = describeBands(spectrogram, config);
      const frames = options.frames ? framesOf(spectrogram, outputs[i], bands, config) : undefined;
      return assembleEmbedding([outputs[i]], bands, frames);
    });
  };
  return batchEncoder({ id, fingerprint, embedMany, release: () => program.release() });
}
