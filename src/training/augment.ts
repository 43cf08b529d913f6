// Augmentation of what an encoder hears, and of the path through it: masks, mixtures, noise and left-out blocks. Inputs are not changed.
import type { Features } from '../encoders/trunk.ts';
import { InputError } from '../signal/errors.ts';
import type { Random } from '../signal/simulate/random.ts';

export type SpecAugmentOptions = {
  /** Widest mask over time, as a share of the frames: 0.2. 0: none. */
  timeRatio: number;
  /** Widest mask over frequency, as a share of the bins. 0: none; features of one bin never have one. */
  frequencyRatio: number;
};

/** Soft labels of a batch: a row of numbers for every crop, such as one 1 for its class. */
export type SoftLabels = readonly Float32Array[];

export type MixupOptions = {
  /** Both parameters of the beta distribution: 0.8. 0: nothing is mixed. */
  alpha: number;
  /** That a batch is mixed at all; 0.9 by default. */
  probability?: number;
};

/** `lambda`: the share of a crop's own; 1 where nothing was mixed. */
export type Mixed = { features: Features[]; labels: Float32Array[]; lambda: number };

/** Most frames that `rollFrames` moves by. */
const ROLL = 10;
/** Level of its noise. */
const NOISE = 0.1;

const checkShare = (name: string, what: string, value: number): void => {
  if (value >= 0 && value <= 1) return;
  throw new InputError(`${name}: expected ${what} from 0 to 1, got ${value}`);
};

/**
 * Width uniform in [0, size · ratio), rounded down; start uniform where it fits. The usual code (torchaudio) draws the
 * start before it rounds the width, and so never masks what comes last.
 */
export function drawMask(size: number, ratio: number, random: Random): { start: number; end: number } {
  const width = Math.floor(random.uniform() * size * ratio);
  const start = random.integer(0, size - width);
  return { start, end: start + width };
}

/**
 * Copies of features with one stretch of frames and one band of bins set to 0, the average (SpecAugment, Park et al. 2019,
 * without warping). Widths are uniform up to the ratios of frames and bins, and whole.
 * @throws InputError for ratios outside 0 to 1.
 */
export function specAugment(features: Features, options: SpecAugmentOptions, random: Random): Features {
  const { timeRatio, frequencyRatio } = options;
  checkShare('specAugment', 'timeRatio', timeRatio);
  checkShare('specAugment', 'frequencyRatio', frequencyRatio);
  const { frames, bins } = features;
  const values = features.values.slice();
  const time = drawMask(frames, timeRatio, random.fork('time'));
  values.fill(0, time.start * bins, time.end * bins);
  if (bins > 1) {
    const band = drawMask(bins, frequencyRatio, random.fork('frequency'));
    for (let t = 0; t < frames; t++) values.fill(0, t * bins + band.start, t * bins + band.end);
  }
  return { values, frames, bins };
}

/** ln of a draw from the gamma distribution of shape `a` and scale 1; as a logarithm, for small shapes underflow. */
function logGamma(a: number, random: Random): number {
  // A shape below 1 from the one above it: G(a) = G(a + 1) · U^(1/a) (Marsaglia & Tsang 2000, section 6).
  if (a < 1) return logGamma(a + 1, random) + Math.log(random.uniform()) / a;
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.gaussian();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}

/**
 * A draw from the beta distribution, by two gamma draws (Marsaglia & Tsang 2000).
 * @throws InputError for parameters that are not above 0.
 */
export function betaSample(random: Random, a: number, b: number): number {
  if (!(a > 0 && b > 0 && Number.isFinite(a) && Number.isFinite(b))) {
    throw new InputError(`betaSample: expected parameters above 0, got ${a} and ${b}`);
  }
  return 1 / (1 + Math.exp(logGamma(b, random) - logGamma(a, random)));
}

const blend = (own: Float32Array, other: Float32Array, share: number): Float32Array =>
  own.map((value, i) => share * value + (1 - share) * other[i]);

function checkBatch(features: readonly Features[], labels: SoftLabels): void {
  if (features.length !== labels.length) {
    throw new InputError(`mixup: expected labels of ${features.length} crops, got ${labels.length}`);
  }
  const odd = features.find(({ frames, bins }) => frames !== features[0].frames || bins !== features[0].bins);
  if (odd) {
    const { frames, bins } = features[0];
    throw new InputError(
      `mixup: expected features of equal sizes, got ${frames} x ${bins} and ${odd.frames} x ${odd.bins}; cut crops to one length`,
    );
  }
  const other = labels.find(({ length }) => length !== labels[0].length);
  if (other) {
    throw new InputError(`mixup: expected labels of ${labels[0].length} classes, got ${other.length}`);
  }
}

/**
 * Mixup (Zhang et al. 2018) with one λ ~ Beta(alpha, alpha) for the whole batch: crop i becomes λ · i + (1 - λ) · its
 * partner in the reversed batch, and so do its labels. As EAT and Audio-MAE fine-tune.
 * @throws InputError for a negative alpha, a probability outside 0 to 1, and features or labels of different sizes.
 */
export function mixup(features: readonly Features[], labels: SoftLabels, options: MixupOptions, random: Random): Mixed {
  const { alpha, probability = 0.9 } = options;
  if (!(alpha >= 0)) throw new InputError(`mixup: expected alpha from 0 on, got ${alpha}`);
  checkShare('mixup', 'a probability', probability);
  checkBatch(features, labels);
  const mixed = alpha > 0 && random.fork('whether').uniform() < probability;
  const lambda = mixed ? betaSample(random.fork('lambda'), alpha, alpha) : 1;
  const partner = <T>(batch: readonly T[], i: number): T => batch[batch.length - 1 - i];
  return {
    features: features.map((own, i) => ({ ...own, values: blend(own.values, partner(features, i).values, lambda) })),
    labels: labels.map((own, i) => blend(own, partner(labels, i), lambda)),
    lambda,
  };
}

/**
 * EAT's noise for short commands (from Audio-MAE): adds uniform noise in [0, 1) · u / 10 with one u ~ U[0, 1) for the crop,
 * and moves all frames by -10 to 9 places around its ends.
 */
export function rollFrames({ values, frames, bins }: Features, random: Random): Features {
  const noise = random.fork('noise');
  const level = NOISE * noise.uniform();
  const shift = random.fork('roll').integer(-ROLL, ROLL - 1);
  const rolled = new Float32Array(values.length);
  for (let t = 0; t < frames; t++) {
    const to = (((t + shift) % frames) + frames) % frames;
    for (let k = 0; k < bins; k++) rolled[to * bins + k] = values[t * bins + k] + level * noise.uniform();
  }
  return { values: rolled, frames, bins };
}

/**
 * What the residual branch of every block is multiplied with, crop by crop [B]: 0 with the probability of its rate p, or
 * else 1 / (1 - p), so that its mean is 1 (stochastic depth, Huang et al. 2016).
 * @throws InputError for rates outside 0 to below 1.
 */
export function dropPathFactors(random: Random, batch: number, rates: readonly number[]): Float32Array[] {
  const bad = rates.find((rate) => !(rate >= 0 && rate < 1));
  if (bad !== undefined) throw new InputError(`dropPathFactors: expected rates from 0 to below 1, got ${bad}`);
  return rates.map((rate, block) => {
    const draws = random.fork(`block ${block}`);
    return Float32Array.from({ length: batch }, () => (draws.uniform() < rate ? 0 : 1 / (1 - rate)));
  });
}
