// Kaldi features against torchaudio.compliance.kaldi.fbank: nine configurations on six signals, float32 and float64.
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden, readGoldenJson } from '../../tests/golden.ts';
import { beatsFbank, eatFbank, type KaldiFbankOptions, type KaldiWindow, kaldiFbank } from './kaldi-fbank.ts';
import { melFilterbank } from './mel.ts';

const golden = readGolden('kaldi_fbank/data.safetensors');
const signals = ['chirp', 'tones', 'noise', 'dcsilence', 'lcg', 'mix'];

type Config = {
  sample_frequency: number;
  num_mel_bins: number;
  window_type?: KaldiWindow;
  htk_compat?: boolean;
  use_energy?: boolean;
  snip_edges?: boolean;
  use_log_fbank?: boolean;
  use_power?: boolean;
  preemphasis_coefficient?: number;
  remove_dc_offset?: boolean;
  low_freq?: number;
  high_freq?: number;
};
const { configs } = readGoldenJson<{ configs: Record<string, Config> }>('kaldi_fbank/meta.json');

const optionsOf = (config: Config): KaldiFbankOptions => ({
  mels: config.num_mel_bins,
  window: config.window_type,
  htkCompat: config.htk_compat,
  useEnergy: config.use_energy,
  snipEdges: config.snip_edges,
  useLog: config.use_log_fbank,
  usePower: config.use_power,
  preemphasis: config.preemphasis_coefficient,
  removeDcOffset: config.remove_dc_offset,
  lowFreq: config.low_freq,
  highFreq: config.high_freq,
});

/**
 * Largest error of energies, as a share of what float32 leaves room for: `relative` of the value itself (the reference
 * builds its filters in float32) plus `ofPeak` of the strongest band of the frame (the noise of a float32 transform).
 */
const energyError = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bins: number,
  { relative, ofPeak }: { relative: number; ofPeak: number },
): number => {
  let worst = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (let at = 0; at < expected.length; at += bins) {
    let peak = 0;
    for (let i = at; i < at + bins; i++) peak = Math.max(peak, expected[i]);
    for (let i = at; i < at + bins; i++) {
      worst = Math.max(worst, Math.abs(actual[i] - expected[i]) / (relative * expected[i] + ofPeak * peak + 1e-12));
    }
  }
  return worst;
};

const exp = (values: Float32Array | Float64Array): Float64Array => Float64Array.from(values, Math.exp);
const float32 = { relative: 3e-4, ofPeak: 3e-7 };

describe.each(Object.entries(configs))('kaldiFbank %s', (name, config) => {
  it.each(signals)('matches torchaudio: %s', (signal) => {
    const { values, frames, bins, frequencies } = kaldiFbank(
      floats32(golden, `wave.${signal}`),
      config.sample_frequency,
      optionsOf(config),
    );
    const expected = floats(golden, `fbank.${name}.${signal}`);
    expect([frames, bins]).toEqual(golden.get(`fbank.${name}.${signal}`)?.shape);
    expect(frequencies.length).toBe(bins);
    if (config.use_log_fbank === false) {
      // Magnitudes: float32 noise relative to the loudest of all, and to the sample's own last bit in silence.
      const loudest = Math.max(...expected);
      expect(maxDifference(values, expected)).toBeLessThan(2e-5 * loudest + 1e-6);
      return;
    }
    expect(energyError(exp(values), exp(expected), bins, float32)).toBeLessThan(1);
    // Away from the emptiest bands the logarithms agree closely.
    if (signal !== 'chirp') expect(maxDifference(values, expected)).toBeLessThan(3e-3);
  });
});

describe.each(signals)('model inputs: %s', (signal) => {
  const wave = floats32(golden, `wave.${signal}`);
  const wide = Float64Array.from(wave);
  const floor = Math.log(2 ** -23);
  const floored = (name: string): Float64Array =>
    Float64Array.from(floats(golden, name), (value) => Math.max(value, floor));

  it('matches the float64 reference', () => {
    // What remains is the float32 filter bank of the reference.
    expect(maxDifference(eatFbank(wide).values, floored(`fbank_pre_f64.eat.${signal}`))).toBeLessThan(5e-4);
    const beats = beatsFbank(wide).values.map((value) => value * 2 * 6.55582 + 15.41663);
    expect(maxDifference(beats, floored(`fbank_pre_f64.beats.${signal}`))).toBeLessThan(5e-4);
  });

  it('matches the float32 reference', () => {
    const eat = eatFbank(wave);
    expect(energyError(exp(eat.values), exp(floats(golden, `fbank_pre.eat.${signal}`)), 128, float32)).toBeLessThan(1);
    const nepers = (values: Float32Array | Float64Array) =>
      exp(Float64Array.from(values, (v) => v * 2 * 6.55582 + 15.41663));
    const beats = nepers(beatsFbank(wave).values);
    expect(energyError(beats, nepers(floats(golden, `beats_input.${signal}`)), 128, float32)).toBeLessThan(1);
  });
});

describe('kaldi filter bank', () => {
  it('matches torchaudio get_mel_banks', () => {
    const bank = melFilterbank({ sampleRate: 16000, nFft: 512, mels: 128, fMin: 20, scale: 'kaldi' });
    const expected = floats(golden, 'melbanks.128x256');
    const withoutNyquist = bank.weights.filter((_, i) => i % 257 < 256);
    expect(maxDifference(withoutNyquist, expected)).toBeLessThan(2e-5);
    expect(maxDifference(bank.frequencies, floats(golden, 'melbanks.center_freqs'))).toBeLessThan(2e-3);
  });
});

describe('errors', () => {
  it.each([
    [
      'too short',
      () => kaldiFbank(new Float32Array(399), 16000),
      'kaldiFbank: expected at least 400 samples (0.025 s at 16000 Hz), got 399',
    ],
    [
      'empty, mirrored edges',
      () => kaldiFbank(new Float32Array(0), 16000, { snipEdges: false }),
      'at least 80 samples',
    ],
    [
      'NaN',
      () => eatFbank(new Float32Array(500).fill(Number.NaN)),
      'eatFbank: expected finite samples, got NaN at sample 0',
    ],
    ['rate', () => beatsFbank(new Float32Array(500), 0), 'beatsFbank: expected a sample rate'],
    ['band', () => kaldiFbank(new Float32Array(500), 16000, { highFreq: 9000 }), '<= 8000 Hz'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
