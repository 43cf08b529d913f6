// Observations for tests of alarms: what matters is given, the rest is usual.
import type { Random } from '../../signal/simulate/random.ts';
import { defaultPolicy } from './policy.ts';
import type { AlarmPolicy, Observation } from './types.ts';

/** Monday. */
export const START = Date.UTC(2026, 2, 2, 12);

export function observation(given: Partial<Observation>): Observation {
  const { score = 1, threshold = 2 } = given;
  return {
    startMs: START,
    durationSeconds: 10,
    sampleRate: 16_000,
    constant: false,
    score,
    pValue: score >= threshold ? 0.0004 : 0.4,
    threshold,
    anomalous: score >= threshold,
    bands: [
      { lowHz: 0, highHz: 2000, share: 0.2, deviations: 1 },
      { lowHz: 2000, highHz: 4000, share: 0.8, deviations: 6 },
    ],
    places: [{ startSeconds: 0.4, endSeconds: 0.6, lowHz: 2100, highHz: 2600, deviations: 9 }],
    nearest: { file: 'normal/12.wav', startSeconds: 0, durationSeconds: 10 },
    ...given,
  };
}

/** One recording after the other, every `everySeconds`. */
export const inOrder = (scores: readonly number[], everySeconds = 10, rest: Partial<Observation> = {}): Observation[] =>
  scores.map((score, i) =>
    observation({ ...rest, score, startMs: START + i * everySeconds * 1000, recording: `r${i}` }),
  );

/** Without drift: its span is longer than any test. */
export const policyOf = (given: Partial<AlarmPolicy> = {}): AlarmPolicy => ({
  ...defaultPolicy,
  drift: { windowSeconds: 1e12, deviations: 1.5, jumpShare: 0.5 },
  ...given,
});

/** Scores as normal recordings have them: log-normal around 1. */
export const usual = (random: Random, count: number, level: (i: number) => number = () => 1): number[] =>
  Array.from({ length: count }, (_, i) => level(i) * Math.exp(random.gaussian(0, 0.2)));
