// The time base of one simulated recording, with a lead-in so that filters and ringing are settled at time 0.

/** Seconds simulated before time 0 and cut off at the end. */
export const leadIn = 0.05;

/** Sample i is at `start + i / sampleRate` seconds; `start` is <= 0, and sample `lead` is exactly at time 0. */
export type Clock = { sampleRate: number; samples: number; lead: number; start: number; end: number };

/** Time base of `samples` samples from time 0 on, plus the lead-in. */
export const createClock = (sampleRate: number, samples: number): Clock => {
  const lead = Math.floor(leadIn * sampleRate);
  return { sampleRate, samples: samples + lead, lead, start: -lead / sampleRate, end: samples / sampleRate };
};

/** Zeros for every sample of the clock. */
export const silence = (clock: Clock): Float64Array => new Float64Array(clock.samples);

/** Highest frequency in Hz that a simulated component may have: components above are left out instead of folding back. */
export const highestFrequency = (clock: Clock): number => 0.47 * clock.sampleRate;

/** Adds `source` times `gain` (a number, or one per sample) to `target`, in place. */
export const mix = (target: Float64Array, source: Float64Array, gain: number | Float64Array = 1): void => {
  if (typeof gain === 'number') for (let i = 0; i < target.length; i++) target[i] += source[i] * gain;
  else for (let i = 0; i < target.length; i++) target[i] += source[i] * gain[i];
};
