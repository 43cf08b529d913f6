import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindower, secondPieces, windowSeconds } from './spans.ts';

describe('windowSeconds', () => {
  it.each([
    ['a fine-tuned encoder', { cropSamples: 32000, sampleRate: 16000 }, 2],
    ['a student of one rate', { frontEnd: { kind: 'mel', frames: 65, hopLength: 500, sampleRate: 32000 } }, 1],
    ['a student of sub-bands', { frontEnd: { kind: 'bands', frames: 98, bandBins: 32 } }, 0.98],
    ['an encoder of any length', { width: 192, depth: 12 }, 2],
    ['a front end without frames', { frontEnd: { kind: 'mel', sampleRate: 32000 } }, 2],
  ])('of %s', (_, config, seconds) => {
    expect(windowSeconds(config)).toBeCloseTo(seconds, 12);
  });
});

describe('secondPieces', () => {
  it('gives each second the window around its middle, within the sound', () => {
    expect(secondPieces(4, 2).map(({ start, end, heard }) => [start, end, heard.start, heard.end])).toEqual([
      [0, 1, 0, 2],
      [1, 2, 0.5, 2.5],
      [2, 3, 1.5, 3.5],
      [3, 4, 2, 4],
    ]);
  });

  it.each([
    [0.2, [[0, 0.2]]],
    [1.4, [[0, 1.4]]],
    [
      1.6,
      [
        [0, 1],
        [1, 1.6],
      ],
    ],
  ])('ends with the sound: %s s', (seconds, wanted) => {
    expect(secondPieces(seconds, 0.5).map(({ start, end }) => [start, end])).toEqual(wanted);
  });

  it('covers the sound without gaps, and hears nothing outside of it', () => {
    const lengths = fc.double({ min: 0.01, max: 100, noNaN: true });
    fc.assert(
      fc.property(lengths, lengths, (seconds, window) => {
        const pieces = secondPieces(seconds, window);
        expect(pieces[0].start).toBe(0);
        expect(pieces.at(-1)?.end).toBe(seconds);
        for (const [i, { start, heard }] of pieces.entries()) {
          if (i > 0) expect(start).toBe(pieces[i - 1].end);
          expect(heard.start).toBeGreaterThanOrEqual(0);
          expect(heard.end).toBeLessThanOrEqual(seconds + 1e-9);
          expect(heard.end - heard.start).toBeCloseTo(Math.min(seconds, Math.max(1, window)), 9);
        }
      }),
    );
  });
});

describe('createWindower', () => {
  /** Samples that say where they stand. */
  const stream = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

  it('gives the latest window every half window, from the first full one on', () => {
    const windower = createWindower(100, 2);
    const found: [number, number, number][] = [];
    for (let from = 0; from < 600; from += 50) {
      const next = windower.push(stream(600).subarray(from, from + 50));
      if (next) found.push([next.end, next.samples[0], next.samples[199]]);
    }
    expect(found).toEqual([
      [2, 0, 199],
      [3, 100, 299],
      [4, 200, 399],
      [5, 300, 499],
      [6, 400, 599],
    ]);
  });

  it('gives consecutive samples for blocks of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 5, maxLength: 40 }), (blocks) => {
        const windower = createWindower(441, 0.9);
        const all = stream(blocks.reduce((a, b) => a + b));
        let at = 0;
        for (const block of blocks) {
          const next = windower.push(all.subarray(at, at + block));
          at += block;
          if (next) expect([...next.samples]).toEqual([...all.subarray(at - 396, at)]);
        }
      }),
    );
  });

  it('leaves out what came too late, and does not come oftener than four times a second', () => {
    const windower = createWindower(1000, 0.1);
    const ends: number[] = [];
    for (let i = 0; i < 30; i++) {
      const next = windower.push(new Float32Array(50));
      if (next) ends.push(next.end);
    }
    expect(ends).toEqual([0.1, 0.35, 0.6, 0.85, 1.1, 1.35]);
    expect(windower.push(new Float32Array(2000))?.end).toBe(3.5);
    expect(windower.push(new Float32Array(50))).toBeUndefined();
  });
});
