// MobileNetV2: inverted residuals with depthwise convolutions, at any width and depth.
import { relu6 } from '../graph/activation.ts';
import { conv } from '../graph/conv.ts';
import { add } from '../graph/elementwise.ts';
import { reduceMean } from '../graph/reduce.ts';
import { staticDim } from '../graph/shapes.ts';
import type { Tensor } from '../graph/tensor.ts';
import { batchNormLayer, type NormMode } from './batch-norm.ts';
import type { ParameterScope } from './parameters.ts';

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
  /** Channels of the first convolution and of the last, at width 1: 32 and 1280 in the paper. */
  stem: number;
  last: number;
  /** Of batch normalisation. */
  epsilon: number;
  momentum: number;
};

/** `channels` times `width`, to the nearest multiple of 8, but not more than 10 % below (the paper's reference code). */
export function scaledChannels(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

/**
 * MobileNetV2 up to the pooling: x [N, C, H, W] -> [N, channels of the last convolution], means over all positions.
 * Parameters are named as in torchvision's checkpoints (`features.…`), and sides are padded as there: 1 on both sides of
 * a 3 x 3 kernel. (Keras pads inputs of even size on one side only, which shifts its picture by a pixel at every stride.)
 */
export function mobileNetV2(scope: ParameterScope, x: Tensor, config: MobileNetV2Config, mode: NormMode): Tensor {
  const { width, blocks, stem, last, epsilon, momentum } = config;
  type Layer = { channels: number; kernel: 1 | 3; stride?: number; depthwise?: boolean };
  /** Convolution `weights` without bias, and batch normalisation `norm`. */
  const convolved = (weights: string, norm: string, from: Tensor, layer: Layer): Tensor => {
    const { channels, kernel, stride = 1, depthwise = false } = layer;
    const inputs = staticDim(from, 1, 'mobileNetV2');
    const weight = scope(`${weights}.weight`, [channels, depthwise ? 1 : inputs, kernel, kernel]);
    const options = { stride, padding: (kernel - 1) / 2, groups: depthwise ? inputs : 1 };
    return batchNormLayer(scope, norm, conv(from, weight, undefined, options), mode, epsilon, momentum);
  };
  const activated = (name: string, from: Tensor, layer: Layer) =>
    relu6(convolved(`${name}.0`, `${name}.1`, from, layer));

  const block = (name: string, from: Tensor, expansion: number, channels: number, stride: number): Tensor => {
    const inputs = staticDim(from, 1, 'mobileNetV2');
    const hidden = inputs * expansion;
    let at = 0;
    let y = from;
    if (expansion !== 1) y = activated(`${name}.conv.${at++}`, y, { channels: hidden, kernel: 1 });
    y = activated(`${name}.conv.${at++}`, y, { channels: hidden, kernel: 3, stride, depthwise: true });
    y = convolved(`${name}.conv.${at}`, `${name}.conv.${at + 1}`, y, { channels, kernel: 1 });
    return stride === 1 && inputs === channels ? add(from, y) : y;
  };

  let y = activated('features.0', x, { channels: scaledChannels(stem, width), kernel: 3, stride: 2 });
  let number = 1;
  for (const { expansion, channels, repeats, stride } of blocks) {
    for (let i = 0; i < repeats; i++) {
      const name = `features.${number++}`;
      y = block(name, y, expansion, scaledChannels(channels, width), i === 0 ? stride : 1);
    }
  }
  y = activated(`features.${number}`, y, { channels: scaledChannels(last, Math.max(1, width)), kernel: 1 });
  return reduceMean(y, [2, 3]);
}
