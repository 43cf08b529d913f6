// From a sound, in memory or on disk, to its recordings; and how one travels to a thread.

import { readRecordingFile } from '../../signal/read-file.node.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import type { Recording } from '../../signal/recording.ts';
import type { Sound } from './sound.ts';

/** What a sound is called in messages. */
export const soundName = (sound: Sound): string => {
  if (sound.kind === 'recording') return sound.recording.name;
  return sound.kind === 'bytes' ? sound.name : sound.path;
};

/**
 * The recordings in a sound, under `name` where one is given.
 * @throws InputError as `readRecordings` and `readRecordingFile` do
 */
export async function openSound(sound: Sound, name?: string): Promise<Recording[]> {
  const found =
    sound.kind === 'recording'
      ? [sound.recording]
      : sound.kind === 'bytes'
        ? await readRecordings(sound.bytes, { ...sound.read, name: sound.name })
        : await readRecordingFile(sound.path, sound.read);
  if (name === undefined) return found;
  // Behind the name of a file stands the number of the record.
  const own = soundName(sound);
  return found.map((one) => ({
    ...one,
    name: one.name.startsWith(own) ? `${name}${one.name.slice(own.length)}` : name,
  }));
}

/** Bytes that are copied before other work gets its turn. */
const PIECE = 2 ** 22;

/** A copy of bytes in memory of its own, made in pieces. */
async function copyInPieces(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += PIECE) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    copy.set(bytes.subarray(at, at + PIECE), at);
  }
  return copy;
}

/** A sound in buffers that may change hands; the caller's own stay with the caller. */
export async function packSound(sound: Sound): Promise<{ sound: Sound; transfer: ArrayBuffer[] }> {
  if (sound.kind === 'file') return { sound, transfer: [] };
  if (sound.kind === 'bytes') {
    // Not `slice`: that of Node's Buffer shares its memory, and a view would take along all that it looks at.
    const bytes = await copyInPieces(sound.bytes);
    return { sound: { ...sound, bytes }, transfer: [bytes.buffer] };
  }
  const channels = sound.recording.channels.map((samples) => samples.slice());
  return {
    sound: { kind: 'recording', recording: { ...sound.recording, channels } },
    transfer: channels.map(({ buffer }) => buffer as ArrayBuffer),
  };
}
