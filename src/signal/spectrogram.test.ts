// Spectrograms: against torch.stft through the ECHO and FISHER references, against the definition, and the errors.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { echoSpectrogram, fisherSpectrogram } from './log-spectrogram.ts';
import { magnitudeSpectrogram, spectrogramSize } from './spectrogram.ts';

/** [bins, frames] to [frames, bins]. */
const timeMajor = (values: ArrayLike<number>, bins: number): Float64Array => {
  const frames = values.length / bins;
  return Float64Array.from({ length: values.length }, (_, i) => values[(i % bins) * frames + Math.floor(i / bins)]);
};

const share = (actual: ArrayLike<number>, expected: ArrayLike<number>, limit: number): number => {
  let within = 0;
  for (let i = 0; i < actual.length; i++) if (Math.abs(actual[i] - expected[i]) <= limit) within++;
  return within / actual.length;
};

describe('echoSpectrogram', () => {
  it.each([
    ['s12000', 12000],
    ['s16000', 16000],
    ['s16000_silence', 16000],
    ['s25600', 25600],
    ['s44100', 44100],
  ])('matches the reference: %s', (name, sampleRate) => {
    const golden = readGolden(`echo/mini64.${name}.safetensors`);
    const waveform = floats32(golden, 'waveform');
    const { nFft, hopLength, bins, frames } = spectrogramSize(waveform.length, sampleRate);
    const actual = echoSpectrogram(waveform, sampleRate);
    expect(golden.get('spec_norm')?.shape).toEqual([actual.bins, actual.frames]);
    expect([actual.bins, actual.frames, actual.nFft, actual.hopLength]).toEqual([bins, frames, nFft, hopLength]);
    expect(maxDifference(actual.values, timeMajor(floats(golden, 'spec_norm'), bins))).toBeLessThan(4.3e-4);
    const exact = echoSpectrogram(Float64Array.from(waveform), sampleRate);
    expect(maxDifference(exact.values, timeMajor(floats(golden, 'spec_norm_f64'), bins))).toBeLessThan(1e-10);

    const magnitude = magnitudeSpectrogram(waveform, sampleRate, { nFft, hopLength, removeMean: true });
    expect(maxDifference(magnitude.values, timeMajor(floats(golden, 'spec_mag'), bins))).toBeLessThan(2e-5);
  });
});

describe('fisherSpectrogram', () => {
  it.each([
    ['s16k', 16000, true],
    ['s25k6', 25600, true],
    ['s48k', 48000, true],
    ['s16k_zeropad', 16000, false],
  ])('matches the reference: %s', (name, sampleRate, removeMean) => {
    const golden = readGolden('fisher/io.safetensors');
    const logMagnitude = floats(golden, `${name}.logspec`);
    const actual = fisherSpectrogram(floats32(golden, `${name}.wav`), sampleRate, { removeMean });
    expect(golden.get(`${name}.logspec`)?.shape).toEqual([actual.frames, actual.bins]);
    const nepers = Float64Array.from(actual.values, (value) => value * 2 * 2.1531635155379805 - 3.017344307886898);
    expect(maxDifference(nepers, logMagnitude)).toBeLessThan(2e-3);
    expect(share(nepers, logMagnitude, 3e-5)).toBeGreaterThan(0.999);
  });
});

describe('magnitudeSpectrogram', () => {
  it('puts a sine of amplitude 1 at its bin with magnitude sum(window)/2', () => {
    const sine = Float64Array.from({ length: 1000 }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / 8000));
    const { values, bins, frames, frequencies } = magnitudeSpectrogram(sine, 8000, {
      nFft: 200,
      hopLength: 80,
      power: 2,
    });
    expect([bins, frames, frequencies[25]]).toEqual([101, 11, 1000]);
    for (let frame = 0; frame < frames; frame++) expect(values[frame * bins + 25]).toBeCloseTo(50 ** 2, 8);
  });

  it('centres frames on their sample, mirrored or zero-padded, by the definition', () => {
    const definition = (signal: Float64Array, nFft: number, hop: number, padding: 'reflect' | 'constant') => {
      const pad = nFft >> 1;
      const last = signal.length - 1;
      const padded = Float64Array.from({ length: signal.length + 2 * pad }, (_, i) => {
        const at = i - pad;
        if (at >= 0 && at <= last) return signal[at];
        return padding === 'constant' ? 0 : signal[at < 0 ? -at : 2 * last - at];
      });
      return magnitudeSpectrogram(padded, 1, { nFft, hopLength: hop });
    };
    fc.assert(
      fc.property(
        fc.float64Array({ min: -1, max: 1, noNaN: true, minLength: 40, maxLength: 80 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom('reflect' as const, 'constant' as const),
        (signal, nFft, hopLength, center) => {
          const actual = magnitudeSpectrogram(signal, 1, { nFft, hopLength, center });
          const expected = definition(signal, nFft, hopLength, center);
          expect(actual.frames).toBe(expected.frames);
          expect(maxDifference(actual.values, expected.values)).toBeLessThan(1e-12);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('pads a short window on both sides', () => {
    const signal = Float64Array.from({ length: 16 }, (_, i) => i);
    const window = Float64Array.of(1, 2, 3, 4);
    const padded = Float64Array.of(0, 0, 1, 2, 3, 4, 0, 0);
    const short = magnitudeSpectrogram(signal, 1, { nFft: 8, hopLength: 4, window });
    const full = magnitudeSpectrogram(signal, 1, { nFft: 8, hopLength: 4, window: padded });
    expect(maxDifference(short.values, full.values)).toBe(0);
  });
});

describe('errors', () => {
  it.each([
    [
      'too short',
      () => echoSpectrogram(new Float32Array(399), 16000),
      'echoSpectrogram: expected at least 400 samples (0.025 s at 16000 Hz), got 399 (0.0249 s)',
    ],
    ['empty', () => fisherSpectrogram(new Float32Array(0), 16000), 'fisherSpectrogram: expected at least 400 samples'],
    ['rate too low', () => echoSpectrogram(new Float32Array(1000), 99), 'at least 100 Hz'],
    ['rate not a number', () => echoSpectrogram(new Float32Array(1000), Number.NaN), 'got NaN'],
    ['NaN sample', () => echoSpectrogram(new Float32Array(1000).fill(Number.NaN, 7, 8), 1000), 'got NaN at sample 7'],
    ['zero hop', () => magnitudeSpectrogram(new Float32Array(9), 1, { nFft: 4, hopLength: 0 }), 'hopLength'],
    [
      'wide window',
      () => magnitudeSpectrogram(new Float32Array(9), 1, { nFft: 4, hopLength: 1, winLength: 5 }),
      'at most nFft = 4',
    ],
    [
      'reflect needs half a frame',
      () => magnitudeSpectrogram(new Float32Array(4), 1, { nFft: 8, hopLength: 1, center: 'reflect' }),
      'at least 5 samples',
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
