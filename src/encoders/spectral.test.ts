import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createSpectral, logSpectrogram, spectralSettings } from './spectral.ts';

const noise = (seed: string, samples: number, sampleRate = 8000): Recording => {
  const random = createRandom(seed);
  const signal = Float32Array.from({ length: samples }, (_, i) => random.gaussian(0.3, 0.1) + 0.5 * Math.sin(i * 0.7));
  return { channels: [signal], sampleRate, name: seed };
};

/** ln(|DFT| + 1e-9) of Hann-windowed frames of the signal without its mean, term by term. */
function naiveLogSpectrogram(signal: Float32Array, nFft: number, hop: number): number[][] {
  const mean = signal.reduce((sum, value) => sum + value, 0) / signal.length;
  const frames: number[][] = [];
  for (let from = 0; from + nFft <= signal.length; from += hop) {
    const frame: number[] = [];
    for (let k = 0; k <= nFft >> 1; k++) {
      let [re, im] = [0, 0];
      for (let i = 0; i < nFft; i++) {
        const value = (signal[from + i] - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / nFft));
        re += value * Math.cos((2 * Math.PI * k * i) / nFft);
        im -= value * Math.sin((2 * Math.PI * k * i) / nFft);
      }
      frame.push(Math.log(Math.hypot(re, im) + 1e-9));
    }
    frames.push(frame);
  }
  return frames;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const spread = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

/** Embedding by the definition: band by band the parts, each bin by bin. */
function naiveVector(frames: number[][], parts: readonly string[]): number[] {
  const bins = frames[0].length;
  const means = Array.from({ length: bins }, (_, k) => mean(frames.map((frame) => frame[k])));
  const spreads = Array.from({ length: bins }, (_, k) => spread(frames.map((frame) => frame[k])));
  const shapes = Array.from({ length: bins }, (_, k) => mean(frames.map((frame) => frame[k] - mean(frame))));
  const values: Record<string, number[]> = { mean: means, spread: spreads, shape: shapes };
  const edges = Array.from({ length: 17 }, (_, b) => Math.round((b * bins) / 16));
  return edges.slice(0, 16).flatMap((start, b) => parts.flatMap((part) => values[part].slice(start, edges[b + 1])));
}

describe('logSpectrogram', () => {
  it('is the logarithm of the magnitude, without the mean', () => {
    const { channels, sampleRate } = noise('spectrogram', 400);
    const { values, frames, bins, nFft, hopLength } = logSpectrogram(channels[0], sampleRate, 0.01);
    expect([frames, bins, nFft, hopLength]).toEqual([11, 41, 80, 32]);
    expect(maxDifference(values, naiveLogSpectrogram(channels[0], 80, 32).flat())).toBeLessThan(2e-6);
  });
});

describe.each(Object.entries(spectralSettings))('%s', (id, config) => {
  const encoder = createSpectral(id, config);

  it('describes every bin over time, band by band', async () => {
    const recording = noise(id, 1200);
    const { vector, bands } = await encoder.embed(recording);
    const wanted = config.windows.flatMap((window) =>
      naiveVector(
        naiveLogSpectrogram(recording.channels[0], Math.trunc(window * 8000), Math.trunc(window * 0.4 * 8000)),
        config.parts,
      ),
    );
    expect(maxDifference(vector, wanted)).toBeLessThan(5e-6);
    expect(bands).toHaveLength(16 * config.windows.length);
    expect(bands[0].start).toBe(0);
    for (const [b, band] of bands.entries()) {
      expect(band.end).toBe(bands[b + 1]?.start ?? vector.length);
      if (b % 16 !== 0) expect(band.lowHz).toBe(bands[b - 1].highHz);
      else expect(band.lowHz).toBe(0);
      if (b % 16 === 15) expect(band.highHz).toBe(4000);
    }
  });

  it('gives the same one by one, together, and with frames', async () => {
    const recordings = [noise('a', 900), noise('b', 2000, 16000), noise('c', 900)];
    const together = await encoder.embedMany(recordings);
    for (const [i, recording] of recordings.entries()) {
      expect(await encoder.embed(recording)).toEqual(together[i]);
      const { frames, ...rest } = await encoder.embed(recording, { frames: true });
      expect(rest).toEqual(together[i]);
      const nFft = Math.trunc(config.windows[0] * recording.sampleRate);
      const hop = Math.trunc(config.windows[0] * 0.4 * recording.sampleRate);
      const naive = naiveLogSpectrogram(recording.channels[0], nFft, hop);
      expect(maxDifference(frames?.values ?? [], naive.flat())).toBeLessThan(5e-6);
      expect([frames?.count, frames?.width]).toEqual([naive.length, naive[0].length]);
      expect(frames?.seconds).toBe(nFft / recording.sampleRate);
      expect(frames?.starts[1]).toBeCloseTo(hop / recording.sampleRate, 12);
      expect(frames?.bands.at(-1)?.end).toBe(frames?.width);
    }
  });

  it('says what it is', () => {
    expect(encoder.id).toBe(id);
    expect(encoder.fingerprint).toBe(`spectral:${config.windows.join('+')}:${config.parts.join('+')}`);
  });
});

