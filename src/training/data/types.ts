// What pre-training hears: clips of any rate from weighted sources, the same for the same seed and step.
import type { MachineName } from '../../signal/simulate/index.ts';

/** Recordings in a folder or archive (.zip, .tar), of every format Thrum reads. */
export type FolderSource = {
  kind: 'files';
  /** Folder, file or archive. */
  path: string;
  /** Relative frequency of clips from this source. */
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
  /** Rates to draw from, in Hz. */
  sampleRates?: readonly number[];
};

export type SourceSpec = FolderSource | SimulatorSource;

export type DataSpec = {
  sources: readonly SourceSpec[];
  /** Length of a clip in s; shorter recordings are repeated from their start. */
  clipSeconds: number;
  /** Folder of impulse responses (WAV): with this probability a clip is heard through one of them. */
  responses?: { path: string; probability: number };
  /** Factor on amplitude, uniform in decibels within ± this. */
  gainDecibels: number;
  /** A clip is played at another speed (rate and pitch together) by a factor within [1 / x, x]; 1: never. */
  speedFactor: number;
};

/** One clip of one channel, and where it came from. `truth` is what the simulator knows. */
export type Clip = {
  samples: Float32Array;
  sampleRate: number;
  source: string;
  truth?: { machine: string; fault: string; severity: number; machineSeed: string; speed: number; load: number };
};
