import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publishedRows } from '../evaluation/tables/published.ts';
import { type LabelledPoint, placeLabels } from './label-places.ts';

type Box = [number, number, number, number];
const frame: Box = [0, 0, 860, 460];

const cover = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const collisions = (boxes: readonly Box[]): number =>
  boxes.reduce((sum, box, i) => sum + boxes.slice(i + 1).filter((other) => cover(box, other)).length, 0);

describe('placeLabels', () => {
  it('puts a label alone to the right of its point', () => {
    const [label] = placeLabels([{ x: 100, y: 200, label: 'echo' }], frame);
    expect(label.x).toBe(110);
    expect(label.leader).toBe(false);
    expect(label.box[1]).toBeLessThan(200);
    expect(label.box[3]).toBeGreaterThan(200);
  });

  it('turns to the left at the right edge', () => {
    const [label] = placeLabels([{ x: 850, y: 200, label: 'echo' }], frame);
    expect(label.box[2]).toBeLessThanOrEqual(850);
  });

  it('parts the labels of the published encoders, five of which are almost of one size', () => {
    const points = publishedRows('rmis').map(({ encoder, parameters, values }): LabelledPoint => {
      const share = (values.overall.value! * 100 - 50) / 14;
      return { x: 60 + 240 * Math.log10(parameters! / 5e6), y: 440 - 420 * share, label: encoder };
    });
    const labels = placeLabels(points, frame);
    expect(collisions(labels.map(({ box }) => box))).toBe(0);
  });

  it('places all labels, apart and within the frame where there is room', () => {
    // One point in each cell of a grid: every label has its cell to itself.
    const cell = fc.tuple(fc.integer({ min: 20, max: 60 }), fc.integer({ min: 20, max: 60 }));
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 20 }), (cells) => {
        const points = cells.map(([dx, dy], i) => ({
          x: (i % 5) * 170 + dx,
          y: Math.floor(i / 5) * 110 + dy,
          label: 'fisher-small',
        }));
        const labels = placeLabels(points, frame);
        expect(labels).toHaveLength(points.length);
        expect(collisions(labels.map(({ box }) => box))).toBe(0);
        for (const { box } of labels) expect(box[0] >= 0 && box[1] >= 0 && box[2] <= 860 && box[3] <= 460).toBe(true);
      }),
    );
  });
});
