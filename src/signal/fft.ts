// Discrete Fourier transforms of any length: mixed radix, and Bluestein's chirp transform for lengths with a large prime factor.
import { InputError } from './errors.ts';
import { planStages, radicesOf } from './fft-stages.ts';

/** A complex transform of one length. It owns its scratch memory: calls must not overlap (they cannot, within one thread). */
export type Fft = {
  size: number;
  /** X[k] = Σ x[n] exp(-2πi·k·n/size), in place; both arrays have `size` elements. */
  forward(re: Float64Array, im: Float64Array): void;
  /** x[n] = 1/size · Σ X[k] exp(2πi·k·n/size), in place; both arrays have `size` elements. */
  inverse(re: Float64Array, im: Float64Array): void;
};

/** A transform of real input that gives the non-negative frequencies only. */
export type RealFft = {
  size: number;
  /** floor(size/2) + 1 */
  bins: number;
  /** `input`: the first `size` elements are read. `re`, `im`: the first `bins` elements are written. */
  forward(input: ArrayLike<number>, re: Float64Array, im: Float64Array): void;
  /** Two inputs of the same length; for odd sizes at the price of one. */
  forwardPair(
    a: ArrayLike<number>,
    b: ArrayLike<number>,
    reA: Float64Array,
    imA: Float64Array,
    reB: Float64Array,
    imB: Float64Array,
  ): void;
};

/** A radix above 5 costs work in proportion to itself; above this sum the two transforms of Bluestein's method cost less. */
const LARGEST_DIRECT_SUM = 64;
const MAX_CACHED_PLANS = 64;

const complexPlans = new Map<number, Fft>();
const realPlans = new Map<number, RealFft>();

/**
 * The complex transform of a length (any positive integer). Plans are made once per length and shared.
 * @throws InputError when `size` is not a positive integer.
 */
export const createFft = (size: number): Fft => cached(complexPlans, checkSize('createFft', size), planComplex);

/**
 * The real-input transform of a length (any positive integer). Plans are made once per length and shared.
 * Even lengths go through a complex transform of half the length.
 * @throws InputError when `size` is not a positive integer.
 */
export const createRealFft = (size: number): RealFft => cached(realPlans, checkSize('createRealFft', size), planReal);

const checkSize = (caller: string, size: number): number => {
  if (Number.isInteger(size) && size >= 1) return size;
  throw new InputError(`${caller}: expected a positive whole number of points, got ${size}`);
};

const cached = <Plan>(plans: Map<number, Plan>, size: number, create: (size: number) => Plan): Plan => {
  const known = plans.get(size);
  if (known) return known;
  const plan = create(size);
  for (const oldest of plans.keys()) {
    if (plans.size < MAX_CACHED_PLANS) break;
    plans.delete(oldest);
  }
  plans.set(size, plan);
  return plan;
};

const planComplex = (size: number): Fft => {
  const quadratic = radicesOf(size).reduce((sum, radix) => (radix > 5 ? sum + radix : sum), 0);
  const transform = quadratic <= LARGEST_DIRECT_SUM ? planMixedRadix(size) : planBluestein(size);
  const forward = (re: Float64Array, im: Float64Array): void => {
    if (re.length !== size || im.length !== size) {
      throw new InputError(`createFft: expected two arrays of ${size} points, got ${re.length} and ${im.length}`);
    }
    transform(re, im);
  };
  // Swapping real and imaginary parts conjugates the transform (up to the same swap of its result).
  const inverse = (re: Float64Array, im: Float64Array): void => {
    forward(im, re);
    const scale = 1 / size;
    for (let i = 0; i < size; i++) {
      re[i] *= scale;
      im[i] *= scale;
    }
  };
  return { size, forward, inverse };
};

type InPlace = (re: Float64Array, im: Float64Array) => void;

const planMixedRadix = (size: number): InPlace => {
  const stages = planStages(size);
  const scratchRe = new Float64Array(size);
  const scratchIm = new Float64Array(size);
  return (re, im) => {
    for (let i = 0; i < stages.length; i++) {
      const stage = stages[i];
      if (i % 2 === 0) stage.run(re, im, scratchRe, scratchIm, stage);
      else stage.run(scratchRe, scratchIm, re, im, stage);
    }
    if (stages.length % 2 === 1) {
      re.set(scratchRe);
      im.set(scratchIm);
    }
  };
};

/**
 * Bluestein (1970): k·n = (k² + n² - (k-n)²) / 2 turns the transform into a convolution with a chirp,
 * done here with circular transforms of a length with small factors.
 */
