// Where the buffers of a program without malloc lie in one piece of memory: places are taken again as soon as they are free.
import { InputError } from '../signal/errors.ts';

/** Needed from step `first` to step `last`, both included. */
export type ArenaBuffer = { bytes: number; first: number; last: number };

/** Offsets in bytes, in the order of the buffers, and the size of the whole. */
export type Arena = { offsets: number[]; bytes: number };

/** Every offset is a multiple of it, so that floats may lie anywhere. */
const ALIGNMENT = 4;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/**
 * First fit, the largest buffers first: each goes to the lowest place where it meets no buffer that is needed at the same
 * time. Not always the smallest arena, but never smaller than what one step needs.
 * @throws InputError for a buffer that ends before it begins or has no whole number of bytes
 */
export function planArena(buffers: readonly ArenaBuffer[]): Arena {
  for (const { bytes, first, last } of buffers) {
    if (!(Number.isInteger(bytes) && bytes >= 0 && first <= last)) {
      throw new InputError(
        `planArena: expected bytes >= 0 and first <= last, got ${bytes} bytes from ${first} to ${last}`,
      );
    }
  }
  const offsets = new Array<number>(buffers.length).fill(0);
  const placed: { offset: number; end: number; first: number; last: number }[] = [];
  const order = buffers.map((_, i) => i).sort((a, b) => buffers[b].bytes - buffers[a].bytes || a - b);
  for (const i of order) {
    const { bytes, first, last } = buffers[i];
    const size = aligned(bytes);
    let offset = 0;
    // `placed` is sorted by offset: the first gap that is wide enough.
    for (const other of placed) {
      if (other.last < first || other.first > last) continue;
      if (other.offset >= offset + size) break;
      offset = Math.max(offset, other.end);
    }
    offsets[i] = offset;
    placed.push({ offset, end: offset + size, first, last });
    placed.sort((a, b) => a.offset - b.offset);
  }
  return { offsets, bytes: placed.reduce((most, { end }) => Math.max(most, end), 0) };
}
