// Mel filter banks: triangular filters over the bins of a spectrum, in the three conventions that trained models use.
import { InputError } from './errors.ts';
import { binFrequencies } from './spectrogram.ts';

/**
 * - `htk`: mel = 2595 log10(1 + f/700), triangles linear in Hz (torchaudio's default).
 * - `slaney`: linear below 1 kHz, logarithmic above (Auditory Toolbox; librosa's default), triangles linear in Hz.
 * - `kaldi`: mel = 1127 ln(1 + f/700), triangles linear in mel; the last bin (Nyquist) never counts.
 */
export type MelScale = 'htk' | 'slaney' | 'kaldi';

export type MelOptions = {
  sampleRate: number;
  /** Points of the transform: the bank has floor(nFft/2)+1 columns. */
  nFft: number;
  /** Number of filters. */
  mels: number;
  /** Hz, lower edge of the first filter. Default 0. */
  fMin?: number;
  /** Hz, upper edge of the last filter. Default half the sample rate. */
  fMax?: number;
  scale: MelScale;
  /** `slaney`: divide every filter by half its width in Hz, so that all have the same area. Default null: peak 1. */
  norm?: 'slaney' | null;
};

export type MelFilterbank = {
  mels: number;
  bins: number;
  /** Row-major [mels, bins]. */
  weights: Float64Array;
  /** Per filter: the first bin with a weight, and the one after the last. */
  first: Int32Array;
  end: Int32Array;
  /** Hz, centre of every filter. */
  frequencies: Float64Array;
};

const SLANEY_BREAK_HZ = 1000;
const SLANEY_BREAK_MEL = 15;
const SLANEY_STEP = Math.log(6.4) / 27;

const toMel: Record<MelScale, (hz: number) => number> = {
  htk: (hz) => 2595 * Math.log10(1 + hz / 700),
  kaldi: (hz) => 1127 * Math.log(1 + hz / 700),
  slaney: (hz) =>
    hz < SLANEY_BREAK_HZ ? (hz * 3) / 200 : SLANEY_BREAK_MEL + Math.log(hz / SLANEY_BREAK_HZ) / SLANEY_STEP,
};

const toHz: Record<MelScale, (mel: number) => number> = {
  htk: (mel) => 700 * (10 ** (mel / 2595) - 1),
  kaldi: (mel) => 700 * (Math.exp(mel / 1127) - 1),
  slaney: (mel) =>
    mel < SLANEY_BREAK_MEL ? (mel * 200) / 3 : SLANEY_BREAK_HZ * Math.exp(SLANEY_STEP * (mel - SLANEY_BREAK_MEL)),
};

const MAX_CACHED_BANKS = 16;
const banks = new Map<string, MelFilterbank>();

/**
 * The filter bank of some options; made once and shared, so treat it as read-only. With many filters on a short
 * transform the lowest filters may fall between two bins and stay empty, as in the reference implementations.
 * @throws InputError for sizes that are no positive integers or a band that is not 0 <= fMin < fMax <= rate/2.
 */
export const melFilterbank = (options: MelOptions): MelFilterbank => {
  const { sampleRate, nFft, mels, fMin = 0, fMax = sampleRate / 2, scale, norm = null } = options;
  const key = [sampleRate, nFft, mels, fMin, fMax, scale, norm].join(' ');
  const known = banks.get(key);
  if (known) return known;
  const bank = createBank({ sampleRate, nFft, mels, fMin, fMax, scale, norm });
  for (const oldest of banks.keys()) {
    if (banks.size < MAX_CACHED_BANKS) break;
    banks.delete(oldest);
  }
  banks.set(key, bank);
  return bank;
};

const createBank = (options: Required<MelOptions>): MelFilterbank => {
  checkOptions(options);
  const { sampleRate, nFft, mels, fMin, fMax, scale, norm } = options;
  const low = toMel[scale](fMin);
  const step = (toMel[scale](fMax) - low) / (mels + 1);
  const edgesMel = Float64Array.from({ length: mels + 2 }, (_, i) => low + i * step);
  const edgesHz = edgesMel.map((mel) => toHz[scale](mel));
  const frequencies = binFrequencies(nFft, sampleRate);
  const bins = frequencies.length;
  // The axis on which the triangles are straight lines.
  const linearInMel = scale === 'kaldi';
  const axis = linearInMel ? frequencies.map((hz) => toMel.kaldi(hz)) : frequencies;
  const edges = linearInMel ? edgesMel : edgesHz;
  const bank: MelFilterbank = {
    mels,
    bins,
    weights: new Float64Array(mels * bins),
    first: new Int32Array(mels),
    end: new Int32Array(mels),
    frequencies: edgesHz.slice(1, -1),
  };
  const usable = linearInMel ? nFft >> 1 : bins;
  for (let mel = 0; mel < mels; mel++) {
    const [left, centre, right] = edges.subarray(mel, mel + 3);
    const height = norm === 'slaney' ? 2 / (edgesHz[mel + 2] - edgesHz[mel]) : 1;
    for (let bin = 0; bin < usable; bin++) {
      const weight = Math.min((axis[bin] - left) / (centre - left), (right - axis[bin]) / (right - centre));
      if (weight <= 0) continue;
      bank.weights[mel * bins + bin] = weight * height;
      if (bank.end[mel] === 0) bank.first[mel] = bin;
      bank.end[mel] = bin + 1;
    }
  }
  return bank;
};

const checkOptions = ({ sampleRate, nFft, mels, fMin, fMax }: Required<MelOptions>): void => {
  if (!Number.isInteger(nFft) || nFft < 2 || !Number.isInteger(mels) || mels < 1) {
    throw new InputError(`melFilterbank: expected whole nFft >= 2 and mels >= 1, got nFft ${nFft}, mels ${mels}`);
  }
  if (!(fMin >= 0 && fMin < fMax && fMax <= sampleRate / 2)) {
    throw new InputError(
      `melFilterbank: expected 0 <= fMin < fMax <= ${sampleRate / 2} Hz (half the sample rate), got ${fMin} to ${fMax}`,
    );
  }
};

/** Energies of all filters for one spectrum: out[at + m] = Σ weights[m, k] · spectrum[k]. `spectrum` has `bank.bins` values. */
export const applyMel = (
  bank: MelFilterbank,
  spectrum: Float64Array,
  out: Float64Array | Float32Array,
  at = 0,
): void => {
  const { mels, bins, weights, first, end } = bank;
  for (let mel = 0; mel < mels; mel++) {
    const row = mel * bins;
    let sum = 0;
    for (let bin = first[mel]; bin < end[mel]; bin++) sum += weights[row + bin] * spectrum[bin];
    out[at + mel] = sum;
  }
};
