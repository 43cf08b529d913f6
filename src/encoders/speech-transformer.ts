// The graph of wav2vec 2.0, HuBERT, UniSpeech-SAT and WavLM: convolutions on the waveform, then a transformer (Baevski et al. 2020; Chen et al. 2022).
import { gelu } from '../graph/activation.ts';
import { attention, toHeads } from '../graph/attention.ts';
import { conv } from '../graph/conv.ts';
import { add, mul, sub } from '../graph/elementwise.ts';
import { groupNorm } from '../graph/normalization.ts';
import { reshape, transpose } from '../graph/reshape.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { positionalConvolution } from '../nn/positional-convolution.ts';
import { relativeBias, relativeGate } from '../nn/relative-positions.ts';
import { dense, feedForward, norm } from '../nn/transformer.ts';
import type { GraphOptions } from './band-transformer.ts';

export type SpeechConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Width of the hidden layer of a block. */
  hidden: number;
  /** Channels of the convolutions. */
  convWidth: number;
  /** `group`: every channel over time, behind the first convolution only. `layer`: over the channels, behind all. */
  convNorm: 'group' | 'layer';
  convBias: 'yes' | 'no';
  /** Where blocks normalise: behind the sum with their input, or before each branch ("stable layer norm"). */
  blockNorm: 'post' | 'pre';
  /** Whether a clip is brought to mean 0 and variance 1 before it is heard. */
  normalize: 'clip' | 'none';
  /** Buckets of WavLM's relative positions and the distance at which they end; the others have none. */
  buckets?: number;
  maxDistance?: number;
};

/** Of every published model: kernels and strides of the convolutions, and the positional convolution. */
const KERNELS = [10, 3, 3, 3, 3, 2, 2];
const STRIDES = [5, 2, 2, 2, 2, 2, 2];
const POSITIONS = { kernel: 128, groups: 16 };
const EPSILON = 1e-5;

/** Samples between the starts of two frames, 20 ms at 16 kHz. */
export const SPEECH_HOP = STRIDES.reduce((product, stride) => product * stride, 1);

/** Frames that `samples` make; 0 if they are fewer than the 400 of one frame. */
export const speechFrames = (samples: number): number =>
  KERNELS.reduce((count, kernel, i) => Math.max(0, Math.floor((count - kernel) / STRIDES[i]) + 1), samples);

export type SpeechInputs = {
  /** [B, N], normalised where the model wants it. */
  samples: Tensor;
  /** Number of frames T that N samples make; a name where N has one. */
  frames: Dim;
  /** WavLM: bucket of every pair of frames, int64 [T, T] (query, key). */
  buckets?: Tensor;
  /** 1 for frames of a clip, 0 for those of the zeros behind it [B, T]: for clips of different lengths. */
  frameMask?: Tensor;
};

export type SpeechLayers = {
  /** Output of every convolution with norm and GELU, [B, C, ...]. */
  convolutions: Tensor[];
  /** Their last one normalised [B, T, C], and projected [B, T, D]. */
  normed: Tensor;
  projected: Tensor;
  /** What the positional convolution adds [B, T, D]. */
  positions: Tensor;
  /** Input of the first block, then the output of every block, [B, T, D]; the last one is normalised in any case. */
  states: Tensor[];
  /** WavLM: logits by relative position [H, T, T], and what they are multiplied with in each block [B, H, T, 1]. */
  bias?: Tensor;
  gates: Tensor[];
};

/** The feature extractor: [B, N] to the outputs of its seven convolutions, [B, C, T]. */
function convolutions(scope: ParameterScope, config: SpeechConfig, { samples, frames }: SpeechInputs): Tensor[] {
  const { convWidth, convNorm, convBias } = config;
  const outputs: Tensor[] = [];
  let x = reshape(samples, [samples.shape[0], 1, samples.shape[1]]);
  for (const [i, kernel] of KERNELS.entries()) {
    const name = `feature_extractor.conv_layers.${i}`;
    const weight = scope(`${name}.conv.weight`, [convWidth, i === 0 ? 1 : convWidth, kernel]);
    const bias = convBias === 'yes' ? scope(`${name}.conv.bias`, [convWidth]) : undefined;
    const outputSizes = [i === KERNELS.length - 1 ? frames : `${frames} of ${i}`];
    x = conv(x, weight, bias, { stride: STRIDES[i], outputSizes });
    if (convNorm === 'layer') {
      x = transpose(norm(scope, `${name}.layer_norm`, transpose(x, [0, 2, 1]), EPSILON), [0, 2, 1]);
    } else if (i === 0) {
      const [gain, offset] = ['weight', 'bias'].map((part) => scope(`${name}.layer_norm.${part}`, [convWidth]));
      x = groupNorm(x, convWidth, gain, offset, EPSILON);
    }
    x = gelu(x);
    outputs.push(x);
  }
  return outputs;
}

