// What a threshold would have done, beside `thresholdReplay`: alarms at labelled faults, scores of calibration.
import type { Replay } from '../../src/monitor/alarm/replay.ts';
import type { ApiLabel, ApiScore } from './backend/api.ts';

/** Alarms during which no recording is labelled as a fault: false, as far as anyone has said. */
export function falseAlarms(
  alarms: Replay['alarms'],
  scores: readonly ApiScore[],
  labels: readonly Pick<ApiLabel, 'hash' | 'label' | 'undone'>[],
): number {
  const faults = new Set(labels.filter(({ label, undone }) => !undone && label !== 'normal').map(({ hash }) => hash));
  const times = scores.filter(({ hash }) => faults.has(hash)).map(({ startMs }) => startMs);
  return alarms.filter(
    ({ sinceMs, clearedMs = Number.POSITIVE_INFINITY }) => !times.some((at) => at >= sinceMs && at < clearedMs),
  ).length;
}

/** Share of scores that reach a threshold. */
export const shareReaching = (scores: readonly number[], threshold: number): number =>
  scores.length === 0 ? 0 : scores.filter((score) => score >= threshold).length / scores.length;
