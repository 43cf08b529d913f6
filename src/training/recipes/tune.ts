// Fine-tuning: an encoder with a head on labelled crops. Anomalous sound (angular margin on attributes, after the DCASE
// 2023 entry with pre-trained speech encoders) and classification (EAT, section 4.2 and released code) are settings of it.

import type { TunedConfig } from '../../encoders/config-hints.ts';
import type { Features, Trunk } from '../../encoders/trunk.ts';
import { CLASSES_KEY, TRUNK_PREFIX, within } from '../../encoders/tuned.ts';
import { tunedHead } from '../../encoders/tuned-head.ts';
import { cast, equal, mul } from '../../graph/elementwise.ts';
import { reduceMax, reduceMean } from '../../graph/reduce.ts';
import { expand, reduceSum, reshape } from '../../graph/reshape.ts';
import { float32 } from '../../graph/runtime.ts';
import { slice } from '../../graph/slicing.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { isRunningAverage } from '../../nn/batch-norm.ts';
import { initialLowRank, isLowRank, type LowRankOptions, withLowRank } from '../../nn/low-rank.ts';
import { createScope, type ParameterScope } from '../../nn/parameters.ts';
import { dense } from '../../nn/transformer.ts';
import { concatenate } from '../../signal/concatenate.ts';
import { InputError } from '../../signal/errors.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { adaCosLogits, type MarginOptions, marginLogits } from '../angular-loss.ts';
import { dropPathFactors, mixup, rollFrames, specAugment } from '../augment.ts';
import { binaryCrossEntropy, crossEntropy } from '../class-loss.ts';
import type { LabelledCrop } from '../data/labelled-types.ts';
import { cosineSchedule } from '../schedules.ts';
import type { Trainable } from '../step.ts';
import type { Recipe } from './types.ts';

/** How many classes there are, and of which a crop is. */
export type CropClasses = { count: number; of(crop: LabelledCrop): readonly number[] };

/**
 * `margin`: additive angular margin. `adacos`: sub-cluster AdaCos. `softmax`: one class each, labels smoothed.
 * `binary`: any number of classes; the sum of errors is divided by that of labels, or by the number of clips.
 */
export type Objective =
  | ({ kind: 'margin' } & Omit<MarginOptions, 'classes'>)
  | { kind: 'adacos'; centres?: number }
  | { kind: 'softmax'; smoothing?: number }
  | { kind: 'binary'; per: 'labels' | 'clips' };

/** `all` parameters of the encoder move, low-rank additions to its attention, or none: only the head does. */
export type Tuning = { kind: 'all' } | { kind: 'head' } | ({ kind: 'low-rank' } & LowRankOptions);

/** Of what is heard, before it is cut into tokens. */
export type FeatureAugmentation = {
  /** Parameter of the beta distribution that shares are drawn from; 0 or absent: nothing is mixed. */
  mixup?: number;
  /** Widest masks as a share of time and of frequency; after mixing. */
  specAugment?: number;
  /** Noise on the features and a few frames' roll. */
  featureNoise?: boolean;
};

export type TuneOptions = {
  steps: number;
  batch: number;
  /** Peak, and end of the cosine. */
  learningRate: number;
  floor: number;
  warmUpSteps: number;
  weightDecay: number;
  clipNorm: number;
  /** Factor on the learning rate from one block to the one below (EAT: 0.65); 1: all alike. */
  layerDecay: number;
  /** Of the last block; linear from 0 at the first (EAT: 0.1). */
  dropPath: number;
  objective: Objective;
  tuning: Tuning;
  augmentation: FeatureAugmentation;
};

/** Of the paper on anomalous sound: AdamW, 5e-4, weight decay 1e-4; the margin from its authors' code. Steps for one machine. */
export const asdDefaults: TuneOptions = {
  steps: 2000,
  batch: 32,
  learningRate: 5e-4,
  floor: 0,
  warmUpSteps: 100,
  weightDecay: 1e-4,
  clipNorm: 5,
  layerDecay: 1,
  dropPath: 0,
  objective: { kind: 'margin', scale: 30, margin: 0.2, convention: 'th_mm' },
  tuning: { kind: 'all' },
  augmentation: {},
};

