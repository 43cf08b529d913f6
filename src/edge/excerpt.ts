// The sound that an export is tried on: the beginning of a recording, or one made up where there is none.
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';

/** Seconds: enough for every encoder, and little to store. */
const SECONDS = 1;

/** As many samples from the start as asked for; a shorter signal is repeated. */
export function repeated(samples: Float32Array, count: number): Float32Array {
  if (samples.length >= count) return samples.slice(0, count);
  return Float32Array.from({ length: count }, (_, i) => samples[i % samples.length]);
}

/** A hum of three tones in noise, the same at every call. */
function madeUp(sampleRate: number): Recording {
  const random = createRandom('export');
  const tones = [0.011, 0.037, 0.14].map((share) => 2 * Math.PI * share);
  const channel = Float32Array.from({ length: Math.round(SECONDS * sampleRate) }, (_, i) =>
    tones.reduce((sum, step) => sum + 0.2 * Math.sin(step * i), random.gaussian(0, 0.05)),
  );
  return { channels: [channel], sampleRate, name: 'a hum made up for the export' };
}

/** The first second of the first recording; without recordings a hum at `sampleRate` Hz. */
export function excerpt(recordings: readonly Recording[], sampleRate = 16_000): Recording {
  const [first] = recordings;
  if (!first) return madeUp(sampleRate);
  const count = Math.ceil(SECONDS * first.sampleRate);
  return { ...first, channels: [repeated(first.channels[0], count)] };
}
