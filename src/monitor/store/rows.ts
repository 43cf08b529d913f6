// Rows of the tables as the values that they stand for.
import type { AlarmKind } from '../alarm/types.ts';
import type { Heard } from '../types.ts';
import type { Row, SqlValue } from './sql.ts';
import type {
  ApiKey,
  DeadLetter,
  DetectorVersion,
  Machine,
  Scope,
  StoredAlarm,
  StoredLabel,
  StoredRecording,
  StoredScore,
} from './types.ts';

/** The places of values in an INSERT: `$1, $2, $3`. */
export const places = (values: readonly SqlValue[]): string => values.map((_, i) => `$${i + 1}`).join(', ');

/** A field that is there only where it has a value. */
function optional<K extends string, V>(key: K, value: unknown): { [k in K]?: V } {
  return (value === null || value === undefined ? {} : { [key]: value }) as { [k in K]?: V };
}

export const detectorOf = (row: Row): DetectorVersion => ({
  name: row.name as string,
  version: row.version as number,
  createdMs: row.created_ms as number,
  ...optional<'parent', number>('parent', row.parent),
  origin: row.origin as DetectorVersion['origin'],
  note: row.note as string,
  blob: row.blob as string,
  bytes: row.bytes as number,
  encoder: row.encoder as string,
  fingerprint: row.fingerprint as string,
  sampleRate: row.sample_rate as number,
  ...optional<'threshold', number>('threshold', row.threshold),
  falseAlarmRate: row.false_alarm_rate as number,
  segments: row.segments as number,
  labels: JSON.parse(row.labels as string),
  current: row.current === 1,
});

export const machineOf = (row: Row): Machine => ({
  name: row.name as string,
  ...optional<'detector', string>('detector', row.detector),
  policy: JSON.parse(row.policy as string),
  createdMs: row.created_ms as number,
});

export const recordingOf = (row: Row): StoredRecording => ({
  machine: row.machine as string,
  hash: row.hash as string,
  name: row.name as string,
  startMs: row.start_ms as number,
  durationSeconds: row.duration_seconds as number,
  sampleRate: row.sample_rate as number,
  bytes: row.bytes as number,
  receivedMs: row.received_ms as number,
  ...optional<'blob', string>('blob', row.blob),
  ...optional<'variable', string>('variable', row.variable),
});

/** The fields of a score that no query looks at, as they are stored. */
export const detailsOf = ({ bands, places, nearest, diagnosis }: Heard): string =>
  JSON.stringify({ bands, places, nearest, diagnosis });

export const scoreOf = (row: Row): StoredScore => ({
  machine: row.machine as string,
  hash: row.hash as string,
  index: row.idx as number,
  detector: row.detector as string,
  version: row.version as number,
  startMs: row.start_ms as number,
  durationSeconds: row.duration_seconds as number,
  sampleRate: row.sample_rate as number,
  constant: row.constant === 1,
  score: row.score as number,
  pValue: row.p_value as number,
  threshold: row.threshold as number,
  anomalous: row.anomalous === 1,
  ...(row.learned === 1 && { learned: true as const }),
  ...(JSON.parse(row.details as string) as Pick<Heard, 'bands' | 'places' | 'nearest' | 'diagnosis'>),
});

export const alarmOf = (row: Row): StoredAlarm => ({
  id: row.id as number,
  machine: row.machine as string,
  kind: row.kind as AlarmKind,
  raisedMs: row.raised_ms as number,
  sinceMs: row.since_ms as number,
  ...optional<'clearedMs', number>('clearedMs', row.cleared_ms),
  ...optional<'acknowledgedBy', string>('acknowledgedBy', row.acknowledged_by),
  reason: JSON.parse(row.reason as string),
});

export const labelOf = (row: Row): StoredLabel => ({
  id: row.id as number,
  machine: row.machine as string,
  hash: row.hash as string,
  label: row.label as string,
  by: row.author as string,
  createdMs: row.created_ms as number,
  ...optional<'version', number>('version', row.version),
  ...optional<'detector', string>('detector', row.detector),
  undone: row.undone === 1,
});

export const letterOf = (row: Row): DeadLetter => ({
  id: row.id as number,
  machine: row.machine as string,
  hash: row.hash as string,
  source: row.source as string,
  reason: row.reason as string,
  atMs: row.at_ms as number,
  attempts: row.attempts as number,
  ...optional<'blob', string>('blob', row.blob),
});

export const keyOf = (row: Row): ApiKey => ({
  id: row.id as number,
  name: row.name as string,
  scope: row.scope as Scope,
  hash: row.hash as string,
  createdMs: row.created_ms as number,
  ...optional<'revokedMs', number>('revokedMs', row.revoked_ms),
});
