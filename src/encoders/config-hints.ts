// What a user or a file says about a configuration, beside the shapes of the weights.
import type { StudentConfig } from './student-config.ts';
import type { TunedHeadConfig } from './tuned-head.ts';
import type { Labels } from './types.ts';

/** Whatever is missing is inferred from shapes, or as published. `stored-hints.ts` has the schema. */
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
  /** Distance from which relative positions of BEATs and WavLM are all alike. */
  maxDistance?: number;
  /** Where BEATs takes residuals as they are. */
  deepNorm?: 'off';
  /** Frames that CED or Dasheng reads at once. */
  targetLength?: number;
  /** How Dasheng cuts what is longer: frames, the last chunk zero-padded, as its first release did. */
  chunks?: 'padded';
  /** Whether blocks of a speech encoder normalise behind the sum with their input or before each branch. */
  blockNorm?: 'post' | 'pre';
  /** Whether clips for a speech encoder are brought to mean 0 and variance 1. */
  normalize?: 'clip' | 'none';
  /** Of a fine-tuned encoder, all that its shapes do not tell. */
  tuned?: TunedConfig;
  /** Of a student, all that it is. */
  student?: StudentConfig;
};

/** A fine-tuned encoder, as plain JSON. */
export type TunedConfig = TunedHeadConfig & {
  /** The encoder below: its family, and what it must be told of it. */
  base: { family: string; hints: ConfigHints };
  /** Rate of the crops in Hz; other recordings are resampled. */
  sampleRate: number;
  /** Samples of a segment, and from one to the next. */
  cropSamples: number;
  hopSamples: number;
  /** In the order of the logits, where the head is a classifier. */
  labels?: Labels;
};
