// A sound with something to hear in every filter, for tests of encoders of mel spectrograms.
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
