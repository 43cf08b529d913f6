import { describe, expect, it } from 'vitest';
import { createNormalSounds, type Stretch } from './normal-sounds.ts';

/** Directions in a plane, by their angle in degrees: the distance of two is 1 - cos of the angle between them. */
const at = (degrees: number, start: number, sound = 1): Stretch => {
  const angle = (degrees * Math.PI) / 180;
  return { sound, start, end: start + 1, vector: Float32Array.of(3 * Math.cos(angle), 3 * Math.sin(angle)) };
};
const apart = (degrees: number): number => 1 - Math.cos((degrees * Math.PI) / 180);

describe('createNormalSounds', () => {
  it('knows no distance without a normal stretch', () => {
    const normal = createNormalSounds();
    expect(normal.distanceOf(at(0, 0))).toBeUndefined();
    expect(normal.state()).toEqual({ count: 0 });
  });

  it('measures to the nearest one that does not overlap', () => {
    const normal = createNormalSounds();
    normal.add([at(0, 0), at(30, 1)]);
    expect(normal.distanceOf(at(40, 0, 2))).toBeCloseTo(apart(10), 6);
    expect(normal.distanceOf(at(40, 1.5))).toBeCloseTo(apart(40), 6);
    expect(normal.distanceOf(at(40, 0.5))).toBeUndefined();
  });

  it('does not compare embeddings of several widths', () => {
    const normal = createNormalSounds();
    normal.add([{ ...at(0, 0), vector: new Float32Array(3).fill(1) }]);
    expect(normal.distanceOf(at(0, 5))).toBeUndefined();
    normal.add([at(20, 9)]);
    expect(normal.distanceOf(at(0, 5))).toBeCloseTo(apart(20), 6);
  });

  it('sets the limit at the largest distance of one from the rest, from five on', () => {
    const normal = createNormalSounds();
    normal.add([0, 10, 20, 30].map((degrees, i) => at(degrees, i)));
    expect(normal.state()).toEqual({ count: 4 });
    normal.add([at(55, 4)]);
    expect(normal.state().limit).toBeCloseTo(apart(25), 6);
  });

  it('takes a stretch once, keeps the newest 500, and forgets', () => {
    const normal = createNormalSounds();
    normal.add([at(0, 0), at(10, 1)]);
    normal.add([at(0, 0), at(10, 1)]);
    expect(normal.state().count).toBe(2);
    normal.add(Array.from({ length: 499 }, (_, i) => at(180, 10 + i)));
    expect(normal.state().count).toBe(500);
    expect(normal.distanceOf(at(0, 0, 2))).toBeCloseTo(apart(10), 6);
    normal.clear();
    expect(normal.state()).toEqual({ count: 0 });
  });
});
