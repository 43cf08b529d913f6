// Scores and verdicts for new recordings.
import { mean } from '../signal/average.ts';
import { InputError } from '../signal/errors.ts';
import { pValue, thresholdFor } from './calibration.ts';
import { type BankEntry, bandContributions, type Detector, domainOf, indicesWhere, isNormal } from './detector.ts';
import { type Neighbours, nearestNeighbours } from './knn.ts';
import { fromRows, type Matrix, row, selectRows } from './matrix.ts';
import { applyTransform } from './transform.ts';

/** One band's part of a distance. `share` adds up to 1 over the bands; `deviations` is its distance from what is usual, in standard deviations. */
export type BandShare = { lowHz: number; highHz: number; share: number; deviations: number };

export type SegmentScore = {
  /** Distance to the normal bank, in units of the usual distance between normal recordings. */
  score: number;
  /** Nearest normal segment. */
  nearest: BankEntry;
  /** Parts of the squared distance to it, one per band. */
  contributions: Float64Array;
};

export type Verdict = {
  score: number;
  /** Probability that a normal recording scores at least this high. */
  pValue: number;
  anomalous: boolean;
  /** All bands, low to high. */
  bands: BandShare[];
  nearest: BankEntry;
  segments: SegmentScore[];
};

export type Scorer = {
  /** Scores one recording from the embeddings of its segments. */
  score(vectors: readonly Float32Array[]): Promise<Verdict>;
};

type DomainBank = { members: number[]; bank: Matrix; scale: number };

/** @throws InputError if an embedding is not of the detector's width, or not finite. */
export function checkVector(detector: Detector, vector: Float32Array): void {
  if (vector.length !== detector.bank.columns) {
    throw new InputError(
      `score: expected embeddings of ${detector.bank.columns} values, got ${vector.length}; encoder or sample rate differ from the detector's`,
    );
  }
  if (!vector.every(Number.isFinite)) {
    throw new InputError('score: the embedding holds values that are not finite; use another encoder');
  }
}

/** Closer than this share of the usual distance, a segment meets itself. */
const SAME = 1e-5;

/** The k nearest, without the recording itself where it is part of the bank: its score is then a leave-one-out score. */
export function withoutItself({ distances, indices }: Neighbours, k: number, scale: number): Neighbours {
  const skip = distances.length > 1 && distances[0] <= SAME * scale ? 1 : 0;
  return { distances: distances.slice(skip, skip + k), indices: indices.slice(skip, skip + k) };
}

/** Shares and deviations of bands, from the mean contributions of a recording's segments. */
function describeBands(detector: Detector, segments: readonly SegmentScore[]): BandShare[] {
  const average = Float64Array.from(detector.bands, (_, b) =>
    mean(segments.map((segment) => segment.contributions[b])),
  );
  const total = Math.max(
    average.reduce((sum, value) => sum + value, 0),
    1e-30,
  );
  const usual = detector.bandStatistics;
  return detector.bands.map(({ lowHz, highHz }, b) => ({
    lowHz,
    highHz,
    share: average[b] / total,
    deviations: usual ? (average[b] - usual.mean[b]) / usual.deviation[b] : 0,
  }));
}

/** Whether the threshold is another than the false-alarm rate asks for. */
export const isThresholdByHand = ({ calibration, threshold, settings }: Detector): boolean =>
  calibration !== undefined &&
  threshold !== undefined &&
  Math.abs(threshold - thresholdFor(calibration, settings.falseAlarmRate)) > 1e-6 * threshold;

/**
 * Prepares a detector for scoring: a recording's distance is the mean over its k nearest normal segments, divided by
 * the scale of their domain; the nearest domain counts.
 * @throws InputError if the detector has no normal recordings.
 */
export function createScorer(detector: Detector): Scorer {
  const { settings, calibration, threshold, entries } = detector;
  if (!calibration || threshold === undefined) {
    throw new InputError('score: this detector was fitted on labelled faults without normal recordings; use diagnose');
  }
  // The highest of m segments is judged by its p-value; a threshold set by hand counts as it stands.
  const judgedByRate = settings.aggregation === 'max' && !isThresholdByHand(detector);
  const normal = indicesWhere(entries, (entry) => isNormal(entry, settings));
  const domains: DomainBank[] = Object.entries(detector.scales).map(([domain, scale]) => {
    const members = normal.filter((i) => domainOf(entries[i]) === domain);
    return { members, bank: selectRows(detector.transformed, members), scale };
  });

  const scoreSegments = async (vectors: readonly Float32Array[]): Promise<SegmentScore[]> => {
    for (const vector of vectors) checkVector(detector, vector);
    const queries = fromRows(vectors.map((vector) => applyTransform(detector.transform, vector)));
    const results: (SegmentScore | undefined)[] = vectors.map(() => undefined);
    for (const { members, bank, scale } of domains) {
      const found = await nearestNeighbours(bank, queries, { k: settings.k + 1, metric: settings.metric });
      for (const [q, neighbours] of found.entries()) {
        const { distances, indices } = withoutItself(neighbours, settings.k, scale);
        const score = mean(distances) / scale;
        const before = results[q];
        if (before && before.score <= score) continue;
        const contributions = bandContributions(
          row(queries, q),
          row(bank, indices[0]),
          detector.bands,
          settings.metric,
        );
        results[q] = { score, nearest: entries[members[indices[0]]], contributions };
      }
    }
    return results as SegmentScore[];
  };

  return {
    async score(vectors) {
      if (vectors.length === 0) throw new InputError('score: expected at least one segment, got none');
      const segments = await scoreSegments(vectors);
      const worst = segments.reduce((a, b) => (b.score > a.score ? b : a));
      const score = settings.aggregation === 'max' ? worst.score : mean(segments.map((segment) => segment.score));
      const single = pValue(calibration, score);
      // The mean of several segments spreads less than one segment does, so the p-value of one is a safe bound for it.
      // The highest of m segments has m chances.
      const p =
        settings.aggregation === 'max'
          ? -Math.expm1(segments.length * Math.log1p(-Math.min(single, 1 - 1e-16)))
          : single;
      const anomalous = judgedByRate ? p <= settings.falseAlarmRate : score >= threshold;
      return {
        score,
        pValue: p,
        anomalous,
        bands: describeBands(detector, segments),
        nearest: worst.nearest,
        segments,
      };
    },
  };
}
