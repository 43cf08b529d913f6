import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { addFrames, mergeFrameSums } from './frame-sums.ts';
import type { Band, Frames } from './types.ts';

const bands: Band[] = [{ lowHz: 0, highHz: 10, start: 0, end: 2 }];

const framesOf = (rows: readonly (readonly [number, number])[]): Frames => ({
  values: Float32Array.from(rows.flat()),
  count: rows.length,
  width: 2,
  starts: Float64Array.from(rows, (_, t) => t),
  seconds: 1,
  bands,
});

describe('addFrames', () => {
  it('sums values and squares, recording after recording', () => {
    const first = addFrames(
      undefined,
      framesOf([
        [1, -2],
        [3, 4],
      ]),
    );
    expect(first).toEqual({ count: 2, sum: Float64Array.of(4, 2), squares: Float64Array.of(10, 20), bands });
    const both = addFrames(first, framesOf([[0.5, 1]]));
    expect(both).toEqual({ count: 3, sum: Float64Array.of(4.5, 3), squares: Float64Array.of(10.25, 21), bands });
  });

  it('sums in float64', () => {
    const rows = Array.from({ length: 3000 }, (): [number, number] => [1e4 + 0.25, 1]);
    const { sum, squares } = addFrames(undefined, framesOf(rows));
    expect([...sum]).toEqual([3000 * 10000.25, 3000]);
    expect([...squares]).toEqual([3000 * 10000.25 ** 2, 3000]);
  });
});

describe('mergeFrameSums', () => {
  const value = fc.integer({ min: -1000, max: 1000 });
  const rows = fc.array(fc.tuple(value, value), { maxLength: 8 });

  it('gives what all frames together give, and changes neither part', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        const [first, second] = [addFrames(undefined, framesOf(a)), addFrames(undefined, framesOf(b))];
        const before = structuredClone([first, second]);
        const merged = mergeFrameSums(first, second);
        const wanted = addFrames(undefined, framesOf([...a, ...b]));
        expect(merged?.count).toBe(wanted.count);
        expect(maxDifference(merged?.sum ?? [], wanted.sum)).toBe(0);
        expect(maxDifference(merged?.squares ?? [], wanted.squares)).toBe(0);
        expect([first, second]).toEqual(before);
      }),
    );
  });

  it('takes what there is where one is missing', () => {
    const sums = addFrames(undefined, framesOf([[1, 2]]));
    expect(mergeFrameSums(undefined, sums)).toBe(sums);
    expect(mergeFrameSums(sums, undefined)).toBe(sums);
    expect(mergeFrameSums(undefined, undefined)).toBeUndefined();
  });
});
