// A recording played faster or slower, with its pitch following the speed or kept.
import { InputError } from './errors.ts';
import { reducedRatio, resample, resampledLength } from './resample.ts';
import { finiteMean, type Samples, zerosLike } from './samples.ts';

export type SpeedOptions = {
  /** Tones keep their frequency. Default false: they move with the speed, as on a tape. */
  keepPitch?: boolean;
};

/** Speeds are multiples of 1/1000: the ratio of a resampler, whose table of phases stays small. */
const SPEED_STEPS = 1000;
const [SLOWEST, FASTEST] = [0.1, 10];
/** Beyond twice or half the speed, pieces no longer overlap in the input, or are heard several times. */
const [SLOWEST_KEPT, FASTEST_KEPT] = [0.5, 2];

/** Samples from one piece to the next in the output when pitch is kept: half a piece, over which they fade. */
const STEP = 512;
/** How far a piece may be moved to meet the one before: periods up to twice this are met whole. */
const REACH = 256;
/** Least length of a signal, in steps, that is cut into pieces of the full size. */
const PIECES = 4;

/**
 * The samples at `factor` times the speed, rounded to a thousandth: ceil(n / factor) of them, at the same sampling rate.
 * By default by resampling from `factor` to 1 (torchaudio's sinc filter): frequencies are multiplied by `factor` (the
 * speed perturbation of speaker recognition, Ko et al. 2015).
 * With `keepPitch` by overlapping pieces that are moved to where they fit best (WSOLA, Verhelst & Roelands 1993): a
 * phase vocoder smears the impacts of a machine and makes its noise sound tonal, where this moves pieces of the signal
 * as they are. Pieces are 1024 samples; events further apart than that change their rate, nearer ones are a pitch.
 * @throws InputError for a factor outside 0.1 to 10 (0.5 to 2 where pitch is kept), samples that are not finite, and
 * fewer than 64 of them where pitch is kept.
 */
export const changeSpeed = <S extends Samples>(
  samples: S,
  factor: number,
  { keepPitch = false }: SpeedOptions = {},
): S => {
  const [least, most] = keepPitch ? [SLOWEST_KEPT, FASTEST_KEPT] : [SLOWEST, FASTEST];
  if (!(factor >= least && factor <= most)) {
    throw new InputError(
      `changeSpeed: expected a factor from ${least} to ${most}, found ${factor}; 0.9 and 1.1 are usual`,
    );
  }
  const speed = Math.round(factor * SPEED_STEPS);
  return keepPitch ? stretch(samples, speed) : resample(samples, speed, SPEED_STEPS);
};

/** Where the piece is cut that follows the one at `before`, near `wanted`: the least squared difference to what followed there. */
const bestStart = (
  samples: Samples,
  before: number,
  wanted: number,
  last: number,
  step: number,
  reach: number,
): number => {
  const difference = (start: number, bound: number): number => {
    let sum = 0;
    for (let i = 0; i < step && sum < bound; i++) sum += (samples[start + i] - samples[before + step + i]) ** 2;
    return sum;
  };
  let best = wanted;
  let least = difference(best, Number.POSITIVE_INFINITY);
  // From near to far, and only what is strictly better: in silence nothing moves.
  for (let offset = 1; offset <= reach; offset++) {
    for (const start of [wanted - offset, wanted + offset]) {
      if (start < 0 || start > last) continue;
      const found = difference(start, least);
      if (found < least) [best, least] = [start, found];
    }
  }
  return best;
};

/** Cosine between `count` samples from `a` and from `b` on; 1 where one of them is silent: it needs no correction. */
const correlation = (samples: Samples, a: number, b: number, count: number): number => {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [x, y] = [samples[a + i], samples[b + i]];
    product += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA > 0 && ofB > 0 ? product / Math.sqrt(ofA * ofB) : 1;
};

/** WSOLA at `speed` thousandths. Pieces of two steps: each fades in over the second half of the one before. */
const stretch = <S extends Samples>(samples: S, speed: number): S => {
  finiteMean('changeSpeed', samples);
  const { up, down } = reducedRatio(speed, SPEED_STEPS);
  const step = Math.min(STEP, Math.floor(samples.length / PIECES));
  if (step < 16) {
    throw new InputError(
      `changeSpeed: expected at least 64 samples to keep their pitch, found ${samples.length}; let it follow`,
    );
  }
  if (speed === SPEED_STEPS) return samples.slice() as S;
  const output = zerosLike(samples, resampledLength(samples.length, up, down));
  const last = samples.length - 2 * step;
  const reach = Math.round((step * REACH) / STEP);
  let start = 0;
  output.set(samples.subarray(0, Math.min(step, output.length)));
  for (let at = step; at < output.length; at += step) {
    const next = bestStart(samples, start, Math.min(last, Math.round((at * speed) / SPEED_STEPS)), last, step, reach);
    const likeness = Math.max(0, correlation(samples, start + step, next, step));
    const count = Math.min(step, output.length - at);
    for (let i = 0; i < count; i++) {
      const share = Math.sin((Math.PI * (i + 0.5)) / (2 * step)) ** 2;
      // The power of the sum: 1 for equal pieces, less for noise, which without this would pulse with every piece.
      const power = 1 - 2 * share * (1 - share) * (1 - likeness);
      const faded = (1 - share) * samples[start + step + i] + share * samples[next + i];
      output[at + i] = faded / Math.sqrt(power);
    }
    start = next;
  }
  return output;
};
