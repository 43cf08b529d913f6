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
  truth?: ClipTruth;
};
