import { describe, expect, it } from 'vitest';
import { bandEdges, deviationOverTime, markedOutline, mostUnusual } from './deviation.ts';

const bands = [
  { lowHz: 0, highHz: 100 },
  { lowHz: 100, highHz: 200 },
  { lowHz: 200, highHz: 400 },
];
// [4 frames, 3 bands]: an L of cells beyond 4 standard deviations, one of them quieter than normal.
const deviation = { frames: 4, bands, values: Float32Array.of(0, 1, 0, 0, 5, 0, 0, 6, -9, 1, 0, 3.9) };

describe('markedOutline', () => {
  it('outlines connected cells once, with joined edges', () => {
    // Frames are 250 wide; band edges from the bottom up lie at 1000, 750, 500, 0.
    const lines = markedOutline(deviation, 400).match(/M[^M]+/g);
    expect(new Set(lines)).toEqual(
      new Set(['M250 750H750', 'M250 500H500', 'M500 0H750', 'M250 750V500', 'M500 500V0', 'M750 750V0']),
    );
  });

  it('is empty when nothing is unusual', () => {
    expect(markedOutline({ ...deviation, values: new Float32Array(12) }, 400)).toBe('');
  });

  it('lets overlapping bands meet in the middle', () => {
    const mel = [
      { lowHz: 0, highHz: 100 },
      { lowHz: 50, highHz: 200 },
      { lowHz: 120, highHz: 300 },
    ];
    expect(bandEdges(mel)).toEqual([0, 75, 160, 300]);
  });
});

describe('summaries', () => {
  it('take the largest deviation regardless of sign', () => {
    expect([...deviationOverTime(deviation)]).toEqual([1, 5, 9, Math.fround(3.9)]);
    expect(mostUnusual(deviation)).toEqual({ deviation: -9, time: 0.625, band: bands[2] });
  });
});
