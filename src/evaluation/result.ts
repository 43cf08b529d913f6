// What a benchmark finds: rows of encoders, columns of data sets, and the details behind every number.
// All scores are shares from 0 to 1; tables print them in percent.
import type { Domain } from './dcase/names.ts';
import type { DcaseSet } from './dcase/years.ts';
import type { ClassResult, Confusion } from './metrics/classification.ts';
import type { Measured } from './metrics/measured.ts';

/** Score against the share of training data (RMIS): one point per test size, with the area under the curve. */
export type MultiSplitCurve = {
  trainShare: number[];
  score: number[];
  /** By the trapezoid rule (paper) and by Simpson's (released code), anchored at (0, chance) and (1, 1). */
  trapezoid: number;
  simpson: number;
};

/** Whether anything of the test side was seen on the training side. */
export type LeakageAudit = {
  /** Pairs checked: sides of every split. */
  splits: number;
  /** Takes that lie on both sides of a split, and files whose content does; a few of them by name. */
  sharedTakes: number;
  sharedContent: number;
  examples: string[];
};

export type ClassificationResult = {
  kind: 'classification';
  /** The view: `mafaulda-sound`. */
  view: string;
  /** In words: `leave one out, k = 5, Euclidean`. */
  protocol: string;
  /** The figure of the table. */
  score: Measured;
  /** 95 % bootstrap interval of the score over recordings; absent where splits are repeated. */
  interval?: [number, number];
  accuracy: Measured;
  macroPrecision: Measured;
  macroRecall: Measured;
  macroF1: Measured;
  weightedF1: Measured;
  perClass: ClassResult[];
  confusion: Confusion;
  /** Score of every repeated split. */
  runs?: number[];
  curve?: MultiSplitCurve;
  recordings: number;
  audit: LeakageAudit;
};

/** One section (or machine id) of one machine. `domain` is absent where both domains are scored together. */
export type SectionResult = {
  set: DcaseSet;
  machine: string;
  section: string;
  /** By the rules of the suite. */
  auc: { domain?: Domain; value: Measured }[];
  pauc: { domain?: Domain; value: Measured }[];
};

export type DetectionResult = {
  kind: 'detection';
  /** `dcase2023`. */
  view: string;
  protocol: string;
  score: Measured;
  development: Measured;
  evaluation: Measured;
  /** By the official rule of the challenge (all anomalies of a section), on the evaluation machines. */
  official: Measured;
  sections: SectionResult[];
  recordings: number;
  audit: LeakageAudit;
};

export type Detail = ClassificationResult | DetectionResult;

export type Column = {
  id: string;
  title: string;
  group: 'anomaly detection' | 'fault diagnosis' | 'other' | 'summary';
};

export type BenchRow = {
  /** `echo-small`, or several joined by ` + ` where they are fused. */
  encoder: string;
  /** From a paper or leaderboard rather than measured here. */
  published: boolean;
  parameters?: number;
  fingerprint?: string;
  /** By column id; a column that was not run is absent. */
  values: Record<string, Measured>;
  details: Detail[];
};

export type BenchResult = {
  suite: string;
  title: string;
  /** Compatibility mode, where published numbers depend on a quirk of the released code. */
  compat: boolean;
  columns: Column[];
  rows: BenchRow[];
  /** What was not run, and why. */
  skipped: { view: string; reason: string }[];
  /** Lines about data sets as found: missing machines, single classes, unreadable files. */
  problems: string[];
  provenance: {
    version: string;
    command: string;
    seeds: number[];
    /** SHA-256 over names, contents and labels of the recordings of every view. */
    dataHashes: Record<string, string>;
  };
};
