// Silences: times in which nothing is decided.
import type { TimeMs } from '../types.ts';
import type { DailySilence, Silence } from './types.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** `days` are those on which the silence begins; from a time to the same time is a whole day. */
function isInDaily({ days, from, to }: DailySilence, atMs: TimeMs): boolean {
  const minutes = Math.floor(atMs / MINUTE_MS);
  const minute = ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  // 1970-01-01 was a Thursday.
  const day = (((Math.floor(minutes / DAY_MINUTES) + 4) % 7) + 7) % 7;
  const begins = (one: number): boolean => days === undefined || days.includes(one);
  const [start, end] = [minutesOf(from), minutesOf(to)];
  if (start < end) return minute >= start && minute < end && begins(day);
  return (minute >= start && begins(day)) || (minute < end && begins((day + 6) % 7));
}

/** Whether a moment lies in one of the silences; their ends are not part of them. */
export const isSilenced = (silences: readonly Silence[], atMs: TimeMs): boolean =>
  silences.some((silence) =>
    'fromMs' in silence ? atMs >= silence.fromMs && atMs < silence.toMs : isInDaily(silence, atMs),
  );
