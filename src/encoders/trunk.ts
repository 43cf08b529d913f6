// An encoder as fine-tuning sees it: crops of sound in, the hidden states of all layers out, in one differentiable graph.
import type { Feeds } from '../graph/runtime.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import type { GraphOptions } from './band-transformer.ts';

/**
 * What an encoder hears of a crop, before it is cut into tokens: rows over time of `bins` numbers each, normalised so that
 * 0 is an average. For encoders of waveforms a row is a sample. Augmentation (mixup, masks) acts here.
 */
export type Features = { values: Float32Array; frames: number; bins: number };

/** Crops that go through the graph together: `count` is a number in training, a name where it is open. */
export type CropShape = { count: Dim; samples: number; sampleRate: number };

export type HiddenStates = {
  /** [count, T, D]: the input of the first block, then the output of every block. T and D are numbers. */
  states: Tensor[];
  /** Tokens at the beginning of every sequence that are no part of the sound (CLS). */
  cls: number;
  /** How the others lie: so many times (bands, rows of patches) the steps of time, of so many tokens each; else one after another. */
  grid?: readonly [repeats: number, steps: number, tokens: number];
};

export type Trunk = {
  /** Rate that crops must have in Hz; any where it is not given. */
  sampleRate?: number;
  /** Fewest samples of a crop at a rate. */
  leastSamples(sampleRate: number): number;
  /** Width D of the hidden states. */
  width: number;
  /** Number of hidden states: blocks + 1. */
  states: number;
  /** What is heard of one crop. @throws InputError for crops that are too short or not finite */
  features(samples: Float32Array, sampleRate: number): Features;
  /** Inputs of the graph for the features of crops that are equally long. */
  feeds(features: readonly Features[], sampleRate: number): Feeds;
  graph(scope: ParameterScope, crops: CropShape, options?: GraphOptions): HiddenStates;
};
