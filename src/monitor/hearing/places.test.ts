import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviationMap } from '../../detection/explain.ts';
import { placesOf } from './places.ts';

/** Bands of 100 Hz, steps of a second. */
function mapOf(rows: number[][]): DeviationMap {
  return {
    values: Float32Array.from(rows.flat()),
    steps: rows.length,
    bands: rows[0].map((_, b) => ({ lowHz: 100 * b, highHz: 100 * (b + 1) })),
    starts: Float64Array.from(rows, (_, s) => s),
    stepSeconds: 1,
  };
}

describe('placesOf', () => {
  it('finds peaks with what lies around them, the highest first', () => {
    const map = mapOf([
      [0, 0, 0, 0, 0],
      [9, 5, 0, 0, 0],
      [8, 4, 0, 0, 0],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 3, 2],
    ]);
    expect(placesOf(map, 10, 14.5)).toEqual([
      { startSeconds: 11, endSeconds: 13, lowHz: 0, highHz: 200, deviations: 9 },
      { startSeconds: 14, endSeconds: 14.5, lowHz: 300, highHz: 500, deviations: 3 },
    ]);
  });

  it('sees nothing where nothing deviates', () => {
    expect(placesOf(mapOf([[0, -1, -0.5]]), 0, 1)).toEqual([]);
  });

  it('gives at most five boxes in order, the first around the highest cell, none outside the piece', () => {
    const rows = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 6 })).chain(([steps, bands]) =>
      fc.array(fc.array(fc.integer({ min: -1, max: 20 }), { minLength: bands, maxLength: bands }), {
        minLength: steps,
        maxLength: steps,
      }),
    );
    fc.assert(
      fc.property(rows, (values) => {
        const places = placesOf(mapOf(values), 0, values.length);
        const highest = Math.max(...values.flat());
        expect(places.length).toBeLessThanOrEqual(5);
        expect(places[0]?.deviations).toBe(highest > 0 ? highest : undefined);
        const heights = places.map(({ deviations }) => deviations);
        expect(heights).toEqual([...heights].sort((a, b) => b - a));
        for (const { startSeconds, endSeconds, lowHz, highHz, deviations } of places) {
          expect(startSeconds).toBeLessThan(endSeconds);
          expect(endSeconds).toBeLessThanOrEqual(values.length);
          const inside = values.slice(startSeconds, endSeconds).map((row) => row.slice(lowHz / 100, highHz / 100));
          expect(inside.flat()).toContain(deviations);
        }
      }),
    );
  });
});
