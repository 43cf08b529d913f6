import { describe, expect, it } from 'vitest';
import { floats, hasGolden, maxDifference } from '../../tests/golden.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { melFilterbank } from '../signal/mel.ts';
import { hannWindow } from '../signal/window.ts';
import {
  checkStoredFrontEnd,
  melDb,
  melStatistics,
  melStatisticsName,
  normaliseMel,
  untrainedMelStatistics,
} from './mel-db.ts';
import { melVitGolden, transposed, valuesOf } from './mel-vit.test-util.ts';
import { noise } from './sounds.test-util.ts';

describe.each(['peers_ced', 'peers_dasheng'])('%s', (folder) => {
  const { model, golden } = melVitGolden(folder);
  const there = it.skipIf(!hasGolden(folder));

  there('has the levels of clips that were given together (reference numbers beside the project)', () => {
    const waves = floats(golden, 'batch.wave') as Float32Array;
    const clips = [waves.subarray(0, 12800), waves.subarray(12800)];
    const expected = floats(golden, 'batch.mel_db');
    const found = melDb(clips).flatMap(({ values }) => [...transposed(values, 81)]);
    expect(maxDifference(found, expected)).toBeLessThan(2e-3);
    // By itself one of them has a lower floor.
    const alone = clips.flatMap((clip) => [...transposed(melDb([clip])[0].values, 81)]);
    expect(maxDifference(alone, expected)).toBeGreaterThan(1);
  });

  there('stores the window and the filters that are computed (reference numbers beside the project)', () => {
    expect(maxDifference(hannWindow(512), valuesOf(model, 'front_end.0.spectrogram.window'))).toBeLessThan(1e-6);
    const { weights } = melFilterbank({ sampleRate: 16_000, nFft: 512, mels: 64, scale: 'htk' });
    expect(maxDifference(transposed(weights, 64), valuesOf(model, 'front_end.0.mel_scale.fb'))).toBeLessThan(2e-5);
    expect(() => checkStoredFrontEnd(model)).not.toThrow();
  });
});

/** One frame by its definition: reflected ends, a plain sum for every bin, triangles in Hz, dB. */
function naiveLevel(clip: Float32Array, frame: number, mel: number): number {
  const toHz = (m: number) => 700 * (10 ** (m / 2595) - 1);
  const top = 2595 * Math.log10(1 + 8000 / 700);
  const [left, centre, right] = [0, 1, 2].map((k) => toHz(((mel + k) * top) / 65));
  let energy = 0;
  for (let k = 0; k <= 256; k++) {
    const hertz = k * 31.25;
    const weight = Math.min((hertz - left) / (centre - left), (right - hertz) / (right - centre));
    if (weight <= 0) continue;
    let [re, im] = [0, 0];
    for (let i = 0; i < 512; i++) {
      let at = Math.abs(frame * 160 + i - 256);
      if (at >= clip.length) at = 2 * (clip.length - 1) - at;
      const value = clip[at] * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 512));
      re += value * Math.cos((2 * Math.PI * k * i) / 512);
      im -= value * Math.sin((2 * Math.PI * k * i) / 512);
    }
    energy += weight * (re * re + im * im);
  }
  return 10 * Math.log10(Math.max(energy, 1e-10));
}

