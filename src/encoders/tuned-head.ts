// What fine-tuning puts on an encoder: layers mixed, tokens pooled, a projection, and pooling over the segments of a recording.
import { reduceMean } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import type { Tensor } from '../graph/tensor.ts';
import { batchNormLayer, type NormMode } from '../nn/batch-norm.ts';
import { layerMix } from '../nn/layer-mix.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { attentiveStatistics, classPooling, meanPooling } from '../nn/pooling.ts';
import { type EncoderLayerOptions, segmentTransformer } from '../nn/segment-transformer.ts';
import { dense, norm } from '../nn/transformer.ts';
import type { HiddenStates } from './trunk.ts';

/** `mean` over tokens, `attentive` statistics over them, or `cls`, the mean of the class tokens. */
export type Pooling = 'mean' | 'attentive' | 'cls';

export type TunedHeadConfig = {
  /** Whether all hidden states are mixed with learned weights; else the last one counts. */
  mix: boolean;
  pooling: Pooling;
  /**
   * Width of the embedding behind batch norm and a linear layer (anomalous sound). Without it the pooled vector is the
   * embedding, behind a layer norm (EAT's classifier).
   */
  embedding?: number;
  /** Transformer pooling over the segments of a recording. */
  segments?: { heads: number; hidden: number };
};

/** Parameters of the head stand apart from those of the encoder. */
export const HEAD_PREFIX = 'head.';
/** Weights of the layers [L + 1], before the softmax. */
export const MIX_KEY = `${HEAD_PREFIX}mix`;
/** Names of the second stage, transformer pooling. */
export const SEGMENTS_PREFIX = `${HEAD_PREFIX}segments.`;

/** EAT's `fc_norm`. */
const LAYER_NORM_EPSILON = 1e-6;

function pooled(
  scope: ParameterScope,
  { pooling }: TunedHeadConfig,
  tokens: Tensor,
  cls: number,
  mode: NormMode,
): Tensor {
  if (pooling === 'cls') return classPooling(tokens, cls);
  if (pooling === 'mean') return meanPooling(tokens, cls);
  return attentiveStatistics(scope, `${HEAD_PREFIX}attention`, tokens, mode, { cls });
}

/**
 * Hidden states [N, T, D] to an embedding per crop [N, E] (specification of anomalous sound with pre-trained encoders:
 * weighted sum, pooling, batch norm, linear layer; EAT's classifier: pooling, layer norm).
 */
export function tunedHead(
  scope: ParameterScope,
  config: TunedHeadConfig,
  { states, cls }: HiddenStates,
  mode: NormMode,
): Tensor {
  const tokens = config.mix ? layerMix(scope, MIX_KEY, states) : states[states.length - 1];
  const vector = pooled(scope, config, tokens, cls, mode);
  if (config.embedding === undefined) return norm(scope, `${HEAD_PREFIX}norm`, vector, LAYER_NORM_EPSILON);
  const normal = batchNormLayer(scope, `${HEAD_PREFIX}norm`, vector, mode);
  return dense(scope, `${HEAD_PREFIX}projection`, normal, config.embedding);
}

/**
 * Embeddings of the segments of recordings [R, S, E] to one per recording [R, E]: one transformer layer over the segments,
 * mean, batch norm, linear layer (the same specification, "Transformer pooling"). `valid` [R, S] masks padding.
 */
export function segmentHead(
  scope: ParameterScope,
  { segments: { heads, hidden } = { heads: 8, hidden: 2048 } }: Pick<TunedHeadConfig, 'segments'>,
  vectors: Tensor,
  mode: NormMode,
  options: Pick<EncoderLayerOptions, 'valid' | 'dropout'> = {},
): Tensor {
  const width = staticDim(vectors, 2, 'segmentHead');
  const mean = segmentTransformer(scope, `${SEGMENTS_PREFIX}layer`, vectors, { heads, hidden, ...options });
  return dense(
    scope,
    `${SEGMENTS_PREFIX}projection`,
    batchNormLayer(scope, `${SEGMENTS_PREFIX}norm`, mean, mode),
    width,
  );
}

/** One vector [1, E] of all segments of a recording [S, E]: by transformer pooling where there is one, else their mean. */
export function recordingVector(scope: ParameterScope, config: TunedHeadConfig, segments: Tensor): Tensor {
  const width = staticDim(segments, 1, 'recordingVector');
  if (!config.segments) return reduceMean(segments, [0], true);
  return segmentHead(scope, config, reshape(segments, [1, segments.shape[0], width]), { training: false });
}
