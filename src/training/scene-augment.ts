// Augmentation of acoustic scenes: styles of frequencies mixed, clips rolled, bands masked and filtered, other devices. Inputs are not changed.
import { convolve } from '../signal/convolve.ts';
import { InputError } from '../signal/errors.ts';
import { resample } from '../signal/resample.ts';
import { type Samples, zerosLike } from '../signal/samples.ts';
import { type Random, shuffled } from '../signal/simulate/random.ts';
import { betaSample, drawMask } from './augment.ts';
import { roll } from './data/clip.ts';
import type { Response } from './data/responses.node.ts';

/** Of a picture [channels, rows, columns], row-major: rows are frequencies, columns times. */
export type PictureShape = { channels: number; rows: number; columns: number };

export type FreqMixStyleOptions = {
  /** That a batch is mixed at all; 0.4 by default. */
  probability?: number;
  /** Both parameters of the beta distribution of every clip's share of its own style; 0.3 by default. */
  alpha?: number;
};

/** Added to variances under the root. */
const EPSILON = 1e-6;

function checkPictures(name: string, pictures: readonly Samples[], { channels, rows, columns }: PictureShape): void {
  const size = channels * rows * columns;
  const odd = pictures.find(({ length }) => length !== size);
  if (odd) {
    throw new InputError(
      `${name}: expected pictures of ${channels} x ${rows} x ${columns} values, got one of ${odd.length}`,
    );
  }
}

/** Mean and deviation of every row over channels and columns. */
type Style = { mean: Float64Array; deviation: Float64Array };

function styleOf(picture: Samples, { channels, rows, columns }: PictureShape): Style {
  const [mean, deviation] = [new Float64Array(rows), new Float64Array(rows)];
  const count = channels * columns;
  for (let row = 0; row < rows; row++) {
    let [sum, squares] = [0, 0];
    for (let c = 0; c < channels; c++) {
      const start = (c * rows + row) * columns;
      for (let t = start; t < start + columns; t++) sum += picture[t];
    }
    mean[row] = sum / count;
    for (let c = 0; c < channels; c++) {
      const start = (c * rows + row) * columns;
      for (let t = start; t < start + columns; t++) squares += (picture[t] - mean[row]) ** 2;
    }
    deviation[row] = Math.sqrt(squares / (count - 1) + EPSILON);
  }
  return { mean, deviation };
}

/**
 * Freq-MixStyle with given draws: every row (frequency) of clip i is brought to mean 0 and deviation 1 over channels and
 * time, and then to lambda_i times its own style and 1 - lambda_i times that of clip permutation_i. Unbiased variance, 1e-6
 * added under the root. (Schmid et al. 2022, DCASE Task 1, after MixStyle, Zhou et al. 2021.)
 * @throws InputError for pictures of other sizes, fewer than two values of a frequency, and draws of other lengths
 */
export function mixFrequencyStyles<S extends Samples>(
  pictures: readonly S[],
  shape: PictureShape,
  lambdas: ArrayLike<number>,
  permutation: ArrayLike<number>,
): S[] {
  checkPictures('mixFrequencyStyles', pictures, shape);
  const { channels, rows, columns } = shape;
  if (!(channels * columns >= 2)) {
    throw new InputError(
      `mixFrequencyStyles: expected at least 2 values of every frequency, got ${channels} channels of ${columns} columns`,
    );
  }
  if (lambdas.length !== pictures.length || permutation.length !== pictures.length) {
    throw new InputError(
      `mixFrequencyStyles: expected a share and a partner of each of ${pictures.length} clips, got ${lambdas.length} and ${permutation.length}`,
    );
  }
  const styles = pictures.map((picture) => styleOf(picture, shape));
  return pictures.map((picture, i) => {
    const [own, other, share] = [styles[i], styles[permutation[i]], lambdas[i]];
    if (!other) throw new InputError(`mixFrequencyStyles: expected partners 0 to ${pictures.length - 1}`);
    const mixed = zerosLike(picture, picture.length);
    for (let row = 0; row < rows; row++) {
      const mean = share * own.mean[row] + (1 - share) * other.mean[row];
      const gain = (share * own.deviation[row] + (1 - share) * other.deviation[row]) / own.deviation[row];
      for (let c = 0; c < channels; c++) {
        const start = (c * rows + row) * columns;
        for (let t = start; t < start + columns; t++) mixed[t] = (picture[t] - own.mean[row]) * gain + mean;
      }
    }
    return mixed;
  });
}

/**
 * Freq-MixStyle of a batch of log-mel pictures [channels, rows, columns]: by one coin for the whole batch it is mixed or
 * left as it is; lambda ~ Beta(alpha, alpha) for every clip, and partners in a random order. Labels stay: what is mixed is
 * how a device colours a sound.
 * @throws InputError for a probability outside 0 to 1, an alpha that is not above 0, and as `mixFrequencyStyles`
 */
export function freqMixStyle(
  pictures: readonly Float32Array[],
  shape: PictureShape,
  options: FreqMixStyleOptions,
  random: Random,
): Float32Array[] {
  const { probability = 0.4, alpha = 0.3 } = options;
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`freqMixStyle: expected a probability from 0 to 1, got ${probability}`);
  }
  if (!(alpha > 0 && Number.isFinite(alpha))) {
    throw new InputError(`freqMixStyle: expected alpha above 0, got ${alpha}`);
  }
  checkPictures('freqMixStyle', pictures, shape);
  if (!(random.fork('whether').uniform() < probability)) return pictures.map((picture) => picture.slice());
  const draws = random.fork('lambda');
  const lambdas = pictures.map(() => betaSample(draws, alpha, alpha));
  const partners = shuffled([...pictures.keys()], random.fork('partners'));
  return mixFrequencyStyles(pictures, shape, lambdas, partners);
}

