// Embeddings of one recording as they are kept.

/** A row of `columns` values per segment and channel: segment by segment, channel by channel within. */
export type StoredRecording = {
  name: string;
  sampleRate: number;
  seconds: number;
  constant: boolean;
  /** The largest magnitude in the chosen channels. */
  peak: number;
  channels: number;
  segments: number;
  columns: number;
  values: Float32Array;
};
