// The surroundings of a simulated machine: noise at a stated level, steady or coming and going.
import type { Recording } from '../../signal/recording.ts';
import { createRandom } from '../../signal/simulate/random.ts';

/** How loud the noise is at each time, in s, relative to its level. */
export type Envelope = (seconds: number) => number;

/** The recording with white noise of `level` times its own root mean square, the same for the same seed. */
export function withNoise(
  recording: Recording,
  level: number,
  seed: number | string,
  envelope: Envelope = () => 1,
): Recording {
  const random = createRandom(`${seed}/noise`);
  const channels = recording.channels.map((samples) => {
    const power = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    return samples.map((value, i) => value + level * power * envelope(i / recording.sampleRate) * random.gaussian());
  });
  return { ...recording, channels };
}
