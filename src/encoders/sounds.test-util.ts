// Sounds for tests of encoders.
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';

/** Tones all over the spectrum up to 7 kHz, so that no filter is left with rounding errors alone. */
export function chord(samples: number, sampleRate: number): Recording {
  const random = createRandom('chord');
  const tones = Array.from({ length: 150 }, (_, k) => ({ hertz: 40 + 46 * k, phase: random.uniform(0, 6) }));
  const sample = (t: number) =>
    tones.reduce((sum, { hertz, phase }) => sum + Math.sin(2 * Math.PI * hertz * t + phase), 0);
  const values = Float32Array.from({ length: samples }, (_, i) => sample(i / sampleRate) / 100);
  return { channels: [values], sampleRate, name: 'chord' };
}

/** White noise of this deviation. */
export const noise = (samples: number, seed: number | string = 3, level = 0.1): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: samples }, () => random.gaussian(0, level));
};

export const withoutMean = (samples: Float32Array): Float32Array => {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  return samples.map((value) => value - mean);
};

export const recordingOf = (samples: Float32Array, sampleRate = 16_000, name = 'wave'): Recording => ({
  channels: [samples],
  sampleRate,
  name,
});
