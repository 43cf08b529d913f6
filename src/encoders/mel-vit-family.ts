// CED and Dasheng as families: how their checkpoints are named, recognised and sized.
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { ConfigHints } from './config-hints.ts';
import {
  type Architecture,
  architecturesOf,
  countLayers,
  type Family,
  headsFor,
  type StateDict,
  shapeAt,
} from './family.ts';
import { checkStoredFrontEnd, melStatistics, melStatisticsName, untrainedMelStatistics } from './mel-db.ts';
import { type MelVit, type MelVitConfig, melVitGraph, mostColumns } from './mel-vit.ts';
import { createMelVit } from './mel-vit-encoder.ts';
import { melVitTrunk } from './mel-vit-trunk.ts';
import { findCounts } from './published-settings.ts';

/** A configuration made ready; `statistics` are those of the checkpoint's batch norm. */
export function melVitArchitecture(
  vit: MelVit,
  config: MelVitConfig,
  statistics: Map<string, StoredTensor> = untrainedMelStatistics(),
): Architecture {
  return {
    family: vit.family,
    config,
    frontEnd: statistics,
    graph: (scope, options) => melVitGraph(scope, vit, config, options),
    create: (id, fingerprint, weights, program) => createMelVit(id, fingerprint, vit, config, weights, program),
    trunk: melVitTrunk(vit, config, statistics),
  };
}

/** The names of the original releases; Hugging Face's have `encoder.` in front and `init_bn` without `.1`. */
export const melVitName = (name: string): string => melStatisticsName(name.replace(/^encoder\./, ''));

/** Whether tensors are those of a family: its patches, and positions over time and frequency. */
const recognises = ({ patchMels, patchFrames }: MelVit, weights: StateDict): boolean =>
  weights.has('time_pos_embed') &&
  weights.has('freq_pos_embed') &&
  weights.get('patch_embed.proj.weight')?.shape.slice(1).join() === [1, patchMels, patchFrames].join();

/**
 * The architecture of a checkpoint. Heads that no hint says are those of the published size of this width, else width / 64;
 * `targetLength` that no hint says is the published one where as many positions are stored, else what they reach.
 * @throws InputError if shapes make no such model, or its front end is another
 */
function infer(vit: MelVit, sizes: Record<string, MelVitConfig>, weights: StateDict, hints: ConfigHints): Architecture {
  checkStoredFrontEnd(weights);
  const [width] = shapeAt(weights, 'patch_embed.proj.weight');
  const columns = shapeAt(weights, 'time_pos_embed')[3];
  const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
  const published = Object.values(sizes);
  const known = published.find((size) => size.width === width && size.depth === depth);
  const heads = hints.heads ?? known?.heads;
  const reached = published.find((size) => size.columns === columns)?.targetLength ?? columns * vit.patchFrames;
  const { targetLength = reached, chunks } = hints;
  const config: MelVitConfig = {
    width,
    depth,
    heads: headsFor(width, heads === undefined ? {} : { heads }),
    columns,
    targetLength,
    ...(chunks !== undefined && { chunks }),
  };
  if (mostColumns(vit, config) < 1) {
    throw new InputError(`loadEncoder: expected a targetLength of at least ${vit.patchFrames}, got ${targetLength}`);
  }
  return melVitArchitecture(vit, config, melStatistics(weights));
}

/** CED or Dasheng: what else tells them apart is how they cut recordings into chunks. */
export const melVitFamily = (vit: MelVit, sizes: Record<string, MelVitConfig>): Family => ({
  name: vit.family,
  sizes: architecturesOf(sizes, (config) => melVitArchitecture(vit, config)),
  rename: melVitName,
  recognises: (weights) => recognises(vit, weights),
  hintsFrom: (settings) => findCounts(settings, { heads: ['num_heads'], targetLength: ['target_length'] }),
  infer: (weights, hints) => infer(vit, sizes, weights, hints),
});