/**
 * A clip moved by a whole number of samples, uniform within ± `maximum`, around its ends. DCASE Task 1: 0.1 s.
 * @throws InputError for a maximum that is no whole number from 0 on
 */
export function rollSamples(samples: Float32Array, maximum: number, random: Random): Float32Array {
  if (!(Number.isInteger(maximum) && maximum >= 0)) {
    throw new InputError(`rollSamples: expected a whole number of samples from 0 on, got ${maximum}`);
  }
  if (samples.length === 0) return samples.slice();
  const later = random.integer(-maximum, maximum) % samples.length;
  return roll(samples, (samples.length - later) % samples.length);
}

/**
 * What nothing is in a log-mel picture (ln(energy + floor) - mean) / deviation: the value of a band that is masked before
 * the logarithm, where masking sets energies to 0.
 */
export const silentValue = (frontEnd: { floor: number; mean: number; deviation: number }): number =>
  (Math.log(frontEnd.floor) - frontEnd.mean) / frontEnd.deviation;

/**
 * A picture with one band of rows set to `value`, in all channels. Its width is uniform up to a share `most` of the rows,
 * and whole; DCASE Task 1: 48 of 256, before the logarithm, so with `silentValue` of the front end after it.
 * @throws InputError for a share outside 0 to 1, a picture of another size, and a value that is not finite
 */
export function maskFrequencies(
  picture: Float32Array,
  shape: PictureShape,
  most: number,
  value: number,
  random: Random,
): Float32Array {
  checkPictures('maskFrequencies', [picture], shape);
  if (!(most >= 0 && most <= 1)) {
    throw new InputError(`maskFrequencies: expected a share of the rows from 0 to 1, got ${most}`);
  }
  if (!Number.isFinite(value)) throw new InputError(`maskFrequencies: expected a finite value, got ${value}`);
  const { channels, rows, columns } = shape;
  const { start, end } = drawMask(rows, most, random);
  const masked = picture.slice();
  for (let c = 0; c < channels; c++) masked.fill(value, (c * rows + start) * columns, (c * rows + end) * columns);
  return masked;
}

/** Knots of `drawFilter`, both ends included. */
const LEAST_KNOTS = 3;
const MOST_KNOTS = 6;

/** Gains of `rows` frequencies in decibels: straight lines between 3 to 6 knots at random places, each uniform within ± `most`. */
export function drawFilter(rows: number, most: number, random: Random): Float64Array {
  const count = random.integer(LEAST_KNOTS, MOST_KNOTS);
  const inner = Array.from({ length: count - 2 }, () => random.uniform() * (rows - 1)).sort((a, b) => a - b);
  const places = [0, ...inner, rows - 1];
  const gains = places.map(() => (2 * random.uniform() - 1) * most);
  return Float64Array.from({ length: rows }, (_, row) => {
    const after = Math.max(
      1,
      places.findIndex((place) => place >= row),
    );
    const [from, to] = [places[after - 1], places[after]];
    const share = to > from ? (row - from) / (to - from) : 1;
    return gains[after - 1] + share * (gains[after] - gains[after - 1]);
  });
}

/**
 * A log-mel picture as a device of another frequency response hears it: the energy of every row times its gain (dB), the
 * floor under the logarithm left where it is. (FilterAugment, linear type, Nam et al. 2022.)
 * @throws InputError for a picture of another size, and another number of gains than rows
 */
export function filterFrequencies(
  picture: Float32Array,
  shape: PictureShape,
  gains: ArrayLike<number>,
  { floor, mean, deviation }: { floor: number; mean: number; deviation: number },
): Float32Array {
  checkPictures('filterFrequencies', [picture], shape);
  const { rows, columns } = shape;
  if (gains.length !== rows) {
    throw new InputError(`filterFrequencies: expected a gain of each of ${rows} rows, got ${gains.length}`);
  }
  const factors = Float64Array.from(gains, (gain) => 10 ** (gain / 10));
  return picture.map((value, i) => {
    const energy = Math.max(0, Math.exp(value * deviation + mean) - floor);
    return (Math.log(energy * factors[Math.floor(i / columns) % rows] + floor) - mean) / deviation;
  });
}

/** Responses at the rates they were asked for: a run has a few dozen, and hears each thousands of times. */
const atRates = new WeakMap<Response, Map<number, Float32Array>>();

/**
 * An impulse response at a rate in Hz: resampled, and scaled by the ratio of the rates, so that the device's gain stays
 * what it is. (The published code leaves out the scaling; a response of 44.1 kHz then takes 9 dB away at 16 kHz.) Kept for
 * the next time.
 */
export function responseAt(response: Response, sampleRate: number): Float32Array {
  const known = atRates.get(response) ?? new Map<number, Float32Array>();
  atRates.set(response, known);
  const gain = response.sampleRate / sampleRate;
  const samples =
    known.get(sampleRate) ?? resample(response.samples, response.sampleRate, sampleRate).map((value) => value * gain);
  known.set(sampleRate, samples);
  return samples;
}

/**
 * Samples as a device records them: the full convolution with its impulse response at the samples' rate (Hz), as long as
 * the samples are. Nothing is normalised and nothing moved: what comes before the response's peak delays the sound.
 * (DIR augmentation, Morocutti et al. 2023.)
 * @throws InputError for samples that are not finite
 */
export const withResponse = (samples: Float32Array, sampleRate: number, response: Response): Float32Array =>
  Float32Array.from(convolve(samples, responseAt(response, sampleRate), samples.length));
