// Encoder families that have weights: how each is recognised in a checkpoint, what its graph is, and how it is built.
import type { Program } from '../graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { gridPositions } from '../nn/positions.ts';
import { InputError } from '../signal/errors.ts';
import type { GraphOptions } from './band-transformer.ts';
import { createEcho, type EchoConfig, echoGraph, echoSizes } from './echo.ts';
import {
  createFisher,
  FISHER_POSITION_GRID,
  FISHER_PREFIX,
  type FisherConfig,
  fisherGraph,
  fisherSizes,
} from './fisher.ts';
import type { Encoder } from './types.ts';

export type StateDict = ReadonlyMap<string, StoredTensor>;

/** What the user or a file may say about a configuration; whatever is missing is inferred from shapes. */
export type ConfigHints = { heads?: number; bandBins?: number; lengthMode?: 'readme' | 'rmis' };

/** A family with its configuration fixed: ready to be compiled. */
export type Architecture = {
  family: string;
  /** Plain settings, stored beside imported weights. */
  config: Record<string, number | string>;
  graph(scope: ParameterScope, options?: GraphOptions): Record<string, Tensor>;
  create(id: string, fingerprint: string, weights: StateDict, program: Program): Encoder;
};

export type Family = {
  name: string;
  sizes: Record<string, Architecture>;
  recognises(weights: StateDict): boolean;
  /** @throws InputError if shapes do not make a model of this family. */
  infer(weights: StateDict, hints: ConfigHints): Architecture;
};

function shapeAt(weights: StateDict, key: string): readonly number[] {
  const tensor = weights.get(key);
  if (!tensor)
    throw new InputError(`loadEncoder: expected a tensor ${key}, found none; the checkpoint is not complete`);
  return tensor.shape;
}

/** Number of consecutive layers named prefix + i + suffix. */
function countLayers(weights: StateDict, prefix: string, suffix: string): number {
  let count = 0;
  while (weights.has(`${prefix}${count}${suffix}`)) count++;
  if (count === 0) throw new InputError(`loadEncoder: expected tensors ${prefix}0${suffix} and on, found none`);
  return count;
}

/** Heads are 64 wide in every published model. */
const headsFor = (width: number, hints: ConfigHints): number => {
  const heads = hints.heads ?? Math.max(1, Math.round(width / 64));
  if (width % heads !== 0) throw new InputError(`loadEncoder: width ${width} does not divide into ${heads} heads`);
  return heads;
};

const echoArchitecture = (config: EchoConfig): Architecture => ({
  family: 'echo',
  config,
  graph: (scope, options) => echoGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createEcho(id, fingerprint, config, program),
});

const POSITIONS_KEY = `${FISHER_PREFIX}.fixed_positional_encoder.positions`;

/** The frozen table of the checkpoint, or the published one computed anew. [rows, width] */
function fisherPositions(weights: StateDict, width: number): Float32Array {
  const stored = weights.get(POSITIONS_KEY);
  return stored ? toFloat32(stored) : gridPositions(FISHER_POSITION_GRID[0], FISHER_POSITION_GRID[1], width);
}

const fisherArchitecture = (config: FisherConfig): Architecture => ({
  family: 'fisher',
  config,
  graph: (scope, options) => fisherGraph(scope, config, options),
  create: (id, fingerprint, weights, program) =>
    createFisher(id, fingerprint, config, fisherPositions(weights, config.width), program),
});

const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

export const families: readonly Family[] = [
  {
    name: 'echo',
    sizes: mapValues(echoSizes, echoArchitecture),
    recognises: (weights) =>
      weights.has('patch_embed.proj.weight') && weights.has('encoder.layers.0.self_attn.in_proj_weight'),
    infer: (weights, hints) => {
      const [width, , bandBins, patchFrames] = shapeAt(weights, 'patch_embed.proj.weight');
      const depth = countLayers(weights, 'encoder.layers.', '.self_attn.in_proj_weight');
      return echoArchitecture({ width, depth, heads: headsFor(width, hints), bandBins, patchFrames });
    },
  },
  {
    name: 'fisher',
    sizes: mapValues(fisherSizes, fisherArchitecture),
    recognises: (weights) => weights.has(`${FISHER_PREFIX}.extra_tokens`) && weights.has('blocks.0.attn.qkv.weight'),
    infer: (weights, hints) => {
      const [, , width] = shapeAt(weights, `${FISHER_PREFIX}.extra_tokens`);
      const projected = weights.get(`${FISHER_PREFIX}.local_encoder.0.proj.weight`);
      const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
      // The published sizes: 50 bins for width 384, 100 for the smaller ones. The file's own word goes first.
      const bandBins = hints.bandBins ?? (width >= 384 ? 50 : 100);
      return fisherArchitecture({
        width,
        depth,
        heads: headsFor(width, hints),
        bandBins,
        lengthMode: hints.lengthMode ?? 'readme',
        ...(projected && { patchWidth: projected.shape[0] }),
      });
    },
  },
];
