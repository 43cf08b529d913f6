// From a recording to a clip: a place, a channel, a speed, a gain, and the room or device it is heard through.
import { InputError } from '../../signal/errors.ts';
import { createFft } from '../../signal/fft.ts';
import { type Recording, sampleCount } from '../../signal/recording.ts';
import { resample } from '../../signal/resample.ts';
import { cutRepeated } from '../../signal/segments.ts';
import type { Random } from '../../signal/simulate/random.ts';
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

/**
 * A clip of `clipSeconds` of one channel, at a random place; a recording that is too short is repeated from its start.
 * Played faster or slower it keeps its sampling rate, and its tones move: k samples are resampled to k / speed.
 * @throws InputError where a few places of the channel were all constant, a sample is not a finite number, or the rate is
 * below 100 Hz.
 */
export function cutClip(recording: Recording, { clipSeconds, speedFactor }: CutSettings, random: Random): Clip {
  const { sampleRate, name } = recording;
  if (sampleRate < LOWEST_RATE) {
    throw new InputError(`${name}: expected a rate of at least ${LOWEST_RATE} Hz, got ${sampleRate} Hz; leave it out`);
  }
  const wanted = Math.round(clipSeconds * sampleRate);
  if (!(wanted >= 2)) {
    throw new InputError(
      `cutClip: expected clips of at least 2 samples, got ${clipSeconds} s at ${sampleRate} Hz (${name})`,
    );
  }
  const samples = recording.channels[random.fork('channel').integer(0, recording.channels.length - 1)];
  const speed = speedFactor > 1 ? drawSpeed(speedFactor, random.fork('speed')) : SPEED_STEPS;
  const margin = speed === SPEED_STEPS ? 0 : MARGIN;
  const length = Math.ceil(((wanted + 2 * margin) * speed) / SPEED_STEPS);
  const place = random.fork('place');
  let problem: string | undefined;
  for (let i = 0; i < PLACES; i++) {
    const start = place.integer(0, Math.max(0, sampleCount(recording) - length));
    const cut = cutRepeated(samples, start, length);
    problem = problemOf(cut);
    if (problem === undefined) {
      const heard = margin === 0 ? cut : resample(cut, speed, SPEED_STEPS).slice(margin, margin + wanted);
      return { samples: heard, sampleRate, source: name };
    }
    if (samples.length <= length) break;
  }
  throw new InputError(`${name}: expected a signal, found ${problem}; repair the recording or leave it out`);
}

/** Factor on amplitude, uniform in decibels within ± `decibels`; in place. */
export function applyGain(samples: Float32Array, decibels: number, random: Random): void {
  if (decibels === 0) return;
  const factor = 10 ** (random.uniform(-decibels, decibels) / 20);
  for (let i = 0; i < samples.length; i++) samples[i] *= factor;
}

/** Mean of squared deviations from the mean. */
function variance(samples: ArrayLike<number>): number {
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
  // What comes later than the clip is long is never heard.
  const taps = response.subarray(0, Math.min(response.length, peak + samples.length));
  const size = 2 ** Math.ceil(Math.log2(samples.length + taps.length - 1));
  const scale = Math.sqrt(variance(samples)) / Math.abs(response[peak]) || 1;
  // One transform for both: (x + ih)² = x² - h² + 2i·xh, and a product of spectra is a convolution.
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  re.set(samples);
  for (let i = 0; i < taps.length; i++) im[i] = scale * taps[i];
  const fft = createFft(size);
  fft.forward(re, im);
  for (let k = 0; k < size; k++) {
    const [a, b] = [re[k], im[k]];
    re[k] = a * a - b * b;
    im[k] = 2 * a * b;
  }
  fft.inverse(re, im);
  const heard = im.subarray(peak, peak + samples.length);
  const power = variance(heard);
  const gain = power > 0 ? Math.sqrt(variance(samples) / power) : 1;
  return Float32Array.from(heard, (value) => value * gain);
}
