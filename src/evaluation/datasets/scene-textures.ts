// Sound textures that tell made-up scenes apart, and made-up devices that colour them.
import { convolve } from '../../signal/convolve.ts';
import { createClock } from '../../signal/simulate/clock.ts';
import { bandNoise, pinkNoise } from '../../signal/simulate/noise.ts';
import { createRandom } from '../../signal/simulate/random.ts';

export type SceneTexture = { sceneIndex: number; seed: string; seconds: number; sampleRate: number };

/** Hz: the band of the first scene begins here, that of every further one half an octave above. */
const LOWEST = 120;
const TAPS = 12;

/**
 * Noise in a band of the scene's own that swells at its own rate, above pink noise. `seed` moves band, rate and level a
 * little, as places of one kind differ. Levels stay below 1.
 */
export function sceneTexture({ sceneIndex, seed, seconds, sampleRate }: SceneTexture): Float32Array {
  const ofScene = createRandom(`scene ${sceneIndex}`);
  const own = createRandom(seed);
  const clock = createClock(sampleRate, Math.max(1, Math.round(seconds * sampleRate)));
  const low = LOWEST * 2 ** (sceneIndex / 2) * own.uniform(0.97, 1.03);
  const [rate, depth] = [ofScene.uniform(1, 9) * own.uniform(0.95, 1.05), ofScene.uniform(0.1, 0.9)];
  const [start, gain] = [own.uniform(), own.uniform(0.06, 0.1)];
  const band = bandNoise(own.fork('band'), clock, [low, 1.5 * low], gain);
  const ground = pinkNoise(own.fork('ground'), clock, 0.02);
  return Float32Array.from(band.subarray(clock.lead), (value, i) => {
    const swelling = 1 - depth * (0.5 + 0.5 * Math.sin(2 * Math.PI * ((rate * i) / sampleRate + start)));
    return Math.max(-1, Math.min(1, swelling * value + ground[clock.lead + i]));
  });
}

/** Samples as a made-up device records them: through a short filter that belongs to its name. `a` changes nothing. */
export function throughMadeUpDevice(samples: Float32Array, device: string): Float32Array {
  if (device === 'a') return samples;
  const random = createRandom(`device ${device}`);
  const taps = Float32Array.from({ length: TAPS }, (_, k) => (k === 0 ? 0.6 : random.gaussian(0, 0.5) * 0.75 ** k));
  return Float32Array.from(convolve(samples, taps, samples.length), (value) => Math.max(-1, Math.min(1, value)));
}
