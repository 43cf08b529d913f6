// How many recordings there are of every rate and number of channels.
import { duration, type Recording } from '../../signal/recording.ts';

/** Recordings alike in rate (Hz) and number of channels, and their length together in s. */
export type RecordingKind = { sampleRate: number; channels: number; count: number; seconds: number };

/** One recording as a kind of its own. */
export const kindOf = (recording: Recording): RecordingKind => ({
  sampleRate: recording.sampleRate,
  channels: recording.channels.length,
  count: 1,
  seconds: duration(recording),
});

/** Adds recordings to those of their kind. */
export function addKind(kinds: RecordingKind[], more: RecordingKind): void {
  const known = kinds.find(({ sampleRate, channels }) => sampleRate === more.sampleRate && channels === more.channels);
  if (!known) {
    kinds.push({ ...more });
    return;
  }
  known.count += more.count;
  known.seconds += more.seconds;
}

/** For sorting. */
export const commonestFirst = (a: RecordingKind, b: RecordingKind): number => b.count - a.count;
