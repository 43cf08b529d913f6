// From an encoder and what is wanted of it to a fine-tuning run: configuration, recipe, and the file that comes out.
import type { TunedConfig } from '../encoders/config-hints.ts';
import type { Architecture, StateDict } from '../encoders/family.ts';
import { hintsOf } from '../encoders/stored-hints.ts';
import type { Trunk } from '../encoders/trunk.ts';
import { trunkOf, tunedArchitecture } from '../encoders/tuned.ts';
import type { Pooling, TunedHeadConfig } from '../encoders/tuned-head.ts';
import type { Labels } from '../encoders/types.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { mergeLowRank } from '../nn/low-rank.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import type { LabelledCrop } from './data/labelled-types.ts';
import { type CropClasses, type TuneOptions, type Tuning, tuneRecipe } from './recipes/tune.ts';
import type { Recipe } from './recipes/types.ts';
import type { TrainingState } from './step.ts';

/** Weights with their architecture, as `loadWeights` gives them. */
export type TuneBase = { id: string; architecture: Architecture; weights: StateDict };

export type TuneShape = Omit<TunedHeadConfig, 'pooling'> & {
  /** The class token by default, the mean where an encoder has none. */
  pooling?: Pooling;
  /** Hz; an encoder that knows one rate only has the last word. */
  sampleRate: number;
  cropSeconds: number;
  /** From one segment to the next when recordings are heard; those of training lie anywhere. */
  hopSeconds: number;
  labels?: Labels;
};

export type TunePlan = {
  config: TunedConfig;
  /** Of the file that comes out. */
  architecture: Architecture;
  trunk: Trunk;
  recipe: Recipe<LabelledCrop>;
};

/**
 * The configuration of a fine-tuned encoder.
 * @throws InputError for an encoder that cannot be fine-tuned, crops that are too short or too long for it, and `cls` where
 * there is no class token
 */
export function tunedConfig({ architecture, id }: TuneBase, shape: TuneShape): TunedConfig {
  const trunk = trunkOf(architecture);
  const { cropSeconds, hopSeconds, sampleRate: asked, pooling, ...head } = shape;
  const sampleRate = trunk.sampleRate ?? asked;
  const samplesOf = (seconds: number): number => Math.max(1, Math.round(seconds * sampleRate));
  const least = trunk.leastSamples(sampleRate);
  const cropSamples = samplesOf(cropSeconds);
  if (cropSamples < least) {
    throw new InputError(
      `finetune: expected crops of at least ${least / sampleRate} s for ${id} at ${sampleRate} Hz, got ${cropSeconds} s; make them longer`,
    );
  }
  const { cls } = trunk.graph(createScope(), { count: 1, samples: cropSamples, sampleRate });
  if (pooling === 'cls' && cls === 0) {
    throw new InputError(
      `finetune: expected an encoder with a class token for the pooling cls, but ${id} has none; take mean or attentive`,
    );
  }
  return {
    ...head,
    pooling: pooling ?? (cls > 0 ? 'cls' : 'mean'),
    base: { family: architecture.family, hints: hintsOf(architecture) },
    sampleRate,
    cropSamples,
    hopSamples: samplesOf(hopSeconds),
  };
}

/** All of a run but its data. @throws InputError as `tunedConfig` and `tuneRecipe` */
export function planTuning(base: TuneBase, shape: TuneShape, classes: CropClasses, options: TuneOptions): TunePlan {
  const config = tunedConfig(base, shape);
  const trunk = trunkOf(base.architecture);
  const values = new Map(Array.from(base.weights, ([name, tensor]) => [name, toFloat32(tensor)]));
  return {
    config,
    trunk,
    architecture: tunedArchitecture(config, base.architecture, base.weights),
    recipe: tuneRecipe(config, trunk, classes, values, options),
  };
}

/** A state under the names that the file has: low-rank additions are folded into what they add to. */
export function plainState(state: TrainingState, tuning: Tuning): TrainingState {
  if (tuning.kind !== 'low-rank') return state;
  return { ...state, parameters: mergeLowRank(state.parameters, tuning) };
}
