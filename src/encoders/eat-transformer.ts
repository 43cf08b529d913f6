// The transformer of EAT, which FISHER shares: patches to tokens, CLS, one norm, post-norm blocks (EAT, section 3; code, commit 06c1c34).
import { add } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reshape } from '../graph/reshape.ts';
import { slice } from '../graph/slicing.ts';
import { type Dim, input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { dense, norm, postNormBlocks, prependToken } from '../nn/transformer.ts';
import type { GraphOptions } from './band-transformer.ts';
import { vitBlockNames } from './vit-names.ts';

export type EatTransformerConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Width of the patch embedding where it is not that of the encoder: a linear layer follows then. */
  patchWidth?: number;
};

/** Where checkpoints keep everything but the blocks. */
export const EAT_PREFIX = 'modality_encoders.IMAGE';
/** Side of a patch in frames and in bins. */
export const EAT_PATCH = 16;
const EPSILON = 1e-6;

/** Patches [N, L, 256] to tokens [N, L, D], without positions. */
export function eatPatchTokens(
  scope: ParameterScope,
  { width, patchWidth }: EatTransformerConfig,
  patches: Tensor,
): Tensor {
  const name = `${EAT_PREFIX}.local_encoder${patchWidth === undefined ? '' : '.0'}.proj`;
  const first = patchWidth ?? width;
  const kernel = reshape(scope(`${name}.weight`, [first, 1, EAT_PATCH, EAT_PATCH]), [first, EAT_PATCH * EAT_PATCH]);
  const embedded = linear(patches, kernel, scope(`${name}.bias`, [first]));
  return patchWidth === undefined ? embedded : dense(scope, `${EAT_PREFIX}.local_encoder.1`, embedded, width);
}

/**
 * Tokens with positions [N, L, D] through CLS, norm and blocks; `length` names L + 1. Returns all tokens, CLS first, and
 * every layer.
 */
export function eatTransformer(
  scope: ParameterScope,
  { width, depth, heads }: EatTransformerConfig,
  tokens: Tensor,
  { length = 'length', ...shared }: GraphOptions & { length?: Dim } = {},
): { output: Tensor; normed: Tensor; layers: { output: Tensor; inner: Tensor }[] } {
  const withCls = prependToken(scope(`${EAT_PREFIX}.extra_tokens`, [1, 1, width]), tokens, length);
  const normed = norm(scope, `${EAT_PREFIX}.context_encoder.norm`, withCls, EPSILON);
  const options = { depth, heads, mlpRatio: 4, epsilon: EPSILON, ...shared };
  const layers = postNormBlocks(scope, vitBlockNames, normed, options);
  return { output: layers.at(-1)?.output ?? normed, normed, layers };
}

/** The inference graph of EAT and FISHER: inputs `patches` [N, L, 256], `positions` [1, L, D]; outputs `cls` [N, D] and `tokens` [N, L, D]. */
export function eatGraph(
  scope: ParameterScope,
  config: EatTransformerConfig,
  options: GraphOptions = {},
): { cls: Tensor; tokens: Tensor } {
  const patches = input('patches', ['sequences', 'patches', EAT_PATCH * EAT_PATCH]);
  const positions = input('positions', [1, 'patches', config.width]);
  const { output } = eatTransformer(scope, config, add(eatPatchTokens(scope, config, patches), positions), options);
  return {
    cls: reshape(slice(output, 1, 0, 1, 1), ['sequences', config.width]),
    tokens: slice(output, 1, 1, undefined, 'patches'),
  };
}
