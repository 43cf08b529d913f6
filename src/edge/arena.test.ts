import { describe, expect, it } from 'vitest';
import { createRandom } from '../signal/simulate/random.ts';
import { type ArenaBuffer, planArena } from './arena.ts';

/** Most bytes that are needed at one step: no arena can be smaller. */
const needed = (buffers: readonly ArenaBuffer[]): number =>
  Math.max(
    ...buffers.map(({ first }) =>
      buffers
        .filter((other) => other.first <= first && other.last >= first)
        .reduce((sum, { bytes }) => sum + Math.ceil(bytes / 4) * 4, 0),
    ),
  );

describe('planArena', () => {
  it('takes the place of a buffer again as soon as it is free', () => {
    const chain = [
      { bytes: 8, first: 0, last: 1 },
      { bytes: 12, first: 1, last: 2 },
      { bytes: 8, first: 2, last: 3 },
    ];
    expect(planArena(chain)).toEqual({ offsets: [12, 0, 12], bytes: 20 });
  });

  it('keeps a buffer while it is needed, such as that of a shortcut', () => {
    const shortcut = [
      { bytes: 8, first: 0, last: 3 },
      { bytes: 4, first: 1, last: 2 },
      { bytes: 4, first: 2, last: 3 },
    ];
    expect(planArena(shortcut)).toEqual({ offsets: [0, 8, 12], bytes: 16 });
  });

  it('uses a gap between two others', () => {
    const buffers = [
      { bytes: 20, first: 0, last: 0 },
      { bytes: 16, first: 0, last: 9 },
      { bytes: 8, first: 1, last: 9 },
      { bytes: 12, first: 2, last: 9 },
    ];
    expect(planArena(buffers)).toEqual({ offsets: [0, 20, 12, 0], bytes: 36 });
  });

  it('never lets two buffers meet that are needed at the same time', () => {
    const random = createRandom('arena');
    for (let round = 0; round < 100; round++) {
      const buffers = Array.from({ length: random.integer(1, 20) }, (): ArenaBuffer => {
        const first = random.integer(0, 10);
        return { bytes: random.integer(0, 100), first, last: first + random.integer(0, 4) };
      });
      const { offsets, bytes } = planArena(buffers);
      const meet = buffers.flatMap((a, i) =>
        buffers.filter((b, j) => {
          const together = i < j && a.first <= b.last && b.first <= a.last && a.bytes > 0 && b.bytes > 0;
          return together && offsets[i] < offsets[j] + b.bytes && offsets[j] < offsets[i] + a.bytes;
        }),
      );
      expect(meet).toEqual([]);
      expect(offsets.filter((offset) => offset % 4 !== 0)).toEqual([]);
      expect(Math.max(...buffers.map((buffer, i) => offsets[i] + buffer.bytes))).toBeLessThanOrEqual(bytes);
      expect(bytes).toBeGreaterThanOrEqual(needed(buffers));
    }
  });

  it('names a buffer that ends before it begins', () => {
    expect(() => planArena([{ bytes: 4, first: 2, last: 1 }])).toThrow(/planArena: expected .* from 2 to 1/);
  });
});
