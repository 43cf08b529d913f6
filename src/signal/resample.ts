// Change of sampling rate by any ratio: band-limited interpolation with a polyphase windowed-sinc filter.
import { InputError } from './errors.ts';
import { type FilterDesign, type PhaseFilter, phaseFilter } from './resample-filter.ts';
import { finiteMean, type Samples, zerosLike } from './samples.ts';
import { besselI0 } from './window.ts';

/** torchaudio.functional.resample: a short filter with a soft edge, at low cost. */
export type SincOptions = {
  method?: 'sinc';
  /** Zero crossings of the sinc on either side. Default 6. */
  lowpassFilterWidth?: number;
  /** Cut-off as a share of the lower Nyquist frequency. Default 0.99. */
  rolloff?: number;
  /** Default `hann`. */
  window?: 'hann' | 'kaiser';
  /** Of the Kaiser window. Default 14.769656459379492. */
  beta?: number;
  /**
   * `float32` reproduces torchaudio.transforms.Resample, which rounds the phase of every output to float32 and so adds an
   * error of some 5e-6 of the signal. Default `exact`.
   */
  phase?: 'exact' | 'float32';
};

/** scipy.signal.resample_poly: ten zero crossings, gain of exactly 1 at 0 Hz. */
export type PolyphaseOptions = {
  method: 'polyphase';
  /** Default `kaiser`. */
  window?: 'kaiser' | 'hamming';
  /** Of the Kaiser window. Default 5. */
  beta?: number;
  /** What lies beyond the ends: zeros (default), the signal's mean, its end values, or the line through its first and last sample. */
  pad?: 'zero' | 'mean' | 'edge' | 'line';
};

export type ResampleOptions = SincOptions | PolyphaseOptions;

/**
 * Resamples one channel from a rate `from` to a rate `to` (Hz, any positive numbers; only their ratio counts).
 * Whole rates give their exact ratio; for fractional rates it is approximated to 1e-12 by a continued fraction.
 * The output has ceil(n · to / from) samples in the precision of the input; sample m lies at the time of input sample m · from / to.
 * Memory beyond input and output is one filter length, at most 8 MiB for a table of phases, whatever the ratio.
 * @throws InputError for rates that are not positive, bad options, and samples that are not finite.
 */
export const resample = <S extends Samples>(signal: S, from: number, to: number, options: ResampleOptions = {}): S => {
  const { up, down } = reducedRatio(from, to);
  const design = designOf(up, down, options);
  const mean = finiteMean('resample', signal);
  const output = zerosLike(signal, resampledLength(signal.length, up, down));
  if (signal.length === 0) return output;
  if (up === down) {
    output.set(signal);
    return output;
  }
  const filter = phaseFilter(design);
  const pad = options.method === 'polyphase' ? (options.pad ?? 'zero') : 'zero';
  if (pad === 'zero') interpolate(output, signal, 0, filter, up, down);
  else if (pad === 'mean') {
    const centred = Float64Array.from(signal, (value) => value - mean);
    interpolate(output, centred, 0, filter, up, down);
    for (let i = 0; i < output.length; i++) output[i] += mean;
  } else interpolate(output, extend(signal, filter.taps + 1, pad), filter.taps + 1, filter, up, down);
  return output;
};

/** Beyond this the filter alone has more than ten million taps: surely a rate in the wrong unit. */
const MAX_RATIO = 1e6;

/**
 * Up and down factors of a change of rate, without a common factor.
 * @throws InputError for rates that are not positive, finite, and within a factor of a million.
 */
export const reducedRatio = (from: number, to: number): { up: number; down: number } => {
  if (!(from > 0 && to > 0 && Number.isFinite(from) && Number.isFinite(to))) {
    throw new InputError(`resample: expected positive sample rates in Hz, got ${from} and ${to}`);
  }
  if (from / to > MAX_RATIO || to / from > MAX_RATIO) {
    throw new InputError(`resample: expected rates within a factor of ${MAX_RATIO}, got ${from} and ${to}`);
  }
  if (!Number.isInteger(from) || !Number.isInteger(to)) return continuedFraction(to / from);
  const common = greatestCommonDivisor(from, to);
  return { up: to / common, down: from / common };
};

