import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { buildEncoder } from './build.ts';
import { loadEncoder } from './load.node.ts';
import { readGoldenSpeech } from './speech.test-util.ts';
import { speechSamples } from './speech.ts';
import { speechArchitecture } from './speech-family.ts';
import type { Encoder } from './types.ts';

const { config, model, io } = readGoldenSpeech('wav2vec2_group_post');
const raw = floats32(io, 'input_raw');
const at16k = (samples: Float32Array): Recording => ({ channels: [samples], sampleRate: 16_000, name: 'clip' });
const noise = (samples: number, seed: string): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: samples }, (_, i) => random.gaussian(0, 0.02 + i * 1e-6));
};

describe('speechSamples', () => {
  it('normalises a clip as the reference does, or leaves it as it is', () => {
    for (const clip of [0, 1]) {
      const own = raw.subarray(clip * 8000, (clip + 1) * 8000);
      const wanted = floats(io, 'input_values').subarray(clip * 8000, (clip + 1) * 8000);
      expect(maxDifference(speechSamples(own, config), wanted)).toBeLessThan(1e-5);
      const same = speechSamples(own, { ...config, normalize: 'none' });
      expect(same).toEqual(own);
      // Augmentation writes into it.
      expect(same.buffer).not.toBe(own.buffer);
    }
  });

  it('hears silence as zeros', () => {
    expect(new Set(speechSamples(new Float32Array(400).fill(0.25), config))).toEqual(new Set([0]));
  });

  it.each([
    [399, 0.5, /expected at least 400 samples at 16000 Hz \(0\.025 s\), got 399 \(mill\)/],
    [500, Number.NaN, /expected finite samples, got others \(mill\)/],
    [500, Number.POSITIVE_INFINITY, /expected finite samples/],
  ])('refuses %i samples with one of %d', (count, value, message) => {
    const samples = new Float32Array(count);
    samples[7] = value;
    expect(() => speechSamples(samples, config, 'mill')).toThrow(message);
    expect(() => speechSamples(samples, config, 'mill')).toThrow(InputError);
  });
});

describe('recordings', () => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await buildEncoder('speech', speechArchitecture(config), model);
  });
  afterAll(() => encoder.release());

  it('are embedded as the mean over the frames of the last hidden state', async () => {
    const clips = [0, 1].map((clip) => at16k(raw.slice(clip * 8000, (clip + 1) * 8000)));
    const found = await encoder.embedMany(clips, { frames: true });
    const golden = floats32(io, 'norm.hidden_states.3');
    for (const [clip, { vector, bands, frames }] of found.entries()) {
      const states = golden.subarray(clip * 24 * 64, (clip + 1) * 24 * 64);
      expect(maxDifference(frames?.values ?? [], states)).toBeLessThan(1e-4);
      const mean = Array.from({ length: 64 }, (_, d) =>
        Array.from({ length: 24 }, (__, t) => states[t * 64 + d] / 24).reduce((a, b) => a + b),
      );
      expect(maxDifference(vector, mean)).toBeLessThan(1e-4);
      expect(frames).toMatchObject({ count: 24, width: 64, seconds: 0.02 });
      const starts = Array.from({ length: 24 }, (_, t) => 0.02 * t);
      expect(maxDifference(frames?.starts ?? [], starts)).toBeLessThan(1e-12);
      expect(bands).toEqual([{ lowHz: 0, highHz: 8000, start: 0, end: 64 }]);
    }
    expect((await encoder.embed(clips[0])).frames).toBeUndefined();
  });

  it('of different lengths keep their order', async () => {
    const recordings = [4000, 900, 4000, 1200].map((length, i) => at16k(noise(length, `${i}`)));
    const together = await encoder.embedMany(recordings);
    for (const [i, recording] of recordings.entries()) {
      expect(maxDifference(together[i].vector, (await encoder.embed(recording)).vector)).toBeLessThan(1e-5);
    }
    expect(maxDifference(together[0].vector, together[2].vector)).toBeGreaterThan(0.01);
  });

  it('of more than 10 s are averaged over windows, the last one ending with them', async () => {
    const samples = noise(200_001, 'long');
    const embed = (from: number, to: number) => encoder.embed(at16k(samples.slice(from, to)), { frames: true });
    const [whole, first, last] = [await embed(0, 200_001), await embed(0, 160_000), await embed(40_001, 200_001)];
    expect(maxDifference(first.vector, last.vector)).toBeGreaterThan(1e-3);
    const mean = first.vector.map((value, d) => (value + last.vector[d]) / 2);
    expect(maxDifference(whole.vector, mean)).toBeLessThan(1e-5);
    expect(whole.frames?.count).toBe(998);
    const rows = [...(first.frames?.values ?? []), ...(last.frames?.values ?? [])];
    expect(maxDifference(whole.frames?.values ?? [], rows)).toBeLessThan(1e-4);
    expect(whole.frames?.starts[498]).toBeCloseTo(9.96, 9);
    expect(whole.frames?.starts[499]).toBeCloseTo(40_001 / 16_000, 9);
  });

  it('are heard at 16 kHz, whatever their rate', async () => {
    const tones = (sampleRate: number): Recording => {
      const sample = (t: number) =>
        [210, 333, 690, 1270, 2900].reduce((sum, hertz) => sum + Math.sin(6.283 * hertz * t), 0);
      const channel = Float32Array.from({ length: sampleRate / 2 }, (_, i) => sample(i / sampleRate) / 10);
      return { channels: [channel], sampleRate, name: 'tones' };
    };
    const [{ vector }, { vector: other }] = await encoder.embedMany([tones(16_000), tones(48_000)]);
    expect(maxDifference(other, vector)).toBeLessThan(0.02);
    const mistaken = await encoder.embed({ ...tones(48_000), sampleRate: 16_000 });
    expect(maxDifference(mistaken.vector, vector)).toBeGreaterThan(0.1);
  });

  it('that are too short, or of two channels, are refused', async () => {
    await expect(encoder.embed(at16k(new Float32Array(399)))).rejects.toThrow(InputError);
    // 25 ms of another rate are as short.
    const short = { channels: [new Float32Array(1000)], sampleRate: 48_000, name: 'short' };
    await expect(encoder.embed(short)).rejects.toThrow(/expected at least 400 samples at 16000 Hz .* \(short\)/);
    const two = { channels: [new Float32Array(4000), new Float32Array(4000)], sampleRate: 16_000, name: 'two' };
    await expect(encoder.embed(two)).rejects.toThrow(/expected one channel, got 2/);
  });
});

it('a small one of the registry runs with random weights', async () => {
  const encoder = await loadEncoder({ encoder: 'speech-tiny@random3' });
  expect([encoder.id, encoder.fingerprint.slice(0, 7)]).toEqual(['speech-tiny@random3', 'speech:']);
  const [one, other] = await encoder.embedMany([at16k(noise(8000, 'a')), at16k(noise(8000, 'b').map(Math.abs))]);
  await encoder.release();
  expect(one.vector).toHaveLength(192);
  expect(one.vector.every(Number.isFinite)).toBe(true);
  expect(maxDifference(one.vector, other.vector)).toBeGreaterThan(1e-3);
});
