// Drift: the slow part of how scores change. What is fast is left to the threshold.
import { median } from '../../signal/average.ts';
import type { TimeMs } from '../types.ts';
import type { DriftPolicy } from './types.ts';

/** A fair sample of a span of scores, of bounded size. */
export type Sample = { fromMs: TimeMs; count: number; values: number[] };

/**
 * All levels are natural logarithms of scores, whose spread is then the same whatever their size.
 * - `reference`: what was usual after the detector began.
 * - `levels`: medians of the last parts of the recent span.
 * - `shift`: how far the usual score has slowly moved from the reference.
 */
export type Drift = {
  sample?: Sample;
  reference?: { level: number; spread: number };
  levels: { fromMs: TimeMs; level: number }[];
  shift: number;
};

/** Parts of the recent span; its median is that of their medians, so that one odd part does not move it. */
const PARTS = 8;
/** Scores that a part and the reference need at least; where recordings are rare their spans grow. */
const PART_SCORES = 4;
const REFERENCE_SCORES = 16;
const SAMPLE_SIZE = 128;
/** Makes the median absolute deviation of normal numbers their standard deviation. */
const MAD_TO_DEVIATION = 1.4826;
/** Scores of a machine that never varies differ by rounding alone; 2 % is no drift. */
const LEAST_SPREAD = 0.02;
const LEAST_SCORE = 1e-9;

/** A number in [0, 1) that depends on `n` alone (the finaliser of MurmurHash3). */
function scatter(n: number): number {
  let z = n | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
}

/** Reservoir sampling (Vitter 1985, algorithm R): every score of the span is as likely to be kept, periodic ones too. */
function add(sample: Sample, value: number): Sample {
  const { count, values } = sample;
  const next = { ...sample, count: count + 1 };
  if (count < SAMPLE_SIZE) return { ...next, values: [...values, value] };
  const place = Math.floor(scatter(count) * (count + 1));
  return place < SAMPLE_SIZE ? { ...next, values: values.with(place, value) } : next;
}

/** Whether a span is over; a clock that was set back ends it too. */
const isOver = ({ fromMs, count }: Sample, atMs: TimeMs, spanMs: number, scores: number): boolean =>
  count >= scores && Math.abs(atMs - fromMs) >= spanMs;

export const noDrift: Drift = { levels: [], shift: 0 };

/**
 * Drift after one more score. The first span gives the reference. After that, `shift` follows the median of the last
 * span at a limited speed: `jumpShare` of the change that is an alarm, per span. Where the median is farther away than
 * that, it has jumped, and `shift` stands still until it comes back: a jump never becomes the new usual.
 */
export function stepDrift(drift: Drift, policy: DriftPolicy, atMs: TimeMs, score: number): Drift {
  const value = Math.log(Math.max(score, LEAST_SCORE));
  const spanMs = policy.windowSeconds * 1000;
  const { sample, reference } = drift;
  if (!sample) return { ...drift, sample: { fromMs: atMs, count: 1, values: [value] } };
  const over = reference
    ? isOver(sample, atMs, spanMs / PARTS, PART_SCORES)
    : isOver(sample, atMs, spanMs, REFERENCE_SCORES);
  if (!over) return { ...drift, sample: add(sample, value) };
  const level = median(sample.values);
  const next = { ...drift, sample: { fromMs: atMs, count: 1, values: [value] } };
  if (!reference) {
    const spread = MAD_TO_DEVIATION * median(sample.values.map((one) => Math.abs(one - level)));
    return { ...next, reference: { level, spread: Math.max(spread, LEAST_SPREAD) } };
  }
  const levels = [...drift.levels, { fromMs: sample.fromMs, level }].slice(-PARTS);
  if (levels.length < PARTS) return { ...next, levels };
  const away = median(levels.map((one) => one.level)) - reference.level - drift.shift;
  const atOnce = policy.jumpShare * policy.deviations * reference.spread;
  const fastest = atOnce / PARTS;
  const step = Math.abs(away) <= atOnce ? Math.min(fastest, Math.max(-fastest, away)) : 0;
  return { ...next, levels, shift: drift.shift + step };
}

/** Factor on thresholds: a machine whose usual score has slowly risen is judged from there. Never below 1. */
export const driftFactor = ({ shift }: Drift): number => Math.exp(Math.max(0, shift));

/** How far the usual score has slowly moved, in spreads of the reference; 0 before there is one. */
export const driftDeviations = ({ reference, shift }: Drift): number => (reference ? shift / reference.spread : 0);
