// What a training recipe is: from clips to the inputs of a step, and the graph of that step.
import type { GraphOptions } from '../../encoders/band-transformer.ts';
import type { Feeds } from '../../graph/runtime.ts';
import type { Random } from '../../signal/simulate/random.ts';
import type { Clip } from '../data/types.ts';
import type { AdamWConfig } from '../optimiser.ts';
import type { StepOptions, Trainable, UpdateScalars } from '../step.ts';

/** A batch of one kind: batches of the same `key` share a compiled program. */
export type BatchPlan<C = Clip> = {
  key: string;
  /** The graph, for a provider on which attention may be one node or not. */
  graph(options?: GraphOptions): Trainable;
  /** Inputs of the graph. @throws InputError for clips that are too short */
  feeds(clips: readonly C[], random: Random): Feeds;
};

export type Recipe<C = Clip> = {
  /** Clips that one step takes in (of one process, without accumulation). */
  batch: number;
  /**
   * In how many equal parts a batch is worked on, where its clips have nothing to do with each other but that their losses
   * are averaged: plans are for one part. A setting of the recipe, no matter how many threads there are: numbers depend on it.
   */
  parts?: number;
  adamW: AdamWConfig;
  /** Deviation of initial CLS tokens. */
  tokenDeviation: number;
  /** How matrices begin; `normal` (EAT's) by default. */
  matrices?: 'normal' | 'glorot';
  /** Where parameters of these shapes begin that are not drawn like all others: pretrained ones, by name. */
  initial?(shapes: ReadonlyMap<string, readonly number[]>, seed: number): ReadonlyMap<string, Float32Array>;
  /** Which parameters a step changes, and how fast; all alike where nothing is said. */
  parameters?: StepOptions;
  /** What step number `step` (from 1) does with its clips; `random` belongs to the step. */
  plan(random: Random, step?: number): BatchPlan<C>;
  scalars(step: number): UpdateScalars;
};
