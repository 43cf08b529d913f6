// The log-mel front ends of DCASE: the Task 2 autoencoder baseline, and the acoustic-scene systems of 2023 and 2024.
import { InputError } from './errors.ts';
import { applyMel, type MelFilterbank, melFilterbank } from './mel.ts';
import { resample } from './resample.ts';
import { finiteMean, type Samples, zerosLike } from './samples.ts';
import type { Spectrogram } from './spectrogram.ts';
import { checkedFrameCount, type Padding, type StftOptions, visitSpectra } from './stft.ts';
import { hannWindow } from './window.ts';

/**
 * Log-mel levels of the Task 2 autoencoder baseline: nFft 1024, hop 512, power, 128 Slaney mels of equal area,
 * 10 log10(max(energy, 2.2e-16)); [1 + floor(n/512), 128], in dB.
 * `padding`: what lies beyond the ends; `constant` (zeros, default) is librosa since 0.10 and the baselines of 2023 and later,
 * `reflect` the Keras baselines of 2020 to 2022.
 * @throws InputError for samples that are not finite and signals of fewer than 513 samples (`reflect`) or none (`constant`).
 */
export const autoencoderLogMel = <S extends Samples>(
  signal: S,
  sampleRate = 16000,
  { padding = 'constant' }: { padding?: Padding } = {},
): Spectrogram<S> => {
  const bank = melFilterbank({ sampleRate, nFft: 1024, mels: 128, scale: 'slaney', norm: 'slaney' });
  const stft: StftOptions = { nFft: 1024, hopLength: 512, center: padding };
  return logMel('autoencoderLogMel', signal, sampleRate, stft, bank, decibels);
};

/** `rows` vectors of `columns` values, row-major. */
export type FrameVectors<S extends Samples = Float32Array> = { values: S; rows: number; columns: number };

/**
 * Stacks `count` consecutive frames into one vector, for every start: [frames - count + 1, count · bins], earliest frame first.
 * @throws InputError when there are fewer frames than `count`.
 */
export const stackFrames = <S extends Samples>(
  { values, frames, bins }: Spectrogram<S>,
  count = 5,
): FrameVectors<S> => {
  if (!(Number.isInteger(count) && count >= 1 && frames >= count)) {
    throw new InputError(
      `stackFrames: expected at least ${count} frames to stack, got ${frames}; give a longer recording`,
    );
  }
  const rows = frames - count + 1;
  const columns = count * bins;
  const stacked = zerosLike(values, rows * columns);
  for (let row = 0; row < rows; row++) {
    stacked.set(values.subarray(row * bins, row * bins + columns), row * columns);
  }
  return { values: stacked, rows, columns };
};

const SCENE_RATE = 32000;

/**
 * The DCASE 2024 Task 1 front end (CPJKU baseline, commit 9948d19): resampled to 32 kHz (torchaudio's defaults, its float32
 * phase included) unless it has that rate, nFft 4096, window 3072, hop 500, reflected ends, power, 256 HTK mels from 0 to 16 kHz,
 * ln(energy + 1e-5); [frames, 256], 65 frames for one second. The models take it transposed, [256, frames].
 * @throws InputError for bad rates, samples that are not finite, and signals of fewer than 2049 samples at 32 kHz.
 */
export const sceneLogMel2024 = <S extends Samples>(signal: S, sampleRate: number): Spectrogram<S> => {
  const bank = melFilterbank({ sampleRate: SCENE_RATE, nFft: 4096, mels: 256, scale: 'htk' });
  const stft: StftOptions = { nFft: 4096, winLength: 3072, hopLength: 500, center: 'reflect' };
  const samples = resample(signal, sampleRate, SCENE_RATE, { phase: 'float32' });
  return logMel('sceneLogMel2024', samples, SCENE_RATE, stft, bank, (energy) => Math.log(energy + 1e-5));
};

/**
 * The DCASE 2023 Task 1 front end (fschmid56/cpjku_dcase23, commit 2e20aba, evaluation mode): resampled to 32 kHz as above,
 * pre-emphasis y[n] = x[n+1] - 0.97 x[n] (one sample shorter), symmetric Hann of 3072 in nFft 4096, hop 500, reflected ends,
 * power, 256 Kaldi mels from 0 to 15.5 kHz, (ln(energy + 1e-5) + 4.5) / 5; [frames, 256].
 * @throws InputError as `sceneLogMel2024`, for one sample more.
 */
export const sceneLogMel2023 = <S extends Samples>(signal: S, sampleRate: number): Spectrogram<S> => {
  const bank = melFilterbank({ sampleRate: SCENE_RATE, nFft: 4096, mels: 256, fMax: 15500, scale: 'kaldi' });
  const window = hannWindow(3072, { periodic: false });
  const stft: StftOptions = { nFft: 4096, window, hopLength: 500, center: 'reflect' };
  const samples = resample(signal, sampleRate, SCENE_RATE, { phase: 'float32' });
  finiteMean('sceneLogMel2023', samples);
  const emphasised = preEmphasised(samples);
  return logMel('sceneLogMel2023', emphasised, SCENE_RATE, stft, bank, (energy) => (Math.log(energy + 1e-5) + 4.5) / 5);
};

/** Pre-emphasis of the DCASE 2023 winner: y[n] = x[n+1] - 0.97 x[n], one sample shorter. */
export const preEmphasised = <S extends Samples>(samples: S): S => {
  const emphasised = zerosLike(samples, Math.max(0, samples.length - 1));
  for (let i = 0; i < emphasised.length; i++) emphasised[i] = samples[i + 1] - 0.97 * samples[i];
  return emphasised;
};

const decibels = (energy: number): number => 10 * Math.log10(Math.max(energy, Number.EPSILON));

/**
 * Mel energies of the power spectrum of every frame, through `level`: [frames, mels].
 * @param caller the public function, for error messages
 * @throws InputError for bad options, samples that are not finite, and too short signals.
 */
export const logMel = <S extends Samples>(
  caller: string,
  signal: S,
  sampleRate: number,
  stft: StftOptions,
  bank: MelFilterbank,
  level: (energy: number) => number,
): Spectrogram<S> => {
  const frames = checkedFrameCount(caller, signal.length, sampleRate, stft);
  const values = zerosLike(signal, frames * bank.mels);
  const power = new Float64Array(bank.bins);
  const energies = new Float64Array(bank.mels);
  visitSpectra(caller, signal, sampleRate, stft, (frame, re, im) => {
    for (let k = 0; k < bank.bins; k++) power[k] = re[k] * re[k] + im[k] * im[k];
    applyMel(bank, power, energies);
    for (let mel = 0; mel < bank.mels; mel++) values[frame * bank.mels + mel] = level(energies[mel]);
  });
  const { nFft, hopLength } = stft;
  return { values, frames, bins: bank.mels, sampleRate, nFft, hopLength, frequencies: bank.frequencies };
};
