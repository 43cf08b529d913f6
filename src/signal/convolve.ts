// Linear convolution of two signals of one rate.
import { createFft } from './fft.ts';
import { finiteMean, type Samples } from './samples.ts';

/** Up to this many taps the sum itself costs less than transforms. */
const DIRECT_TAPS = 32;

/**
 * The first `length` samples of the full convolution y[t] = sum_k response[k] x[t - k], which has n + m - 1 of them; none of
 * the two is taken to repeat. What lies beyond the full convolution is 0.
 * Error: some 1e-15 of the largest value (float64 throughout).
 * @throws InputError for samples that are not finite
 */
export function convolve(samples: Samples, response: Samples, length = fullLength(samples, response)): Float64Array {
  for (const signal of [samples, response]) finiteMean('convolve', signal);
  // What comes later is never heard.
  const [x, taps] = [samples.subarray(0, length), response.subarray(0, length)];
  const heard = new Float64Array(length);
  if (x.length === 0 || taps.length === 0) return heard;
  if (Math.min(x.length, taps.length) <= DIRECT_TAPS) addDirectly(heard, x, taps);
  else addByTransform(heard, x, taps);
  return heard;
}

const fullLength = (a: Samples, b: Samples): number => (a.length === 0 || b.length === 0 ? 0 : a.length + b.length - 1);

function addDirectly(heard: Float64Array, x: Samples, taps: Samples): void {
  const [long, short] = x.length >= taps.length ? [x, taps] : [taps, x];
  for (let k = 0; k < short.length; k++) {
    const last = Math.min(long.length, heard.length - k);
    for (let i = 0; i < last; i++) heard[i + k] += short[k] * long[i];
  }
}

const norm = (values: Samples): number => {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i] ** 2;
  return Math.sqrt(squares);
};

/** One transform for both: (x + ih)² = x² - h² + 2i·xh, and a product of spectra is a convolution. */
function addByTransform(heard: Float64Array, x: Samples, taps: Samples): void {
  const size = 2 ** Math.ceil(Math.log2(fullLength(x, taps)));
  // Both of one size: else the larger one's rounding would drown the other.
  const scale = norm(x) / norm(taps);
  // One of the two is silent.
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) return;
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  re.set(x);
  for (let i = 0; i < taps.length; i++) im[i] = scale * taps[i];
  const fft = createFft(size);
  fft.forward(re, im);
  for (let k = 0; k < size; k++) {
    const [a, b] = [re[k], im[k]];
    re[k] = a * a - b * b;
    im[k] = 2 * a * b;
  }
  fft.inverse(re, im);
  const count = Math.min(heard.length, size);
  for (let i = 0; i < count; i++) heard[i] = im[i] / (2 * scale);
}
