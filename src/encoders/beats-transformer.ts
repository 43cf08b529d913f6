// The transformer of BEATs: convolved positions, deep post-norm, gated relative positions (arXiv 2212.09058; released code, commit 768a3c8).
import { gelu } from '../graph/activation.ts';
import { attention, toHeads } from '../graph/attention.ts';
import { add, mul, sub } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { positionalConvolution } from '../nn/positional-convolution.ts';
import { relativeBias, relativeGate } from '../nn/relative-positions.ts';
import { dense, norm } from '../nn/transformer.ts';
import type { GraphOptions } from './band-transformer.ts';
import { PATCH, PATCH_SIZE } from './mel-patches.ts';

export type BeatsConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Width of the feed-forward layers. */
  hidden: number;
  /** Width of the patch embedding; where it is not `width`, a linear layer follows. */
  patchWidth: number;
  /** Relative positions: number of buckets, and the distance from which all fall into the last one. */
  buckets: number;
  maxDistance: number;
  /** Kernel and groups of the positional convolution. */
  convKernel: number;
  convGroups: number;
  /** Residuals as they are. Else they are scaled by (2 depth)^(1/4), as in all published files. */
  deepNorm?: 'off';
};

const EPSILON = 1e-5;
/** Added to the logits of padded keys: their share becomes exactly 0. */
const MASKED = -1e9;

/** Patches [N, L, 256] -> the patch embedding [N, L, patchWidth], and the tokens made of it [N, L, D]. */
export function beatsTokens(
  scope: ParameterScope,
  { width, patchWidth }: BeatsConfig,
  patches: Tensor,
): { embedded: Tensor; tokens: Tensor } {
  const kernel = scope('patch_embedding.weight', [patchWidth, 1, PATCH, PATCH]);
  const embedded = linear(patches, reshape(kernel, [patchWidth, PATCH_SIZE]));
  const normed = norm(scope, 'layer_norm', embedded, EPSILON);
  return { embedded, tokens: patchWidth === width ? normed : dense(scope, 'post_extract_proj', normed, width) };
}

/** What a layer makes of its input [N, L, D], and the linear layer behind the gate of its positions [N, H, L, 8]. */
type Layer = { output: Tensor; grep: Tensor };

/**
 * One layer: x [N, L, D], `bias` [H, L, L]. `masked` [N, 1, 1, L] is added to the logits of keys that are padding.
 */
function beatsLayer(
  scope: ParameterScope,
  { width, depth, heads, hidden, deepNorm }: BeatsConfig,
  x: Tensor,
  i: number,
  bias: Tensor,
  { masked, branch = (own) => own }: { masked?: Tensor; branch?: (x: Tensor) => Tensor },
): Layer {
  const name = `encoder.layers.${i}`;
  const alpha = deepNorm === 'off' ? 1 : (2 * depth) ** 0.25;
  const part = (which: string) => dense(scope, `${name}.self_attn.${which}_proj`, x, width);
  const [q, k, v] = [part('q'), part('k'), part('v')];
  // The gate is made of the queries, with their bias and not yet scaled.
  const names = { linear: `${name}.self_attn.grep_linear`, head: `${name}.self_attn.grep_a` };
  const { gate, projected: grep } = relativeGate(scope, names, toHeads(q, heads));
  const gated = mul(gate, bias);
  const mixed = attention(q, k, v, { heads, bias: masked ? add(gated, masked) : gated });
  const attended = add(mul(x, alpha), branch(dense(scope, `${name}.self_attn.out_proj`, mixed, width)));
  const r = norm(scope, `${name}.self_attn_layer_norm`, attended, EPSILON);
  const fed = dense(scope, `${name}.fc2`, gelu(dense(scope, `${name}.fc1`, r, hidden)), width);
  return { output: norm(scope, `${name}.final_layer_norm`, add(mul(r, alpha), branch(fed)), EPSILON), grep };
}

/**
 * Tokens [N, L, D] through positions and all layers. `buckets` are the relative positions, int64 [L, L]
 * (`relativeBuckets`); `padding` [N, L] is 1 for tokens that are padding: they count as zeros, and no other token attends
 * to them.
 */
export function beatsTransformer(
  scope: ParameterScope,
  config: BeatsConfig,
  tokens: Tensor,
  buckets: Tensor,
  { branch, padding }: GraphOptions & { padding?: Tensor } = {},
): { convolved: Tensor; normed: Tensor; bias: Tensor; layers: Layer[] } {
  const { heads, convKernel: kernel, convGroups: groups } = config;
  const [count, length] = tokens.shape;
  const heard = padding ? mul(tokens, reshape(sub(1, padding), [count, length, 1])) : tokens;
  const masked = padding && reshape(mul(padding, MASKED), [count, 1, 1, length]);
  const convolved = positionalConvolution(scope, 'encoder.pos_conv.0', heard, { kernel, groups });
  const normed = norm(scope, 'encoder.layer_norm', add(heard, convolved), EPSILON);
  // Files repeat the table under every layer; the first one's serves all.
  const table = scope('encoder.layers.0.self_attn.relative_attention_bias.weight', [config.buckets, heads]);
  const bias = relativeBias(table, buckets);
  const layers: Layer[] = [];
  for (let i = 0; i < config.depth; i++) {
    const x = layers.at(-1)?.output ?? normed;
    layers.push(beatsLayer(scope, config, x, i, bias, { masked, branch: branch && ((own) => branch(own, i)) }));
  }
  return { convolved, normed, bias, layers };
}

/**
 * The inference graph: inputs `patches` [N, L, 256] and `buckets` int64 [L, L]; outputs `tokens` [N, L, D] and their mean
 * `cls` [N, D].
 */
export function beatsGraph(
  scope: ParameterScope,
  config: BeatsConfig,
  options: GraphOptions = {},
): { cls: Tensor; tokens: Tensor } {
  const { tokens: embedded } = beatsTokens(scope, config, input('patches', ['sequences', 'patches', PATCH_SIZE]));
  const buckets = input('buckets', ['patches', 'patches'], 'int64');
  const { normed, layers } = beatsTransformer(scope, config, embedded, buckets, options);
  const tokens = layers.at(-1)?.output ?? normed;
  return { cls: reduceMean(tokens, [1]), tokens };
}
