// Pictures of a stretch of signal for the report: spectrogram, waveform, sound.

import { writeWav } from '../signal/readers/wav-write.ts';
import { type Recording, sampleCount } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import { magnitudeSpectrogram } from '../signal/spectrogram.ts';
import type { ReportDetail, ReportSpectrogram } from './types.ts';

const PICTURE_FRAMES = 300;
const PICTURE_BINS = 128;
const DYNAMIC_RANGE_DB = 70;
/** Level of an empty cell; a picture of nothing but these is dark. */
const EMPTY_DB = -200;

/** Averages rows and columns of a power spectrogram down to at most 300 x 128 cells. */
function pool(
  values: Float32Array,
  frames: number,
  bins: number,
): { power: Float64Array; frames: number; bins: number } {
  const [rows, columns] = [Math.min(frames, PICTURE_FRAMES), Math.min(bins, PICTURE_BINS)];
  const power = new Float64Array(rows * columns);
  const counts = new Float64Array(rows * columns);
  for (let t = 0; t < frames; t++) {
    const r = Math.floor((t * rows) / frames);
    for (let k = 0; k < bins; k++) {
      const at = r * columns + Math.floor((k * columns) / bins);
      power[at] += values[t * bins + k];
      counts[at]++;
    }
  }
  return { power: power.map((sum, i) => sum / counts[i]), frames: rows, bins: columns };
}

/** Power spectrogram in dB, quantised to 0..255 over the upper 70 dB. */
export function pictureSpectrogram(signal: Float32Array, sampleRate: number): ReportSpectrogram {
  const nFft = Math.max(2, Math.min(signal.length, Math.round(0.025 * sampleRate)));
  const hopLength = Math.max(1, Math.round(0.4 * nFft), Math.ceil((signal.length - nFft) / (4 * PICTURE_FRAMES)));
  const full = magnitudeSpectrogram(signal, sampleRate, { nFft, hopLength, power: 2, removeMean: true });
  const { power, frames, bins } = pool(full.values, full.frames, full.bins);
  const decibels = power.map((value) => 10 * Math.log10(value + 10 ** (EMPTY_DB / 10)));
  const high = decibels.reduce((a, b) => Math.max(a, b), EMPTY_DB + DYNAMIC_RANGE_DB);
  const low = high - DYNAMIC_RANGE_DB;
  const values = Uint8Array.from(decibels, (value) =>
    Math.round(Math.max(0, Math.min(1, (value - low) / (high - low))) * 255),
  );
  return {
    frames,
    bins,
    durationSeconds: signal.length / sampleRate,
    maxHz: sampleRate / 2,
    values,
    dbRange: [low, high],
  };
}

/** Lowest and highest sample in each of at most 1000 equal stretches. */
export function peakEnvelope(signal: Float32Array, unit = ''): ReportDetail['waveform'] {
  const points = Math.min(1000, signal.length);
  const [min, max] = [new Float32Array(points), new Float32Array(points)];
  for (let p = 0; p < points; p++) {
    const from = Math.floor((p * signal.length) / points);
    const to = Math.max(from + 1, Math.floor(((p + 1) * signal.length) / points));
    let [low, high] = [signal[from], signal[from]];
    for (let i = from + 1; i < to; i++) {
      low = Math.min(low, signal[i]);
      high = Math.max(high, signal[i]);
    }
    min[p] = low;
    max[p] = high;
  }
  return { min, max, unit };
}

const base64 = (bytes: Uint8Array): string => {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
};

const SOUND_SECONDS = 6;
const SOUND_RATE = 22050;
/** Rates that loudspeakers and browsers play as they are. */
const [LOWEST_RATE, HIGHEST_RATE] = [4000, 200_000];

/**
 * The first 6 s as sound: at most 22.05 kHz, without its mean, peak at 0.9; played slower or faster where it would not
 * be heard. Undefined for silence and for less than 64 samples.
 */
export function playable(recording: Recording): ReportDetail['audio'] {
  const { sampleRate } = recording;
  const samples = recording.channels[0].subarray(0, Math.round(SOUND_SECONDS * sampleRate));
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const peak = samples.reduce((largest, value) => Math.max(largest, Math.abs(value - mean)), 0);
  // What rounding leaves of a constant signal is no sound.
  if (samples.length < 64 || peak <= 1e-9 * Math.abs(mean)) return undefined;
  const notes: string[] = [];
  let played = sampleRate;
  if (sampleRate > HIGHEST_RATE || sampleRate < LOWEST_RATE) {
    played = sampleRate > HIGHEST_RATE ? 48_000 : 8000;
    const factor = sampleRate / played;
    const shown = (times: number) => Number(times.toPrecision(2));
    notes.push(factor > 1 ? `slowed ${shown(factor)}×` : `sped up ${shown(1 / factor)}×`);
  }
  const scaled = samples.map((value) => (0.9 * (value - mean)) / peak);
  const rate = Math.min(played, SOUND_RATE);
  const sound = played > SOUND_RATE ? resample(scaled, played, rate) : scaled;
  if (sampleCount(recording) > samples.length) notes.push(`first ${SOUND_SECONDS} s`);
  const wav = writeWav({ channels: [sound], sampleRate: Math.round(rate), name: recording.name }, { bits: 16 });
  return { wavBase64: base64(wav), sampleRate: rate, note: notes.join(', ') };
}
