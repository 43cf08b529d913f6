import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { sceneLogMel2023 } from '../signal/log-mel.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { resample } from '../signal/resample.ts';
import { noise } from './sounds.test-util.ts';
import type { BandFrontEnd, MelFrontEnd } from './student-config.ts';
import {
  bandsFrontEnd,
  sceneFrontEnd,
  sceneFrontEnd2023,
  sceneFrontEnd2024,
  studentPictures,
  windowSamples,
} from './student-input.ts';

/** Five frames of four mels: windows of 16 samples. */
const small: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 1000, nFft: 16, winLength: 12, hopLength: 4, mels: 4, fMin: 20, fMax: 450 },
  ...{ floor: 1e-3, mean: -2, deviation: 3, frames: 5 },
};
const smallBands: BandFrontEnd = { kind: 'bands', bandBins: 16, frames: 10, mean: 0.25, deviation: 2 };

/** From the definitions: mirrored ends, Hann, Fourier sums, triangles between HTK mels. [mels][frames] */
function naiveMel(window: Float32Array, frontEnd: MelFrontEnd): number[][] {
  const { sampleRate, nFft, winLength, hopLength, mels, fMin, fMax, floor, mean, deviation, frames } = frontEnd;
  const toMel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  const toHz = (mel: number) => 700 * (10 ** (mel / 2595) - 1);
  const edge = (i: number) => toHz(toMel(fMin) + ((toMel(fMax) - toMel(fMin)) * i) / (mels + 1));
  const mirrored = (n: number) => window[n < 0 ? -n : n >= window.length ? 2 * (window.length - 1) - n : n];
  const power = (t: number, k: number): number => {
    let [re, im] = [0, 0];
    for (let n = 0; n < winLength; n++) {
      const at = n + (nFft - winLength) / 2;
      const value = mirrored(t * hopLength - nFft / 2 + at) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / winLength));
      re += value * Math.cos((2 * Math.PI * k * at) / nFft);
      im -= value * Math.sin((2 * Math.PI * k * at) / nFft);
    }
    return re * re + im * im;
  };
  return Array.from({ length: mels }, (_m, m) =>
    Array.from({ length: frames }, (_t, t) => {
      const [left, centre, right] = [edge(m), edge(m + 1), edge(m + 2)];
      let energy = 0;
      for (let k = 0; k <= nFft / 2; k++) {
        const hz = (k * sampleRate) / nFft;
        const weight = Math.min((hz - left) / (centre - left), (right - hz) / (right - centre));
        if (weight > 0) energy += weight * power(t, k);
      }
      return (Math.log(energy + floor) - mean) / deviation;
    }),
  );
}

/** Picture number `i` of pictures. */
const picture = (values: Float32Array, i: number, size: number) => values.subarray(i * size, (i + 1) * size);

describe('log-mels', () => {
  const golden = readGolden('asc/data.safetensors');

  it('are those of the DCASE 2024 baseline', () => {
    const config = { frontEnd: sceneFrontEnd2024 };
    const { values, windows } = studentPictures(floats32(golden, 'mel24.wave32k'), 32_000, config);
    expect(windows).toBe(1);
    expect(maxDifference(values, floats(golden, 'mel24.logmel'))).toBeLessThan(1e-4);
    const resampled = studentPictures(floats32(golden, 'mel24.wave44k'), 44_100, config);
    expect(resampled.windows).toBe(1);
    // The reference resamples with phases of float32: its error shows where there is next to no energy.
    expect(maxDifference(resampled.values, floats(golden, 'mel24.logmel'))).toBeLessThan(5e-3);
  });

  it('are those of the DCASE 2023 winner with its variant', () => {
    const samples = floats32(golden, 'mel24.wave32k');
    const { values, windows } = studentPictures(samples, 32_000, { frontEnd: sceneFrontEnd2023 });
    expect(windows).toBe(1);
    const own = sceneLogMel2023(samples, 32_000).values;
    const transposed = values.map((_, i) => own[(i % 64) * 256 + Math.floor(i / 64)]);
    expect(maxDifference(values, transposed)).toBe(0);
    expect(maxDifference(values, floats(golden, 'mel23.out'))).toBeLessThan(1e-4);
  });

  it('are what the definition says, window by window', () => {
    const samples = noise(40, 'mels', 1);
    const { values, windows, bands, starts, seconds, level } = studentPictures(samples, 1000, { frontEnd: small });
    expect([windows, seconds, level, [...starts]]).toEqual([3, 0.016, 0, [0, 0.016, 0.024]]);
    expect(bands).toEqual([{ lowHz: 0, highHz: 450 }]);
    for (const [w, start] of [0, 16, 24].entries()) {
      const expected = naiveMel(samples.subarray(start, start + 16), small).flat();
      expect(maxDifference(picture(values, w, 20), expected)).toBeLessThan(1e-6);
    }
  });

  it.each([
    ['one sample', 1, [0]],
    ['one sample less than a window', 15, [0]],
    ['a window', 16, [0]],
    ['one sample more', 17, [0, 0.001]],
    ['two windows', 32, [0, 0.016]],
  ])('cut %s', (_name, length, starts) => {
    const samples = noise(length, 'cut', 1);
    const found = studentPictures(samples, 1000, { frontEnd: small });
    expect([found.windows, [...found.starts]]).toEqual([starts.length, starts]);
    const first = Float32Array.from({ length: 16 }, (_, i) => samples[i % length]);
    expect(maxDifference(picture(found.values, 0, 20), naiveMel(first, small).flat())).toBeLessThan(1e-6);
    const last = length < 16 ? first : samples.subarray(length - 16);
    expect(maxDifference(picture(found.values, starts.length - 1, 20), naiveMel(last, small).flat())).toBeLessThan(
      1e-6,
    );
  });

  it('hear recordings of other rates at their own', () => {
    const samples = noise(80, 'rate', 1);
    const found = studentPictures(samples, 2000, { frontEnd: small });
    const own = studentPictures(resample(samples, 2000, 1000), 1000, { frontEnd: small });
    expect(found).toEqual(own);
    expect(studentPictures(noise(30, 'slow', 1), 500, { frontEnd: small }).bands[0].highHz).toBe(250);
  });

  it('of silence are the floor', () => {
    const { values } = studentPictures(new Float32Array(20), 1000, { frontEnd: small });
    expect(new Set(values)).toEqual(new Set([Math.fround((Math.log(1e-3) + 2) / 3)]));
  });

  it('of the scenes at 16 kHz have 63 frames of 0.992 s', () => {
    expect(windowSamples(sceneFrontEnd)).toBe(15_872);
    expect(studentPictures(noise(15_872), 16_000, { frontEnd: sceneFrontEnd }).values).toHaveLength(128 * 63);
  });
});

