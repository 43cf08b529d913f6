import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentStarts } from './segment-starts.ts';

const count = fc.integer({ min: 1, max: 400 });

describe('segmentStarts', () => {
  it.each([
    ['shorter than one', 7, 10, [0], 7],
    ['exactly one', 10, 10, [0], 10],
    ['one frame more', 11, 10, [0, 1], 10],
    ['whole segments', 30, 10, [0, 10, 20], 10],
    ['a remainder', 34, 10, [0, 10, 20, 24], 10],
  ])('%s', (_name, frames, length, starts, each) => {
    expect(segmentStarts(frames, length)).toEqual(starts.map((from) => ({ from, frames: each })));
  });

  it('covers every frame with as few segments as do, all of them inside and of one length', () => {
    fc.assert(
      fc.property(count, count, (frames, length) => {
        const segments = segmentStarts(frames, length);
        const covered = new Uint8Array(frames);
        for (const segment of segments) {
          expect(segment.frames).toBe(Math.min(frames, length));
          expect(segment.from >= 0 && segment.from + segment.frames <= frames).toBe(true);
          covered.fill(1, segment.from, segment.from + segment.frames);
        }
        expect(covered.every((value) => value === 1)).toBe(true);
        expect(segments).toHaveLength(Math.ceil(frames / length));
      }),
    );
  });
});
