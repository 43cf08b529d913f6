// The transformer of AudioMAE: stored positions behind a CLS token, pre-norm blocks, the norm of a mean (arXiv 2207.06405; released code, commit bd60e29).
import { add, stopGradient } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { layerNorm } from '../graph/normalization.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { slice } from '../graph/slicing.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { norm, preNormBlocks, prependToken } from '../nn/transformer.ts';
import type { GraphOptions } from './band-transformer.ts';
import { COLUMNS, PATCH, PATCH_SIZE } from './mel-patches.ts';
import { vitBlockNames } from './vit-names.ts';

export type AudiomaeConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Frames that the stored positions are for: all input has this length. */
  frames: number;
  /** A fine-tuned file brings the norm of the embedding. Of a pre-trained one it has no weights. */
  fcNorm?: 'stored';
};

const EPSILON = 1e-6;

/** Patches [N, L, 256] -> the patch embedding [N, L, D], and the tokens with positions, CLS first [N, L + 1, D]. */
export function audiomaeTokens(
  scope: ParameterScope,
  { width, frames }: AudiomaeConfig,
  patches: Tensor,
): { embedded: Tensor; tokens: Tensor } {
  const length = (frames / PATCH) * COLUMNS;
  const kernel = reshape(scope('patch_embed.proj.weight', [width, 1, PATCH, PATCH]), [width, PATCH_SIZE]);
  const embedded = linear(patches, kernel, scope('patch_embed.proj.bias', [width]));
  // Stored, as the released code computes them for a grid turned on its side; fixed in training.
  const positions = stopGradient(scope('pos_embed', [1, length + 1, width]));
  const cls = scope('cls_token', [1, 1, width]);
  return { embedded, tokens: add(prependToken(cls, embedded, length + 1), positions) };
}

/** Tokens through all blocks, without a norm behind them: the output of each. */
export const audiomaeBlocks = (
  scope: ParameterScope,
  { depth, heads }: AudiomaeConfig,
  tokens: Tensor,
  options: GraphOptions = {},
): Tensor[] => preNormBlocks(scope, vitBlockNames, tokens, { ...options, depth, heads, mlpRatio: 4, epsilon: EPSILON });

/**
 * The inference graph: input `patches` [N, L, 256]; outputs `tokens` [N, L, D] of the last block, and `cls` [N, D], the
 * norm of their mean: that of fine-tuning, or one without weights (RMIS).
 */
export function audiomaeGraph(
  scope: ParameterScope,
  config: AudiomaeConfig,
  options: GraphOptions = {},
): { cls: Tensor; tokens: Tensor } {
  const length = (config.frames / PATCH) * COLUMNS;
  const { tokens: embedded } = audiomaeTokens(scope, config, input('patches', ['sequences', length, PATCH_SIZE]));
  const last = audiomaeBlocks(scope, config, embedded, options).at(-1) ?? embedded;
  const tokens = slice(last, 1, 1);
  const pooled = reduceMean(tokens, [1]);
  const cls =
    config.fcNorm === 'stored'
      ? norm(scope, 'fc_norm', pooled, EPSILON)
      : layerNorm(pooled, undefined, undefined, EPSILON);
  return { cls, tokens };
}
