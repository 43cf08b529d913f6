// How a machine is, at a glance: the open alarm that weighs most, else whether it is heard at all.
import type { AlarmKind } from './alarm/types.ts';
import type { TimeMs } from './types.ts';

export type Health = 'normal' | 'fault' | 'drift' | 'sensor' | 'silent' | 'unfitted';

export type HealthFacts = {
  /** Whether a detector hears it. */
  fitted: boolean;
  /** Kinds of its open alarms. */
  open: readonly AlarmKind[];
  /** When its last recordings ended, in any order. */
  ends: readonly TimeMs[];
};

export type HeardTimes = { startMs: TimeMs; durationSeconds: number; receivedMs: TimeMs };

/** Recordings from which the usual time between two is told. */
export const RECENT = 20;
/** A machine is silent after this many of its usual gaps, an hour at least. */
const SILENT_GAPS = 10;
const SILENT_MS = 3_600_000;

/** When a recording ended; one from the future (a clock that is wrong) ended when it came. */
export const endOf = ({ startMs, durationSeconds, receivedMs }: HeardTimes): TimeMs =>
  Math.min(startMs + 1000 * durationSeconds, receivedMs);

/**
 * When a machine counts as silent: ten times what usually lies between two recordings after the last one's end. Undefined
 * where nothing ever came.
 * @param given when its last recordings ended, in any order
 */
export function silentFromMs(given: readonly TimeMs[]): { lastMs: TimeMs; fromMs: TimeMs } | undefined {
  if (given.length === 0) return undefined;
  const ends = [...given].sort((a, b) => a - b);
  const gaps = ends.slice(1).map((end, i) => end - ends[i]);
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const lastMs = ends[ends.length - 1];
  return { lastMs, fromMs: lastMs + Math.max(SILENT_MS, SILENT_GAPS * usual) };
}

/** How it is; `silentSinceMs`: the end of the last recording of one that is silent. */
export function healthOf(
  { fitted, open, ends }: HealthFacts,
  nowMs: TimeMs,
): { health: Health; silentSinceMs?: TimeMs } {
  const heard = silentFromMs(ends);
  const isSilent = !heard || nowMs > heard.fromMs;
  const alarmed = (['fault', 'sensor', 'drift'] as const).find((kind) => open.includes(kind));
  const unalarmed = fitted ? (isSilent ? 'silent' : 'normal') : 'unfitted';
  return { health: alarmed ?? unalarmed, ...(heard && isSilent && { silentSinceMs: heard.lastMs }) };
}