const planBluestein = (size: number): InPlace => {
  const padded = smoothLength(2 * size - 1);
  const inner = createFft(padded);
  const chirpRe = new Float64Array(size);
  const chirpIm = new Float64Array(size);
  const filterRe = new Float64Array(padded);
  const filterIm = new Float64Array(padded);
  for (let k = 0; k < size; k++) {
    // k² is reduced before the division: the angle stays exact to the last bit for any length.
    const angle = (Math.PI * ((k * k) % (2 * size))) / size;
    chirpRe[k] = Math.cos(angle);
    chirpIm[k] = -Math.sin(angle);
    filterRe[k] = filterRe[(padded - k) % padded] = chirpRe[k] / padded;
    filterIm[k] = filterIm[(padded - k) % padded] = -chirpIm[k] / padded;
  }
  inner.forward(filterRe, filterIm);
  const workRe = new Float64Array(padded);
  const workIm = new Float64Array(padded);
  return (re, im) => {
    for (let k = 0; k < size; k++) {
      workRe[k] = re[k] * chirpRe[k] - im[k] * chirpIm[k];
      workIm[k] = re[k] * chirpIm[k] + im[k] * chirpRe[k];
    }
    workRe.fill(0, size);
    workIm.fill(0, size);
    inner.forward(workRe, workIm);
    for (let k = 0; k < padded; k++) {
      const r = workRe[k] * filterRe[k] - workIm[k] * filterIm[k];
      workIm[k] = workRe[k] * filterIm[k] + workIm[k] * filterRe[k];
      workRe[k] = r;
    }
    // The inverse transform as a forward one with swapped parts; its 1/padded sits in the filter.
    inner.forward(workIm, workRe);
    for (let k = 0; k < size; k++) {
      re[k] = workRe[k] * chirpRe[k] - workIm[k] * chirpIm[k];
      im[k] = workRe[k] * chirpIm[k] + workIm[k] * chirpRe[k];
    }
  };
};

/** The smallest 2^a·3^b·5^c that is at least `minimum`. */
const smoothLength = (minimum: number): number => {
  let best = 2 ** Math.ceil(Math.log2(minimum));
  for (let fives = 1; fives < best; fives *= 5) {
    for (let threes = fives; threes < best; threes *= 3) {
      const candidate = threes * 2 ** Math.max(0, Math.ceil(Math.log2(minimum / threes)));
      if (candidate >= minimum && candidate < best) best = candidate;
    }
  }
  return best;
};

const planReal = (size: number): RealFft => (size % 2 === 0 ? planEvenReal(size) : planOddReal(size));

const checkInput = (size: number, input: ArrayLike<number>, re: Float64Array): void => {
  if (input.length >= size && re.length > size >> 1) return;
  throw new InputError(
    `createRealFft: expected ${size} samples and room for ${(size >> 1) + 1} bins, got ${input.length} and ${re.length}`,
  );
};

const planEvenReal = (size: number): RealFft => {
  const half = size / 2;
  const bins = half + 1;
  const inner = createFft(half);
  const zr = new Float64Array(half);
  const zi = new Float64Array(half);
  const quarter = (half >> 1) + 1;
  const wr = new Float64Array(quarter);
  const wi = new Float64Array(quarter);
  for (let k = 0; k < quarter; k++) {
    wr[k] = 0.5 * Math.cos((2 * Math.PI * k) / size);
    wi[k] = -0.5 * Math.sin((2 * Math.PI * k) / size);
  }
  // Even samples are the real part, odd ones the imaginary part; X[k] = E[k] + exp(-2πi·k/size)·O[k].
  const forward = (input: ArrayLike<number>, re: Float64Array, im: Float64Array): void => {
    checkInput(size, input, re);
    for (let i = 0; i < half; i++) {
      zr[i] = input[2 * i];
      zi[i] = input[2 * i + 1];
    }
    inner.forward(zr, zi);
    re[0] = zr[0] + zi[0];
    im[0] = 0;
    re[half] = zr[0] - zi[0];
    im[half] = 0;
    for (let k = 1; k < quarter; k++) {
      const j = half - k;
      const er = 0.5 * (zr[k] + zr[j]);
      const ei = 0.5 * (zi[k] - zi[j]);
      const or = zi[k] + zi[j];
      const oi = zr[j] - zr[k];
      const tr = or * wr[k] - oi * wi[k];
      const ti = or * wi[k] + oi * wr[k];
      re[k] = er + tr;
      im[k] = ei + ti;
      re[j] = er - tr;
      im[j] = ti - ei;
    }
  };
  return {
    size,
    bins,
    forward,
    forwardPair(a, b, reA, imA, reB, imB) {
      forward(a, reA, imA);
      forward(b, reB, imB);
    },
  };
};

const planOddReal = (size: number): RealFft => {
  const bins = (size + 1) / 2;
  const inner = createFft(size);
  const zr = new Float64Array(size);
  const zi = new Float64Array(size);
  const forward = (input: ArrayLike<number>, re: Float64Array, im: Float64Array): void => {
    checkInput(size, input, re);
    for (let i = 0; i < size; i++) zr[i] = input[i];
    zi.fill(0);
    inner.forward(zr, zi);
    for (let k = 0; k < bins; k++) {
      re[k] = zr[k];
      im[k] = zi[k];
    }
    im[0] = 0;
  };
  return {
    size,
    bins,
    forward,
    // One complex transform of a + ib; the symmetry of real spectra takes the two apart.
    forwardPair(a, b, reA, imA, reB, imB) {
      checkInput(size, a, reA);
      checkInput(size, b, reB);
      for (let i = 0; i < size; i++) {
        zr[i] = a[i];
        zi[i] = b[i];
      }
      inner.forward(zr, zi);
      reA[0] = zr[0];
      reB[0] = zi[0];
      imA[0] = imB[0] = 0;
      for (let k = 1; k < bins; k++) {
        const j = size - k;
        reA[k] = 0.5 * (zr[k] + zr[j]);
        imA[k] = 0.5 * (zi[k] - zi[j]);
        reB[k] = 0.5 * (zi[k] + zi[j]);
        imB[k] = 0.5 * (zr[j] - zr[k]);
      }
    },
  };
};