/** Of EAT on ESC-50 (its table of fine-tuning). Steps for one machine. */
export const classifyDefaults: TuneOptions = {
  steps: 4000,
  batch: 48,
  learningRate: 5e-5,
  floor: 1e-6,
  warmUpSteps: 400,
  weightDecay: 0.05,
  clipNorm: 5,
  layerDecay: 0.65,
  dropPath: 0.1,
  objective: { kind: 'softmax', smoothing: 0.1 },
  tuning: { kind: 'all' },
  augmentation: { specAugment: 0.4 },
};

/** The norm behind the blocks of speech encoders that normalise before each branch; of the others it stands before them. */
const LAST_NORM = `${TRUNK_PREFIX}encoder.layer_norm.`;

const BLOCK = /(?:^|\.)(?:layers|blocks)\.(\d+)\./;
/** Matrices of attention, in the names of all families. */
const ATTENTION = /(attn|attention)\.[\w.]*(proj|qkv|in_proj_)\w*(\.weight|weight)$/;

/**
 * Factor on the learning rate of a parameter: block i of L has decay^(L - i), what comes before the blocks decay^(L + 1),
 * the head and the norm behind the blocks 1.
 * @param preNorm whether the encoder normalises before each branch
 */
export function layerRate(name: string, blocks: number, decay: number, preNorm = false): number {
  if (!name.startsWith(TRUNK_PREFIX) || (preNorm && name.startsWith(LAST_NORM))) return 1;
  const block = BLOCK.exec(name)?.[1];
  return decay ** (blocks - (block === undefined ? -1 : Number(block)));
}

/** AudioMAE's positions, which no gradient reaches: without this, weight decay would. */
const FIXED_POSITIONS = /(^|\.)pos_embed$/;

type Head = { config: TunedConfig; trunk: Trunk; classes: number };

/** Branches of crops that are dropped: input `dropPath` [2 L, B] holds 0 or 1 / (1 - rate), two rows for every block. */
function dropBranches(blocks: number, batch: number): (branch: Tensor, block: number) => Tensor {
  const factors = input('dropPath', [2 * blocks, batch]);
  const used = new Map<number, number>();
  return (branch, block) => {
    const nth = used.get(block) ?? 0;
    used.set(block, nth + 1);
    const row = 2 * block + (nth % 2);
    const sequences = branch.shape[0] as number;
    const own = reshape(slice(factors, 0, row, row + 1), [batch, 1]);
    const repeated = expand(own, [batch, sequences / batch]);
    return mul(branch, reshape(repeated, [sequences, 1, 1]));
  };
}

function objectiveOf(
  scope: ParameterScope,
  embeddings: Tensor,
  shares: Tensor,
  objective: Objective,
  classes: number,
): { loss: Tensor; scores: Tensor } {
  switch (objective.kind) {
    case 'margin': {
      const { kind: _kind, ...options } = objective;
      const { logits, cosines } = marginLogits(scope, CLASSES_KEY, embeddings, shares, { ...options, classes });
      return { loss: crossEntropy(logits, shares), scores: cosines };
    }
    case 'adacos': {
      const { logits } = adaCosLogits(scope, CLASSES_KEY, embeddings, { classes, centres: objective.centres });
      return { loss: crossEntropy(logits, shares), scores: logits };
    }
    case 'softmax': {
      const logits = dense(scope, CLASSES_KEY, embeddings, classes);
      return { loss: crossEntropy(logits, shares, { smoothing: objective.smoothing }), scores: logits };
    }
    case 'binary': {
      const logits = dense(scope, CLASSES_KEY, embeddings, classes);
      return { loss: binaryCrossEntropy(logits, shares, objective.per), scores: logits };
    }
  }
}

/** Share of the labels that the highest score meets. */
export function accuracyOf(scores: Tensor, shares: Tensor): Tensor {
  const best = cast(equal(scores, reduceMax(scores, [1], true)), 'float32');
  return reduceMean(reduceSum(mul(best, shares), [1]));
}

function tuneGraph({ config, trunk, classes }: Head, options: TuneOptions, graph = {}): Trainable {
  const { batch, tuning, dropPath, objective } = options;
  const scope = createScope();
  const buffers = new Map<string, Tensor>();
  const blocks = trunk.states - 1;
  const own = within(scope, TRUNK_PREFIX);
  const adapted = tuning.kind === 'low-rank' ? withLowRank(own, { ...tuning, targets: ATTENTION }) : own;
  const crops = { count: batch, samples: config.cropSamples, sampleRate: config.sampleRate };
  const hidden = trunk.graph(adapted, crops, {
    ...graph,
    // Gradients need the parts of attention.
    fusedAttention: false,
    trained: true,
    ...(dropPath > 0 && { branch: dropBranches(blocks, batch) }),
  });
  const embeddings = tunedHead(scope, config, hidden, { training: true, buffers });
  const shares = input('labels', [batch, classes]);
  const { loss, scores } = objectiveOf(scope, embeddings, shares, objective, classes);
  return { loss, watched: { accuracy: accuracyOf(scores, shares) }, buffers };
}

