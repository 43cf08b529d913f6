// What an export loses: embeddings and labels of the exported encoder beside those of the one it was made from.
import type { Encoder } from '../encoders/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';

/** A recording of one channel, and its label where it is known. */
export type KnownRecording = { recording: Recording; label?: string };

/** What an encoder made of a recording. */
export type Heard = { vector: Float32Array; logits?: Float32Array };

export type QualityFigures = {
  recordings: number;
  /** Of the embeddings of a recording before and after: mean over recordings, and the least. */
  meanCosine: number;
  worstCosine: number;
  /** Of any value of an embedding. */
  largestDifference: number;
  /** Of classifiers: share of recordings whose likeliest label is the same. */
  agreement?: number;
  /** Of classifiers on labelled recordings: share whose likeliest label is theirs, before and after. */
  accuracy?: { before: number; after: number };
};

/** Loss from which on nothing is written: of cosine, or of accuracy (a point). */
export const DEFAULT_TOLERANCE = 0.01;

/** 1 of two vectors of zeros, 0 where only one is. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    dot += value * b[i];
    aa += value * value;
    bb += b[i] * b[i];
  }
  if (aa === 0 || bb === 0) return aa === bb ? 1 : 0;
  return dot / Math.sqrt(aa * bb);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const likeliest = (logits: Float32Array): number =>
  logits.reduce((best, value, i) => (value > logits[best] ? i : best), 0);

const share = (hits: readonly boolean[]): number => mean(hits.map(Number));

/**
 * Figures of the same recordings heard twice.
 * @param truth number of the label of every recording, -1 where it is not known
 * @throws InputError for no recordings, and for embeddings of different lengths
 */
export function compareHeard(
  before: readonly Heard[],
  after: readonly Heard[],
  truth: readonly number[] = [],
): QualityFigures {
  if (before.length === 0 || before.length !== after.length) {
    throw new InputError(
      `compareHeard: expected the same recordings twice, at least one, got ${before.length} and ${after.length}`,
    );
  }
  let largest = 0;
  const cosines = before.map(({ vector }, i) => {
    const other = after[i].vector;
    if (other.length !== vector.length) {
      throw new InputError(`compareHeard: expected embeddings of ${vector.length} values, got ${other.length}`);
    }
    for (const [d, value] of vector.entries()) largest = Math.max(largest, Math.abs(value - other[d]));
    return cosine(vector, other);
  });
  const figures: QualityFigures = {
    recordings: before.length,
    meanCosine: mean(cosines),
    worstCosine: Math.min(...cosines),
    largestDifference: largest,
  };
  const [ours, theirs] = [before, after].map((heard) =>
    heard.flatMap(({ logits }) => (logits ? [likeliest(logits)] : [])),
  );
  if (ours.length !== before.length || theirs.length !== before.length) return figures;
  figures.agreement = share(ours.map((label, i) => label === theirs[i]));
  const known = truth.flatMap((label, i) => (label >= 0 ? [i] : []));
  if (known.length > 0) {
    figures.accuracy = {
      before: share(known.map((i) => ours[i] === truth[i])),
      after: share(known.map((i) => theirs[i] === truth[i])),
    };
  }
  return figures;
}

/**
 * Hears recordings with both encoders, one after the other.
 * @throws InputError as their `embed`, and as `compareHeard`
 */
export async function compareEncoders(
  before: Encoder,
  after: Encoder,
  recordings: readonly KnownRecording[],
): Promise<QualityFigures> {
  const heard: Record<'before' | 'after', Heard[]> = { before: [], after: [] };
  for (const { recording } of recordings) {
    heard.before.push(await before.embed(recording));
    heard.after.push(await after.embed(recording));
  }
  const names = before.labels?.names ?? [];
  const truth = recordings.map(({ label }) => (label === undefined ? -1 : names.indexOf(label)));
  return compareHeard(heard.before, heard.after, truth);
}

/** What an export is judged by: accuracy of classifiers where labels are known, else their agreement, else cosines. */
export function lossOf({ meanCosine, agreement, accuracy }: QualityFigures): { value: number; what: string } {
  if (accuracy) return { value: accuracy.before - accuracy.after, what: 'of accuracy' };
  if (agreement !== undefined) return { value: 1 - agreement, what: 'of the likeliest labels' };
  return { value: 1 - meanCosine, what: 'of cosine between embeddings' };
}

/** Figures as a line for people. */
export function qualityLine(figures: QualityFigures): string {
  const { recordings, meanCosine, worstCosine, largestDifference, agreement, accuracy } = figures;
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  return [
    `on ${recordings} ${recordings === 1 ? 'recording' : 'recordings'}: cosine ${meanCosine.toFixed(6)} (mean), ${worstCosine.toFixed(6)} (worst)`,
    `largest difference ${largestDifference.toPrecision(3)}`,
    ...(agreement === undefined ? [] : [`same label ${percent(agreement)}`]),
    ...(accuracy ? [`accuracy ${percent(accuracy.before)} before, ${percent(accuracy.after)} after`] : []),
  ].join(', ');
}

/** @throws InputError where more is lost than `tolerance` */
export function checkQuality(figures: QualityFigures, tolerance: number, what: string): void {
  const { value, what: measure } = lossOf(figures);
  // Float arithmetic makes 1 - 0.99 a little more than 0.01.
  if (value <= tolerance + 1e-9) return;
  throw new InputError(
    `export: ${what} loses ${value.toPrecision(3)} ${measure} on ${figures.recordings} recordings, more than the tolerance of ${tolerance}; choose another format, more recordings to calibrate on, a larger --tolerance, or --force`,
  );
}