it('has a fingerprint of its own for every setting', () => {
  const prints = Object.entries(spectralSettings).map(([id, config]) => createSpectral(id, config).fingerprint);
  expect(new Set(prints).size).toBe(prints.length);
});

describe('the parts of an embedding', () => {
  it('change with the level as they should: mean by ln gain, spread and shape not at all', async () => {
    const encoder = (part: 'mean' | 'spread' | 'shape') => createSpectral(part, { windows: [0.01], parts: [part] });
    await fc.assert(
      fc.asyncProperty(fc.double({ min: -3, max: 3, noNaN: true }), fc.nat(1000), async (exponent, seed) => {
        const quiet = noise(`${seed}`, 800);
        const gain = 10 ** exponent;
        const loud = { ...quiet, channels: [quiet.channels[0].map((value) => value * gain)] };
        const change = async (part: 'mean' | 'spread' | 'shape') => {
          const [a, b] = await encoder(part).embedMany([quiet, loud]);
          return b.vector.map((value, d) => value - a.vector[d]);
        };
        for (const value of await change('mean')) expect(value).toBeCloseTo(Math.log(gain), 3);
        for (const part of ['spread', 'shape'] as const) {
          for (const value of await change(part)) expect(Math.abs(value)).toBeLessThan(1e-3);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('do not hear a constant offset, and find a tone in its bin', async () => {
    const encoder = createSpectral('mean', { windows: [0.01], parts: ['mean'] });
    const tone = Float32Array.from({ length: 800 }, (_, i) => Math.sin((2 * Math.PI * 1500 * i) / 8000));
    const [plain, shifted] = await encoder.embedMany([
      { channels: [tone], sampleRate: 8000, name: 'tone' },
      { channels: [tone.map((value) => value + 5)], sampleRate: 8000, name: 'shifted' },
    ]);
    const loudest = plain.vector.indexOf(Math.max(...plain.vector));
    expect(loudest).toBe(15); // 1500 Hz at 100 Hz per bin
    expect(shifted.vector.indexOf(Math.max(...shifted.vector))).toBe(15);
    const band = plain.bands.find(({ start, end }) => start <= loudest && loudest < end);
    expect(band && band.lowHz <= 1500 && band.highHz > 1500).toBe(true);
  });

  it('are finite for silence', async () => {
    const encoder = createSpectral('spectral', spectralSettings.spectral);
    const { vector } = await encoder.embed({ channels: [new Float32Array(800)], sampleRate: 8000, name: 'silence' });
    expect(vector.every(Number.isFinite)).toBe(true);
    expect(Math.min(...vector)).toBeCloseTo(Math.log(1e-9), 5);
  });

  it('have as many bands as bins where there are few', async () => {
    const { bands } = await createSpectral('few', { windows: [0.01], parts: ['mean'] }).embed(noise('few', 100, 1000));
    expect(bands.map(({ start, end }) => end - start)).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe('bad input', () => {
  const encoder = createSpectral('spectral-multi', spectralSettings['spectral-multi']);

  it('is refused', async () => {
    await expect(encoder.embed(noise('short', 399))).rejects.toThrow(
      'spectral: expected at least 0.05 s, got 0.049875 s (short); use a longer recording or a shorter window',
    );
    await expect(encoder.embed(noise('short', 399))).rejects.toBeInstanceOf(InputError);
    expect((await encoder.embed(noise('enough', 400))).vector.every(Number.isFinite)).toBe(true);
    const stereo = { ...noise('stereo', 800), channels: [new Float32Array(800), new Float32Array(800)] };
    await expect(encoder.embed(stereo)).rejects.toThrow(
      'embed: expected one channel, got 2 (stereo); choose one with pickChannel',
    );
    await expect(encoder.embed(noise('low', 800, 50))).rejects.toThrow(/sample rate/);
    const broken = noise('broken', 800);
    broken.channels[0][17] = Number.NaN;
    await expect(encoder.embed(broken)).rejects.toBeInstanceOf(InputError);
  });
});
