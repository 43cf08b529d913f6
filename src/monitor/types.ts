// The vocabulary of watching: streams of samples, the windows cut out of them, and what is said of a window.

import type { BankEntry } from '../detection/detector.ts';
import type { BandShare } from '../detection/score.ts';
import type { Recording } from '../signal/recording.ts';

/** Milliseconds since 1970-01-01 UTC. */
export type TimeMs = number;

/**
 * What a source hands over. `stream`: name of the machine (or of its sensor) that was heard.
 * - `samples`: the next part of a continuous stream; windows are cut across parts.
 * - `recording`: a recording of its own, as a file is; heard as it stands.
 * - `trouble`: something that could not be read, with one line that says why.
 */
export type Arrival = {
  stream: string;
  /** Of the first sample, or of the trouble. */
  atMs: TimeMs;
  /**
   * Tells the source that all of it is dealt with: results are stored, or it stands in the dead letters. A broker forgets
   * it only then. Safe to call more than once.
   */
  done?(): void;
} & (
  | { kind: 'samples'; recording: Recording }
  | { kind: 'recording'; recording: Recording }
  | { kind: 'trouble'; reason: string }
);

/** Where samples come from. Iterating ends when the source is exhausted, or after `close`. */
export type Source = {
  /** For messages: `folder recordings/`, `mqtt://host/pumps/#`. Holds no password. */
  readonly name: string;
  arrivals(): AsyncIterable<Arrival>;
  close(): Promise<void>;
};

/** A piece of a stream that is heard at once. */
export type StreamWindow = {
  stream: string;
  startMs: TimeMs;
  recording: Recording;
  /** Of the arrivals it is made of, those that end in it. */
  done?(): void;
};

/** What happened to a stream beside its samples. Times lost are `toMs - fromMs`; a clock that went back has a negative one. */
export type StreamEvent = {
  stream: string;
  atMs: TimeMs;
} & (
  | { kind: 'gap' | 'clock-jump'; fromMs: TimeMs; toMs: TimeMs }
  | { kind: 'rate-refused'; expectedRate: number; foundRate: number }
  | { kind: 'trouble'; reason: string }
);

/** Where in frequency and time something was heard; `deviations` in standard deviations of normal recordings. */
export type HeardPlace = {
  startSeconds: number;
  endSeconds: number;
  lowHz: number;
  highHz: number;
  deviations: number;
};

/** What a detector says of one recording or window. */
export type Heard = {
  startMs: TimeMs;
  durationSeconds: number;
  sampleRate: number;
  /** Every sample is the same: digital silence, or a dead sensor. */
  constant: boolean;
  /** In units of the usual distance between normal recordings. */
  score: number;
  pValue: number;
  threshold: number;
  anomalous: boolean;
  /** All bands, low to high. */
  bands: BandShare[];
  /** The places that deviate most, at most 5, the strongest first; none where the encoder has no frames. */
  places: HeardPlace[];
  /** The normal segment that is most alike. */
  nearest: BankEntry;
  diagnosis?: { label: string; confidence: number };
};
