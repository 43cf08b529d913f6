import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import type { BandFrontEnd, MelFrontEnd } from '../encoders/student-config.ts';
import { planBuilder } from '../nn/plan-builder.ts';
import { logMel, sceneLogMel2023 } from '../signal/log-mel.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { melFilterbank } from '../signal/mel.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { magnitudeSpectrogram } from '../signal/spectrogram.ts';
import { fftCode } from './c-fft.ts';
import { createCFolder, floatsOf, harness, hasCompiler } from './c-program.test-util.ts';
import { cSource } from './c-source.ts';
import { named, tableCode } from './c-text.ts';
import { frontEndSizes } from './front-end-sizes.ts';
import { randomNetwork } from './quantised-network.test-util.ts';

const random = createRandom('front end');
const sounds: Record<string, (length: number, sampleRate: number) => Float32Array> = {
  noise: (length) => Float32Array.from({ length }, () => 0.1 * random.gaussian()),
  // From 1 % to 90 % of half the rate, with a noise floor 60 dB below it.
  chirp: (length, sampleRate) =>
    Float32Array.from({ length }, (_, i) => {
      const t = i / sampleRate;
      const [low, high] = [0.005 * sampleRate, 0.45 * sampleRate];
      const phase = 2 * Math.PI * (low * t + ((high - low) * t * t * sampleRate) / (2 * length));
      return 0.5 * Math.sin(phase) + 0.0005 * random.gaussian();
    }),
};

const folder = createCFolder();
afterAll(() => folder.remove());

/** Features of the C file of a front end, of one sound after the other. */
function heard(frontEnd: MelFrontEnd | BandFrontEnd, sampleRate: number, signals: readonly Float32Array[]) {
  const { planes, rows, frames } = frontEndSizes(frontEnd, sampleRate);
  const plan = planBuilder([planes, rows, frames]);
  plan.mean(0);
  const network = randomNetwork(plan.done(), 'mean');
  folder.write('model.c', cSource(network, frontEnd, { name: 'model', sampleRate }));
  folder.write('harness.c', harness);
  folder.compile('program', ['harness.c'], ['-DMODEL_TRACE']);
  return signals.map((samples) => floatsOf(folder.run('program', ['features'], samples)));
}

const transposed = (values: Float32Array, frames: number, bins: number): Float32Array =>
  values.map((_, at) => values[(at % frames) * bins + Math.floor(at / frames)]);

const mel: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 12_000, nFft: 300, winLength: 300, hopLength: 120, mels: 40, fMin: 60, fMax: 6000 },
  ...{ floor: 1e-5, mean: -3, deviation: 1, frames: 12 },
};

