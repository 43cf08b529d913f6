// CP-Mobile: the small network for acoustic scenes of the DCASE 2023 winner and of the 2024 baseline (CPJKU, both codes).
import type { LayerPlan, Pair } from './layer-plan.ts';
import { type PlanBuilder, planBuilder } from './plan-builder.ts';

export type CpMobileConfig = {
  /** Channels of the first convolution are a quarter of it. */
  base: number;
  /** Channels of a stage are `base` times a power of this. */
  multiplier: number;
  expansion: number;
  /** Blocks of every stage. */
  stages: readonly number[];
  /** Strides of blocks, by their numbers from 1; 1 where nothing is said. */
  strides: Readonly<Record<number, Pair>>;
  /** 2023: global response normalisation after every block. */
  responseNorm: boolean;
};

/** The baseline of DCASE 2024 Task 1: 61,148 parameters, 29,419,156 multiply-accumulates for 256 x 65. */
export const cpMobile2024: CpMobileConfig = {
  base: 32,
  multiplier: 1.8,
  expansion: 2.1,
  stages: [3, 2, 1],
  strides: { 3: [1, 2], 4: [2, 1] },
  responseNorm: false,
};

/** The winner of DCASE 2023 Task 1 in the size of its published weights: 126,952 parameters. */
export const cpMobile2023: CpMobileConfig = {
  base: 32,
  multiplier: 2.3,
  expansion: 3,
  stages: [3, 2, 1],
  strides: { 2: [2, 2], 4: [2, 1] },
  responseNorm: true,
};

/** To a multiple of 8, but not more than 10 % below. */
function toMultipleOf8(value: number): number {
  const rounded = Math.max(8, Math.floor((value + 4) / 8) * 8);
  return rounded < 0.9 * value ? rounded + 8 : rounded;
}

type Block = { name: string; channels: number; expansion: number; stride: Pair; responseNorm: boolean };

function cpBlock(plan: PlanBuilder, from: number, { name, channels, expansion, stride, responseNorm }: Block): number {
  const inputs = plan.channels(from);
  const hidden = toMultipleOf8(inputs * expansion);
  const activated = { norm: 1, activation: 'relu' } as const;
  let y = plan.conv(from, `${name}.block.0`, { channels: hidden, ...activated });
  y = plan.conv(y, `${name}.block.1`, { channels: hidden, kernel: 3, stride, groups: hidden, ...activated });
  const shortcut = inputs === channels;
  const activation = responseNorm ? 'none' : 'relu';
  y = plan.conv(y, `${name}.block.2`, { channels, norm: 1, activation: shortcut ? 'none' : activation });
  if (shortcut) {
    const strided = stride[0] > 1 || stride[1] > 1;
    y = plan.add(y, strided ? plan.averagePool(from, [3, 3], stride) : from, activation);
  }
  return responseNorm ? plan.responseNorm(y, `${name}.after_block_norm`, 'relu') : y;
}

/**
 * CP-Mobile for log-mel spectrograms [1, mels, frames]: class scores [classes]. Parameters are named as in its authors'
 * checkpoints.
 */
export function cpMobilePlan(
  input: readonly [number, number, number],
  classes: number,
  config: CpMobileConfig,
): LayerPlan {
  const { base, multiplier, expansion, stages, strides, responseNorm } = config;
  const plan = planBuilder(input);
  const activated = { kernel: 3, stride: 2, norm: 1, activation: 'relu' } as const;
  let y = plan.conv(0, 'in_c.0', { channels: base / 4, ...activated });
  y = plan.conv(y, 'in_c.1', { channels: base, ...activated });
  plan.markStem(y);
  let number = 1;
  for (const [s, blocks] of stages.entries()) {
    const channels = toMultipleOf8(base * multiplier ** s);
    for (let i = 0; i < blocks; i++) {
      const name = `stages.s${s + 1}.b${number}`;
      y = cpBlock(plan, y, { name, channels, expansion, stride: strides[number] ?? [1, 1], responseNorm });
      plan.markBlock(y);
      number++;
    }
  }
  y = plan.conv(y, 'feed_forward.0', { channels: classes, normName: 'feed_forward.1' });
  plan.mean(y);
  return plan.done();
}
