// Embeddings of made-up recordings with known structure, for tests.
import type { Band } from '../encoders/types.ts';
import { createRandom, type Random } from '../signal/simulate/random.ts';
import type { BankEntry, BankSegment, FitInput } from './detector.ts';

/** `count` bands of equal width over a vector of `columns` values, 1 kHz each. */
export const equalBands = (count: number, columns: number): Band[] =>
  Array.from({ length: count }, (_, b) => ({
    lowHz: 1000 * b,
    highHz: 1000 * (b + 1),
    start: Math.round((b * columns) / count),
    end: Math.round(((b + 1) * columns) / count),
  }));

export const gaussianVector = (random: Random, columns: number, deviation = 1, centre = 0): Float32Array =>
  Float32Array.from({ length: columns }, () => random.gaussian(centre, deviation));

export type SyntheticOptions = {
  columns?: number;
  segmentsPerFile?: number;
  deviation?: number;
  /** Mean of every value. */
  centre?: number;
} & Pick<BankEntry, 'label' | 'domain'>;

/** Files `name0`, `name1` … of 10 s, their embeddings normally distributed around `centre`. */
export function syntheticFiles(name: string, files: number, options: SyntheticOptions = {}): BankSegment[] {
  const { columns = 16, segmentsPerFile = 1, deviation = 1, centre = 0, label, domain } = options;
  const random = createRandom(name);
  return Array.from({ length: files * segmentsPerFile }, (_, i) => ({
    entry: {
      file: `${name}${Math.floor(i / segmentsPerFile)}`,
      startSeconds: 10 * (i % segmentsPerFile),
      durationSeconds: 10,
      ...(label !== undefined && { label }),
      ...(domain !== undefined && { domain }),
    },
    vector: gaussianVector(random, columns, deviation, centre),
  }));
}

/** What `fitDetector` takes, around these segments, with four bands. */
export const syntheticFit = (segments: readonly BankSegment[], settings: FitInput['settings'] = {}): FitInput => ({
  encoder: { id: 'synthetic', fingerprint: 'synthetic:1' },
  signal: { sampleRate: 8000, channel: 0, segmentSeconds: 10 },
  segments,
  bands: equalBands(4, segments[0]?.vector.length ?? 4),
  settings,
});
