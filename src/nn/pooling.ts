// From the tokens of a clip to one vector: means, the class token, and statistics with or without attention.
import { relu, softmax } from '../graph/activation.ts';
import { add, maximum, mul, sqrt, sub, tanh } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape, reshapeLike } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { concat, slice } from '../graph/slicing.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import { batchNormLayer, type NormMode } from './batch-norm.ts';
import type { ParameterScope } from './parameters.ts';

/** Variances below this count as this: the deviation of a constant feature has a finite gradient. */
const VARIANCE_FLOOR = 1e-12;

/** Tokens [B, L, D] without the first `cls`. */
function withoutClass(tokens: Tensor, cls: number): Tensor {
  const length = tokens.shape[1];
  return cls === 0
    ? tokens
    : slice(tokens, 1, cls, undefined, typeof length === 'number' ? undefined : `${length} - ${cls}`);
}

/** Mean over the tokens behind the first `cls`. [B, L, D] -> [B, D] */
export const meanPooling = (tokens: Tensor, cls = 0): Tensor => reduceMean(withoutClass(tokens, cls), [1]);

/** Mean over the first `cls` tokens: the class token where there is one. [B, L, D] -> [B, D] */
export const classPooling = (tokens: Tensor, cls = 1): Tensor => reduceMean(slice(tokens, 1, 0, cls, cls), [1]);

/** Weighted mean and standard deviation over tokens [B, L, D], each [B, 1, D]. `shares` sum to 1 over axis 1; none: all alike. */
function weightedStatistics(tokens: Tensor, floor: number, shares?: Tensor): { mean: Tensor; deviation: Tensor } {
  const average = (x: Tensor) => (shares ? reduceSum(mul(x, shares), [1], true) : reduceMean(x, [1], true));
  const mean = average(tokens);
  const centred = sub(tokens, mean);
  return { mean, deviation: sqrt(maximum(average(mul(centred, centred)), floor)) };
}

/** [B, 1, D] and [B, 1, D] side by side, [B, 2 D]. */
function joined({ mean, deviation }: { mean: Tensor; deviation: Tensor }): Tensor {
  const width = staticDim(mean, 2, 'pooling');
  return reshape(concat([mean, deviation], 2), [mean.shape[0], 2 * width]);
}

/**
 * Mean and standard deviation (biased) over the tokens behind the first `cls`. [B, L, D] -> [B, 2 D]
 * (Snyder et al. 2018, x-vectors). `floor` is the least variance.
 */
export const statisticsPooling = (tokens: Tensor, cls = 0, floor = VARIANCE_FLOOR): Tensor =>
  joined(weightedStatistics(withoutClass(tokens, cls), floor));

export type AttentivePoolingOptions = {
  /** Width of the attention's hidden layer. Default 64. */
  channels?: number;
  /** Tokens in front that are left out. Default 0. */
  cls?: number;
  /** Least variance. Default 1e-12. */
  floor?: number;
};

/**
 * Attentive statistics pooling with global context (Okabe et al. 2018; Desplanques et al. 2020, ECAPA-TDNN, section
 * 3.1, in SpeechBrain's order): every token is seen beside the mean and deviation of all, [x | mean | deviation];
 * scores = V tanh(batch norm(relu(W .))), one per feature; softmax over tokens weighs their mean and deviation.
 * [B, L, D] -> [B, 2 D]. Parameters `name.tdnn.conv.conv` [channels, 3 D, 1], `name.tdnn.norm.norm`,
 * `name.conv.conv` [D, channels, 1]; kernels of width 1, which is why no convolution is needed.
 */
export function attentiveStatistics(
  scope: ParameterScope,
  name: string,
  tokens: Tensor,
  mode: NormMode,
  { channels = 64, cls = 0, floor = VARIANCE_FLOOR }: AttentivePoolingOptions = {},
): Tensor {
  const x = withoutClass(tokens, cls);
  const [batch, length] = x.shape;
  const width = staticDim(x, 2, 'attentiveStatistics');
  const { mean, deviation } = weightedStatistics(x, floor);
  // The context is the same for all tokens: its part of the product is made once per clip.
  const weight = reshape(scope(`${name}.tdnn.conv.conv.weight`, [channels, 3 * width, 1]), [channels, 3 * width]);
  const bias = scope(`${name}.tdnn.conv.conv.bias`, [channels]);
  const ofContext = linear(concat([mean, deviation], 2), slice(weight, 1, width, 3 * width), bias); // [B, 1, A]
  const hidden = relu(add(linear(x, slice(weight, 1, 0, width)), ofContext)); // [B, L, A]
  const rows: Dim = typeof batch === 'number' && typeof length === 'number' ? batch * length : 'tokens of the batch';
  const normal = batchNormLayer(scope, `${name}.tdnn.norm.norm`, reshape(hidden, [rows, channels]), mode);
  const scores = linear(
    reshapeLike(tanh(normal), hidden),
    reshape(scope(`${name}.conv.conv.weight`, [width, channels, 1]), [width, channels]),
    scope(`${name}.conv.conv.bias`, [width]),
  );
  return joined(weightedStatistics(x, floor, softmax(scores, 1)));
}
