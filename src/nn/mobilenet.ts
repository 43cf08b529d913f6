// MobileNetV2: inverted residuals with depthwise convolutions, at any width and depth.
import { staticDim } from '../graph/shapes.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NormMode } from './batch-norm.ts';
import { layerOutputs } from './layer-graph.ts';
import type { LayerPlan } from './layer-plan.ts';
import type { ParameterScope } from './parameters.ts';
import { type PlanBuilder, planBuilder } from './plan-builder.ts';

/** `repeats` blocks of the same kind; the first of them has the stride. Channels at width 1. */
export type InvertedResiduals = { expansion: number; channels: number; repeats: number; stride: number };

/** The body of the paper (Sandler et al. 2018, table 2). */
export const mobileNetV2Blocks: readonly InvertedResiduals[] = [
  { expansion: 1, channels: 16, repeats: 1, stride: 1 },
  { expansion: 6, channels: 24, repeats: 2, stride: 2 },
  { expansion: 6, channels: 32, repeats: 3, stride: 2 },
  { expansion: 6, channels: 64, repeats: 4, stride: 2 },
  { expansion: 6, channels: 96, repeats: 3, stride: 1 },
  { expansion: 6, channels: 160, repeats: 3, stride: 2 },
  { expansion: 6, channels: 320, repeats: 1, stride: 1 },
];

export type MobileNetV2Config = {
  /** Factor on all channel counts; the last convolution does not become narrower than `last`. */
  width: number;
  blocks: readonly InvertedResiduals[];
  /** Channels of the first convolution and of the last, at width 1: 32 and 1280 in the paper. 0: no last convolution. */
  stem: number;
  last: number;
  /** Of batch normalisation. */
  epsilon: number;
  momentum: number;
};

/** What students have beside the paper's body. */
export type MobileNetV2Extras = {
  /** Residual normalisation with this lambda of the input, and after every group of blocks. */
  residualNorm?: { lambda: number; at: readonly ('input' | 'blocks')[] };
  /** A dense layer behind the means: outputs `classifier.1`, as torchvision calls it. */
  outputs?: number;
};

/** `channels` times `width`, to the nearest multiple of 8, but not more than 10 % below (the paper's reference code). */
export function scaledChannels(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

type Block = { expansion: number; channels: number; stride: number };

/** An inverted residual on layer `from`; the names of its parts count up, the expansion being left out where it is 1. */
function invertedResidual(
  plan: PlanBuilder,
  name: string,
  from: number,
  { expansion, channels, stride }: Block,
): number {
  const inputs = plan.channels(from);
  const hidden = inputs * expansion;
  const activated = { norm: 1, activation: 'relu6' } as const;
  let at = 0;
  let y = from;
  const part = (): string => `${name}.conv.${at++}`;
  if (expansion !== 1) y = plan.conv(y, part(), { channels: hidden, ...activated });
  y = plan.conv(y, part(), { channels: hidden, kernel: 3, stride, groups: hidden, ...activated });
  y = plan.conv(y, `${name}.conv.${at}`, { channels, normName: `${name}.conv.${at + 1}` });
  return stride === 1 && inputs === channels ? plan.add(from, y) : y;
}

/**
 * MobileNetV2 for pictures of `input` [channels, rows, columns], up to the means over all positions, or the dense layer
 * behind them. Parameters are named as in torchvision's checkpoints (`features.…`), and sides are padded as there: 1 on
 * both sides of a 3 x 3 kernel. (Keras pads inputs of even size on one side only, which shifts its picture by a pixel at
 * every stride.)
 */
export function mobileNetV2Plan(
  input: readonly [number, number, number],
  { width, blocks, stem, last }: Omit<MobileNetV2Config, 'epsilon' | 'momentum'>,
  { residualNorm, outputs }: MobileNetV2Extras = {},
): LayerPlan {
  const plan = planBuilder(input);
  const normed = (where: 'input' | 'blocks', from: number): number =>
    residualNorm?.at.includes(where) ? plan.residualNorm(from, residualNorm.lambda) : from;
  const activated = { norm: 1, activation: 'relu6' } as const;
  let y = normed('input', 0);
  y = plan.conv(y, 'features.0', { channels: scaledChannels(stem, width), kernel: 3, stride: 2, ...activated });
  plan.markStem(y);
  let number = 1;
  for (const { expansion, channels, repeats, stride } of blocks) {
    for (let i = 0; i < repeats; i++) {
      const block = { expansion, channels: scaledChannels(channels, width), stride: i === 0 ? stride : 1 };
      y = invertedResidual(plan, `features.${number++}`, y, block);
      if (i === repeats - 1) y = normed('blocks', y);
      plan.markBlock(y);
    }
  }
  if (last > 0) {
    const channels = scaledChannels(last, Math.max(1, width));
    y = plan.conv(y, `features.${number}`, { channels, ...activated });
  }
  y = plan.mean(y);
  if (outputs !== undefined) plan.dense(y, 'classifier.1', outputs);
  return plan.done();
}

/** Means over all positions of MobileNetV2: x [N, C, H, W] with known sizes -> [N, channels of the last convolution]. */
export function mobileNetV2(scope: ParameterScope, x: Tensor, config: MobileNetV2Config, mode: NormMode): Tensor {
  const sizes = [1, 2, 3].map((axis) => staticDim(x, axis, 'mobileNetV2')) as [number, number, number];
  const { epsilon, momentum } = config;
  return layerOutputs(scope, mobileNetV2Plan(sizes, config), x, { norm: mode, epsilon, momentum }).at(-1) as Tensor;
}
