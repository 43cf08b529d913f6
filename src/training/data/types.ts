// What pre-training hears: clips of any rate from weighted sources, the same for the same seed and step.
import type { MachineName } from '../../signal/simulate/index.ts';

/** Recordings in a folder or archive (.zip, .tar, .tar.gz, .tgz), of every format Thrum reads. */
export type FolderSource = {
  kind: 'files';
  /** Folder, file or archive. */
  path: string;
  /** Relative frequency of clips from this source; exact to one in a thousand. */
  weight: number;
  /** Only files whose name (without folders) matches; a regular expression. */
  include?: string;
  /** Rate of files that carry none, in Hz. */
  sampleRate?: number;
  /**
   * With `DataSpec.views` above 1: files whose names (without folders) give the same group of this regular expression
   * (the first that takes part) are of the same thing, and a view may come from any of them. By default every file is a thing of its own.
   */
  same?: string;
  /**
   * Files of a folder whose embedding has this cosine similarity, or more, to that of a file before them are left out
   * (`findNearDuplicates`); of an archive none are. Not looked for by default.
   */
  unique?: number;
};

/** Machines that are made up for every clip: geometry, fault, severity, speed, load, noise, sensor and rate. */
export type SimulatorSource = {
  kind: 'simulator';
  weight: number;
  /** All by default. */
  machines?: readonly MachineName[];
  /** Rates to draw from, in Hz; by default 8, 12, 16, 25.6 and 48 kHz. */
  sampleRates?: readonly number[];
};

export type SourceSpec = FolderSource | SimulatorSource;

export type DataSpec = {
  sources: readonly SourceSpec[];
  /** Length of a clip in s; shorter recordings are repeated from their start. */
  clipSeconds: number;
  /**
   * Folder or file of impulse responses (WAV): with this probability a clip is heard through one of them. Only those of
   * at least the clip's own rate are taken: a slower one has nothing to say about its upper band.
   */
  responses?: { path: string; probability: number };
  /** Factor on amplitude, uniform in decibels within ± this. */
  gainDecibels: number;
  /**
   * A recorded clip is played at another speed (rate and pitch together) by a factor within [1 / x, x], in steps of
   * 1/1000; 1: never. Simulated machines change speed themselves.
   */
  speedFactor: number;
  /**
   * Clips of every thing, one after the other: clips `views`·u to `views`·u + `views` - 1 are of one recording (or of
   * files that are the `same`), at other places; or of one simulated machine in one state, at another time, speed and
   * load. Of two simulated things that follow each other both are the same individual, in
   * states of their own. 1 by default: every clip is of another thing.
   */
  views?: number;
};

/** What the simulator knows of a clip. */
export type ClipTruth = {
  machine: string;
  fault: string;
  /** 0 for `normal`. */
  severity: number;
  /** The individual machine. */
  machineSeed: string;
  /** Mean over the clip, relative to the rated speed. */
  speed: number;
  /** Relative to the rated load. */
  load: number;
};

/** One clip of one channel, and where it came from: finite, and not constant. */
export type Clip = {
  /** round(clipSeconds · sampleRate) of them, in an array of their own. */
  samples: Float32Array;
  sampleRate: number;
  source: string;
  /** What it is a clip of: the same text for all clips of one thing. */
  thing?: string;
  truth?: ClipTruth;
};

/** A file that gave no clip, and why. */
export type Refusal = { file: string; message: string };

/** `refused`: the files whose place this clip took. */
export type Made<C> = { clip: C; refused: Refusal[] };

/** Makes clip number n, in any order. */
export type Maker<C> = (n: number) => Promise<Made<C>>;
