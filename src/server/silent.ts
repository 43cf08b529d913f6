// When a machine counts as silent: nothing has come from it for much longer than usual.
import type { StoredRecording } from '../monitor/store/types.ts';

/** Recordings from which the usual time between two is told. */
export const RECENT = 20;
/** A machine is silent after this many of its usual gaps, an hour at least. */
const SILENT_GAPS = 10;
const SILENT_MS = 3_600_000;

/**
 * When a machine counts as silent, from its last recordings in any order: the last one's end, and ten times what usually
 * lies between two. One from the future (a clock that is wrong) ended when it came. Undefined where nothing ever came.
 */
export function silentFromMs(
  recordings: readonly Pick<StoredRecording, 'startMs' | 'durationSeconds' | 'receivedMs'>[],
): { lastMs: number; fromMs: number } | undefined {
  if (recordings.length === 0) return undefined;
  const ends = recordings
    .map(({ startMs, durationSeconds, receivedMs }) => Math.min(startMs + 1000 * durationSeconds, receivedMs))
    .sort((a, b) => a - b);
  const gaps = ends.slice(1).map((end, i) => end - ends[i]);
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const lastMs = ends[ends.length - 1];
  return { lastMs, fromMs: lastMs + Math.max(SILENT_MS, SILENT_GAPS * usual) };
}
