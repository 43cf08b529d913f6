// Where a recording is unusual: the outline of the marked cells, the strip over time, and the single most unusual cell.
import { coordinate } from './scale.ts';
import type { ReportDeviation } from './types.ts';

/**
 * Cells further from normal than this many standard deviations are marked. At 4, a picture of 10,000 normal cells
 * would show about one; at 3, near thirty.
 */
export const markedDeviation = 4;

/** Side of the square that overlays are drawn in; the page stretches it over the picture. */
export const overlaySize = 1000;

/**
 * The frequencies between which each band is drawn, bands + 1 of them, in Hz. Where neighbours overlap (mel filters) or
 * leave a gap, they meet in the middle, so that every cell is seen and none covers another.
 */
export const bandEdges = (bands: ReportDeviation['bands']): number[] =>
  Array.from({ length: bands.length + 1 }, (_, i) => {
    if (i === 0) return bands[0].lowHz;
    return i === bands.length ? bands[i - 1].highHz : (bands[i - 1].highHz + bands[i].lowHz) / 2;
  });

/**
 * The outline of all marked cells as an SVG path in a square of `overlaySize`, time to the right, 0 Hz at the bottom
 * and `maxHz` at the top. Edges that continue each other are one line.
 */
export const markedOutline = (deviation: ReportDeviation, maxHz: number): string => {
  const { frames, bands, values } = deviation;
  const edges = bandEdges(bands).map((hz) => (1 - Math.min(hz, maxHz) / maxHz) * overlaySize);
  const marked = (frame: number, band: number): boolean =>
    frame >= 0 &&
    frame < frames &&
    band >= 0 &&
    band < bands.length &&
    Math.abs(values[frame * bands.length + band]) > markedDeviation;
  const x = (frame: number) => coordinate((frame / frames) * overlaySize);
  const y = (edge: number) => coordinate(edges[edge]);
  const lines: string[] = [];
  for (let edge = 0; edge <= bands.length; edge++) {
    const isEdge = (frame: number) => marked(frame, edge - 1) !== marked(frame, edge);
    for (const [from, to] of runs(frames, isEdge)) lines.push(`M${x(from)} ${y(edge)}H${x(to)}`);
  }
  for (let frame = 0; frame <= frames; frame++) {
    const isEdge = (band: number) => marked(frame - 1, band) !== marked(frame, band);
    for (const [from, to] of runs(bands.length, isEdge)) lines.push(`M${x(frame)} ${y(from)}V${y(to)}`);
  }
  return lines.join('');
};

/** Stretches `[from, to)` of 0..count on which `holds` is true. */
const runs = (count: number, holds: (i: number) => boolean): [number, number][] => {
  const found: [number, number][] = [];
  let from = -1;
  for (let i = 0; i <= count; i++) {
    const inside = i < count && holds(i);
    if (inside && from < 0) from = i;
    if (!inside && from >= 0) {
      found.push([from, i]);
      from = -1;
    }
  }
  return found;
};

/** The largest deviation of each frame over all bands, regardless of sign; `[frames]`, standard deviations. */
export const deviationOverTime = (deviation: ReportDeviation): Float32Array => {
  const { frames, bands, values } = deviation;
  return Float32Array.from({ length: frames }, (_, frame) =>
    values
      .subarray(frame * bands.length, (frame + 1) * bands.length)
      .reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
};

/** The cell furthest from normal: its deviation (signed), the middle of its time as a share 0..1, and its band. */
export const mostUnusual = (
  deviation: ReportDeviation,
): { deviation: number; time: number; band: { lowHz: number; highHz: number } } => {
  const { frames, bands, values } = deviation;
  const cell = values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
  return {
    deviation: values[cell],
    time: (Math.floor(cell / bands.length) + 0.5) / frames,
    band: bands[cell % bands.length],
  };
};
