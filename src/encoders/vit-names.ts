// Names of a transformer block in checkpoints that follow timm's vision transformer: EAT, FISHER, AudioMAE, CED, Dasheng.
import type { BlockNames } from '../nn/transformer.ts';

/** Names of block `i`, from 0. */
export const vitBlockNames = (i: number): BlockNames => ({
  qkvWeight: `blocks.${i}.attn.qkv.weight`,
  qkvBias: `blocks.${i}.attn.qkv.bias`,
  projection: `blocks.${i}.attn.proj`,
  norm1: `blocks.${i}.norm1`,
  norm2: `blocks.${i}.norm2`,
  hidden: `blocks.${i}.mlp.fc1`,
  output: `blocks.${i}.mlp.fc2`,
});
