// What fine-tuning hears: crops of recordings whose class is known, the same for the same seed and number.
import type { ReadOptions } from '../../signal/recording.ts';

/** One recording and its class. */
export type LabelledItem = {
  path: string;
  /** What the reader must be told: the rate of a file that carries none, the array to take. */
  read?: Pick<ReadOptions, 'sampleRate' | 'variable'>;
  /** Class: a fault, or a machine under an operating condition. */
  label: string;
  /** Labels are told apart, and pseudo-labels made, within a group: a machine. */
  group?: string;
  domain?: 'source' | 'target';
  /** What it was recorded with, where the data set says so: `a`, `s1`. */
  device?: string;
  /** The label stands for several classes that nobody tells apart, as where attributes are hidden. */
  hidden?: boolean;
  /** Number of the recording in a file that holds several, from 0; drawn for every crop where it is not given. */
  record?: number;
  /** Channel from 1; drawn for every crop where it is not given. */
  channel?: number;
};

/** Speeds that crops are played at: status augmentation, or speed perturbation. */
export type SpeedSettings = {
  /** One of them is drawn for every crop, all equally likely: 0.9, 1, 1.1. Whole thousandths. */
  factors: readonly number[];
  /** Tones stay where they are; they follow the speed by default. */
  keepPitch?: boolean;
  /** Every speed of a label but 1 is a class of its own. */
  ownClass?: boolean;
};

export type LabelledSettings = {
  /** Length of a crop in s; shorter recordings are repeated from their start. */
  cropSeconds: number;
  /** Rate in Hz that all recordings are brought to; by default each keeps its own. */
  sampleRate?: number;
  /** Factor on amplitude, uniform in decibels within ± this; 0 by default. */
  gainDecibels?: number;
  /** White noise, with this probability, at a ratio of signal to noise in dB that is uniform between both. */
  noise?: { ratio: readonly [number, number]; probability: number };
  /** Probability that a crop begins anywhere in itself, and its beginning follows its end; 0 by default. */
  rollProbability?: number;
  speeds?: SpeedSettings;
  /**
   * Labels come equally often, so an item by 1 / (items of its label): weighted sampling. By default items do, each once
   * per epoch.
   */
  balanced?: boolean;
};

export type LabelledSpec = LabelledSettings & { items: readonly LabelledItem[] };

/** A crop of one channel: finite, and not constant before its augmentation. */
export type LabelledCrop = {
  /** round(cropSeconds · sampleRate) of them, in an array of their own. */
  samples: Float32Array;
  sampleRate: number;
  /** Number of the item. */
  item: number;
  /** Number of the speed; 0 where there are none. */
  speed: number;
  /** The item's own label. */
  label: string;
  /** Number of its class in `labelledClasses(…).names`. */
  classIndex: number;
};
