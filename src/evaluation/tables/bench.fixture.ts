// A small benchmark with every kind of detail, for tests: made-up numbers, two encoders of our own, real published rows.
import { type Measured, measured, undefinedBecause } from '../metrics/measured.ts';
import type { BenchResult, ClassificationResult, DetectionResult, LeakageAudit } from '../result.ts';
import { publishedRows } from './published.ts';
import { suiteColumns } from './suites.ts';
import { summarise } from './summary.ts';

const clean: LeakageAudit = { splits: 10, sharedTakes: 0, sharedContent: 0, examples: [] };

/** Leave-one-out over three classes, 30 recordings, 27 right; one class is never predicted. */
export const classificationFixture = (changes: Partial<ClassificationResult> = {}): ClassificationResult => ({
  kind: 'classification',
  view: 'cwru',
  protocol: 'leave one out, k = 5, Euclidean',
  score: measured(0.9),
  interval: [0.8, 0.9667],
  accuracy: measured(0.9),
  macroPrecision: undefinedBecause('load fault was never predicted'),
  macroRecall: measured(0.6444),
  macroF1: measured(0.6311),
  weightedF1: measured(0.8712),
  perClass: [
    { label: 'ball', precision: measured(0.9333), recall: measured(0.9333), f1: measured(0.9333), support: 15 },
    { label: 'inner race', precision: measured(0.8667), recall: measured(1), f1: measured(0.9286), support: 13 },
    {
      label: 'load fault',
      precision: undefinedBecause('load fault was never predicted'),
      recall: measured(0),
      f1: measured(0),
      support: 2,
    },
  ],
  confusion: {
    labels: ['ball', 'inner race', 'load fault'],
    counts: [
      [14, 1, 0],
      [0, 13, 0],
      [1, 1, 0],
    ],
  },
  recordings: 30,
  audit: { splits: 30, sharedTakes: 2, sharedContent: 1, examples: ['105_0.mat', '106_1.mat'] },
  ...changes,
});

/** Ten sealed splits and a curve over five test sizes. */
export const splitsFixture = (): ClassificationResult =>
  classificationFixture({
    view: 'mafaulda-sound',
    protocol: '10 sealed splits, test 50 %, cosine kNN, k = 5',
    interval: undefined,
    score: measured(0.8123),
    runs: [0.79, 0.81, 0.8, 0.83, 0.82, 0.81, 0.815, 0.808, 0.817, 0.825],
    curve: {
      trainShare: [0.95, 0.75, 0.5, 0.25, 0.05],
      score: [0.9, 0.87, 0.8123, 0.72, 0.51],
      trapezoid: 0.7834,
      simpson: 0.7881,
    },
    audit: clean,
  });

/** Two machines of a year with domains, one figure undefined. */
export const detectionFixture = (): DetectionResult => ({
  kind: 'detection',
  view: 'dcase2023',
  protocol: 'cosine kNN, k = 1, source and target bank, minimum',
  score: measured(0.6123),
  development: measured(0.6234),
  evaluation: undefinedBecause('no ground truth for the evaluation set'),
  official: undefinedBecause('no ground truth for the evaluation set'),
  sections: [
    {
      set: 'development',
      machine: 'bearing',
      section: '00',
      auc: [
        { domain: 'source', value: measured(0.651) },
        { domain: 'target', value: measured(0.602) },
      ],
      pauc: [{ value: measured(0.523) }],
    },
    {
      set: 'development',
      machine: 'ToyCar',
      section: '00',
      auc: [
        { domain: 'source', value: measured(0.703) },
        { domain: 'target', value: undefinedBecause('no anomalous recording in section 00, target') },
      ],
      pauc: [{ value: measured(0.5) }],
    },
  ],
  recordings: 400,
  audit: { ...clean, splits: 2 },
});

const withMeans = (values: Record<string, Measured>): Record<string, Measured> => ({
  ...values,
  ...summarise(suiteColumns('siren'), values).values,
});

/** All eleven columns for the first encoder, three for the second; published rows of SIREN. */
export const benchFixture = (changes: Partial<BenchResult> = {}): BenchResult => {
  const shares = [0.7312, 0.6033, 0.5987, 0.6123, 0.579, 0.5901, 0.9951, 0.9401, 0.9, 0.9959, 0.8123];
  const sets = suiteColumns('siren').filter((column) => column.group !== 'summary');
  const all = Object.fromEntries(sets.map((column, i) => [column.id, measured(shares[i])]));
  return {
    suite: 'siren',
    title: 'SIREN: anomaly detection and fault diagnosis',
    compat: false,
    columns: suiteColumns('siren'),
    rows: [
      {
        encoder: 'echo-small',
        published: false,
        parameters: 21_540_096,
        fingerprint: '4f2a90c1',
        values: withMeans(all),
        details: [detectionFixture(), classificationFixture(), splitsFixture()],
      },
      {
        encoder: 'spectral',
        published: false,
        values: withMeans({
          dcase2023: measured(0.5712),
          cwru: measured(0.943),
          iica: undefinedBecause('only one class was found: no_leak'),
        }),
        details: [classificationFixture({ score: measured(0.943), accuracy: measured(0.943) })],
      },
      ...publishedRows('siren'),
    ],
    skipped: [{ view: 'dcase2020 (spectral)', reason: 'no folder of that data set under data' }],
    problems: ['cwru: 3 files could not be read'],
    provenance: {
      version: '0.1.0',
      command: 'thrum bench siren --data data --encoder echo-small --encoder spectral',
      seeds: [1, 2],
      dataHashes: { cwru: 'a'.repeat(64), dcase2023: 'b'.repeat(64) },
    },
    ...changes,
  };
};
