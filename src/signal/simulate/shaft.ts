// Rotation over time: speed with small fluctuation or a ramp, the angle as its exact integral, and the inverse.
import type { Clock } from './clock.ts';
import { silence } from './clock.ts';
import type { Knots } from './modulation.ts';
import { knotsFor, wander } from './modulation.ts';
import type { Random } from './random.ts';

/** Speed in Hz at knots `step` seconds apart, linear between them, and `turns`, its integral from time `start` on. */
export type Shaft = { start: number; step: number; hz: Float64Array; turns: Float64Array };

/** Integrates a speed curve (Hz, or m/s for something that slides) to turns (or metres). */
export const integrate = ({ start, step, values }: Knots, first = 0): Shaft => {
  const turns = new Float64Array(values.length);
  turns[0] = first;
  for (let k = 1; k < turns.length; k++) turns[k] = turns[k - 1] + ((values[k - 1] + values[k]) / 2) * step;
  return { start, step, hz: values, turns };
};

/**
 * A shaft that runs from `from` Hz at time 0 to `to` Hz at the end, with a random-walk fluctuation of relative standard
 * deviation `fluctuation` and correlation time 0.5 s, as load and supply cause it. The angle at the start is random.
 */
export const createShaft = (
  random: Random,
  clock: Clock,
  { from, to = from, fluctuation }: { from: number; to?: number; fluctuation: number },
): Shaft => {
  const curve = knotsFor(clock, 0.01);
  const drift = wander(random, clock, { deviation: fluctuation, correlation: 0.5, step: curve.step });
  for (let k = 0; k < curve.values.length; k++) {
    const progress = Math.min(Math.max((curve.start + k * curve.step) / clock.end, 0), 1);
    // Three deviations bound the wander, so that a shaft never turns backwards.
    const relative = Math.min(Math.max(drift.values[k], -3 * fluctuation), 3 * fluctuation);
    curve.values[k] = (from + (to - from) * progress) * (1 + relative);
  }
  return integrate(curve, random.fork('angle').uniform());
};

/** Turns at `time` in seconds. */
export const turnsAt = ({ start, step, hz, turns }: Shaft, time: number): number => {
  const k = Math.min(Math.max(Math.floor((time - start) / step), 0), hz.length - 2);
  const since = time - start - k * step;
  return turns[k] + since * (hz[k] + ((hz[k + 1] - hz[k]) * since) / (2 * step));
};

/** Turns at every sample. */
export const sampleTurns = (shaft: Shaft, clock: Clock): Float64Array => {
  const out = silence(clock);
  for (let i = 0; i < out.length; i++) out[i] = turnsAt(shaft, clock.start + i / clock.sampleRate);
  return out;
};

const solve = ({ start, step, hz, turns }: Shaft, k: number, goal: number): number => {
  const distance = goal - turns[k];
  const slope = (hz[k + 1] - hz[k]) / step;
  const root = Math.sqrt(Math.max(0, hz[k] * hz[k] + 2 * slope * distance));
  const denominator = hz[k] + (hz[k] + hz[k + 1] < 0 ? -root : root);
  return start + k * step + (denominator === 0 ? 0 : (2 * distance) / denominator);
};

/** Time in seconds at which a shaft that never turns backwards has made `goal` turns; Infinity when that is after its end. */
export const timeAt = (shaft: Shaft, goal: number): number => {
  const { turns } = shaft;
  if (goal > turns[turns.length - 1]) return Number.POSITIVE_INFINITY;
  let low = 0;
  let high = turns.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (turns[middle] <= goal) low = middle;
    else high = middle;
  }
  return solve(shaft, low, goal);
};

/** Times at which a back-and-forth motion passes `position`, ascending. */
export const crossings = (motion: Shaft, position: number): number[] => {
  const { turns } = motion;
  const times: number[] = [];
  for (let k = 0; k + 1 < turns.length; k++)
    if (turns[k] < position !== turns[k + 1] < position) times.push(solve(motion, k, position));
  return times;
};

/** Mean speed in Hz from time 0 to the end. */
export const meanSpeed = (shaft: Shaft, clock: Clock): number =>
  (turnsAt(shaft, clock.end) - turnsAt(shaft, 0)) / clock.end;