describe.skipIf(!hasCompiler)('the C front end (needs gcc)', () => {
  const cases = [mel, { ...mel, nFft: 1024, winLength: 800, hopLength: 320 }, { ...mel, nFft: 1102, winLength: 1102 }];
  it.each(
    cases.map((frontEnd) => [frontEnd.nFft, frontEnd] as const),
  )('makes log-mels with %i points', (_, frontEnd) => {
    const { sampleRate, nFft, winLength, hopLength, mels, fMin, fMax, floor, mean, deviation, frames } = frontEnd;
    const { samples } = frontEndSizes(frontEnd);
    const signals = Object.values(sounds).map((sound) => sound(samples, sampleRate));
    const bank = melFilterbank({ sampleRate, nFft, mels, fMin, fMax, scale: 'htk' });
    const stft = { nFft, winLength, hopLength, center: 'reflect' } as const;
    const level = (energy: number): number => (Math.log(energy + floor) - mean) / deviation;
    for (const [i, features] of heard(frontEnd, sampleRate, signals).entries()) {
      const expected = logMel('test', signals[i], sampleRate, stft, bank, level);
      expect(expected.frames).toBe(frames);
      expect(maxDifference(features, transposed(expected.values, frames, mels))).toBeLessThan(1e-3);
    }
  });

  // 25 ms of these rates; bands of 32 bins end with a short one.
  it.each([
    [12_000, 300],
    [40_960, 1024],
    [44_100, 1102],
  ])('makes bands at %i Hz, %i points', (sampleRate, points) => {
    const frontEnd: BandFrontEnd = { kind: 'bands', bandBins: 32, frames: 10, mean: 0.2, deviation: 0.5 };
    const { samples, nFft, bands = [] } = frontEndSizes(frontEnd, sampleRate);
    expect(nFft).toBe(points);
    const signals = Object.values(sounds).map((sound) => sound(samples, sampleRate));
    for (const [i, features] of heard(frontEnd, sampleRate, signals).entries()) {
      const { values, frames, bins } = echoSpectrogram(signals[i], sampleRate);
      const [rows, level] = [32 * bands.length, values.reduce((sum, value) => sum + value, 0) / values.length];
      const heardLevel = features[features.length - 1];
      // The unit of the spectrogram.
      const nepers = 2 * 5.223174;
      expect(features.length).toBe(rows * frames + 1);
      expect(Math.abs(heardLevel - level) * nepers).toBeLessThan(1e-4);
      let [loud, all] = [0, 0];
      for (let t = 0; t < frames; t++) {
        const own = values.subarray(t * bins, (t + 1) * bins);
        const largest = own.reduce((a, b) => Math.max(a, b));
        for (let row = 0; row < rows; row++) {
          const feature = features[row * frames + t] * 0.5 + 0.2;
          const bin = row < rows - 32 ? row : row - (rows - bins);
          if (row >= rows - 32 && bin < rows - 32) {
            expect(feature).toBeCloseTo(0, 6);
            continue;
          }
          const off = Math.abs(feature + heardLevel - own[bin]) * nepers;
          const size = Math.exp((own[bin] - largest) * nepers);
          if (size > 1e-3) loud = Math.max(loud, off);
          all = Math.max(all, off * size);
        }
      }
      // 60 dB below the loudest bin of a frame 1e-3 of a bin's own size; further below what float32 leaves of it.
      expect(loud).toBeLessThan(1e-3);
      expect(all).toBeLessThan(4e-6);
    }
  });

  it('makes the log-mels of the 2023 winner', () => {
    const winner: MelFrontEnd = {
      ...{ kind: 'mel', variant: 'cpjku-2023', sampleRate: 32_000, nFft: 4096, winLength: 3072, hopLength: 500 },
      ...{ mels: 256, fMin: 0, fMax: 15_500, floor: 1e-5, mean: -4.5, deviation: 5, frames: 12 },
    };
    const signal = sounds.noise(6000, 32_000);
    const [features] = heard(winner, 32_000, [signal]);
    const { values, frames } = sceneLogMel2023(signal, 32_000);
    expect(frames).toBe(12);
    expect(maxDifference(features, transposed(values, 12, 256)) * 5).toBeLessThan(1e-3);
  });
});

describe.skipIf(!hasCompiler)('the C Fourier transform (needs gcc)', () => {
  it('has the power of any number of points', () => {
    const sizes = [1, 2, 3, 4, 6, 8, 15, 16, 49, 64, 101, 202, 210, 300, 441];
    const signals = sizes.map((nFft) => sounds.noise(nFft, 1));
    // All transforms in one program, each under a name of its own.
    const functions = sizes.map((nFft, i) => {
      const { code, workFloats } = fftCode(nFft);
      const name = `fft_${nFft}`;
      const at = nFft % 2 === 0 ? '(i % 2) * $N_POINTS + i / 2' : 'i';
      const text = `${tableCode('float', '$n_samples', signals[i])}${code}
static void $n_write(void)
{
  static float work[${workFloats}];
  for (int i = 0; i < ${nFft}; i++) work[${at}] = $n_samples[i];
  fwrite($n_power(work), sizeof *work, ${(nFft >> 1) + 1}, stdout);
}
`;
      return { text: named(text, name), call: `  ${name}_write();\n` };
    });
    const texts = functions.map(({ text }) => text).join('');
    const calls = functions.map(({ call }) => call).join('');
    folder.write('fft.c', `#include <stdio.h>\n${texts}int main(void)\n{\n${calls}  return 0;\n}\n`);
    folder.compile('fft', ['fft.c'], ['-fsanitize=address,undefined']);
    const powers = floatsOf(folder.run('fft', []));
    let at = 0;
    for (const [i, nFft] of sizes.entries()) {
      const own = powers.subarray(at, at + (nFft >> 1) + 1);
      at += own.length;
      const window = new Float64Array(nFft).fill(1);
      const expected = magnitudeSpectrogram(signals[i], 1, { nFft, hopLength: 1, window, power: 2 }).values;
      const largest = expected.reduce((a, b) => Math.max(a, b));
      expect(maxDifference(own, expected) / largest, `${nFft} points`).toBeLessThan(1e-6);
    }
    expect(at).toBe(powers.length);
  });
});
