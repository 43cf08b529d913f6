// The vocabulary of alarms: when one is raised and cleared, and what it says.
import type { Heard, TimeMs } from '../types.ts';

/** Every day, or on some days of the week (0: Sunday), between two times of day in UTC (`22:00` to `06:00` goes over midnight). */
export type DailySilence = { days?: number[]; from: string; to: string };

/** No alarm is raised in it, scores are stored all the same. */
export type Silence = { fromMs: TimeMs; toMs: TimeMs } | DailySilence;

export type AlarmPolicy = {
  /** Raised when `k` of the last `n` scores reach the threshold … */
  k: number;
  n: number;
  /** … over at least this time, from the first of them to the end of the last. */
  minimumSeconds: number;
  /** The detector's own where it is not given. */
  threshold?: number;
  /** Cleared when `n` scores in a row lie below this share of the threshold (hysteresis; above 0, at most 1). */
  clearShare: number;
  silences: Silence[];
  drift: DriftPolicy;
};

/**
 * Slow drift: the median of the scores of `windowSeconds` has left that of the `windowSeconds` after the detector began by
 * more than `deviations` of its spread, without a jump: at most `jumpShare` of the change came at once.
 */
export type DriftPolicy = { windowSeconds: number; deviations: number; jumpShare: number };

/** Why an alarm says what it says. */
export type AlarmReason = Pick<
  Heard,
  'score' | 'pValue' | 'threshold' | 'bands' | 'places' | 'nearest' | 'diagnosis'
> & {
  /** The recording that decided, by its hash, where it is stored. */
  recording?: string;
  /** Scores that reached the threshold, of how many. */
  above: number;
  of: number;
  /** One sentence for a human. */
  text: string;
};

/** `fault`: not normal. `drift`: normal itself moves. `sensor`: constant samples, or none. */
export type AlarmKind = 'fault' | 'drift' | 'sensor';

export type AlarmChange = {
  machine: string;
  kind: AlarmKind;
  change: 'raised' | 'cleared';
  atMs: TimeMs;
  /** When the first of the scores behind it began. */
  sinceMs: TimeMs;
  reason: AlarmReason;
};

/** A score as alarms see it. Of another detector or version of it, scores are not comparable: what is usual is learned anew. */
export type Observation = Heard & { recording?: string; detector?: string; version?: number };

/** Plain JSON, to be stored between two recordings. `version` guards its form. */
export type AlarmState = { version: 1 } & Record<string, unknown>;
