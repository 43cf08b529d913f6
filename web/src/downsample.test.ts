import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from './downsample.ts';

describe('columnsOf', () => {
  it('keeps all of a few', () => {
    expect(columnsOf([1, 2, 3], [5, 5, 5], 1)).toEqual([0, 1, 2]);
  });

  it('keeps the lowest and the highest of every column, in order, at most four of each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: -50, max: 50 })), { maxLength: 300 }),
        fc.integer({ min: 1, max: 12 }),
        (points, columns) => {
          const sorted = points.sort((a, b) => a[0] - b[0]);
          const [x, y] = [sorted.map(([at]) => at), sorted.map(([, value]) => value)];
          const kept = columnsOf(x, y, columns);
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
          expect(kept.length).toBeLessThanOrEqual(Math.max(4 * columns, 0));
          if (x.length === 0) return;
          expect(Math.max(...kept.map((i) => y[i]))).toBe(Math.max(...y));
          expect(Math.min(...kept.map((i) => y[i]))).toBe(Math.min(...y));
          expect(kept[0]).toBe(0);
          expect(kept[kept.length - 1]).toBe(x.length - 1);
        },
      ),
    );
  });

  it('takes scores of one moment as one column', () => {
    expect(columnsOf(new Array(20).fill(7), [...Array(20).keys()], 2)).toEqual([0, 19]);
  });
});
