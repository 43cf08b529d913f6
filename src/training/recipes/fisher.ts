// FISHER's pre-training: every batch at a rate of its own, all its sub-bands, inverse block masks, teacher and student
// (FISHER, section 3; what the authors did not release as in EAT).
import { EAT_PATCH } from '../../encoders/eat-transformer.ts';
import { FISHER_POSITION_GRID, type FisherConfig, fisherPatches } from '../../encoders/fisher.ts';
import { float32 } from '../../graph/runtime.ts';
import { gridPositions } from '../../nn/positions.ts';
import { InputError } from '../../signal/errors.ts';
import { fisherSpectrogram } from '../../signal/log-spectrogram.ts';
import { resample } from '../../signal/resample.ts';
import type { Clip } from '../data/types.ts';
import { decoderNoise, distilledEat, maskFeeds } from '../distilled.ts';
import { blockMask, eatBlockMask, keptCount } from '../masks.ts';
import { eatAdamW } from '../optimiser.ts';
import type { BatchShape, TargetNorm } from '../self-distillation.ts';
import { distillation, type EatSchedule, eatScalars, partsOf } from './distillation.ts';
import type { Recipe } from './types.ts';

export type FisherRecipeOptions = EatSchedule & {
  batch: number;
  /** Parts that a step's clips are worked on in; absent: as `partsOf` says. */
  parts?: number;
  /** Students per clip and step, over all its bands: clones = floor(this / bands). */
  bandStudents: number;
  /** Time patches of a clip. */
  patches: number;
  /** Highest rate in Hz that batches are brought to. */
  maxRate: number;
  targetNorm: TargetNorm;
  decoderLayers: number;
  utteranceWeight: number;
};

/** Published where the paper says so; batch, students and steps for one machine. */
export const fisherRecipeDefaults: FisherRecipeOptions = {
  steps: 20_000,
  batch: 16,
  bandStudents: 8,
  patches: 12,
  learningRate: 5e-4,
  warmUpSteps: 1000,
  weightDecay: 0.05,
  clipNorm: 4,
  decay: [0.9998, 0.99999],
  maxRate: 32_000,
  targetNorm: 'sequence',
  decoderLayers: 6,
  utteranceWeight: 1,
};

/** A bin of a spectrogram with windows of 25 ms, in Hz. */
const BIN_HERTZ = 40;

/** Rates whose half is a whole number of bands, up to the highest. */
export const fisherRates = (bandBins: number, maxRate: number): number[] => {
  const first = 2 * bandBins * BIN_HERTZ;
  return Array.from({ length: Math.floor(maxRate / first) }, (_, i) => first * (i + 1));
};

/** The recipe for an encoder of this architecture. */
export function fisherRecipe(config: FisherConfig, options: FisherRecipeOptions): Recipe {
  const { batch, patches } = options;
  const parts = partsOf(options);
  const rates = fisherRates(config.bandBins, options.maxRate);
  if (rates.length === 0) {
    throw new InputError(
      `pretrain fisher: expected rates of at least ${2 * config.bandBins * BIN_HERTZ} Hz, got at most ${options.maxRate}`,
    );
  }
  const columns = Math.floor(config.bandBins / EAT_PATCH);
  const length = patches * columns;
  const kept = keptCount(length, eatBlockMask.maskRatio);
  const positions = gridPositions(...FISHER_POSITION_GRID, config.width).subarray(0, length * config.width);

  /** The first `patches` time patches of every band of a clip at this rate. */
  const bandsOf = (clip: Clip, rate: number, bands: number): Float32Array => {
    const samples = clip.sampleRate === rate ? clip.samples : resample(clip.samples, clip.sampleRate, rate);
    const found = fisherPatches(fisherSpectrogram(samples, rate), { ...config, lengthMode: 'readme' });
    if (found.patches < length || found.bands < bands) {
      throw new InputError(
        `pretrain fisher: expected clips of at least ${patches * EAT_PATCH} frames, got ${(found.patches / columns) * EAT_PATCH} (${clip.source}); use longer clips or fewer patches`,
      );
    }
    const size = EAT_PATCH ** 2;
    const values = new Float32Array(bands * length * size);
    for (let b = 0; b < bands; b++) {
      const from = b * found.patches * size;
      values.set(found.values.subarray(from, from + length * size), b * length * size);
    }
    return values;
  };

  return {
    batch,
    parts,
    adamW: eatAdamW,
    tokenDeviation: 1,
    plan: (random) => {
      const bands = random.integer(1, rates.length);
      const rate = rates[bands - 1];
      const clones = Math.max(1, Math.floor(options.bandStudents / bands));
      const sequences = (batch / parts) * bands;
      const shape: BatchShape = { sequences, clones, rows: patches, columns, kept };
      return {
        key: `fisher at ${rate} Hz`,
        graph: (graphOptions) => distillation(distilledEat(config, shape, positions, graphOptions), shape, options),
        feeds: (clips, own) => {
          const size = EAT_PATCH ** 2;
          const values = new Float32Array(sequences * length * size);
          for (const [c, clip] of clips.entries()) values.set(bandsOf(clip, rate, bands), c * bands * length * size);
          const masks = Array.from({ length: sequences * clones }, () =>
            blockMask(patches, columns, eatBlockMask, own),
          );
          return {
            patches: float32(values, [sequences, length, size]),
            ...decoderNoise(shape, config.width, own),
            ...maskFeeds(masks, shape),
          };
        },
      };
    },
    scalars: eatScalars(options),
  };
}
