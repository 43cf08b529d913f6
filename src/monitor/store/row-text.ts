// Rows as text of JSON objects: what is stored as JSON goes through as it is, and is never taken apart.
import type { Row } from './sql.ts';

const text = (value: unknown): string => JSON.stringify(value);
/** As JSON.stringify has it: what is no finite number is null. */
const number = (value: unknown): string => (Number.isFinite(value) ? String(value) : 'null');
const flag = (value: unknown): string => (value === 1 ? 'true' : 'false');
const optional = (key: string, value: unknown, write: (value: unknown) => string): string =>
  value === null || value === undefined ? '' : `,"${key}":${write(value)}`;

/** A StoredScore. Its details are a JSON object with fields. */
export const scoreText = (row: Row): string =>
  `{"machine":${text(row.machine)},"hash":${text(row.hash)},"index":${row.idx},"detector":${text(row.detector)},` +
  `"version":${row.version},"startMs":${number(row.start_ms)},"durationSeconds":${number(row.duration_seconds)},` +
  `"sampleRate":${number(row.sample_rate)},"constant":${flag(row.constant)},"score":${number(row.score)},` +
  `"pValue":${number(row.p_value)},"threshold":${number(row.threshold)},"anomalous":${flag(row.anomalous)},` +
  `${row.learned === 1 ? '"learned":true,' : ''}${(row.details as string).slice(1)}`;

/** A StoredAlarm. */
export const alarmText = (row: Row): string =>
  `{"id":${row.id},"machine":${text(row.machine)},"kind":${text(row.kind)},"raisedMs":${number(row.raised_ms)},` +
  `"sinceMs":${number(row.since_ms)}${optional('clearedMs', row.cleared_ms, number)}` +
  `${optional('acknowledgedBy', row.acknowledged_by, text)},"reason":${row.reason}}`;

/** A StoredRecording with `audio`, whether its sound is kept, instead of where. */
export const recordingText = (row: Row): string =>
  `{"machine":${text(row.machine)},"hash":${text(row.hash)},"name":${text(row.name)},` +
  `"startMs":${number(row.start_ms)},"durationSeconds":${number(row.duration_seconds)},` +
  `"sampleRate":${number(row.sample_rate)},"bytes":${row.bytes},"receivedMs":${number(row.received_ms)}` +
  `${optional('variable', row.variable, text)},"audio":${row.blob !== null}}`;
