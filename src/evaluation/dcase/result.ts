// What is known of a system on the evaluation set of DCASE Task 2. Plain objects: JSON holds all of it.
import type { Measured } from '../metrics/measured.ts';
import type { Domain } from './names.ts';
import type { DcaseRule, DcaseYear } from './years.ts';

export type DcaseDecisions = { precision: Measured; recall: Measured; f1: Measured };

/** Recordings of one domain; from 2022, `auc` has the anomalies of the other domain in it, `anomalous` has not. */
export type DcaseDomain = DcaseDecisions & { normal: number; anomalous: number; auc: Measured };

export type DcaseSection = {
  machine: string;
  section: string;
  /** 2021: each domain is a row of its own. */
  domain?: Domain;
  /** Recordings with a score; `missing` has none. */
  normal: number;
  anomalous: number;
  missing: number;
  /** Of all recordings (2021: of this domain). */
  auc: Measured;
  pauc: Measured;
  /** 2021 */
  decisions?: DcaseDecisions;
  /** From 2022. */
  domains?: Record<Domain, DcaseDomain>;
};

/** Precision, recall and F1 are absent in 2020, which asked for no decisions. */
export type DcaseFigures = { auc: Measured; pauc: Measured; precision?: Measured; recall?: Measured; f1?: Measured };

/** Over sections and domains. 2020 knows the arithmetic mean alone. */
export type DcaseMeans = {
  arithmetic: DcaseFigures;
  harmonic?: DcaseFigures;
  sourceHarmonic?: DcaseFigures;
  targetHarmonic?: DcaseFigures;
};

export type DcaseResult = {
  year: DcaseYear;
  /** Path of its folder. */
  system: string;
  rule: DcaseRule;
  /** Whether means repeat the mistake of the released evaluator of 2022. */
  compat: boolean;
  sections: DcaseSection[];
  machines: { machine: string; means: DcaseMeans }[];
  overall: DcaseMeans;
  official: Measured;
  /** Recordings without a score: the figures are of the others. */
  missing: number;
  /** What could not be used or is missing, a line each. */
  problems: string[];
  /** What is worth knowing and costs nothing. */
  notes: string[];
};
