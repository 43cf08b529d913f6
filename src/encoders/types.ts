// What an encoder is: from one channel of a recording to an embedding that knows which part of it heard which frequencies.
import type { Recording } from '../signal/recording.ts';

/** A sub-band and the part [start, end) of the embedding that describes it. */
export type Band = { lowHz: number; highHz: number; start: number; end: number };

/** Features over time. `values` is row-major [count, width]; the bands are those of the embedding, scaled to `width`. */
export type Frames = {
  values: Float32Array;
  count: number;
  width: number;
  /** Start of every frame in seconds from the beginning of the recording. */
  starts: Float64Array;
  /** Length of a frame in seconds. */
  seconds: number;
  /** Part of a frame's `width` that describes each band. */
  bands: Band[];
};

export type Embedding = {
  vector: Float32Array;
  bands: Band[];
  frames?: Frames;
  /** Of an encoder that is a classifier: one for each of its labels. */
  logits?: Float32Array;
};

/** What a classifier knows. */
export type Labels = {
  names: readonly string[];
  /** Whether a recording may have several of them: probabilities are then those of each by itself. */
  several: boolean;
};

export type EmbedOptions = {
  /** Also return features over time. */
  frames?: boolean;
};

export type Encoder = {
  /** Name in the registry, or of the weights file. */
  readonly id: string;
  /** Changes with anything that changes embeddings: family, configuration, weights. Detectors remember it. */
  readonly fingerprint: string;
  /** Present where the encoder is a classifier. */
  readonly labels?: Labels;
  /** Embeds a recording of one channel. @throws InputError for several channels, samples that are not finite, or too few. */
  embed(recording: Recording, options?: EmbedOptions): Promise<Embedding>;
  /** The same for several recordings, of any rates and lengths; those of one shape share a run. */
  embedMany(recordings: readonly Recording[], options?: EmbedOptions): Promise<Embedding[]>;
  release(): Promise<void>;
};
