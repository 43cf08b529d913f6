// The second stage of fine-tuning for anomalous sound: transformer pooling over the segments of a recording, on the
// embeddings of an encoder that no longer changes (specification "anomalous sound", transformer pooling).

import { CLASSES_KEY } from '../../encoders/tuned.ts';
import { segmentHead, type TunedHeadConfig } from '../../encoders/tuned-head.ts';
import { float32 } from '../../graph/runtime.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { createScope } from '../../nn/parameters.ts';
import { InputError } from '../../signal/errors.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { type MarginOptions, marginLogits } from '../angular-loss.ts';
import { crossEntropy } from '../class-loss.ts';
import { cosineSchedule } from '../schedules.ts';
import type { Trainable } from '../step.ts';
import { accuracyOf } from './tune.ts';
import type { Recipe } from './types.ts';

/** The segments of one recording [S, E], and its class. */
export type SegmentSet = { vectors: Float32Array; segments: number; classIndex: number };

export type SegmentPoolingOptions = {
  steps: number;
  /** Recordings of a step. */
  batch: number;
  learningRate: number;
  warmUpSteps: number;
  weightDecay: number;
  clipNorm: number;
  dropout: number;
  margin: Omit<MarginOptions, 'classes'>;
};

/** As specified: learning rate 1e-4, dropout 0.1, margin 0.2 and scale 30. Steps for one machine. */
export const segmentPoolingDefaults: SegmentPoolingOptions = {
  steps: 2000,
  batch: 32,
  learningRate: 1e-4,
  warmUpSteps: 100,
  weightDecay: 1e-4,
  clipNorm: 5,
  dropout: 0.1,
  margin: { scale: 30, margin: 0.2, convention: 'th_mm' },
};

/** Shapes of the factors of dropout, by the place where they act. */
const dropoutShapes = (
  { heads, hidden }: { heads: number; hidden: number },
  batch: number,
  segments: number,
  width: number,
): Record<'weights' | 'attended' | 'hidden' | 'output', number[]> => ({
  weights: [batch, heads, segments, segments],
  attended: [batch, segments, width],
  hidden: [batch, segments, hidden],
  output: [batch, segments, width],
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/**
 * The recipe for recordings of at most `segments` segments, each a vector of `width`.
 * @throws InputError where the width does not divide into the heads
 */
export function segmentPoolingRecipe(
  config: Required<Pick<TunedHeadConfig, 'segments'>>,
  { width, segments, classes }: { width: number; segments: number; classes: number },
  options: SegmentPoolingOptions,
): Recipe<SegmentSet> {
  const { batch, learningRate: peak, warmUpSteps, steps, weightDecay, clipNorm, dropout } = options;
  if (width % config.segments.heads !== 0) {
    throw new InputError(
      `finetune: expected an embedding that divides into ${config.segments.heads} heads, got ${width} values; choose another --width`,
    );
  }
  const shapes = dropoutShapes(config.segments, batch, segments, width);
  const graph = (): Trainable => {
    const scope = createScope();
    const buffers = new Map<string, Tensor>();
    const factors = Object.fromEntries(
      Object.entries(shapes).map(([place, shape]) => [place, input(`dropout.${place}`, shape)]),
    );
    const vectors = input('vectors', [batch, segments, width]);
    const valid = input('valid', [batch, segments]);
    const pooled = segmentHead(
      scope,
      config,
      vectors,
      { training: true, buffers },
      {
        valid,
        ...(dropout > 0 && { dropout: factors }),
      },
    );
    const shares = input('labels', [batch, classes]);
    const { logits, cosines } = marginLogits(scope, CLASSES_KEY, pooled, shares, { ...options.margin, classes });
    return { loss: crossEntropy(logits, shares), watched: { accuracy: accuracyOf(cosines, shares) }, buffers };
  };
  const drawFactors = (random: Random) =>
    Object.fromEntries(
      Object.entries(shapes).map(([place, shape]) => {
        const stream = random.fork(place);
        const values = new Float32Array(sizeOf(shape));
        for (let i = 0; i < values.length; i++) values[i] = stream.uniform() < dropout ? 0 : 1 / (1 - dropout);
        return [`dropout.${place}`, float32(values, shape)];
      }),
    );
  return {
    batch,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    tokenDeviation: 1,
    matrices: 'glorot',
    plan: () => ({
      key: 'segments',
      graph,
      feeds: (sets, random) => {
        const vectors = new Float32Array(batch * segments * width);
        const valid = new Float32Array(batch * segments);
        const labels = new Float32Array(batch * classes);
        for (const [i, set] of sets.entries()) {
          vectors.set(set.vectors, i * segments * width);
          valid.fill(1, i * segments, i * segments + set.segments);
          labels[i * classes + set.classIndex] = 1;
        }
        return {
          vectors: float32(vectors, [batch, segments, width]),
          valid: float32(valid, [batch, segments]),
          labels: float32(labels, [batch, classes]),
          ...(dropout > 0 && drawFactors(random)),
        };
      },
    }),
    scalars: (step) => ({
      learningRate: cosineSchedule({ peak, floor: 0, warmUpSteps, steps }, step),
      weightDecay,
      clipNorm,
      decay: 0,
    }),
  };
}
