// Short-time Fourier transform: frames, windows, padding. Spectra are handed on one frame at a time, in float64, never stored whole.
import { InputError } from './errors.ts';
import { createRealFft } from './fft.ts';
import { finiteMean, type Samples } from './samples.ts';
import { hannWindow } from './window.ts';

/** What lies beyond both ends of the signal when frames are centred on their sample: its mirror image, or zeros. */
export type Padding = 'reflect' | 'constant';

export type StftOptions = {
  /** Points of the transform. */
  nFft: number;
  /** Samples between frames. */
  hopLength: number;
  /** Samples under the window, at most `nFft` (then centred in it). Default: the length of `window`, else `nFft`. */
  winLength?: number;
  /** Window values. Default: periodic Hann of `winLength`. */
  window?: Float64Array;
  /** Default false: frames start at sample 0, none reaches beyond the end. Otherwise frame t is centred on sample t·hopLength. */
  center?: false | Padding;
  /** Subtract the mean of the signal first (not from the padding). Default false. */
  removeMean?: boolean;
};

/** Receives one frame: `re`, `im` hold floor(nFft/2)+1 bins and are overwritten by the next frame. */
export type SpectrumVisitor = (frame: number, re: Float64Array, im: Float64Array) => void;

/** Number of frames: 1 + floor((samples - nFft) / hop), or 1 + floor(samples / hop) when centred with even nFft; 0 when too short. */
export const frameCount = (samples: number, { nFft, hopLength, center = false }: StftOptions): number => {
  const padded = center === false ? samples : samples + 2 * (nFft >> 1);
  return padded < nFft ? 0 : 1 + Math.floor((padded - nFft) / hopLength);
};

/**
 * `frameCount` of options that have been checked.
 * @throws InputError for sizes that are no positive integers or do not fit each other, a bad rate, and too short signals.
 */
export const checkedFrameCount = (
  caller: string,
  samples: number,
  sampleRate: number,
  options: StftOptions,
): number => {
  const { nFft, hopLength, window, winLength = window?.length ?? nFft } = options;
  if (!(sampleRate > 0 && Number.isFinite(sampleRate))) {
    throw new InputError(`${caller}: expected a positive sample rate in Hz, got ${sampleRate}`);
  }
  checkWhole(caller, 'nFft', nFft);
  checkWhole(caller, 'hopLength', hopLength);
  checkWhole(caller, 'winLength', winLength);
  if (winLength > nFft || (window && window.length !== winLength)) {
    throw new InputError(
      `${caller}: expected a window of winLength = ${winLength} samples, at most nFft = ${nFft}, got ${window?.length ?? winLength}`,
    );
  }
  checkLength(caller, samples, sampleRate, options);
  return frameCount(samples, options);
};

/**
 * Visits the spectrum of every frame, first to last. The transform is unnormalised.
 * @param caller the public function, for error messages
 * @returns the number of frames
 * @throws InputError for options that are no positive integers or do not fit each other, samples that are not finite, and too short signals (see `checkedFrameCount`).
 */
export const visitSpectra = (
  caller: string,
  signal: Samples,
  sampleRate: number,
  options: StftOptions,
  visit: SpectrumVisitor,
): number => {
  const { nFft, hopLength, center = false } = options;
  const frames = checkedFrameCount(caller, signal.length, sampleRate, options);
  const window = fullWindow(options);
  const mean = finiteMean(caller, signal);
  const offset = options.removeMean ? mean : 0;
  const fft = createRealFft(nFft);
  const lead = center === false ? 0 : nFft >> 1;
  const [frameA, frameB] = [new Float64Array(nFft), new Float64Array(nFft)];
  const [reA, imA, reB, imB] = Array.from({ length: 4 }, () => new Float64Array(fft.bins));
  let frame = 0;
  // Two at a time: an odd transform takes both for the price of one.
  for (; frame + 1 < frames; frame += 2) {
    fillFrame(frameA, signal, frame * hopLength - lead, window, offset, center);
    fillFrame(frameB, signal, (frame + 1) * hopLength - lead, window, offset, center);
    fft.forwardPair(frameA, frameB, reA, imA, reB, imB);
    visit(frame, reA, imA);
    visit(frame + 1, reB, imB);
  }
  if (frame < frames) {
    fillFrame(frameA, signal, frame * hopLength - lead, window, offset, center);
    fft.forward(frameA, reA, imA);
    visit(frame, reA, imA);
  }
  return frames;
};

const checkWhole = (caller: string, name: string, value: number): void => {
  if (!Number.isInteger(value) || value < 1) {
    throw new InputError(`${caller}: expected ${name} to be a positive whole number of samples, got ${value}`);
  }
};

const checkLength = (caller: string, samples: number, sampleRate: number, { nFft, center }: StftOptions): void => {
  const needed = center === 'reflect' ? (nFft >> 1) + 1 : center === 'constant' ? 1 : nFft;
  if (samples >= needed) return;
  const seconds = (count: number): string => `${Number((count / sampleRate).toPrecision(3))} s`;
  throw new InputError(
    `${caller}: expected at least ${needed} samples (${seconds(needed)} at ${sampleRate} Hz), ` +
      `got ${samples} (${seconds(samples)}); give a longer recording`,
  );
};

/** The window, zero-padded on both sides to nFft. */
const fullWindow = ({ nFft, window, winLength = window?.length ?? nFft }: StftOptions): Float64Array => {
  const full = new Float64Array(nFft);
  full.set(window ?? hannWindow(winLength), (nFft - winLength) >> 1);
  return full;
};

const fillFrame = (
  frame: Float64Array,
  signal: Samples,
  start: number,
  window: Float64Array,
  offset: number,
  center: false | Padding,
): void => {
  const size = frame.length;
  const last = signal.length - 1;
  if (start >= 0 && start + size <= signal.length) {
    for (let i = 0; i < size; i++) frame[i] = (signal[start + i] - offset) * window[i];
    return;
  }
  for (let i = 0; i < size; i++) {
    const at = start + i;
    const inside = at >= 0 && at <= last;
    if (inside) frame[i] = (signal[at] - offset) * window[i];
    else frame[i] = center === 'reflect' ? (signal[at < 0 ? -at : 2 * last - at] - offset) * window[i] : 0;
  }
};
