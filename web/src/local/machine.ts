// A machine of the static page: its recordings, scores, alarms and labels, in memory.
import { createAlarms } from '../../../src/monitor/alarm/alarms.ts';
import { defaultPolicy } from '../../../src/monitor/alarm/policy.ts';
import type { ApiAlarm, ApiLabel, ApiMachine, ApiMachineStatus, ApiRecording, ApiScore } from '../backend/api.ts';

export type Held = { recording: ApiRecording; sound: Blob };

export type LocalMachine = {
  machine: ApiMachine;
  held: Map<string, Held>;
  /** Oldest first. */
  scores: ApiScore[];
  alarms: ApiAlarm[];
  labels: ApiLabel[];
};

/** Files are dropped one by one: each may be an alarm by itself. */
const policy: ApiMachine['policy'] = { ...defaultPolicy, k: 1, n: 1, clearShare: 1 };

export const newMachine = (name: string): LocalMachine => ({
  machine: { name, policy, createdMs: Date.now() },
  held: new Map(),
  scores: [],
  alarms: [],
  labels: [],
});

export function statusOf({ machine, held, scores, alarms }: LocalMachine): ApiMachineStatus {
  const lastScore = scores.at(-1);
  const open = alarms.filter(({ clearedMs }) => clearedMs === undefined);
  const worst = (['fault', 'sensor', 'drift'] as const).find((kind) => open.some((alarm) => alarm.kind === kind));
  const health = worst ?? (machine.detector === undefined ? 'unfitted' : 'normal');
  return { ...machine, health, ...(lastScore && { lastScore }), openAlarms: open.length, recordings: held.size };
}

/** Scores of one recording in the place of those it had, in order of time. */
export function replaceScores(kept: readonly ApiScore[], hash: string, fresh: readonly ApiScore[]): ApiScore[] {
  return [...kept.filter((score) => score.hash !== hash), ...fresh].sort(
    (a, b) => a.startMs - b.startMs || a.hash.localeCompare(b.hash) || a.index - b.index,
  );
}

/** Alarms over all scores of a machine; those that were there before keep their numbers and acknowledgements. */
export function alarmsOf({ machine, scores, alarms: before }: LocalMachine, nextId: () => number): ApiAlarm[] {
  const deciding = createAlarms(machine.name, machine.policy);
  const alarms: ApiAlarm[] = [];
  for (const score of scores) {
    for (const { kind, change, atMs, sinceMs, reason } of deciding.observe({ ...score, recording: score.hash })) {
      const open = alarms.findLast((alarm) => alarm.kind === kind && alarm.clearedMs === undefined);
      if (change === 'cleared' && open) open.clearedMs = atMs;
      if (change === 'cleared') continue;
      const known = before.find((alarm) => alarm.kind === kind && alarm.sinceMs === sinceMs);
      alarms.push({
        id: known?.id ?? nextId(),
        machine: machine.name,
        ...{ kind, raisedMs: atMs, sinceMs, reason },
        ...(known?.acknowledgedBy !== undefined && { acknowledgedBy: known.acknowledgedBy }),
      });
    }
  }
  return alarms;
}