describe('sub-bands', () => {
  const sampleRate = 2000;
  // 50 samples of transform, 20 of hop: 26 bins, which are a band of 16 and one of 10.
  const samplesOf = (frames: number) => noise(50 + 20 * (frames - 1), 'bands', 1);
  const plane = 16 * 10;

  const expectedPlane = (samples: Float32Array, band: number, frameAt: (t: number) => number) => {
    const { values } = echoSpectrogram(samples, sampleRate);
    const level = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Array.from({ length: plane }, (_, i) => {
      const [row, t] = [Math.floor(i / 10), i % 10];
      const bin = band === 0 ? row : row < 6 ? -1 : 16 + row - 6;
      return ((bin < 0 ? 0 : values[frameAt(t) * 26 + bin] - level) - 0.25) / 2;
    });
  };

  it.each([
    ['a window', 10, [(t: number) => t]],
    ['more than one', 13, [(t: number) => t, (t: number) => t + 3]],
    ['less than one', 4, [(t: number) => t % 4]],
    ['one frame', 1, [() => 0]],
  ])('of %s', (_name, frames, windowsOfFrames) => {
    const samples = samplesOf(frames);
    const found = studentPictures(samples, sampleRate, { frontEnd: smallBands });
    expect(found.windows).toBe(windowsOfFrames.length);
    expect(found.bands).toMatchObject([
      { lowHz: 0, highHz: 640 },
      { lowHz: 640, highHz: 1000 },
    ]);
    expect(found.values).toHaveLength(windowsOfFrames.length * 2 * 3 * plane);
    for (const [w, frameAt] of windowsOfFrames.entries()) {
      for (const band of [0, 1]) {
        const own = picture(found.values, 2 * w + band, 3 * plane);
        expect(maxDifference(own.subarray(0, plane), expectedPlane(samples, band, frameAt))).toBeLessThan(1e-6);
        // Relative frequency of the middle of bins 0 to 15, and 16 to 25, of 50.
        const position = Math.PI * (band === 0 ? 15 / 50 : 41 / 50);
        for (const value of own.subarray(plane, 2 * plane)) expect(value).toBeCloseTo(2 * Math.sin(position), 6);
        for (const value of own.subarray(2 * plane)) expect(value).toBeCloseTo(2 * Math.cos(position), 6);
      }
    }
  });

  it('do not change with the volume, but their level does', () => {
    const samples = samplesOf(12);
    const [soft, loud] = [samples, samples.map((value) => 10 * value)].map((some) =>
      studentPictures(some, sampleRate, { frontEnd: smallBands }),
    );
    expect(maxDifference(soft.values, loud.values)).toBeLessThan(1e-5);
    expect(loud.level - soft.level).toBeCloseTo(Math.log(10) / (2 * 5.223174), 5);
  });

  it('of silence are finite, at any rate', () => {
    for (const rate of [100, 8000, 22_050]) {
      const { values, bands } = studentPictures(new Float32Array(rate), rate, { frontEnd: bandsFrontEnd });
      expect(values.every(Number.isFinite)).toBe(true);
      expect(bands.at(-1)?.highHz).toBeLessThanOrEqual(rate / 2);
    }
  });
});

it.each([
  ['log-mels', small],
  ['sub-bands', smallBands],
])('%s are refused without samples, and of samples that are no numbers', (_name, frontEnd) => {
  expect(() => studentPictures(new Float32Array(0), 1000, { frontEnd })).toThrow(InputError);
  const broken = noise(200, 'broken', 1);
  broken[70] = Number.NaN;
  for (const rate of [1000, 1600]) expect(() => studentPictures(broken, rate, { frontEnd })).toThrow(InputError);
});

it('sub-bands need a whole frame', () => {
  const short = new Float32Array(49);
  expect(() => studentPictures(short, 2000, { frontEnd: smallBands })).toThrow(InputError);
});
