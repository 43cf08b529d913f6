// Kaldi's filter-bank features, as torchaudio.compliance.kaldi.fbank computes them (no dither), and the inputs of EAT and BEATs.
import { InputError } from './errors.ts';
import { createRealFft } from './fft.ts';
import { applyMel, type MelFilterbank, melFilterbank } from './mel.ts';
import { finiteMean, type Samples, zerosLike } from './samples.ts';
import type { Spectrogram } from './spectrogram.ts';
import { hammingWindow, hannWindow, poveyWindow } from './window.ts';

/** Kaldi's names: `hanning` is the symmetric Hann window, `povey` the same to the power 0.85. */
export type KaldiWindow = 'povey' | 'hanning' | 'hamming';

export type KaldiFbankOptions = {
  /** Default 23. */
  mels?: number;
  /** Milliseconds. Default 25; the transform is the next power of two. */
  frameLength?: number;
  /** Milliseconds. Default 10. */
  frameShift?: number;
  /** Default `povey`. */
  window?: KaldiWindow;
  /** Default 0.97. */
  preemphasis?: number;
  /** Subtract the mean of every frame. Default true. */
  removeDcOffset?: boolean;
  /** Hz. Default 20. */
  lowFreq?: number;
  /** Hz; 0 or less counts from half the sample rate downwards. Default 0. */
  highFreq?: number;
  /** True (default): only frames that lie inside the signal. False: round(samples/shift) frames, mirrored at the ends. */
  snipEdges?: boolean;
  /** Add the frame's log energy (before pre-emphasis, at least 0): as first column, or as last with `htkCompat`. Default false. */
  useEnergy?: boolean;
  htkCompat?: boolean;
  /** Power (default) or magnitude spectrum. */
  usePower?: boolean;
  /** Natural logarithm (default) or the filter energies themselves. */
  useLog?: boolean;
};

/** Energies are at least this (float32 epsilon) before the logarithm. */
const ENERGY_FLOOR = 2 ** -23;

/**
 * Kaldi filter-bank features of one channel: [frames, mels], one more column with `useEnergy` (its frequency reads 0).
 * Kaldi expects 16-bit integer scale; multiply by 32768 beforehand where a model was trained so.
 * @throws InputError for signals shorter than one frame, samples that are not finite, rates or bands that do not fit.
 */
export const kaldiFbank = <S extends Samples>(
  signal: S,
  sampleRate: number,
  options: KaldiFbankOptions = {},
): Spectrogram<S> => fbank('kaldiFbank', signal, sampleRate, options, 0, 1);

/**
 * EAT's features (reference code, commit 06c1c34): mean removed, 128 mels, Hanning, 25/10 ms; [frames, 128], natural log.
 * Cropping, zero-padding and normalisation belong to the encoder, which pads before it normalises.
 * @throws InputError as `kaldiFbank`.
 */
export const eatFbank = <S extends Samples>(signal: S, sampleRate = 16000): Spectrogram<S> =>
  fbank('eatFbank', signal, sampleRate, { mels: 128, window: 'hanning' }, finiteMean('eatFbank', signal), 1);

const BEATS_MEAN = 15.41663;
const BEATS_DEVIATION = 6.55582;

/**
 * BEATs' input (reference code, commit 768a3c8): samples times 2^15, 128 mels, Povey window, 25/10 ms,
 * (x - 15.41663) / (2·6.55582); [frames, 128].
 * @throws InputError as `kaldiFbank`.
 */
export const beatsFbank = <S extends Samples>(signal: S, sampleRate = 16000): Spectrogram<S> => {
  const features = fbank('beatsFbank', signal, sampleRate, { mels: 128 }, 0, 32768);
  const { values } = features;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] - BEATS_MEAN) / (2 * BEATS_DEVIATION);
  return features;
};

/** Fixed sizes and factors of one extraction. */
type Plan = {
  frameSamples: number;
  shift: number;
  /** Signal index at which frame 0 starts; negative when frames are mirrored at the edges. */
  start: number;
  frames: number;
  nFft: number;
  window: Float64Array;
  bank: MelFilterbank;
};

