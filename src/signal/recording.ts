// The vocabulary of the signal path: a recording, and what a reader may be told about a file.

/**
 * Samples of one measurement. The rate travels with the samples; nothing resamples silently.
 * - `channels`: one Float32Array per channel, all of the same length, in `unit` (audio formats: full scale is 1).
 * - `sampleRate`: in Hz; any positive number, fractional rates included.
 * - `name`: the file it came from, with `#record` behind it where one file holds several recordings.
 */
export type Recording = {
  channels: Float32Array[];
  sampleRate: number;
  unit?: string;
  name: string;
};

/** What the user may add to a file's own contents. */
export type ReadOptions = {
  /** Shown in error messages and stored in `Recording.name`. */
  name?: string;
  /** Hz. Required for files that do not carry a rate; it overrides none that do (that is an error if they differ). */
  sampleRate?: number;
  /** Which array to take: a MATLAB, NPZ or HDF5 variable (`a.b` for struct fields), a CSV column, a TDMS `group/channel`. */
  variable?: string;
  /** Samples of all channels together that a file may hold; one that holds more is refused before they are decoded. */
  maxSamples?: number;
  /** Seconds that a recording may last. */
  maxSeconds?: number;
};

/** Number of samples per channel. */
export const sampleCount = (recording: Recording): number => recording.channels[0]?.length ?? 0;

/** Length in seconds. */
export const duration = (recording: Recording): number => sampleCount(recording) / recording.sampleRate;
