import { describe, expect, it } from 'vitest';
import { colourStops, colourTable } from './colour-map.ts';

/** Relative luminance of sRGB (WCAG 2.2). */
const luminance = ([red, green, blue]: readonly number[]): number => {
  const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
};

describe('colourTable', () => {
  const table = colourTable(colourStops);
  const colour = (level: number) => [...table.subarray(level * 3, level * 3 + 3)];

  it('runs from the first control point to the last', () => {
    expect(table).toHaveLength(768);
    expect(colour(0)).toEqual([68, 1, 84]);
    expect(colour(255)).toEqual([253, 231, 37]);
  });

  it('grows lighter all the way, so that levels keep their order in grey', () => {
    const lightness = Array.from({ length: 256 }, (_, level) => luminance(colour(level)));
    for (let level = 4; level < 256; level++) expect(lightness[level]).toBeGreaterThan(lightness[level - 4]);
  });
});