describe('melDb', () => {
  it('is what its definition says', () => {
    const clip = noise(1700, 'mel');
    const [{ values, frames, bins }] = melDb([clip]);
    expect([frames, bins]).toEqual([11, 64]);
    const places = [0, 5, 10].flatMap((frame) => [0, 1, 20, 63].map((mel) => [frame, mel] as const));
    const expected = places.map(([frame, mel]) => naiveLevel(clip, frame, mel));
    expect(
      maxDifference(
        places.map(([frame, mel]) => values[frame * 64 + mel]),
        expected,
      ),
    ).toBeLessThan(1e-4);
  });

  it('ends 120 dB below the maximum of what is given together, and at silence', () => {
    const loud = noise(4000, 'loud', 300);
    const silent = new Float32Array(4000);
    const [together] = melDb([silent, loud]);
    const maximum = melDb([loud])[0].values.reduce((most, value) => Math.max(most, value), -200);
    expect(new Set(together.values)).toEqual(new Set([Math.fround(maximum - 120)]));
    expect(new Set(melDb([silent])[0].values)).toEqual(new Set([-100]));
  });

  it('needs 257 finite samples', () => {
    expect(melDb([noise(257, 1)])[0].frames).toBe(2);
    expect(() => melDb([noise(256, 1)])).toThrow(/^melDb: expected at least 257 samples \(0\.0161 s at 16000 Hz\)/);
    expect(() => melDb([noise(500, 1).fill(Number.NaN, 7, 8)])).toThrow(/^melDb: expected finite samples, got NaN/);
  });
});

const stored = (value: (mel: number) => number): StoredTensor => ({
  dtype: 'F32',
  shape: [64],
  data: Float32Array.from({ length: 64 }, (_, mel) => value(mel)),
});

describe('the statistics', () => {
  const state = new Map([
    ['init_bn.1.weight', stored((mel) => 1 + mel / 100)],
    ['init_bn.1.bias', stored((mel) => mel / 10)],
    ['init_bn.1.running_mean', stored((mel) => -mel)],
    ['init_bn.1.running_var', stored((mel) => mel * mel)],
    ['norm.weight', stored(() => 1)],
  ]);

  it('shift and scale every filter', () => {
    const [levels] = melDb([noise(900, 'statistics')]);
    const expected = Array.from(levels.values, (value, i) => {
      const mel = i % 64;
      return ((value + mel) / Math.sqrt(mel * mel + 1e-5)) * (1 + mel / 100) + mel / 10;
    });
    // The first filter has variance 0: the epsilon alone.
    const found = normaliseMel(levels, state);
    const relative = expected.map((value, i) => found[i] / value);
    expect(maxDifference(relative, expected.fill(1))).toBeLessThan(1e-5);
    expect([...melStatistics(state).keys()]).toEqual([...state.keys()].slice(0, 4));
  });

  it.each([
    ['init_bn.weight', 'init_bn.1.weight'],
    ['init_bn.running_var', 'init_bn.1.running_var'],
    ['init_bn.1.running_mean', 'init_bn.1.running_mean'],
    ['norm.weight', 'norm.weight'],
  ])('called %s are %s', (name, own) => {
    expect(melStatisticsName(name)).toBe(own);
  });

  it('must all be there, 64 each', () => {
    const without = new Map(state);
    without.delete('init_bn.1.running_var');
    expect(() => melStatistics(without)).toThrow(/expected a tensor init_bn\.1\.running_var, found none/);
    const short = new Map(state).set('init_bn.1.bias', { dtype: 'F32', shape: [32], data: new Float32Array(32) });
    expect(() => melStatistics(short)).toThrow(/expected init_bn\.1\.bias of shape \[64\], got \[32\]/);
  });

  it('of random weights bring ordinary sounds near 0', () => {
    for (const level of [0.003, 0.03, 0.3]) {
      const found = normaliseMel(melDb([noise(16_000, 'level', level)])[0], untrainedMelStatistics());
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
      expect(Math.abs(mean)).toBeLessThan(2);
    }
  });
});

it('refuses another front end than the one computed', () => {
  const { weights } = melFilterbank({ sampleRate: 16_000, nFft: 512, mels: 64, fMax: 7600, scale: 'htk' });
  const data = Float32Array.from(transposed(weights, 64));
  const state = new Map<string, StoredTensor>([['front_end.0.mel_scale.fb', { dtype: 'F32', shape: [257, 64], data }]]);
  expect(() => checkStoredFrontEnd(state)).toThrow(InputError);
  expect(() => checkStoredFrontEnd(state)).toThrow(
    /^loadEncoder: expected front_end\.0\.mel_scale\.fb \[257,64\] to be that of 64 HTK filters at 16 kHz, got other/,
  );
});
