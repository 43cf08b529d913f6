// From a recording to a clip: a place, a channel, a speed, a gain, and the room or device it is heard through.
import { convolve } from '../../signal/convolve.ts';
import { InputError } from '../../signal/errors.ts';
import type { Recording } from '../../signal/recording.ts';
import { cutRepeated } from '../../signal/segments.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { changeSpeed } from '../../signal/speed.ts';
import type { Clip, DataSpec } from './types.ts';

export type CutSettings = Pick<DataSpec, 'clipSeconds' | 'speedFactor'>;

/** Places that are tried before a recording is refused for silence: many are padded with zeros. */
const PLACES = 4;
/** Samples cut on either side of a clip whose speed changes, so that its ends are not those of the resampling filter. */
const MARGIN = 16;
/** Speeds are multiples of 1/1000: the ratio of a resampler, whose table of phases stays small. */
const SPEED_STEPS = 1000;
/** Below this rate in Hz the front ends have no frames: one file of it must not end a run that is days old. */
const LOWEST_RATE = 100;

/** Speed as a whole number of thousandths, log-uniform within [1 / most, most]. */
function drawSpeed(most: number, random: Random): number {
  const drawn = Math.round(SPEED_STEPS * random.logUniform(1 / most, most));
  return Math.min(Math.floor(SPEED_STEPS * most), Math.max(Math.ceil(SPEED_STEPS / most), drawn));
}

const problemOf = (samples: Float32Array): string | undefined => {
  const bad = samples.find((value) => !Number.isFinite(value));
  if (bad !== undefined) return `a sample that is ${bad}`;
  return samples.every((value) => value === samples[0]) ? `only the value ${samples[0]}` : undefined;
};

/** @throws InputError for a rate below 100 Hz. */
export function checkRate({ sampleRate, name }: Recording): void {
  if (sampleRate < LOWEST_RATE) {
    throw new InputError(`${name}: expected a rate of at least ${LOWEST_RATE} Hz, got ${sampleRate} Hz; leave it out`);
  }
}

/**
 * `length` samples from a random place; samples that are too few are repeated from their start.
 * @param name of the recording, for messages
 * @throws InputError where a few places were all constant or had a sample that is not a finite number.
 */
export function cutAtRandom(samples: Float32Array, length: number, name: string, place: Random): Float32Array {
  let problem: string | undefined;
  for (let i = 0; i < PLACES; i++) {
    const start = place.integer(0, Math.max(0, samples.length - length));
    const cut = cutRepeated(samples, start, length);
    problem = problemOf(cut);
    if (problem === undefined) return cut;
    if (samples.length <= length) break;
  }
  throw new InputError(`${name}: expected a signal, found ${problem}; repair the recording or leave it out`);
}

/** How fast a clip is played, as a factor of whole thousandths, and whether its tones stay where they are. */
export type Speed = { factor: number; keepPitch?: boolean };

/**
 * `wanted` samples of a channel from a random place, as they sound at another speed: as many are cut as it takes.
 * @throws InputError as `cutAtRandom` and `changeSpeed`.
 */
export function cutAtSpeed(
  samples: Float32Array,
  wanted: number,
  { factor, keepPitch = false }: Speed,
  name: string,
  place: Random,
): Float32Array {
  if (factor === 1) return cutAtRandom(samples, wanted, name, place);
  const margin = keepPitch ? 0 : MARGIN;
  // Rounded before it is multiplied: 20 · 1.1 is more than 22.
  const length = Math.ceil(((wanted + 2 * margin) * Math.round(SPEED_STEPS * factor)) / SPEED_STEPS);
  const heard = changeSpeed(cutAtRandom(samples, length, name, place), factor, { keepPitch });
  return heard.slice(margin, margin + wanted);
}

/**
 * A clip of `clipSeconds` of one channel, at a random place; a recording that is too short is repeated from its start.
 * Played faster or slower it keeps its sampling rate, and its tones move: k samples are resampled to k / speed.
 * @throws InputError where a few places of the channel were all constant, a sample is not a finite number, or the rate is
 * below 100 Hz.
 */
export function cutClip(recording: Recording, { clipSeconds, speedFactor }: CutSettings, random: Random): Clip {
  const { sampleRate, name } = recording;
  checkRate(recording);
  const wanted = Math.round(clipSeconds * sampleRate);
  if (!(wanted >= 2)) {
    throw new InputError(
      `cutClip: expected clips of at least 2 samples, got ${clipSeconds} s at ${sampleRate} Hz (${name})`,
    );
  }
  const samples = recording.channels[random.fork('channel').integer(0, recording.channels.length - 1)];
  const speed = speedFactor > 1 ? drawSpeed(speedFactor, random.fork('speed')) : SPEED_STEPS;
  const heard = cutAtSpeed(samples, wanted, { factor: speed / SPEED_STEPS }, name, random.fork('place'));
  return { samples: heard, sampleRate, source: name };
}

/** Samples from `start` on, then those before it. */
export function roll(samples: Float32Array, start: number): Float32Array {
  const rolled = new Float32Array(samples.length);
  rolled.set(samples.subarray(start));
  rolled.set(samples.subarray(0, start), samples.length - start);
  return rolled;
}

/** Factor on amplitude, uniform in decibels within ± `decibels`; in place. */
export function applyGain(samples: Float32Array, decibels: number, random: Random): void {
  if (decibels === 0) return;
  const factor = 10 ** (random.uniform(-decibels, decibels) / 20);
  for (let i = 0; i < samples.length; i++) samples[i] *= factor;
}

/** Mean of squared deviations from the mean. */
export function variance(samples: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < samples.length; i++) sum += samples[i];
  const mean = sum / samples.length;
  for (let i = 0; i < samples.length; i++) squares += (samples[i] - mean) ** 2;
  return squares / samples.length;
}

const largestAt = (samples: Float32Array): number =>
  samples.reduce((best, value, i) => (Math.abs(value) > Math.abs(samples[best]) ? i : best), 0);

/**
 * The samples as they arrive through an impulse response of the same rate: their linear convolution, as long as they
 * are. Time 0 of the response is its largest value, so nothing arrives later. The power about the mean stays the same:
 * a response colours, it does not set levels (and what blocks a constant offset does not turn the rest up).
 * @throws InputError for a response of zeros alone, or with a value that is not finite.
 */
export function hearThrough(samples: Float32Array, response: Float32Array): Float32Array {
  const peak = largestAt(response);
  if (!response.every(Number.isFinite) || !(Math.abs(response[peak]) > 0)) {
    throw new InputError('hearThrough: expected an impulse response, found only zeros or a value that is not finite');
  }
  const heard = convolve(samples, response, peak + samples.length).subarray(peak);
  const power = variance(heard);
  const gain = power > 0 ? Math.sqrt(variance(samples) / power) : 1;
  return Float32Array.from(heard, (value) => value * gain);
}
