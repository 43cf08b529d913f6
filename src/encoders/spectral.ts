// The spectral encoder: averaged log-spectra, no learning. The honest baseline that learned encoders must beat.
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { mapSpectrogram, type Spectrogram, spectrogramSize } from '../signal/spectrogram.ts';
import { onlyChannel } from './requirements.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

/**
 * Descriptions of a frequency bin over time, in nepers:
 * - `mean` of the log-magnitude, which knows the level;
 * - `spread`, its standard deviation: steady hum or separate impacts;
 * - `shape`, the mean with each frame's level (its mean over all bins) taken out: the same at any volume.
 */
export type SpectralPart = 'mean' | 'spread' | 'shape';

export type SpectralConfig = {
  /** Window lengths in seconds; the hop is 0.4 of each. */
  windows: readonly number[];
  parts: readonly SpectralPart[];
};

/**
 * Named settings. `spectral` is the baseline of every table: with 10 ms windows the nearest neighbour is right most often on CWRU, with or
 * without the spread (results/spectral.csv; five neighbours do better on whitened longer windows), and the spread hears
 * impacts that leave the mean as it was.
 */
export const spectralSettings = {
  spectral: { windows: [0.01], parts: ['mean', 'spread'] },
  'spectral-10ms': { windows: [0.01], parts: ['mean'] },
  'spectral-25ms': { windows: [0.025], parts: ['mean'] },
  'spectral-50ms': { windows: [0.05], parts: ['mean'] },
  'spectral-shape': { windows: [0.01], parts: ['shape', 'spread'] },
  'spectral-shape-10ms': { windows: [0.01], parts: ['shape'] },
  'spectral-multi': { windows: [0.01, 0.025, 0.05], parts: ['mean', 'spread'] },
} satisfies Record<string, SpectralConfig>;

const HOP_SHARE = 0.4;
/** Keeps the logarithm of an empty bin finite; the floor of ECHO's front end. */
const MAGNITUDE_FLOOR = 1e-9;
/** Sub-bands that an explanation speaks of, per window length. */
const BANDS = 16;

/** ln(magnitude + 1e-9) of a signal with its mean removed, [frames, bins]. */
export function logSpectrogram(signal: Float32Array, sampleRate: number, window: number): Spectrogram {
  const { nFft, hopLength } = spectrogramSize(signal.length, sampleRate, window, window * HOP_SHARE);
  return mapSpectrogram('spectral', signal, sampleRate, { nFft, hopLength, removeMean: true }, (re, im, out, at) => {
    for (let k = 0; k < re.length; k++) {
      out[at + k] = Math.log(Math.sqrt(re[k] * re[k] + im[k] * im[k]) + MAGNITUDE_FLOOR);
    }
  });
}

type Statistics = Record<SpectralPart, Float64Array>;

/** Per-bin statistics over time, each of length `bins`. */
function timeStatistics({ values, frames, bins }: Spectrogram): Statistics {
  const mean = new Float64Array(bins);
  for (let t = 0; t < frames; t++) for (let k = 0; k < bins; k++) mean[k] += values[t * bins + k] / frames;
  const variance = new Float64Array(bins);
  for (let t = 0; t < frames; t++) {
    for (let k = 0; k < bins; k++) variance[k] += (values[t * bins + k] - mean[k]) ** 2 / frames;
  }
  const level = mean.reduce((sum, value) => sum + value, 0) / bins;
  return { mean, spread: variance.map(Math.sqrt), shape: mean.map((value) => value - level) };
}

/** Bins [start, end) of each sub-band, with its limits in Hz. */
function bandEdges({
  bins,
  nFft,
  sampleRate,
}: Spectrogram): { start: number; end: number; lowHz: number; highHz: number }[] {
  const count = Math.min(BANDS, bins);
  return Array.from({ length: count }, (_, b) => {
    const start = Math.round((b * bins) / count);
    const end = Math.round(((b + 1) * bins) / count);
    return {
      start,
      end,
      lowHz: (start * sampleRate) / nFft,
      highHz: Math.min((end * sampleRate) / nFft, sampleRate / 2),
    };
  });
}

/** Appends the statistics of one window length, band by band, so that every band is one stretch of the embedding. */
function describe(spectrogram: Spectrogram, parts: readonly SpectralPart[], vector: number[], bands: Band[]): void {
  const statistics = timeStatistics(spectrogram);
  for (const { start, end, lowHz, highHz } of bandEdges(spectrogram)) {
    const from = vector.length;
    for (const part of parts) for (let k = start; k < end; k++) vector.push(statistics[part][k]);
    bands.push({ lowHz, highHz, start: from, end: vector.length });
  }
}

function framesOf(spectrogram: Spectrogram): Frames {
  const { frames, bins, hopLength, nFft, sampleRate } = spectrogram;
  return {
    values: spectrogram.values,
    count: frames,
    width: bins,
    starts: Float64Array.from({ length: frames }, (_, t) => (t * hopLength) / sampleRate),
    seconds: nFft / sampleRate,
    bands: bandEdges(spectrogram),
  };
}

/** A spectral encoder. It needs no weights and no runtime. */
export function createSpectral(id: string, config: SpectralConfig): Encoder {
  const embedOne = (recording: Recording, options: EmbedOptions = {}): Embedding => {
    const signal = onlyChannel(recording);
    const longest = Math.max(...config.windows);
    if (signal.length < longest * recording.sampleRate) {
      throw new InputError(
        `spectral: expected at least ${longest} s, got ${signal.length / recording.sampleRate} s (${recording.name}); use a longer recording or a shorter window`,
      );
    }
    const vector: number[] = [];
    const bands: Band[] = [];
    let frames: Frames | undefined;
    for (const window of config.windows) {
      const spectrogram = logSpectrogram(signal, recording.sampleRate, window);
      describe(spectrogram, config.parts, vector, bands);
      if (options.frames) frames ??= framesOf(spectrogram);
    }
    return { vector: Float32Array.from(vector), bands, ...(frames && { frames }) };
  };
  return {
    id,
    fingerprint: `spectral:${config.windows.join('+')}:${config.parts.join('+')}`,
    embed: async (recording, options) => embedOne(recording, options),
    embedMany: async (recordings, options) => recordings.map((recording) => embedOne(recording, options)),
    release: async () => {},
  };
}
