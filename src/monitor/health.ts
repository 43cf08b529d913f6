// How a machine is, at a glance: the open alarm that weighs most, else whether it is heard at all.
import type { AlarmKind } from './alarm/types.ts';
import type { TimeMs } from './types.ts';

export type Health = 'normal' | 'fault' | 'drift' | 'sensor' | 'silent' | 'unfitted';

export type HealthFacts = {
  /** Whether a detector hears it. */
  fitted: boolean;
  /** Kinds of its open alarms. */
  open: readonly AlarmKind[];
  /** When its last recordings began, in any order. */
  starts: readonly TimeMs[];
  /** When the last one ended; undefined: there was none. */
  endMs?: TimeMs;
};

/** Recordings from which the usual time between two is told. */
export const RECENT = 20;
/** A machine is silent after this many of its usual gaps, an hour at least. */
const SILENT_GAPS = 10;
const SILENT_MS = 3_600_000;

function isSilent({ starts, endMs }: HealthFacts, nowMs: TimeMs): boolean {
  if (endMs === undefined) return true;
  const inTurn = [...starts].sort((a, b) => a - b);
  const gaps = inTurn.slice(1).map((startMs, i) => startMs - inTurn[i]);
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  return nowMs - endMs > Math.max(SILENT_MS, SILENT_GAPS * usual);
}

export function healthOf(facts: HealthFacts, nowMs: TimeMs): Health {
  const open = (['fault', 'sensor', 'drift'] as const).find((kind) => facts.open.includes(kind));
  if (open) return open;
  if (!facts.fitted) return 'unfitted';
  return isSilent(facts, nowMs) ? 'silent' : 'normal';
}
