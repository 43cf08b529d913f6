// Window functions. Periodic windows (for spectra) are symmetric windows of one more sample, without the last.
import { InputError } from './errors.ts';

export type WindowOptions = {
  /** Default true: cosine period = `length`. False: symmetric, first and last sample equal. */
  periodic?: boolean;
};

const checkLength = (caller: string, length: number): number => {
  if (Number.isInteger(length) && length >= 1) return length;
  throw new InputError(`${caller}: expected a positive whole number of samples, got ${length}`);
};

const raisedCosine = (length: number, offset: number, periodic: boolean): Float64Array => {
  if (length === 1) return Float64Array.of(1);
  const period = periodic ? length : length - 1;
  return Float64Array.from({ length }, (_, i) => offset - (1 - offset) * Math.cos((2 * Math.PI * i) / period));
};

/** Hann window, w[i] = ½ - ½ cos(2πi/period). @throws InputError for a length that is no positive integer. */
export const hannWindow = (length: number, { periodic = true }: WindowOptions = {}): Float64Array =>
  raisedCosine(checkLength('hannWindow', length), 0.5, periodic);

/** Hamming window, w[i] = 0.54 - 0.46 cos(2πi/period). @throws InputError for a length that is no positive integer. */
export const hammingWindow = (length: number, { periodic = true }: WindowOptions = {}): Float64Array =>
  raisedCosine(checkLength('hammingWindow', length), 0.54, periodic);

/** Kaldi's Povey window: the symmetric Hann window to the power 0.85. @throws InputError for a length that is no positive integer. */
export const poveyWindow = (length: number): Float64Array =>
  raisedCosine(checkLength('poveyWindow', length), 0.5, false).map((value) => value ** 0.85);

/** Symmetric Kaiser window, w[i] = I0(β √(1-x²)) / I0(β), x from -1 to 1. @throws InputError for a length that is no positive integer. */
export const kaiserWindow = (length: number, beta: number): Float64Array => {
  if (checkLength('kaiserWindow', length) === 1) return Float64Array.of(1);
  const peak = besselI0(beta);
  return Float64Array.from({ length }, (_, i) => {
    const x = (2 * i) / (length - 1) - 1;
    return besselI0(beta * Math.sqrt(1 - x * x)) / peak;
  });
};

/** Modified Bessel function of the first kind, order 0 (Abramowitz & Stegun 9.6.12: Σ (x²/4)^k / k!²), all terms positive. */
export const besselI0 = (x: number): number => {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
};
