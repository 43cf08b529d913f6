// What happened to a stream, in words.
import type { StreamEvent, TimeMs } from '../types.ts';

/** `2026-11-30 12:00:00`, UTC. */
export const formatTime = (ms: TimeMs): string =>
  Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : `${ms} ms`;

/** A span in the largest unit that fits: `0.4 s`, `12 min`, `3 h`, `2 days`. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  const shown = (value: number) => String(Number(value.toPrecision(3)));
  if (size < 120_000) return `${shown(size / 1000)} s`;
  if (size < 7_200_000) return `${shown(size / 60_000)} min`;
  if (size < 172_800_000) return `${shown(size / 3_600_000)} h`;
  return `${shown(size / 86_400_000)} days`;
}

/** One sentence without the time and the stream. */
export function describeEvent(event: StreamEvent): string {
  if (event.kind === 'trouble') return event.reason;
  if (event.kind === 'rate-refused') {
    return `${event.foundRate} Hz refused, the stream began with ${event.expectedRate} Hz; it goes on when that is back`;
  }
  const { fromMs, toMs } = event;
  const span = formatSpan(toMs - fromMs);
  if (event.kind === 'gap') return `${span} are missing from ${formatTime(fromMs)} on`;
  return `the clock went ${toMs < fromMs ? 'back' : 'on'} by ${span}, from ${formatTime(fromMs)}`;
}