const attentionName = (block: number): string => `encoder.layers.${block}.attention`;

/** Logits for padding, far below all others: [B, T] of 1 and 0 -> [B, 1, 1, T]. */
function paddingBias(mask: Tensor): Tensor {
  return reshape(mul(sub(mask, 1), 1e4), [mask.shape[0], 1, 1, mask.shape[1]]);
}

/**
 * Samples to the hidden states of all blocks, as Hugging Face's models return them (spec of the family). In the `pre`
 * variant `encoder.layer_norm` normalises the last state, in the `post` variant the first one.
 */
export function speechTransformer(
  scope: ParameterScope,
  config: SpeechConfig,
  inputs: SpeechInputs,
  { fusedAttention, trained, branch = (x) => x }: GraphOptions = {},
): SpeechLayers {
  const { width, depth, heads, hidden, blockNorm, buckets } = config;
  const { frameMask } = inputs;
  const heard = convolutions(scope, config, inputs);
  const normed = norm(scope, 'feature_projection.layer_norm', transpose(heard[heard.length - 1], [0, 2, 1]), EPSILON);
  const projected = dense(scope, 'feature_projection.projection', normed, width); // [B, T, D]
  const kept = frameMask ? mul(projected, reshape(frameMask, [...frameMask.shape, 1])) : projected;
  const positions = positionalConvolution(scope, 'encoder.pos_conv_embed.conv', kept, POSITIONS);

  // All blocks share one table.
  const table = (rows: number) => scope(`${attentionName(0)}.rel_attn_embed.weight`, [rows, heads]);
  const bias = buckets && inputs.buckets ? relativeBias(table(buckets), inputs.buckets) : undefined;
  if (buckets && !bias) throw new TypeError('speechTransformer: WavLM needs the buckets of its frames');
  const padding = frameMask && paddingBias(frameMask);
  const gates: Tensor[] = [];
  const logits = (block: number, x: Tensor): Tensor | undefined => {
    if (!bias) return padding;
    const name = `${attentionName(block)}.gru_rel_pos`;
    const { gate } = relativeGate(scope, { linear: `${name}_linear`, head: `${name}_const` }, toHeads(x, heads));
    gates.push(gate);
    return padding ? add(mul(gate, bias), padding) : mul(gate, bias);
  };

  const last = (x: Tensor) => norm(scope, 'encoder.layer_norm', x, EPSILON);
  const attend = (block: number, x: Tensor): Tensor => {
    const name = attentionName(block);
    const [q, k, v] = ['q', 'k', 'v'].map((part) => dense(scope, `${name}.${part}_proj`, x, width, trained));
    const mixed = attention(q, k, v, { heads, bias: logits(block, x), fused: fusedAttention });
    return branch(dense(scope, `${name}.out_proj`, mixed, width, trained), block);
  };
  const mlp = (block: number, x: Tensor): Tensor => {
    const name = `encoder.layers.${block}.feed_forward`;
    const names = { hidden: `${name}.intermediate_dense`, output: `${name}.output_dense` };
    return branch(feedForward(scope, names, x, hidden / width, trained), block);
  };

  let x = add(kept, positions);
  if (blockNorm === 'post') x = last(x);
  const states = [x];
  for (let i = 0; i < depth; i++) {
    const first = (y: Tensor) => norm(scope, `encoder.layers.${i}.layer_norm`, y, EPSILON);
    const second = (y: Tensor) => norm(scope, `encoder.layers.${i}.final_layer_norm`, y, EPSILON);
    if (blockNorm === 'post') {
      x = first(add(x, attend(i, x)));
      x = second(add(x, mlp(i, x)));
    } else {
      x = add(x, attend(i, first(x)));
      x = add(x, mlp(i, second(x)));
    }
    states.push(x);
  }
  if (blockNorm === 'pre') states[depth] = last(x);
  return { convolutions: heard, normed, projected, positions, states, bias, gates };
}
