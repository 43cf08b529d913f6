// The front end of CED and Dasheng: mel levels in dB, then a batch norm with stored statistics (RicherMans/CED, commit 60a0f54).
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { logMel } from '../signal/log-mel.ts';
import { type MelFilterbank, melFilterbank } from '../signal/mel.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import type { StftOptions } from '../signal/stft.ts';
import { hannWindow } from '../signal/window.ts';
import { type StateDict, shapeAt } from './family.ts';

export const MEL_RATE = 16_000;
export const MELS = 64;
/** Samples between frames. */
export const MEL_HOP = 160;
const stft: StftOptions = { nFft: 512, hopLength: MEL_HOP, center: 'reflect' };
/** Energies below are those of silence: -100 dB. */
const LEAST_ENERGY = 1e-10;
/** dB below the maximum where levels end. */
const DYNAMIC_RANGE = 120;
const EPSILON = 1e-5;

const bank = (): MelFilterbank => melFilterbank({ sampleRate: MEL_RATE, nFft: 512, mels: MELS, scale: 'htk' });

/**
 * Mel levels of clips at 16 kHz in dB, [1 + floor(n / 160), 64] each: periodic Hann of 512, hop 160, reflected ends, power,
 * 64 HTK filters of peak 1 from 0 to 8 kHz, 10 log10(max(energy, 1e-10)), and nothing below the maximum of all clips minus
 * 120. Encoders give one clip at a time; the reference takes the maximum of whatever was batched together.
 * @throws InputError for clips of fewer than 257 samples and samples that are not finite
 */
export function melDb(clips: readonly Float32Array[]): Spectrogram[] {
  const level = (energy: number) => 10 * Math.log10(Math.max(energy, LEAST_ENERGY));
  const levels = clips.map((clip) => logMel('melDb', clip, MEL_RATE, stft, bank(), level));
  let maximum = Number.NEGATIVE_INFINITY;
  for (const { values } of levels) for (const value of values) maximum = Math.max(maximum, value);
  const floor = maximum - DYNAMIC_RANGE;
  for (const { values } of levels) for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i], floor);
  return levels;
}

const PREFIX = 'init_bn.1';
const key = (part: string): string => `${PREFIX}.${part}`;
const parts = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/** Hugging Face's names of the batch norm lack the `.1`. */
export const melStatisticsName = (name: string): string => name.replace(/^init_bn\.(?!\d)/, `${PREFIX}.`);

/** The tensors of the batch norm in a checkpoint. @throws InputError if one is missing or not of 64 values */
export function melStatistics(weights: StateDict): Map<string, StoredTensor> {
  const found = parts.map((part): [string, StoredTensor] => {
    const shape = shapeAt(weights, key(part));
    if (shape.join() !== `${MELS}`) {
      throw new InputError(`loadEncoder: expected ${key(part)} of shape [${MELS}], got [${shape}]`);
    }
    return [key(part), weights.get(key(part)) as StoredTensor];
  });
  return new Map(found);
}

/**
 * Statistics where no checkpoint brings any: mean -20 dB, deviation 20 dB, gain 1, bias 0. White noise of -40 dB full
 * scale has -17 dB in a filter of one bin, so that ordinary sounds lie within ±2.
 */
export function untrainedMelStatistics(): Map<string, StoredTensor> {
  const filled = { weight: 1, bias: 0, running_mean: -20, running_var: 400 };
  return new Map(
    parts.map((part) => [key(part), { dtype: 'F32', shape: [MELS], data: new Float32Array(MELS).fill(filled[part]) }]),
  );
}

/**
 * Levels [frames, 64] after the batch norm: (x - mean) / sqrt(variance + 1e-5) · gain + bias for every filter, with the
 * stored statistics of `weights`.
 */
export function normaliseMel({ values }: Spectrogram, weights: StateDict): Float32Array {
  const [gain, bias, mean, variance] = parts.map((part) => toFloat32(weights.get(key(part)) as StoredTensor));
  const scale = Float64Array.from(gain, (value, mel) => value / Math.sqrt(variance[mel] + EPSILON));
  return values.map((value, i) => {
    const mel = i % MELS;
    return (value - mean[mel]) * scale[mel] + bias[mel];
  });
}

const TOLERANCE = 1e-4;

/**
 * The window and the filters that original checkpoints store are those computed here, or the model hears otherwise.
 * @throws InputError if they differ by more than 1e-4
 */
export function checkStoredFrontEnd(weights: StateDict): void {
  const { weights: filters, bins } = bank();
  const expected = {
    'front_end.0.spectrogram.window': { shape: [512], at: hannWindow(512) },
    'front_end.0.mel_scale.fb': {
      shape: [bins, MELS],
      at: Float64Array.from({ length: bins * MELS }, (_, i) => filters[(i % MELS) * bins + Math.floor(i / MELS)]),
    },
  };
  for (const [name, { shape, at }] of Object.entries(expected)) {
    const stored = weights.get(name);
    if (!stored) continue;
    const values = toFloat32(stored);
    if (values.length === at.length && values.every((value, i) => Math.abs(value - at[i]) <= TOLERANCE)) continue;
    throw new InputError(
      `loadEncoder: expected ${name} [${shape}] to be that of 64 HTK filters at 16 kHz, got other values [${stored.shape}]; export the model to ONNX to use another front end`,
    );
  }
}
