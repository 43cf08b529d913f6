// What an encoder family is: how it is recognised in a checkpoint, what its graph is, how it is built and fine-tuned.
import type { Program } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import type { GraphOptions } from './band-transformer.ts';
import type { ConfigHints } from './config-hints.ts';
import type { Trunk } from './trunk.ts';
import type { Encoder } from './types.ts';

export type StateDict = ReadonlyMap<string, StoredTensor>;

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
  trunk?: Trunk;
  /** Trained values, where its tensors hold others beside them (running statistics, scales of whole numbers). */
  parameters?: number;
  /** What `@random` is, where its own tensors are none that could be drawn. */
  untrained?: Architecture;
};

export type Family = {
  name: string;
  sizes: Record<string, Architecture>;
  recognises(weights: StateDict): boolean;
  /** Name of a size in the registry, where it is not that of the family, a hyphen and the size. */
  registryName?(size: string): string;
  /** Its own name of a tensor, where releases call it differently. */
  rename?(name: string): string;
  /** What the settings that come with published weights say about them. */
  hintsFrom?(settings: unknown): ConfigHints;
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

/** Architectures of a family's sizes. */
export const architecturesOf = <C>(
  sizes: Record<string, C>,
  architecture: (config: C) => Architecture,
): Record<string, Architecture> =>
  Object.fromEntries(Object.entries(sizes).map(([size, config]) => [size, architecture(config)]));
