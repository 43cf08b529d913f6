// The places of a recording that deviate most: peaks of a map over time and frequency, with what belongs to each.
import type { DeviationMap } from '../../detection/explain.ts';
import type { HeardPlace } from '../types.ts';

const MOST_PLACES = 5;
/** What lies around a peak belongs to it down to this share of its height. */
const SHARE = 0.5;

/** Cells [step, band] around a cell, diagonal ones too. */
function* around(cell: number, steps: number, bands: number): Generator<number> {
  const [s, b] = [Math.floor(cell / bands), cell % bands];
  for (let t = Math.max(0, s - 1); t <= Math.min(steps - 1, s + 1); t++) {
    for (let f = Math.max(0, b - 1); f <= Math.min(bands - 1, b + 1); f++) {
      if (t !== s || f !== b) yield t * bands + f;
    }
  }
}

/** A peak and all cells joined to it that reach a share of its height; none that another peak has taken. */
function regionOf(peak: number, map: DeviationMap, taken: Uint8Array): number[] {
  const { values, steps, bands } = map;
  const region = [peak];
  taken[peak] = 1;
  for (const cell of region) {
    for (const neighbour of around(cell, steps, bands.length)) {
      if (taken[neighbour] || !(values[neighbour] >= SHARE * values[peak])) continue;
      taken[neighbour] = 1;
      region.push(neighbour);
    }
  }
  return region;
}

/**
 * At most 5 peaks above 0, the highest first, each with the box around what belongs to it. `startSeconds`: where the
 * mapped piece begins in its recording; `endSeconds`: where it ends.
 */
export function placesOf(map: DeviationMap, startSeconds: number, endSeconds: number): HeardPlace[] {
  const { values, steps, bands, starts, stepSeconds } = map;
  const taken = new Uint8Array(values.length);
  const isPeak = (cell: number) =>
    values[cell] > 0 && [...around(cell, steps, bands.length)].every((other) => !(values[other] > values[cell]));
  const peaks = [...values.keys()].filter(isPeak).sort((a, b) => values[b] - values[a] || a - b);
  const places: HeardPlace[] = [];
  for (const peak of peaks) {
    if (places.length === MOST_PLACES) break;
    if (taken[peak]) continue;
    const region = regionOf(peak, map, taken);
    const times = region.map((cell) => Math.floor(cell / bands.length));
    const heights = region.map((cell) => bands[cell % bands.length]);
    const first = times.reduce((a, b) => Math.min(a, b));
    const last = times.reduce((a, b) => Math.max(a, b));
    places.push({
      startSeconds: startSeconds + starts[first],
      endSeconds: Math.min(endSeconds, startSeconds + starts[last] + stepSeconds),
      lowHz: heights.reduce((low, band) => Math.min(low, band.lowHz), Number.POSITIVE_INFINITY),
      highHz: heights.reduce((high, band) => Math.max(high, band.highHz), 0),
      deviations: values[peak],
    });
  }
  return places;
}
