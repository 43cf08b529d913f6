// Numbers, times and machines' states in words; dates as the reader's own locale writes them.
import { formatNumber } from '../../src/report/format.ts';
import type { ApiAlarm, ApiMachineStatus } from './backend/api.ts';

export type Health = ApiMachineStatus['health'];

/** A state in words; its sign has the same name. */
export const healthWords: Record<Health, string> = {
  normal: 'Normal',
  fault: 'Not normal',
  drift: 'Drifting',
  sensor: 'Sensor trouble',
  silent: 'Silent',
  unfitted: 'Not fitted yet',
};

export const alarmWords: Record<ApiAlarm['kind'], string> = {
  fault: 'Not normal',
  drift: 'Normal itself moves',
  sensor: 'Sensor trouble',
};

/** What needs a look comes first. */
const ORDER: readonly Health[] = ['fault', 'sensor', 'drift', 'silent', 'unfitted', 'normal'];

const names = new Intl.Collator(undefined, { numeric: true });

/** Those in trouble first, then by name, numbers as numbers. */
export const inOrder = (machines: Iterable<ApiMachineStatus>): ApiMachineStatus[] =>
  [...machines].sort((a, b) => ORDER.indexOf(a.health) - ORDER.indexOf(b.health) || names.compare(a.name, b.name));

export const byName = (a: string, b: string): number => names.compare(a, b);

/** Seconds of each unit, the longest first. */
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** `3 minutes ago`, part of a sentence of the page; `now` within half a minute. */
export function formatAgo(atMs: number, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1000;
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (Math.abs(seconds) < 30) return relative.format(0, 'second');
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= 0.95 * length) ?? UNITS[UNITS.length - 1];
  return relative.format(Math.round(seconds / size) || Math.sign(seconds), unit);
}

/** `3 Mar 2026, 14:05:09`, in the reader's order and time zone. */
export const formatTime = (atMs: number, locale?: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(atMs);

/** `12 s`, `5 min`, `3 h`, `2 days`: of a stretch of time in milliseconds. */
export function formatLength(lengthMs: number): string {
  const seconds = lengthMs / 1000;
  if (seconds < 90) return `${formatNumber(Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const BYTES = ['B', 'kB', 'MB', 'GB'] as const;
/** A reason as a sentence begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${formatNumber(bytes / 1000 ** power)} ${BYTES[power]}`;
}

/** A name that addresses allow, out of a folder's or file's: `Pumpe 7 (Süd)` gives `Pumpe-7-Sud`. */
export function nameFrom(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+|-+$/g, '');
  return plain.slice(0, 64) || 'machine';
}

export const isName = (text: string): boolean => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text);
