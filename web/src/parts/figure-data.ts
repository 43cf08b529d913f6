// Two pictures on one scale of level, frequency, time and amplitude, so that the eye may compare them.
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import { colourStops, colourTable } from '../../../src/report/colour-map.ts';

export type Scales = {
  dbRange: [low: number, high: number];
  maxHz: number;
  seconds: number;
  /** Largest magnitude of the waveforms. */
  amplitude: number;
};

/** Scales that hold all of the pictures. Levels span what the loudest one spans. */
export function commonScales(pictures: readonly MomentPicture[]): Scales {
  const high = Math.max(...pictures.map(({ spectrogram }) => spectrogram.dbRange[1]));
  const range = Math.max(...pictures.map(({ spectrogram: { dbRange } }) => dbRange[1] - dbRange[0]));
  const peaks = pictures.flatMap(({ waveform: { min, max } }) => [...min, ...max].map(Math.abs));
  return {
    dbRange: [high - range, high],
    maxHz: Math.max(...pictures.map(({ spectrogram }) => spectrogram.maxHz)),
    seconds: Math.max(...pictures.map(({ durationSeconds }) => durationSeconds)),
    amplitude: peaks.reduce((most, value) => Math.max(most, value), 0) || 1,
  };
}

/** Levels 0..255 of a picture's own range, as levels of another range. */
export function relevel(own: readonly [number, number], common: readonly [number, number]): Uint8Array {
  const table = new Uint8Array(256);
  for (let level = 0; level < 256; level++) {
    const decibels = own[0] + (level / 255) * (own[1] - own[0]);
    const place = (decibels - common[0]) / Math.max(1e-9, common[1] - common[0]);
    table[level] = Math.round(255 * Math.max(0, Math.min(1, place)));
  }
  return table;
}

/** One cell per pixel, 0 Hz at the lower edge; the style sheet stretches the canvas. */
export function paint(canvas: HTMLCanvasElement, { spectrogram }: MomentPicture, { dbRange }: Scales): void {
  const { frames, bins, values } = spectrogram;
  canvas.width = frames;
  canvas.height = bins;
  const context = canvas.getContext('2d');
  if (!context) return;
  const colours = colourTable(colourStops);
  const levels = relevel(spectrogram.dbRange, dbRange);
  const image = context.createImageData(frames, bins);
  for (let frame = 0; frame < frames; frame++) {
    for (let bin = 0; bin < bins; bin++) {
      const level = 3 * levels[values[frame * bins + bin]];
      const pixel = 4 * ((bins - 1 - bin) * frames + frame);
      image.data.set(colours.subarray(level, level + 3), pixel);
      image.data[pixel + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** The outline of a waveform in a box of 1000 x 100, `amplitude` at the edges. */
export function waveOutline({ min, max }: MomentPicture['waveform'], amplitude: number): string {
  if (max.length === 0) return '';
  const x = (i: number): string => ((1000 * (i + 0.5)) / max.length).toFixed(1);
  const y = (value: number): string => (50 - (48 * value) / amplitude).toFixed(1);
  const upper = Array.from(max, (value, i) => `${x(i)} ${y(value)}`);
  const lower = Array.from(min, (value, i) => `${x(i)} ${y(value)}`).reverse();
  return `M${[...upper, ...lower].join('L')}Z`;
}
