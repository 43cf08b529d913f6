// EAT's pre-training: whole filter-bank spectrograms at 16 kHz, inverse block masks, many students of every clip, teacher
// and student (EAT, section 3 and released code).
import {
  EAT_COLUMNS,
  EAT_MAX_PATCHES,
  type EatConfig,
  eatPatches,
  eatPositions,
  eatSpectrogram,
} from '../../encoders/eat.ts';
import { EAT_PATCH } from '../../encoders/eat-transformer.ts';
import { float32 } from '../../graph/runtime.ts';
import { InputError } from '../../signal/errors.ts';
import type { Random } from '../../signal/simulate/random.ts';
import type { Clip } from '../data/types.ts';
import { decoderNoise, distilledEat, maskFeeds } from '../distilled.ts';
import { blockMask, eatBlockMask, keptCount } from '../masks.ts';
import { eatAdamW } from '../optimiser.ts';
import type { BatchShape, TargetNorm } from '../self-distillation.ts';
import { distillation, type EatSchedule, eatScalars, partsOf } from './distillation.ts';
import type { Recipe } from './types.ts';

export type EatRecipeOptions = EatSchedule & {
  batch: number;
  /** Parts that a step's clips are worked on in; absent: as `partsOf` says. */
  parts?: number;
  /** Students of every clip. */
  clones: number;
  /** Time patches of a clip; each is 8 patches across the mel axis. */
  patches: number;
  targetNorm: TargetNorm;
  decoderLayers: number;
  utteranceWeight: number;
};

/** Published where the paper or the code says so; batch, students, length and steps for one machine. */
export const eatRecipeDefaults: EatRecipeOptions = {
  steps: 20_000,
  batch: 12,
  clones: 8,
  patches: 12,
  learningRate: 5e-4,
  warmUpSteps: 1000,
  weightDecay: 0.05,
  clipNorm: 4,
  decay: [0.9998, 0.99999],
  targetNorm: 'sequence',
  decoderLayers: 6,
  utteranceWeight: 1,
};

/** Time patches that the fixed positions reach. */
export const EAT_MAX_ROWS = EAT_MAX_PATCHES / EAT_COLUMNS;

/** `patches` time patches of a clip from a random frame on: [patches * 8, 256]. */
function patchesOf(clip: Clip, patches: number, random: Random): Float32Array {
  const spectrogram = eatSpectrogram(clip.samples, clip.sampleRate);
  const needed = patches * EAT_PATCH;
  if (spectrogram.frames < needed) {
    throw new InputError(
      `pretrain eat: expected clips of at least ${needed} frames, got ${spectrogram.frames} (${clip.source}); use longer clips or fewer patches`,
    );
  }
  return eatPatches(spectrogram, random.integer(0, spectrogram.frames - needed), needed).values;
}

/** The recipe for an encoder of this architecture. */
export function eatRecipe(config: EatConfig, options: EatRecipeOptions): Recipe {
  const { batch, clones, patches } = options;
  const parts = partsOf(options);
  const sequences = batch / parts;
  const length = patches * EAT_COLUMNS;
  const kept = keptCount(length, eatBlockMask.maskRatio);
  const shape: BatchShape = { sequences, clones, rows: patches, columns: EAT_COLUMNS, kept };
  const size = length * EAT_PATCH ** 2;
  const positions = eatPositions(length, config.width);
  return {
    batch,
    parts,
    adamW: eatAdamW,
    tokenDeviation: 1,
    plan: () => ({
      key: 'eat',
      graph: (graphOptions) => distillation(distilledEat(config, shape, positions, graphOptions), shape, options),
      feeds: (clips, random) => {
        const values = new Float32Array(sequences * size);
        for (const [c, clip] of clips.entries()) values.set(patchesOf(clip, patches, random), c * size);
        const masks = Array.from({ length: sequences * clones }, () =>
          blockMask(patches, EAT_COLUMNS, eatBlockMask, random),
        );
        return {
          patches: float32(values, [sequences, length, EAT_PATCH ** 2]),
          ...decoderNoise(shape, config.width, random),
          ...maskFeeds(masks, shape),
        };
      },
    }),
    scalars: eatScalars(options),
  };
}
