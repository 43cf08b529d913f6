// The colours of a spectrogram: from dark violet to yellow, ever lighter, so that order is seen without colour vision and in grey print.

/**
 * Control points at equal distances, sRGB 0..255, linear in between: nine samples of viridis (van der Walt and
 * Smith 2015, CC0), whose lightness rises evenly.
 */
export const colourStops: readonly (readonly [red: number, green: number, blue: number])[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/**
 * Colours of the levels 0..255, `[256, 3]`. Uses nothing outside of itself: its source is embedded in the report and
 * runs in the reader's browser.
 */
export const colourTable = (stops: readonly (readonly number[])[]): Uint8ClampedArray => {
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(place));
    for (let c = 0; c < 3; c++) {
      table[level * 3 + c] = stops[left][c] + (stops[left + 1][c] - stops[left][c]) * (place - left);
    }
  }
  return table;
};
