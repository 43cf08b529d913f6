// The DCASE front ends against librosa and torchaudio, and the filter banks behind them.
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { autoencoderLogMel, sceneLogMel2023, sceneLogMel2024, stackFrames } from './log-mel.ts';
import { applyMel, type MelFilterbank, melFilterbank } from './mel.ts';
import { resample } from './resample.ts';
import { magnitudeSpectrogram } from './spectrogram.ts';

const golden = readGolden('asc/data.safetensors');

/** [a, b] to [b, a]. */
const transposed = (values: ArrayLike<number>, rows: number): Float64Array => {
  const columns = values.length / rows;
  return Float64Array.from({ length: values.length }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
};

describe('autoencoderLogMel', () => {
  it.each(['reflect', 'constant'] as const)('matches librosa, %s padding', (padding) => {
    const levels = autoencoderLogMel(floats(golden, 'ae.wave'), 16000, { padding });
    const expected = transposed(floats(golden, `ae.logmel.${padding}`), 128);
    expect([levels.frames, levels.bins]).toEqual([32, 128]);
    // In dB. The reference builds its filters in float32, which alone makes 1.5e-4 dB; next test.
    expect(maxDifference(levels.values, expected)).toBeLessThan(3e-4);

    const vectors = stackFrames(levels);
    expect([vectors.rows, vectors.columns]).toEqual([28, 640]);
    expect(maxDifference(vectors.values, floats(golden, `ae.vec5.${padding}`))).toBeLessThan(3e-4);

    const narrow = autoencoderLogMel(Float32Array.from(floats(golden, 'ae.wave')), 16000, { padding });
    expect(maxDifference(narrow.values, expected)).toBeLessThan(3e-4);
  });

  it.each([
    'reflect',
    'constant',
  ] as const)('matches exactly with the filters of the reference, %s padding', (center) => {
    const options = { nFft: 1024, hopLength: 512, power: 2, center } as const;
    const power = magnitudeSpectrogram(floats(golden, 'ae.wave'), 16000, options);
    const bank: MelFilterbank = {
      mels: 128,
      bins: 513,
      weights: transposed(floats(golden, 'ae.fb'), 513),
      first: new Int32Array(128),
      end: new Int32Array(128).fill(513),
      frequencies: new Float64Array(128),
    };
    const levels = new Float64Array(32 * 128);
    for (let frame = 0; frame < 32; frame++) {
      applyMel(bank, Float64Array.from(power.values.subarray(frame * 513, (frame + 1) * 513)), levels, frame * 128);
    }
    const decibels = levels.map((energy) => 10 * Math.log10(Math.max(energy, Number.EPSILON)));
    expect(maxDifference(decibels, transposed(floats(golden, `ae.logmel.${center}`), 128))).toBeLessThan(1e-10);
  });

  it('gives 309 vectors for a 10 s clip', () => {
    expect(stackFrames(autoencoderLogMel(new Float32Array(160000))).rows).toBe(309);
  });

  it('gives the floor, not minus infinity, for silence', () => {
    const { values } = autoencoderLogMel(new Float32Array(2048));
    expect(new Set(values)).toEqual(new Set([Math.fround(10 * Math.log10(2 ** -52))]));
  });
});

describe('scene front ends', () => {
  const wave44k = floats32(golden, 'mel24.wave44k');
  const wave32k = floats32(golden, 'mel24.wave32k');

  it('resamples as torchaudio.transforms.Resample', () => {
    expect(maxDifference(resample(wave44k, 44100, 32000, { phase: 'float32' }), wave32k)).toBeLessThan(1e-6);
  });

  it.each([
    ['44.1 kHz', wave44k, 44100],
    ['32 kHz', wave32k, 32000],
  ])('2024, from %s', (_, wave, sampleRate) => {
    const actual = sceneLogMel2024(wave, sampleRate);
    expect([actual.bins, actual.frames, actual.sampleRate]).toEqual([256, 65, 32000]);
    expect(maxDifference(actual.values, transposed(floats(golden, 'mel24.logmel'), 256))).toBeLessThan(1e-4);
  });

  it.each([
    ['44.1 kHz', wave44k, 44100],
    ['32 kHz', wave32k, 32000],
  ])('2023, from %s', (_, wave, sampleRate) => {
    const actual = sceneLogMel2023(wave, sampleRate);
    expect([actual.bins, actual.frames]).toEqual([256, 64]);
    expect(maxDifference(actual.values, transposed(floats(golden, 'mel23.out'), 256))).toBeLessThan(1e-4);
  });
});

describe('melFilterbank', () => {
  it('matches torchaudio (HTK), the Kaldi bank of 2023 and librosa (Slaney)', () => {
    const htk = melFilterbank({ sampleRate: 32000, nFft: 4096, mels: 256, scale: 'htk' });
    // All three references are built in float32, with narrow triangles of height 1 (HTK, Kaldi) and about 0.03 (Slaney).
    expect(maxDifference(htk.weights, transposed(floats(golden, 'mel24.fb'), 2049))).toBeLessThan(5e-5);
    const kaldi = melFilterbank({ sampleRate: 32000, nFft: 4096, mels: 256, fMax: 15500, scale: 'kaldi' });
    expect(maxDifference(kaldi.weights, floats(golden, 'mel23.bank'))).toBeLessThan(5e-5);
    const slaney = melFilterbank({ sampleRate: 16000, nFft: 1024, mels: 128, scale: 'slaney', norm: 'slaney' });
    expect(maxDifference(slaney.weights, transposed(floats(golden, 'ae.fb'), 513))).toBeLessThan(5e-7);
  });

  it('is applied sparsely with the result of the whole product', () => {
    const bank = melFilterbank({ sampleRate: 8000, nFft: 256, mels: 20, fMin: 50, fMax: 3500, scale: 'slaney' });
    const spectrum = Float64Array.from({ length: bank.bins }, (_, k) => 1 + ((k * 37) % 11));
    const out = new Float64Array(22).fill(-1);
    applyMel(bank, spectrum, out, 1);
    for (let mel = 0; mel < bank.mels; mel++) {
      const dense = spectrum.reduce((sum, value, k) => sum + value * bank.weights[mel * bank.bins + k], 0);
      expect(out[mel + 1]).toBeCloseTo(dense, 12);
      expect(dense).toBeGreaterThan(0);
    }
    expect([out[0], out[21]]).toEqual([-1, -1]);
  });

  it('refuses bands that do not fit', () => {
    const options = { sampleRate: 16000, nFft: 512, mels: 40, scale: 'htk' } as const;
    expect(() => melFilterbank({ ...options, fMax: 8001 })).toThrow('fMax <= 8000 Hz');
    expect(() => melFilterbank({ ...options, fMin: 8000 })).toThrow('got 8000 to 8000');
    expect(() => melFilterbank({ ...options, mels: 0 })).toThrow('mels 0');
  });
});

describe('errors', () => {
  it.each([
    [
      'autoencoder',
      () => autoencoderLogMel(new Float32Array(512), 16000, { padding: 'reflect' }),
      'autoencoderLogMel: expected at least 513 samples',
    ],
    ['empty', () => autoencoderLogMel(new Float32Array(0)), 'autoencoderLogMel: expected at least 1 samples'],
    [
      'scene 2024',
      () => sceneLogMel2024(new Float32Array(2048), 32000),
      'sceneLogMel2024: expected at least 2049 samples',
    ],
    [
      'scene 2023',
      () => sceneLogMel2023(new Float32Array(0), 44100),
      'sceneLogMel2023: expected at least 2049 samples',
    ],
    [
      'stacking',
      () => stackFrames(autoencoderLogMel(new Float32Array(1000)), 5),
      'stackFrames: expected at least 5 frames to stack, got 2',
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
