// Slow changes over time: random wandering and piecewise-linear envelopes, defined in seconds and then sampled.
import type { Clock } from './clock.ts';
import { leadIn, silence } from './clock.ts';
import type { Random } from './random.ts';

/** Values at `start + k * step` seconds; between them a straight line. */
export type Knots = { start: number; step: number; values: Float64Array };

/** Time of the first knot of every curve that must cover the lead-in. */
const firstKnot = -leadIn - 0.01;

/** Empty knots from before the lead-in until after the end. */
export const knotsFor = (clock: Clock, step: number): Knots => ({
  start: firstKnot,
  step,
  values: new Float64Array(Math.ceil((clock.end - firstKnot) / step) + 2),
});

/**
 * A wandering quantity of mean 0: Ornstein-Uhlenbeck process with standard deviation `deviation` and correlation time
 * `correlation` in seconds. Drawn on its own grid, so it is the same curve at every sampling rate.
 */
export const wander = (
  random: Random,
  clock: Clock,
  {
    deviation,
    correlation,
    step = Math.min(0.01, correlation / 5),
  }: {
    deviation: number;
    correlation: number;
    step?: number;
  },
): Knots => {
  const knots = knotsFor(clock, step);
  const keep = Math.exp(-step / correlation);
  const fresh = deviation * Math.sqrt(1 - keep * keep);
  let value = random.gaussian(0, deviation);
  for (let k = 0; k < knots.values.length; k++) {
    knots.values[k] = value;
    value = keep * value + random.gaussian(0, fresh);
  }
  return knots;
};

/** Value at `time` in seconds; the end values hold outside. */
export const valueAt = ({ start, step, values }: Knots, time: number): number => {
  const position = Math.min(Math.max((time - start) / step, 0), values.length - 1);
  const k = Math.min(Math.floor(position), values.length - 2);
  return values[k] + (position - k) * (values[k + 1] - values[k]);
};

/** `offset` + the curve, one value per sample; `floor` cuts it from below (amplitudes must not turn negative). */
export const sampled = (knots: Knots, clock: Clock, offset = 0, floor = Number.NEGATIVE_INFINITY): Float64Array => {
  const out = silence(clock);
  for (let i = 0; i < out.length; i++)
    out[i] = Math.max(floor, offset + valueAt(knots, clock.start + i / clock.sampleRate));
  return out;
};

/** Piecewise-linear envelope through `[seconds, value]` points of ascending time; the end values hold outside. */
export const envelope = (clock: Clock, points: [number, number][]): Float64Array => {
  const out = silence(clock);
  let k = 0;
  for (let i = 0; i < out.length; i++) {
    const time = clock.start + i / clock.sampleRate;
    while (k < points.length && points[k][0] <= time) k++;
    if (k === 0) out[i] = points[0]?.[1] ?? 0;
    else if (k === points.length) out[i] = points[k - 1][1];
    else {
      const [from, low] = points[k - 1];
      const [to, high] = points[k];
      out[i] = low + ((time - from) / (to - from)) * (high - low);
    }
  }
  return out;
};

/** `dB` as an amplitude factor. */
export const decibels = (dB: number): number => 10 ** (dB / 20);

/** Times of a Poisson process of `rate` events per second, from the lead-in until the end, ascending. */
export const randomTimes = (random: Random, clock: Clock, rate: number): number[] => {
  const times: number[] = [];
  let time = -leadIn;
  while (time < clock.end) {
    times.push(time);
    time -= Math.log(random.uniform()) / rate;
  }
  return times;
};
