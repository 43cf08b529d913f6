// What an encoder family is: how it is recognised in a checkpoint, what its graph is, how it is built and fine-tuned.
import type { Program } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import type { GraphOptions } from './band-transformer.ts';
import type { Trunk } from './trunk.ts';
import type { TunedConfig } from './tuned.ts';
import type { Encoder } from './types.ts';

export type StateDict = ReadonlyMap<string, StoredTensor>;

/** What the user or a file may say about a configuration; whatever is missing is inferred from shapes. */
export type ConfigHints = {
  /** Name of the family, where shapes leave it open. */
  family?: string;
  heads?: number;
  bandBins?: number;
  lengthMode?: 'readme' | 'rmis';
  /** Frames that ECHO reads at once. */
  segmentFrames?: number;
  /** Whether ECHO takes the level of a recording away. */
  level?: 'removed';
  /** Of the level, as a feature of its own. */
  levelWeight?: number;
  /** How ECHO fills the last patch. */
  tail?: 'overlap';
  /** Of which layers ECHO's embedding is made, with weights. */
  pool?: string;
  /** Of a fine-tuned encoder, all that its shapes do not tell. */
  tuned?: TunedConfig;
};

/** A family with its configuration fixed: ready to be compiled. */
export type Architecture = {
  family: string;
  /** Plain settings, stored beside imported weights. */
  config: Readonly<Record<string, unknown>>;
  graph(scope: ParameterScope, options?: GraphOptions): Record<string, Tensor>;
  create(id: string, fingerprint: string, weights: StateDict, program: Program): Encoder;
  /** Tensors that are read outside the graph (statistics of a front end), as random weights have them. */
  frontEnd?: StateDict;
  /** How fine-tuning sees it. */
  trunk?(weights: StateDict): Trunk;
};

export type Family = {
  name: string;
  sizes: Record<string, Architecture>;
  recognises(weights: StateDict): boolean;
  /** Its own name of a tensor, where releases call it differently. */
  rename?(name: string): string;
  /** @throws InputError if shapes do not make a model of this family. */
  infer(weights: StateDict, hints: ConfigHints): Architecture;
};

/** @throws InputError if the tensor is missing */
export function shapeAt(weights: StateDict, key: string): readonly number[] {
  const tensor = weights.get(key);
  if (!tensor)
    throw new InputError(`loadEncoder: expected a tensor ${key}, found none; the checkpoint is not complete`);
  return tensor.shape;
}

/** Number of consecutive layers named prefix + i + suffix. */
export function countLayers(weights: StateDict, prefix: string, suffix: string): number {
  let count = 0;
  while (weights.has(`${prefix}${count}${suffix}`)) count++;
  if (count === 0) throw new InputError(`loadEncoder: expected tensors ${prefix}0${suffix} and on, found none`);
  return count;
}

/** Heads are 64 wide in every published model. */
export const headsFor = (width: number, hints: ConfigHints): number => {
  const heads = hints.heads ?? Math.max(1, Math.round(width / 64));
  if (width % heads !== 0) throw new InputError(`loadEncoder: width ${width} does not divide into ${heads} heads`);
  return heads;
};
