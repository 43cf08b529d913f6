// Coloured noise with levels in unit per root hertz or as RMS over a band in Hz, so that a level holds at every sampling rate.
import type { Clock } from './clock.ts';
import { highestFrequency, silence } from './clock.ts';
import { highPass, lowPass } from './filters.ts';
import type { Random } from './random.ts';

/** White noise of one-sided amplitude density `density` in unit per root hertz. */
export const whiteNoise = (random: Random, clock: Clock, density: number): Float64Array => {
  const out = silence(clock);
  const deviation = density * Math.sqrt(clock.sampleRate / 2);
  for (let i = 0; i < out.length; i++) out[i] = random.gaussian(0, deviation);
  return out;
};

/**
 * Noise with a power density falling as 1/f from about 10 Hz to 20 kHz; `rms` is that of the whole range.
 * Made of one-pole low-passes two octaves apart, each weighted by the root of its corner (the sum is within 1 dB of 1/f).
 */
export const pinkNoise = (random: Random, clock: Clock, rms: number): Float64Array => {
  const white = whiteNoise(random, clock, 1);
  const out = silence(clock);
  // The weighted sum has power density close to scale^2 / f; over 10 Hz..20 kHz that integrates to ln(2000) scale^2.
  const scale = rms / Math.sqrt(Math.log(2000)) / 2.27;
  for (let corner = 2.5; corner < 50_000; corner *= 4) {
    const pole = Math.exp((-2 * Math.PI * corner) / clock.sampleRate);
    const gain = (scale / Math.sqrt(corner)) * (1 - pole);
    let state = 0;
    for (let i = 0; i < out.length; i++) {
      state = gain * white[i] + pole * state;
      out[i] += state;
    }
  }
  return out;
};

/**
 * Noise between two corners in Hz, with slopes of 12 dB per octave; `rms` is that of the whole band, so a rate that
 * cannot carry all of it gets less. Silent where the band starts above half the rate.
 */
export const bandNoise = (random: Random, clock: Clock, band: [number, number], rms: number): Float64Array => {
  const limit = highestFrequency(clock);
  if (band[0] >= limit) return silence(clock);
  const out = whiteNoise(random, clock, rms / Math.sqrt(band[1] - band[0]));
  highPass(out, clock, band[0]);
  if (band[1] < limit) lowPass(out, clock, band[1]);
  return out;
};
