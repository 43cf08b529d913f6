// A life as a detector hears it that was fitted on its beginning: one anomaly score per record.
import {
  calibrationFolds,
  crossFit,
  type Detector,
  type DetectorSettings,
  fitDetector,
} from '../../detection/detector.ts';
import { createScorer } from '../../detection/score.ts';
import type { Band } from '../../encoders/types.ts';
import { InputError } from '../../signal/errors.ts';
import { checkSameLength } from './health.ts';

/** One machine from its first record to its failure, embedded: one vector per record, in order of time. */
export type EmbeddedLife = {
  /** `Bearing1_1` */
  bearing: string;
  /** Operating condition. */
  condition: string;
  /** Age at every record in s, from 0 at the first. */
  ageSeconds: readonly number[];
  vectors: readonly Float32Array[];
  bands: Band[];
  sampleRate: number;
};

export type ScoredLife = Pick<EmbeddedLife, 'bearing' | 'condition' | 'ageSeconds'> & {
  /** Anomaly score of every record, in units of the usual distance between early records. */
  score: readonly number[];
  /** Records from the first on that the detector was fitted on; they are scored against the others of them. */
  fitted: number;
  /** Score from which a record counts as not normal. */
  threshold: number;
};

export type ScoreLifeOptions = {
  encoder: Detector['encoder'];
  channel: number | 'all';
  /** The detector learns from this share of a life, but from at least so many records. */
  fitShare: number;
  leastFitted: number;
  detector?: Partial<DetectorSettings>;
};

/**
 * Records at the beginning of a life that the detector is fitted on. The share is one of the whole life, which nobody
 * knows beforehand; it decides how much is learnt, and nothing that is predicted uses it.
 * @throws InputError if no more records than that are left to score
 */
export function fittedRecords(
  bearing: string,
  records: number,
  { fitShare, leastFitted }: Pick<ScoreLifeOptions, 'fitShare' | 'leastFitted'>,
): number {
  const count = Math.max(leastFitted, Math.round(fitShare * records));
  if (count < records) return count;
  throw new InputError(
    `scoreLife: expected more than ${count} records of ${bearing} (${count} to fit the detector), found ${records}; give the whole life`,
  );
}

/**
 * Scores of the records that a detector was fitted on, in their order, each against the detector that the others make
 * (parts of consecutive records are left out together, as in the detector's own calibration). Scored by the detector
 * itself they would come out too low, and every curve would rise after them.
 */
async function heldOutScores({ bank, entries, bands, settings, scales }: Detector): Promise<number[]> {
  // Consecutive records share a fold, so the order of folds is that of the records.
  const heldOut = await crossFit(bank, calibrationFolds(entries), bands, settings);
  return heldOut.map(({ distance }) => distance / scales['']);
}

/**
 * Fits a detector on the beginning of a life and scores every record of it.
 * @throws InputError for too few records, ages that do not rise, and embeddings that differ in length or are not finite
 */
export async function scoreLife(life: EmbeddedLife, options: ScoreLifeOptions): Promise<ScoredLife> {
  const { bearing, condition, ageSeconds, vectors, bands, sampleRate } = life;
  checkSameLength(`scoreLife: ${bearing}`, vectors, ageSeconds);
  const back = ageSeconds.findIndex((age, i) => i > 0 && !(age > ageSeconds[i - 1]));
  if (back >= 0) {
    throw new InputError(
      `scoreLife: expected records of ${bearing} in order of time, found ${ageSeconds[back]} s after ${ageSeconds[back - 1]} s`,
    );
  }
  const fitted = fittedRecords(bearing, vectors.length, options);
  const detector = await fitDetector({
    encoder: options.encoder,
    signal: { sampleRate, channel: options.channel, segmentSeconds: null },
    segments: vectors.slice(0, fitted).map((vector, i) => ({
      entry: { file: `${bearing}#${i}`, startSeconds: 0, durationSeconds: 0 },
      vector,
    })),
    bands,
    settings: options.detector,
  });
  const scorer = createScorer(detector);
  const score = await heldOutScores(detector);
  for (const vector of vectors.slice(fitted)) score.push((await scorer.score([vector])).score);
  return { bearing, condition, ageSeconds, score, fitted, threshold: detector.threshold as number };
}
