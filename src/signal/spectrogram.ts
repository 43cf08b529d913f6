// Spectrograms: magnitude or power over time and frequency, rows are frames.
import { InputError } from './errors.ts';
import { type Samples, zerosLike } from './samples.ts';
import { checkedFrameCount, frameCount, type StftOptions, visitSpectra } from './stft.ts';

/** A time-frequency picture. `values` is row-major [frames, bins]; its unit depends on what made it. */
export type Spectrogram<Values extends Samples = Float32Array> = {
  values: Values;
  frames: number;
  bins: number;
  /** Hz, of the signal. */
  sampleRate: number;
  /** Points of the transform. */
  nFft: number;
  /** Samples between frames. */
  hopLength: number;
  /** Hz of every bin; centre frequency where a bin is a filter's band. */
  frequencies: Float64Array;
};

export type SpectrogramOptions = StftOptions & {
  /** 1: magnitude (default); 2: power. */
  power?: 1 | 2;
};

/** Sizes of a spectrogram, before it is made. */
export type SpectrogramSize = { nFft: number; hopLength: number; bins: number; frames: number };

/**
 * Transform size and shape for a window and hop in seconds: nFft = trunc(windowSeconds·rate), hop = trunc(hopSeconds·rate),
 * bins = floor(nFft/2)+1, frames = 1 + floor((samples-nFft)/hop), 0 when too short.
 * @throws InputError when the rate is so low that the window or the hop has no sample.
 */
export const spectrogramSize = (
  samples: number,
  sampleRate: number,
  windowSeconds = 0.025,
  hopSeconds = 0.01,
): SpectrogramSize => {
  const nFft = Math.trunc(windowSeconds * sampleRate);
  const hopLength = Math.trunc(hopSeconds * sampleRate);
  if (!Number.isFinite(sampleRate) || nFft < 1 || hopLength < 1) {
    const lowest = Math.ceil(1 / Math.min(windowSeconds, hopSeconds));
    throw new InputError(
      `spectrogramSize: expected a sample rate of at least ${lowest} Hz (one sample per ${hopSeconds} s hop), got ${sampleRate}`,
    );
  }
  return { nFft, hopLength, bins: (nFft >> 1) + 1, frames: frameCount(samples, { nFft, hopLength }) };
};

/** Hz of every bin of a transform: k·rate/nFft, k = 0 … floor(nFft/2). */
export const binFrequencies = (nFft: number, sampleRate: number): Float64Array =>
  Float64Array.from({ length: (nFft >> 1) + 1 }, (_, k) => (k * sampleRate) / nFft);

/**
 * One-sided magnitude or power spectrogram |X|^power, unnormalised; [frames, floor(nFft/2)+1].
 * Float64 samples give float64 values.
 * @throws InputError for bad options, samples that are not finite, and signals shorter than one frame.
 */
export const magnitudeSpectrogram = <S extends Samples>(
  signal: S,
  sampleRate: number,
  options: SpectrogramOptions,
): Spectrogram<S> => {
  const squared = options.power === 2;
  return mapSpectrogram('magnitudeSpectrogram', signal, sampleRate, options, (re, im, out, at) => {
    for (let k = 0; k < re.length; k++) {
      const power = re[k] * re[k] + im[k] * im[k];
      out[at + k] = squared ? power : Math.sqrt(power);
    }
  });
};

/** Writes the values of one frame, one per bin, to `out` from index `at` on. */
type FrameWriter<S> = (re: Float64Array, im: Float64Array, out: S, at: number) => void;

/** A spectrogram whose frames are written by `write`: the common part of every picture with one value per bin. */
export const mapSpectrogram = <S extends Samples>(
  caller: string,
  signal: S,
  sampleRate: number,
  options: StftOptions,
  write: FrameWriter<S>,
): Spectrogram<S> => {
  const { nFft, hopLength } = options;
  const bins = (nFft >> 1) + 1;
  const values = zerosLike(signal, checkedFrameCount(caller, signal.length, sampleRate, options) * bins);
  const frames = visitSpectra(caller, signal, sampleRate, options, (frame, re, im) =>
    write(re, im, values, frame * bins),
  );
  return { values, frames, bins, sampleRate, nFft, hopLength, frequencies: binFrequencies(nFft, sampleRate) };
};
