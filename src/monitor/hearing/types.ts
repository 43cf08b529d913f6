// Hearing: scoring and fitting away from the thread that asks.
import type { Detector, DetectorSettings } from '../../detection/detector.ts';
import type { Heard, TimeMs } from '../types.ts';
import type { ArchiveAnswer, ArchiveJob } from './archive-job.ts';
import type { Sound } from './sound.ts';

/** Picture of a moment: [frames, bins] levels 0..255 over `dbRange`, and how unusual every cell [steps, bands] is. */
export type MomentPicture = {
  durationSeconds: number;
  sampleRate: number;
  spectrogram: { frames: number; bins: number; maxHz: number; values: Uint8Array; dbRange: [number, number] };
  waveform: { min: Float32Array; max: Float32Array; unit: string };
  deviation?: { steps: number; bands: { lowHz: number; highHz: number }[]; values: Float32Array };
};

export type HearJob = {
  sound: Sound;
  /** Scored by it; `key` tells versions apart, so that a thread keeps what it has prepared. */
  detector: { key: string; bytes: Uint8Array };
  startMs: TimeMs;
  /** Convert other rates to the detector's; else they are refused. */
  resample?: boolean;
  /** Also features over time, for places: `anomalous` (default) only where it is one. */
  places?: 'always' | 'anomalous' | 'never';
};

export type FitJob = {
  sounds: readonly Sound[];
  /** Names beside the sounds, as the bank shows them, and labels where there are some. */
  names: readonly string[];
  labels?: readonly (string | undefined)[];
  encoder: string;
  segmentSeconds: number | null;
  channel: number | 'mean' | 'all';
  sampleRate?: number;
  settings: Partial<DetectorSettings>;
};

export type FitOutcome = {
  detector: Detector;
  bytes: Uint8Array;
  failures: { file: string; message: string }[];
  warnings: string[];
};

/** What is to be known of a detector file without reading it again. `bytes`: the file, changed where a change was asked for. */
export type DetectorDescription = {
  bytes: Uint8Array;
  encoder: string;
  fingerprint: string;
  sampleRate: number;
  threshold?: number;
  /** The threshold was set by hand: it is another than the rate asks for. */
  byHand: boolean;
  falseAlarmRate: number;
  segments: number;
  /** Of labelled entries, sorted. */
  labels: string[];
  /** Sorted scores of normal segments. */
  calibration?: Float64Array;
};

/**
 * A pool of worker threads, each with one encoder thread. All methods reject with InputError for bad input (its message is
 * one line), and with QueueFullError when more than `capacity` jobs wait.
 */
export type HearingPool = {
  hear(job: HearJob, options?: { signal?: AbortSignal }): Promise<Heard[]>;
  /** Adds recordings with labels (`undefined`: normal) to a detector: its bank grows, threshold and scales are found anew. */
  extend(detector: Uint8Array, sounds: readonly { sound: Sound; name: string; label?: string }[]): Promise<FitOutcome>;
  fit(job: FitJob, onProgress?: (done: number, total: number) => void): Promise<FitOutcome>;
  picture(sound: Sound, detector?: { key: string; bytes: Uint8Array }, atSeconds?: number): Promise<MomentPicture>;
  /** Rate and length of what a file holds (of all its recordings together), and how many recordings it holds. */
  inspect(sound: Sound): Promise<{ sampleRate: number; durationSeconds: number; recordings: number }>;
  /** A WAV file of 16 bits that browsers play: the first recording, at most two channels, a rate of at most 48 kHz. */
  playable(sound: Sound): Promise<Uint8Array>;
  /** What a detector file is; with a change of its threshold, the changed file too. */
  describe(
    detector: Uint8Array,
    change?: { threshold: number } | { falseAlarmRate: number },
  ): Promise<DetectorDescription>;
  /** Embeds or scores a file of an archive; what is wrong with the file is in the answer. */
  archive(job: ArchiveJob, options?: { signal?: AbortSignal }): Promise<ArchiveAnswer>;
  /** Jobs that wait and that run. */
  load(): { waiting: number; running: number; threads: number };
  /** Rejects where threads that are free do not answer, or none can be started; the caller sets the time that it may take. */
  ping?(): Promise<void>;
  /** Waits for what runs, refuses what is new. */
  close(): Promise<void>;
};