const fbank = <S extends Samples>(
  caller: string,
  signal: S,
  sampleRate: number,
  options: KaldiFbankOptions,
  offset: number,
  gain: number,
): Spectrogram<S> => {
  const { useEnergy = false, htkCompat = false, usePower = true, useLog = true } = options;
  const { preemphasis = 0.97, removeDcOffset = true } = options;
  finiteMean(caller, signal);
  const plan = planFrames(caller, signal.length, sampleRate, options);
  const { frames, frameSamples, nFft, bank } = plan;
  const bins = bank.mels + (useEnergy ? 1 : 0);
  const values = zerosLike(signal, frames * bins);
  const melAt = useEnergy && !htkCompat ? 1 : 0;
  const energyAt = htkCompat ? bank.mels : 0;
  const fft = createRealFft(nFft);
  const samples = new Float64Array(nFft);
  const re = new Float64Array(fft.bins);
  const im = new Float64Array(fft.bins);
  const energies = new Float64Array(bank.mels);
  for (let frame = 0; frame < frames; frame++) {
    readFrame(samples, signal, plan, frame, offset, gain);
    if (removeDcOffset) removeFrameMean(samples, frameSamples);
    if (useEnergy) values[frame * bins + energyAt] = logEnergy(samples, frameSamples);
    emphasise(samples, plan.window, preemphasis);
    fft.forward(samples, re, im);
    for (let k = 0; k < fft.bins; k++) {
      const power = re[k] * re[k] + im[k] * im[k];
      re[k] = usePower ? power : Math.sqrt(power);
    }
    applyMel(bank, re, energies);
    const at = frame * bins + melAt;
    for (let mel = 0; mel < bank.mels; mel++) {
      values[at + mel] = useLog ? Math.log(Math.max(energies[mel], ENERGY_FLOOR)) : energies[mel];
    }
  }
  const frequencies = new Float64Array(bins);
  frequencies.set(bank.frequencies, melAt);
  return { values, frames, bins, sampleRate, nFft, hopLength: plan.shift, frequencies };
};

const planFrames = (caller: string, samples: number, sampleRate: number, options: KaldiFbankOptions): Plan => {
  const { mels = 23, frameLength = 25, frameShift = 10, lowFreq = 20, highFreq = 0, snipEdges = true } = options;
  const frameSamples = Math.trunc(sampleRate * frameLength * 0.001);
  const shift = Math.trunc(sampleRate * frameShift * 0.001);
  if (!(frameSamples >= 2 && shift >= 1)) {
    throw new InputError(
      `${caller}: expected a sample rate that gives frames of at least 2 samples, got ${sampleRate} Hz with ${frameLength}/${frameShift} ms`,
    );
  }
  const needed = snipEdges ? frameSamples : shift - (shift >> 1);
  if (samples < needed) {
    throw new InputError(
      `${caller}: expected at least ${needed} samples (${needed / sampleRate} s at ${sampleRate} Hz), got ${samples}; give a longer recording`,
    );
  }
  const nFft = 2 ** Math.ceil(Math.log2(frameSamples));
  const fMax = highFreq > 0 ? highFreq : sampleRate / 2 + highFreq;
  return {
    frameSamples,
    shift,
    start: snipEdges ? 0 : (shift >> 1) - (frameSamples >> 1),
    frames: snipEdges ? 1 + Math.floor((samples - frameSamples) / shift) : Math.floor((samples + (shift >> 1)) / shift),
    nFft,
    window: windowOf(options.window ?? 'povey', frameSamples),
    bank: melFilterbank({ sampleRate, nFft, mels, fMin: lowFreq, fMax, scale: 'kaldi' }),
  };
};

const windowOf = (window: KaldiWindow, length: number): Float64Array => {
  if (window === 'hanning') return hannWindow(length, { periodic: false });
  if (window === 'hamming') return hammingWindow(length, { periodic: false });
  return poveyWindow(length);
};

const readFrame = (
  out: Float64Array,
  signal: Samples,
  plan: Plan,
  frame: number,
  offset: number,
  gain: number,
): void => {
  const first = plan.start + frame * plan.shift;
  const length = signal.length;
  const inside = first >= 0 && first + plan.frameSamples <= length;
  for (let i = 0; i < plan.frameSamples; i++) {
    const at = inside ? first + i : mirror(first + i, length);
    out[i] = (signal[at] - offset) * gain;
  }
  out.fill(0, plan.frameSamples);
};

/** Kaldi mirrors between samples: the edge sample itself is repeated. */
const mirror = (index: number, length: number): number => {
  const folded = ((index % (2 * length)) + 2 * length) % (2 * length);
  return folded < length ? folded : 2 * length - 1 - folded;
};

const removeFrameMean = (samples: Float64Array, length: number): void => {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += samples[i];
  const mean = sum / length;
  for (let i = 0; i < length; i++) samples[i] -= mean;
};

/** Natural log of the frame's energy; Kaldi's energy_floor of 1 makes it at least 0. */
const logEnergy = (samples: Float64Array, length: number): number => {
  let energy = 0;
  for (let i = 0; i < length; i++) energy += samples[i] * samples[i];
  return Math.log(Math.max(energy, 1));
};

/** x[i] - c·x[i-1] under the window, from the last sample down so that each predecessor is still the original one. */
const emphasise = (samples: Float64Array, window: Float64Array, coefficient: number): void => {
  for (let i = window.length - 1; i > 0; i--) samples[i] = (samples[i] - coefficient * samples[i - 1]) * window[i];
  samples[0] = (samples[0] - coefficient * samples[0]) * window[0];
};
