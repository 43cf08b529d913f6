// A machine of the static page: its recordings, scores, alarms and labels, in memory.
import type { Heard } from '../../../src/monitor/types.ts';
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

/** Files are heard one by one: each of them is an alarm by itself. */
export const localPolicy: ApiMachine['policy'] = {
  k: 1,
  n: 1,
  minimumSeconds: 0,
  clearShare: 1,
  silences: [],
  drift: { windowSeconds: 86_400, deviations: 3, jumpShare: 0.5 },
};

export const newMachine = (name: string): LocalMachine => ({
  machine: { name, policy: localPolicy, createdMs: Date.now() },
  held: new Map(),
  scores: [],
  alarms: [],
  labels: [],
});

export function statusOf({ machine, held, scores, alarms }: LocalMachine): ApiMachineStatus {
  const lastScore = scores.at(-1);
  const open = alarms.filter(({ clearedMs }) => clearedMs === undefined);
  const health = machine.detector === undefined ? 'unfitted' : (open.at(-1)?.kind ?? 'normal');
  return { ...machine, health, ...(lastScore && { lastScore }), openAlarms: open.length, recordings: held.size };
}

/** Scores of one recording in the place of those it had, in order of time. */
export function replaceScores(kept: readonly ApiScore[], hash: string, fresh: readonly ApiScore[]): ApiScore[] {
  return [...kept.filter((score) => score.hash !== hash), ...fresh].sort(
    (a, b) => a.startMs - b.startMs || a.hash.localeCompare(b.hash) || a.index - b.index,
  );
}

/** One alarm for every stretch of scores that reach the threshold; acknowledgements of those that stay are kept. */
export function alarmsOf(machine: string, scores: readonly ApiScore[], before: readonly ApiAlarm[]): ApiAlarm[] {
  const alarms: ApiAlarm[] = [];
  let open: ApiAlarm | undefined;
  for (const score of scores) {
    if (!score.anomalous) {
      if (open) open.clearedMs = score.startMs;
      open = undefined;
      continue;
    }
    if (open) continue;
    const known = before.find((alarm) => alarm.sinceMs === score.startMs && alarm.reason.recording === score.hash);
    const endMs = score.startMs + Math.round(score.durationSeconds * 1000);
    open = {
      id: known?.id ?? Math.max(0, ...before.map(({ id }) => id), ...alarms.map(({ id }) => id)) + 1,
      machine,
      kind: score.constant ? 'sensor' : 'fault',
      raisedMs: endMs,
      sinceMs: score.startMs,
      ...(known?.acknowledgedBy !== undefined && { acknowledgedBy: known.acknowledgedBy }),
      reason: reasonOf(score, score.hash),
    };
    alarms.push(open);
  }
  return alarms;
}

const reasonOf = (heard: Heard, recording: string): ApiAlarm['reason'] => {
  const { score, pValue, threshold, bands, places, nearest, diagnosis } = heard;
  const text = heard.constant
    ? 'Every sample is the same: silence, or a dead sensor.'
    : `Scored ${score.toFixed(2)}, where ${threshold.toFixed(2)} is the threshold.`;
  return {
    ...{ score, pValue, threshold, bands, places, nearest, recording, above: 1, of: 1, text },
    ...(diagnosis && { diagnosis }),
  };
};
