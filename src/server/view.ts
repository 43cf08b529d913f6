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
import { RECENT, silentFromMs } from './silent.ts';

export const recordingView = ({ blob, ...recording }: StoredRecording): ApiRecording => ({
  ...recording,
  audio: blob !== undefined,
});

export const detectorView = ({ blob: _, ...version }: DetectorVersion): ApiDetector => version;
export const scoreView = (score: StoredScore): ApiScore => score;
export const alarmView = (alarm: StoredAlarm): ApiAlarm => alarm;
export const labelView = (label: StoredLabel): ApiLabel => label;

/** Recordings of a machine are counted up to here. */
export const MOST_COUNTED = 10_000;

/** A machine at a glance: the open alarm that weighs most, else whether it is heard at all. */
export async function machineStatus(store: Store, machine: Machine, nowMs: number): Promise<ApiMachineStatus> {
  const { name } = machine;
  const [scores, alarms, recordings] = await Promise.all([
    store.scores({ machine: name, limit: 1 }),
    store.alarms({ machine: name, open: true, limit: 100 }),
    store.recordings({ machine: name, limit: MOST_COUNTED }),
  ]);
  const open = (['fault', 'sensor', 'drift'] as const).find((kind) => alarms.some((alarm) => alarm.kind === kind));
  const heard = silentFromMs(recordings.slice(0, RECENT));
  const isSilent = !heard || nowMs > heard.fromMs;
  const unalarmed = machine.detector === undefined ? 'unfitted' : isSilent ? 'silent' : 'normal';
  const lastScore = scores.at(-1);
  return {
    ...machine,
    health: open ?? unalarmed,
    ...(heard && isSilent && { silentSinceMs: heard.lastMs }),
    ...(lastScore && { lastScore: scoreView(lastScore) }),
    openAlarms: alarms.length,
    recordings: recordings.length,
  };
}
