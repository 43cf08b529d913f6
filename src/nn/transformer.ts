// Transformer blocks shared by the encoder families.
import { gelu, scaledGelu } from '../graph/activation.ts';
import { attention, packedAttention } from '../graph/attention.ts';
import { add, mul } from '../graph/elementwise.ts';
import { linear, trainedLinear } from '../graph/matmul.ts';
import { layerNorm } from '../graph/normalization.ts';
import { expand, reshape } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { concat, split } from '../graph/slicing.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from './parameters.ts';

/** Where a checkpoint keeps the parameters of one block. Layers have `.weight` and `.bias`; `qkv` is given in full. */
export type BlockNames = {
  qkvWeight: string;
  qkvBias: string;
  projection: string;
  norm1: string;
  norm2: string;
  hidden: string;
  output: string;
};

export type BlockOptions = {
  heads: number;
  mlpRatio: number;
  epsilon: number;
  /** Attention as one fused node where it pays; see `AttentionOptions`. */
  fusedAttention?: boolean;
  /** Whether gradients will be asked for: what takes least with them, not without. */
  trained?: boolean;
  /** What becomes of a branch (attention, feed-forward) before it is added to its input: where drop path drops it. */
  branch?: (x: Tensor) => Tensor;
};

const unchanged = (x: Tensor): Tensor => x;

/** Layer normalisation over the last axis with the parameters `name.weight` and `name.bias`. */
export function norm(scope: ParameterScope, name: string, x: Tensor, epsilon: number): Tensor {
  const width = staticDim(x, -1, 'norm');
  return layerNorm(x, scope(`${name}.weight`, [width]), scope(`${name}.bias`, [width]), epsilon);
}

/** Linear layer `name.weight` [outputs, inputs], `name.bias` [outputs]; `trained` as in `BlockOptions`. */
export function dense(scope: ParameterScope, name: string, x: Tensor, outputs: number, trained = false): Tensor {
  const inputs = staticDim(x, -1, 'dense');
  const [weight, bias] = [scope(`${name}.weight`, [outputs, inputs]), scope(`${name}.bias`, [outputs])];
  return trained ? trainedLinear(x, weight, bias) : linear(x, weight, bias);
}

/** Self-attention with one projection to queries, keys and values (rows q, k, v). x: [B, L, D]. */
export function selfAttention(
  scope: ParameterScope,
  names: BlockNames,
  x: Tensor,
  { heads, fusedAttention: fused, trained }: Pick<BlockOptions, 'heads' | 'fusedAttention' | 'trained'>,
): Tensor {
  const width = staticDim(x, 2, 'selfAttention');
  const own = [scope(names.qkvWeight, [3 * width, width]), scope(names.qkvBias, [3 * width])] as const;
  const qkv = trained ? trainedLinear(x, ...own) : linear(x, ...own);
  if (fused === false) return dense(scope, names.projection, packedAttention(qkv, heads), width, trained);
  const [q, k, v] = split(qkv, 3, 2);
  return dense(scope, names.projection, attention(q, k, v, { heads, fused }), width);
}

/** Two linear layers with exact GELU between them; `trained` as in `BlockOptions`. */
export function feedForward(
  scope: ParameterScope,
  names: Pick<BlockNames, 'hidden' | 'output'>,
  x: Tensor,
  ratio: number,
  trained = false,
): Tensor {
  const width = staticDim(x, -1, 'feedForward');
  if (trained) {
    const layer = (name: string, from: Tensor, outputs: number, biasOf: (bias: Tensor) => Tensor) => {
      const weight = scope(`${name}.weight`, [outputs, staticDim(from, -1, 'feedForward')]);
      return trainedLinear(from, weight, biasOf(scope(`${name}.bias`, [outputs])), Math.SQRT1_2);
    };
    const hidden = layer(names.hidden, x, width * ratio, (bias) => mul(bias, Math.SQRT1_2));
    return layer(names.output, scaledGelu(hidden), width, unchanged);
  }
  return dense(scope, names.output, gelu(dense(scope, names.hidden, x, width * ratio)), width);
}

/**
 * Post-norm block: r = norm1(x + attention(x)); y = norm2(r + feedForward(r)) (Vaswani et al. 2017, section 3.1;
 * ECHO, FISHER and EAT). `inner` is the feed-forward output before residual and norm, EAT's training target.
 */
export function postNormBlock(
  scope: ParameterScope,
  names: BlockNames,
  x: Tensor,
  options: BlockOptions,
): { output: Tensor; inner: Tensor } {
  const { epsilon, branch = unchanged } = options;
  const attended = add(x, branch(selfAttention(scope, names, x, options)));
  const r = norm(scope, names.norm1, attended, epsilon);
  const inner = feedForward(scope, names, r, options.mlpRatio, options.trained);
  return { output: norm(scope, names.norm2, add(r, branch(inner)), epsilon), inner };
}

/**
 * Pre-norm block: r = x + attention(norm1(x)); y = r + feedForward(norm2(r)) (Dosovitskiy et al. 2021, equations 2 and 3;
 * CED, Dasheng and AudioMAE). x: [B, L, D].
 */
export function preNormBlock(scope: ParameterScope, names: BlockNames, x: Tensor, options: BlockOptions): Tensor {
  const { epsilon, mlpRatio, trained, branch = unchanged } = options;
  const r = add(x, branch(selfAttention(scope, names, norm(scope, names.norm1, x, epsilon), options)));
  return add(r, branch(feedForward(scope, names, norm(scope, names.norm2, r, epsilon), mlpRatio, trained)));
}

/** Options of all blocks; `branch` is told the number of the block. */
export type StackOptions = Omit<BlockOptions, 'branch'> & {
  depth: number;
  branch?: (x: Tensor, block: number) => Tensor;
};

const optionsOf = ({ branch, depth: _depth, ...shared }: StackOptions, i: number): BlockOptions => ({
  ...shared,
  ...(branch && { branch: (x: Tensor) => branch(x, i) }),
});

/** Post-norm blocks on x [B, L, D], each on the output of the one before; `names` are those of block i, from 0. */
export function postNormBlocks(
  scope: ParameterScope,
  names: (i: number) => BlockNames,
  x: Tensor,
  options: StackOptions,
): { output: Tensor; inner: Tensor }[] {
  const blocks: { output: Tensor; inner: Tensor }[] = [];
  for (let i = 0; i < options.depth; i++) {
    blocks.push(postNormBlock(scope, names(i), blocks.at(-1)?.output ?? x, optionsOf(options, i)));
  }
  return blocks;
}

/** Pre-norm blocks on x [B, L, D], each on the output of the one before; `names` are those of block i, from 0. */
export function preNormBlocks(
  scope: ParameterScope,
  names: (i: number) => BlockNames,
  x: Tensor,
  options: StackOptions,
): Tensor[] {
  const blocks: Tensor[] = [];
  for (let i = 0; i < options.depth; i++) {
    blocks.push(preNormBlock(scope, names(i), blocks.at(-1) ?? x, optionsOf(options, i)));
  }
  return blocks;
}

/** `token` [1, 1, D] in front of every sequence of x [B, L, D]; `length` names L + 1. */
export function prependToken(token: Tensor, x: Tensor, length: Dim): Tensor {
  const width = staticDim(x, 2, 'prependToken');
  const repeated = expand(reshape(token, [1, 1, width]), [x.shape[0], 1, width], x);
  return concat([repeated, x], 1, length);
}
