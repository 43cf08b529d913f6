// What a data set is: where its recordings lie in the official download, what is known about each, and how to make a small one.
import type { ReadOptions } from '../../signal/recording.ts';
import type { Folder } from '../files/folder.ts';

export type Modality = 'sound' | 'vibration' | 'current' | 'voltage';

/** One file of a data set (one array of it where `read` or `record` says so), and what its name and folder say. */
export type Sample = {
  /** Relative to the folder of the data set, with forward slashes. */
  path: string;
  /** What the reader must be told: the rate of a file that carries none, the array to take. */
  read?: Pick<ReadOptions, 'sampleRate' | 'variable'>;
  /** Number of the recording in a file that holds several, from 0. */
  record?: number;
  /**
   * The physical take. Samples that share it were recorded together (several microphones, channels in files of their
   * own, cuts of one long recording) and must not lie on both sides of a split.
   */
  take: string;
  /** Class: a fault, a digit, a sound event; `normal`, `anomaly` or `unknown` in anomaly detection. */
  label: string;
  /** Side or fold that the data set itself states. */
  split?: 'train' | 'test';
  fold?: number;
  /** Where every channel is a file of its own: its number from 1, as in the data set's documents. */
  channel?: number;
  /** Operating conditions and other facts in the path: load, speed, microphone, machine, section, domain … */
  attributes: Readonly<Record<string, string>>;
};

/** What is wrong with a data set as found, in one line that says what to do. */
export type Problem = {
  kind: 'missing' | 'unexpected' | 'inconsistent';
  /** The file or folder it is about, relative to the data set. */
  path?: string;
  message: string;
};

export type Scan = { samples: Sample[]; problems: Problem[] };

/** A part of a data set that is evaluated as a row of its own. */
export type View = {
  /** `mafaulda-sound`; the id of the data set where there is only one view. */
  id: string;
  modality: Modality;
  /** Channels from 1: columns of every file, or the files with this `Sample.channel`. All where absent. */
  channels?: readonly number[];
};

export type GeneratedFile = { path: string; bytes: Uint8Array };

export type GenerateOptions = {
  seed?: number;
  /** Recordings of each class (and machine, section …). */
  perClass?: number;
  /** Length of a recording. */
  seconds?: number;
  /** DCASE: normal training clips of each section, by domain; `perClass` is then for the test clips alone. */
  train?: { source: number; target: number };
  /** DCASE: the machines of one set alone. */
  set?: 'development' | 'evaluation';
};

export type DataSet = {
  /** `cwru`, `dcase2023`: as on the command line. */
  id: string;
  title: string;
  /** Address of the official page. */
  source: string;
  licence: string;
  /** Names that its folder usually has. */
  folder: RegExp;
  /** The official layout as a tree of text, for messages and guides. */
  layout: string;
  /** Hz, and the usual length of a recording in s (several where they differ). */
  sampleRate: number;
  seconds: string;
  /** What each channel of a file is; one entry where every channel has a file of its own or there is only one. */
  channels: readonly string[];
  classes: readonly string[];
  /** Number of samples in the complete official data set; undefined where it is not known for certain. */
  expected?: { samples: number; perClass?: Readonly<Record<string, number>> };
  views: readonly View[];
  /** Finds the samples among the files, in order of path; says what is missing or not understood, and never throws for that. */
  scan(folder: Folder): Scan;
  /** A small data set in exactly the official layout, made by the machine simulator: deterministic, file by file. */
  generate(options?: GenerateOptions): Iterable<GeneratedFile>;
};