/** Samples after a change of rate by up/down: ceil(samples · up / down). */
export const resampledLength = (samples: number, up: number, down: number): number => {
  const rest = (samples * up) % down;
  return (samples * up - rest) / down + (rest > 0 ? 1 : 0);
};

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

const RATIO_TOLERANCE = 1e-12;

/** The simplest fraction among the convergents of `ratio` that is within 1e-12 of it (relative). */
const continuedFraction = (ratio: number): { up: number; down: number } => {
  let [up, down, lastUp, lastDown] = [Math.floor(ratio), 1, 1, 0];
  let rest = ratio - up;
  while (up === 0 || Math.abs(up / down - ratio) > RATIO_TOLERANCE * ratio) {
    const whole = Math.floor(1 / rest);
    rest = 1 / rest - whole;
    [up, lastUp] = [whole * up + lastUp, up];
    [down, lastDown] = [whole * down + lastDown, down];
  }
  return { up, down };
};

const designOf = (up: number, down: number, options: ResampleOptions): FilterDesign => {
  if (options.method === 'polyphase') {
    const { window = 'kaiser', beta = 5 } = options;
    return checkDesign({ up, down, zeros: 10, rolloff: 1, window, beta, gain: 'unit', float32Phase: false });
  }
  const { lowpassFilterWidth: zeros = 6, rolloff = 0.99, window = 'hann', phase = 'exact' } = options;
  // torchaudio keeps β and I0(β) in float32 whatever the precision of the signal.
  const beta = Math.fround(options.beta ?? 14.769656459379492);
  const gain = window === 'kaiser' ? 1 / Math.fround(besselI0(beta)) : 1;
  return checkDesign({ up, down, zeros, rolloff, window, beta, gain, float32Phase: phase === 'float32' });
};

const checkDesign = (design: FilterDesign): FilterDesign => {
  const { zeros, rolloff, beta } = design;
  if (zeros >= 1 && Number.isFinite(zeros) && rolloff > 0 && rolloff <= 1 && beta >= 0 && Number.isFinite(beta))
    return design;
  throw new InputError(
    `resample: expected lowpassFilterWidth >= 1, 0 < rolloff <= 1 and beta >= 0, got ${zeros}, ${rolloff} and ${beta}`,
  );
};

/** Fills `output`; input sample i is `samples[i + lead]`, zero outside of the array. */
const interpolate = (
  output: Samples,
  samples: Samples,
  lead: number,
  filter: PhaseFilter,
  up: number,
  down: number,
): void => {
  const { taps, weights } = filter;
  let phase = 0;
  let block = lead;
  for (let m = 0; m < output.length; m++) {
    const start = block + filter.first(phase);
    const row = filter.row(phase);
    const begin = Math.max(0, -start);
    const end = Math.min(taps, samples.length - start);
    let sum = 0;
    for (let i = begin; i < end; i++) sum += weights[row + i] * samples[start + i];
    output[m] = sum;
    if (++phase === up) {
      phase = 0;
      block += down;
    }
  }
};

/** The signal with `margin` more samples on both sides: its end values, or the line through first and last sample. */
const extend = (signal: Samples, margin: number, pad: 'edge' | 'line'): Float64Array => {
  const last = signal.length - 1;
  const slope = pad === 'line' && last > 0 ? (signal[last] - signal[0]) / last : 0;
  return Float64Array.from({ length: signal.length + 2 * margin }, (_, i) => {
    const at = i - margin;
    if (at < 0) return signal[0] + slope * at;
    return at > last ? signal[last] + slope * (at - last) : signal[at];
  });
};
