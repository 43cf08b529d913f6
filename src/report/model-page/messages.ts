// What the page and its worker tell each other.
import type { Labels } from '../../encoders/types.ts';
import type { ReportSpectrogram } from '../types.ts';

/** From the page. A `sound` is the number of a file or of a stretch at the microphone; a new one ends those before it. */
export type Request =
  /** The first one: ONNX Runtime's WebAssembly, and a weights file. */
  | { kind: 'start'; runtime: Uint8Array; weights: Uint8Array; name: string }
  | { kind: 'file'; sound: number; bytes: Uint8Array; name: string }
  /** The latest samples of a microphone; they end `end` seconds after its start. */
  | { kind: 'window'; sound: number; samples: Float32Array; sampleRate: number; end: number }
  /** The sound so far is normal. */
  | { kind: 'mark' }
  | { kind: 'forget' };

/** Seconds from the beginning of the sound. */
export type Span = { start: number; end: number };

/** What the model says of a stretch: of a classifier one logit per label, else how far it is from the nearest normal one. */
export type Heard = Span & { logits?: Float32Array; distance?: number };

/** Known normal stretches. `limit` is how far they lie from one another at most; unknown for a few. */
export type Normal = { count: number; limit?: number };

export type Opened = {
  name: string;
  seconds: number;
  sampleRate: number;
  channels: number;
  /** Of the recordings in the file; the first one is heard. */
  recordings: number;
  /** Every sample is the same: silence, or a dead sensor. */
  constant: boolean;
  picture: ReportSpectrogram;
  /** Stretches that will be heard. */
  pieces: number;
};

/** From the worker. */
export type Reply =
  | { kind: 'ready'; labels?: Labels; windowSeconds: number }
  | ({ kind: 'opened'; sound: number } & Opened)
  | { kind: 'heard'; sound: number; heard: Heard }
  /** Of a whole file; `embedSeconds` is the time that the model took for it. */
  | { kind: 'whole'; sound: number; logits?: Float32Array; embedSeconds: number }
  /** `distances` are those of the current sound's stretches, in the order in which they were heard. */
  | ({ kind: 'normal'; distances: (number | undefined)[] } & Normal)
  | { kind: 'failed'; sound?: number; message: string };
