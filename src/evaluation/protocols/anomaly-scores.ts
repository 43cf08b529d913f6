// Anomaly scores of a machine's test clips: the distance to the nearest normal clip, in one bank or in one per domain.
import { nearestNeighbours } from '../../detection/knn.ts';
import { type Floats, type Matrix, selectRows } from '../../detection/matrix.ts';
import { mean, median } from '../../signal/average.ts';
import type { Domain } from '../dcase/names.ts';
import type { DcaseSet } from '../dcase/years.ts';

/** What is known about a clip of an anomaly-detection data set. */
export type Clip = {
  set: DcaseSet;
  machine: string;
  /** `id_01` in 2020, `00` later. */
  section: string;
  domain?: Domain;
  split: 'train' | 'test';
  /** Undefined where the truth is not at hand. */
  anomalous?: boolean;
};

/**
 * - `one`: all normal clips of a section or machine id in one bank.
 * - `domains`: a source and a target bank, the smaller distance counts (SIREN from 2021 on; RMIS's paper).
 * - `domains-standardised`: the same, each bank's distances first standardised over the section's test clips (RMIS's
 *   code from 2022 on). That is transductive: a score depends on the other test clips.
 * - `domains-scaled`: the same, each bank's distances in units of the usual one among its own clips, as detectors have
 *   them (ours).
 */
export type BankRule = 'one' | 'domains' | 'domains-standardised' | 'domains-scaled';

/** Scores by clip (undefined for training clips), and the sections that could not be scored. */
export type AnomalyScores = { scores: (number | undefined)[]; unscored: { section: string; reason: string }[] };

const indicesWhere = (clips: readonly Clip[], test: (clip: Clip) => boolean): number[] =>
  clips.flatMap((clip, i) => (test(clip) ? [i] : []));

/** Cosine distance of every query to the nearest row of the bank. */
async function nearestDistances(
  matrix: Matrix<Floats>,
  bank: readonly number[],
  queries: readonly number[],
): Promise<number[]> {
  const found = await nearestNeighbours(selectRows(matrix, bank), selectRows(matrix, queries), {
    k: 1,
    metric: 'cosine',
  });
  return found.map(({ distances }) => distances[0]);
}

/** Median distance of a bank's rows to their nearest fellow; 1 where there is none. */
async function medianDistance(matrix: Matrix<Floats>, bank: readonly number[]): Promise<number> {
  if (bank.length < 2) return 1;
  const rows = selectRows(matrix, bank);
  const groups = bank.map((_, i) => i);
  const options = { k: 1, metric: 'cosine', bankGroups: groups, queryGroups: groups } as const;
  const found = await nearestNeighbours(rows, rows, options);
  return Math.max(median(found.map(({ distances }) => distances[0])), 1e-12);
}

/** To mean 0 and population deviation 1; all 0 where nothing varies. */
export function standardise(values: readonly number[]): number[] {
  const centre = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
  return values.map((value) => (deviation > 0 ? (value - centre) / deviation : 0));
}

function banksOf(clips: readonly Clip[], train: readonly number[], rule: BankRule): number[][] {
  if (rule === 'one') return [[...train]];
  const byDomain = (['source', 'target'] as const).map((domain) => train.filter((i) => clips[i].domain === domain));
  return byDomain.filter((bank) => bank.length > 0);
}

/**
 * Scores the test clips of one machine (of one set) against its own training clips, section by section: k = 1, cosine
 * (SIREN; RMIS, section "anomaly detection").
 * @param matrix an embedding per clip [clips, D]
 */
export async function scoreMachine(
  clips: readonly Clip[],
  matrix: Matrix<Floats>,
  rule: BankRule,
): Promise<AnomalyScores> {
  const scores = new Array<number | undefined>(clips.length).fill(undefined);
  const unscored: AnomalyScores['unscored'] = [];
  const sections = [...new Set(clips.map(({ section }) => section))].sort();
  for (const section of sections) {
    const test = indicesWhere(clips, (clip) => clip.section === section && clip.split === 'test');
    const train = indicesWhere(clips, (clip) => clip.section === section && clip.split === 'train');
    if (test.length === 0) continue;
    const banks = banksOf(clips, train, rule);
    if (banks.length === 0) {
      unscored.push({ section, reason: `no normal training clips of section ${section}` });
      continue;
    }
    const distances: number[][] = [];
    for (const bank of banks) {
      const found = await nearestDistances(matrix, bank, test);
      const unit = rule === 'domains-scaled' ? await medianDistance(matrix, bank) : 1;
      distances.push(rule === 'domains-standardised' ? standardise(found) : found.map((value) => value / unit));
    }
    for (const [t, index] of test.entries()) scores[index] = Math.min(...distances.map((list) => list[t]));
  }
  return { scores, unscored };
}

/** Mean distance of training clips to their nearest fellow: the unit in which scores of different encoders compare. */
export async function usualDistance(clips: readonly Clip[], matrix: Matrix<Floats>): Promise<number> {
  const train = indicesWhere(clips, ({ split }) => split === 'train');
  if (train.length < 2) return 1;
  const bank = selectRows(matrix, train);
  const groups = train.map((_, i) => i);
  const found = await nearestNeighbours(bank, bank, {
    k: 1,
    metric: 'cosine',
    bankGroups: groups,
    queryGroups: groups,
  });
  const usual = mean(found.map(({ distances }) => distances[0]));
  return usual > 0 ? usual : 1;
}
