// From what the store keeps to what the API shows.
import type {
  DetectorVersion,
  Machine,
  Store,
  StoredAlarm,
  StoredLabel,
  StoredRecording,
  StoredScore,
} from '../monitor/store/types.ts';
import type { ApiAlarm, ApiDetector, ApiLabel, ApiMachineStatus, ApiRecording, ApiScore } from './schemas.ts';

export const recordingView = ({ blob, ...recording }: StoredRecording): ApiRecording => ({
  ...recording,
  audio: blob !== undefined,
});

export const detectorView = ({ blob: _, ...version }: DetectorVersion): ApiDetector => version;
export const scoreView = (score: StoredScore): ApiScore => score;
export const alarmView = (alarm: StoredAlarm): ApiAlarm => alarm;
export const labelView = (label: StoredLabel): ApiLabel => label;

/** Scores from which the usual time between two recordings is told. */
const RECENT = 20;
/** A machine is silent after this many of its usual gaps, an hour at least. */
const SILENT_GAPS = 10;
const SILENT_MS = 3_600_000;

function isSilent(scores: readonly StoredScore[], nowMs: number): boolean {
  const last = scores.at(-1);
  if (!last) return true;
  const gaps = scores.slice(1).map(({ startMs }, i) => startMs - scores[i].startMs);
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  return nowMs - last.startMs - last.durationSeconds * 1000 > Math.max(SILENT_MS, SILENT_GAPS * usual);
}

/** Recordings of a machine are counted up to here. */
export const MOST_COUNTED = 10_000;

/** A machine at a glance: the open alarm that weighs most, else whether it is heard at all. */
export async function machineStatus(store: Store, machine: Machine, nowMs: number): Promise<ApiMachineStatus> {
  const { name } = machine;
  const [scores, alarms, recordings] = await Promise.all([
    store.scores({ machine: name, limit: RECENT }),
    store.alarms({ machine: name, open: true, limit: 100 }),
    store.recordings({ machine: name, limit: MOST_COUNTED }),
  ]);
  const open = (['fault', 'sensor', 'drift'] as const).find((kind) => alarms.some((alarm) => alarm.kind === kind));
  const unalarmed = machine.detector === undefined ? 'unfitted' : isSilent(scores, nowMs) ? 'silent' : 'normal';
  const lastScore = scores.at(-1);
  return {
    ...machine,
    health: open ?? unalarmed,
    ...(lastScore && { lastScore: scoreView(lastScore) }),
    openAlarms: alarms.length,
    recordings: recordings.length,
  };
}