/** Rows of shares: of a crop, 1 at each of its classes. */
export function sharesOf(crops: readonly LabelledCrop[], { count, of }: CropClasses): Float32Array[] {
  return crops.map((crop) => {
    const row = new Float32Array(count);
    for (const one of of(crop)) row[one] = 1;
    return row;
  });
}

/** Mixing, masks, noise, in the order of EAT's fine-tuning. */
function augmented(
  heard: readonly Features[],
  labels: readonly Float32Array[],
  { mixup: alpha = 0, specAugment: ratio = 0, featureNoise = false }: FeatureAugmentation,
  random: Random,
): { features: readonly Features[]; shares: readonly Float32Array[] } {
  const mixed = alpha > 0 ? mixup(heard, labels, { alpha }, random.fork('mixup')) : { features: heard, labels };
  const masks = { timeRatio: ratio, frequencyRatio: ratio };
  const masked =
    ratio > 0 ? mixed.features.map((one, i) => specAugment(one, masks, random.fork(`masks ${i}`))) : mixed.features;
  const noisy = featureNoise ? masked.map((one, i) => rollFrames(one, random.fork(`noise ${i}`))) : masked;
  return { features: noisy, shares: mixed.labels };
}

/**
 * The recipe for an encoder below a head.
 * @param weights of the encoder below, by its own names
 * @throws InputError for fewer than two classes
 */
export function tuneRecipe(
  config: TunedConfig,
  trunk: Trunk,
  classes: CropClasses,
  weights: ReadonlyMap<string, Float32Array>,
  options: TuneOptions,
): Recipe<LabelledCrop> {
  if (classes.count < 2) {
    throw new InputError(
      `finetune: expected at least 2 classes, got ${classes.count}; give recordings of several conditions or labels`,
    );
  }
  const { batch, tuning, dropPath, learningRate: peak, floor, warmUpSteps, steps, weightDecay, clipNorm } = options;
  const blocks = trunk.states - 1;
  const rates = Array.from({ length: 2 * blocks }, (_, i) => (dropPath * Math.floor(i / 2)) / Math.max(1, blocks - 1));
  const fixed = (name: string): boolean => {
    if (FIXED_POSITIONS.test(name)) return true;
    if (!name.startsWith(TRUNK_PREFIX) || tuning.kind === 'all') return false;
    return !isLowRank(name);
  };
  return {
    batch,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    tokenDeviation: 1,
    initial: (shapes, seed) =>
      new Map([
        ...initialLowRank(shapes, seed),
        ...Array.from(weights, ([name, values]) => [`${TRUNK_PREFIX}${name}`, values] as const),
      ]),
    parameters: {
      frozen: (name) => fixed(name) || isRunningAverage(name),
      rate: (name) => layerRate(name, blocks, options.layerDecay, config.base.hints.blockNorm === 'pre'),
    },
    plan: () => ({
      key: 'tune',
      graph: (graphOptions) => tuneGraph({ config, trunk, classes: classes.count }, options, graphOptions),
      feeds: (crops, random) => {
        const heard = crops.map(({ samples, sampleRate }) => trunk.features(samples, sampleRate));
        const { features, shares } = augmented(heard, sharesOf(crops, classes), options.augmentation, random);
        return {
          ...trunk.feeds(features, config.sampleRate),
          labels: float32(concatenate(Float32Array, shares), [batch, classes.count]),
          ...(dropPath > 0 && {
            dropPath: float32(concatenate(Float32Array, dropPathFactors(random.fork('drop path'), batch, rates)), [
              2 * blocks,
              batch,
            ]),
          }),
        };
      },
    }),
    scalars: (step) => ({
      learningRate: cosineSchedule({ peak, floor, warmUpSteps, steps }, step),
      weightDecay,
      clipNorm,
      decay: 0,
    }),
  };
}
