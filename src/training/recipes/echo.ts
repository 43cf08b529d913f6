// ECHO's pre-training: random, unaligned sub-bands of every clip, random masks, teacher and student (ECHO, section 3; what the
// paper leaves open as in EAT).
import { type EchoConfig, echoBandPosition, echoInput } from '../../encoders/echo.ts';
import { float32 } from '../../graph/runtime.ts';
import { InputError } from '../../signal/errors.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { type ContrastOptions, contrastPairs } from '../contrast.ts';
import type { Clip } from '../data/types.ts';
import { decoderNoise, distilledEcho, maskFeeds } from '../distilled.ts';
import { keptCount, randomMask } from '../masks.ts';
import { eatAdamW } from '../optimiser.ts';
import { cosineSchedule, linearSchedule, stepDown } from '../schedules.ts';
import type { BatchShape, TargetNorm } from '../self-distillation.ts';
import { distillation, partsOf } from './distillation.ts';
import type { Recipe } from './types.ts';

export type EchoRecipeOptions = {
  steps: number;
  /** Clips per step, bands drawn per clip, students per band. */
  batch: number;
  /** Parts that a step's clips are worked on in; absent: as `partsOf` says. */
  parts?: number;
  bandsPerClip: number;
  clones: number;
  /** Time patches of a band that a clip gives; the clip must be long enough. */
  patches: number;
  maskRatio: number;
  /** For a batch of 256 clips, as published; scaled linearly with the batch. */
  baseLearningRate: number;
  warmUpSteps: number;
  weightDecay: number;
  clipNorm: readonly { from: number; value: number }[];
  /** Of the teacher, from and to. */
  decay: readonly [number, number];
  targetNorm: TargetNorm;
  decoderLayers: number;
  utteranceWeight: number;
  /**
   * A contrastive objective beside the published ones (ours): clips of one thing against all others of the batch, which
   * are then heard in the same places between 0 and the Nyquist frequency.
   */
  contrast?: ContrastOptions;
};

/** Published where the paper says so; batch and steps for one machine. */
export const echoRecipeDefaults: EchoRecipeOptions = {
  steps: 20_000,
  batch: 32,
  bandsPerClip: 4,
  clones: 4,
  patches: 12,
  maskRatio: 0.75,
  baseLearningRate: 1e-4,
  warmUpSteps: 1000,
  weightDecay: 0.05,
  clipNorm: [
    { from: 0, value: 1 },
    { from: 60_000, value: 0.3 },
  ],
  decay: [0.99, 0.999],
  targetNorm: 'sequence',
  decoderLayers: 6,
  utteranceWeight: 1,
};

const PUBLISHED_BATCH = 256;
const FLOOR = 1e-5;

/**
 * Frames of `patches` time patches of random bands: patches [bands, P, bins * frames] and the bands' positions.
 * @param places where bands lie, from 0 (lowest) to 1 (highest); drawn for every clip where there are none
 */
function randomBands(
  clip: Clip,
  config: EchoConfig,
  { bandsPerClip, patches }: EchoRecipeOptions,
  random: Random,
  places: readonly number[],
): { values: Float32Array; positions: Float32Array } {
  const { bandBins, patchFrames, width } = config;
  const { spectrogram } = echoInput(clip.samples, clip.sampleRate, config);
  const { values: spectrum, bins, frames, nFft } = spectrogram;
  const needed = patches * patchFrames;
  if (frames < needed) {
    throw new InputError(
      `pretrain echo: expected clips of at least ${needed} frames, got ${frames} (${clip.source}); use longer clips or fewer patches`,
    );
  }
  const size = bandBins * patchFrames;
  const values = new Float32Array(bandsPerClip * patches * size);
  const positions = new Float32Array(bandsPerClip * width);
  const from = random.integer(0, frames - needed);
  for (let b = 0; b < bandsPerClip; b++) {
    // Start bins are uniform in [0, F - 33]; with fewer bins than a band there is one place, padded below.
    const start = Math.floor((places[b] ?? random.uniform()) * Math.max(0, bins - bandBins));
    const end = Math.min(bins, start + bandBins);
    const missing = bandBins - (end - start);
    positions.set(echoBandPosition(Math.fround((start + end - 1) / nFft), width), b * width);
    for (let t = 0; t < needed; t++) {
      let at = (b * patches + Math.floor(t / patchFrames)) * size + missing * patchFrames + (t % patchFrames);
      const row = (from + t) * bins;
      for (let f = row + start; f < row + end; f++, at += patchFrames) values[at] = spectrum[f];
    }
  }
  return { values, positions };
}

/** A clip of which nothing is said is a thing of its own. */
const thingsOf = (clips: readonly Clip[]): string[] => clips.map(({ thing }, i) => thing ?? `clip ${i}`);

/** The recipe for an encoder of this architecture. */
export function echoRecipe(config: EchoConfig, options: EchoRecipeOptions): Recipe {
  const { batch, bandsPerClip, clones, patches, maskRatio, steps, contrast } = options;
  const parts = partsOf(options);
  const sequences = (batch / parts) * bandsPerClip;
  const shape: BatchShape = { sequences, clones, rows: patches, columns: 1, kept: keptCount(patches, maskRatio) };
  const students = sequences * clones;
  const size = config.bandBins * config.patchFrames;
  const peak = (options.baseLearningRate * batch) / PUBLISHED_BATCH;
  return {
    batch,
    parts,
    adamW: eatAdamW,
    tokenDeviation: 0.02,
    matrices: contrast ? 'glorot' : 'normal',
    plan: () => ({
      key: 'echo',
      graph: (graphOptions) => distillation(distilledEcho(config, shape, graphOptions), shape, options),
      feeds: (clips, random) => {
        const values = new Float32Array(sequences * patches * size);
        const positions = new Float32Array(sequences * config.width);
        const places = contrast ? Array.from({ length: bandsPerClip }, () => random.uniform()) : [];
        for (const [c, clip] of clips.entries()) {
          const bands = randomBands(clip, config, options, random, places);
          values.set(bands.values, c * bands.values.length);
          positions.set(bands.positions, c * bands.positions.length);
        }
        const kept = Array.from({ length: students }, () => randomMask(patches, maskRatio, random));
        return {
          patches: float32(values, [sequences, patches, size]),
          bandPositions: float32(positions, [sequences, 1, config.width]),
          ...decoderNoise(shape, config.width, random),
          ...maskFeeds(kept, shape),
          ...(contrast && contrastPairs(thingsOf(clips), { ...shape, bands: bandsPerClip })),
        };
      },
    }),
    scalars: (step) => ({
      learningRate: cosineSchedule(
        { peak, floor: Math.min(FLOOR, peak), warmUpSteps: options.warmUpSteps, steps },
        step,
      ),
      weightDecay: options.weightDecay,
      clipNorm: stepDown(options.clipNorm, step),
      decay: linearSchedule({ from: options.decay[0], to: options.decay[1], steps }, step),
    }),
  };
}
