// From what the store keeps to what the API shows.
import type {
  DetectorVersion,
  StoredAlarm,
  StoredLabel,
  StoredRecording,
  StoredScore,
} from '../monitor/store/types.ts';
import type { ApiAlarm, ApiDetector, ApiLabel, ApiRecording, ApiScore } from './schemas.ts';

export const recordingView = ({ blob, ...recording }: StoredRecording): ApiRecording => ({
  ...recording,
  audio: blob !== undefined,
});

export const detectorView = ({ blob: _, ...version }: DetectorVersion): ApiDetector => version;
export const scoreView = (score: StoredScore): ApiScore => score;
export const alarmView = (alarm: StoredAlarm): ApiAlarm => alarm;
export const labelView = (label: StoredLabel): ApiLabel => label;
