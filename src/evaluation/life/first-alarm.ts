// When a detector first calls for attention in a machine's life, and what it cried before.
import { InputError } from '../../signal/errors.ts';
import { type Measured, measured, undefinedBecause } from '../metrics/measured.ts';
import { checkSameLength } from './health.ts';

/** An alarm lasts where at least `k` of `n` records in a row reach the threshold; `early` is a share of life. */
export type AlarmRule = {
  k: number;
  n: number;
  /** Lasting alarms raised before this share of life count as early: most of the life was still to come. */
  early: number;
};

/** 3 of 5 records; the first half of life is early. */
export const defaultAlarmRule: AlarmRule = { k: 3, n: 5, early: 0.5 };

export type AlarmSummary = {
  /** Number of the record, from 0, at which the first lasting alarm is raised: the one that makes the rule true. */
  record: number | null;
  /** Age at that record as a share of the whole life. */
  shareOfLife: Measured;
  /**
   * Single records at or above the threshold before the run of the first lasting alarm. In a life without one, failure
   * stands for it: the last `n` records may have heard it come, and are no false alarms.
   */
  falseAlarms: number;
  /** Lasting alarms raised in the early part of life, each counted once however long it lasts. */
  earlyAlarms: number;
};

/** @throws InputError if the rule cannot be met or is always met */
export function checkAlarmRule({ k, n, early }: AlarmRule): void {
  if (!(Number.isInteger(k) && Number.isInteger(n) && k >= 1 && k <= n)) {
    throw new InputError(`firstAlarm: expected whole numbers 1 <= k <= n, got ${k} of ${n}`);
  }
  if (!(early >= 0 && early <= 1)) throw new InputError(`firstAlarm: expected an early share of 0 to 1, got ${early}`);
}

/**
 * For every record whether a lasting alarm stands: whether `k` of the last `n` records reach the threshold, none of
 * them before `from`. Causal.
 */
export function lastingAlarms(
  scores: readonly number[],
  threshold: number,
  from: number,
  { k, n }: Pick<AlarmRule, 'k' | 'n'>,
): boolean[] {
  const reaches = scores.map((score, i) => i >= from && score >= threshold);
  return scores.map((_, i) => reaches.slice(Math.max(0, i + 1 - n), i + 1).filter(Boolean).length >= k);
}

export type AlarmInput = {
  /** Anomaly score of every record, in order of time. */
  scores: readonly number[];
  /** Age at every record, in any unit; the last one is the end of life. */
  ages: readonly number[];
  threshold: number;
  /** Records that the detector was fitted on come first; they raise no alarm. */
  fitted: number;
};

/**
 * The first lasting alarm of a life that ended in failure, with the false alarms before it.
 * @throws InputError if scores and ages differ in number, or the rule makes no sense
 */
export function firstAlarm(life: AlarmInput, rule: AlarmRule = defaultAlarmRule): AlarmSummary {
  const { scores, ages, threshold, fitted } = life;
  checkAlarmRule(rule);
  checkSameLength('firstAlarm', scores, ages);
  const end = ages.at(-1) ?? 0;
  const lasting = lastingAlarms(scores, threshold, fitted, rule);
  const record = lasting.indexOf(true);
  const raised = lasting.flatMap((stands, i) => (stands && !lasting[i - 1] ? [i] : []));
  const earlyAlarms = raised.filter((i) => ages[i] < rule.early * end).length;
  const runEnd = record < 0 ? scores.length : record + 1;
  const before = Math.max(fitted, runEnd - rule.n);
  const shareOfLife =
    record < 0
      ? undefinedBecause(`never do ${rule.k} of ${rule.n} records in a row reach the threshold`)
      : end > 0
        ? measured(ages[record] / end)
        : undefinedBecause('the life has no length');
  return {
    record: record < 0 ? null : record,
    shareOfLife,
    falseAlarms: scores.slice(fitted, before).filter((score) => score >= threshold).length,
    earlyAlarms,
  };
}
