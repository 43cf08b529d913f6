import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import type { Recording } from '../../signal/recording.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { applyGain, cutClip, hearThrough } from './clip.ts';

const recordingOf = (channels: number[][], sampleRate = 1000): Recording => ({
  channels: channels.map((samples) => Float32Array.from(samples)),
  sampleRate,
  name: 'some.wav',
});
const ramp = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const plain = { clipSeconds: 0.1, speedFactor: 1 };

/** Direct convolution, from the response's largest value on, at the power of `x`. */
function heardPlainly(x: ArrayLike<number>, h: ArrayLike<number>, peak: number): number[] {
  const y = Array.from(x, (_, t) => {
    let sum = 0;
    for (let k = 0; k < h.length; k++) {
      const i = t + peak - k;
      if (i >= 0 && i < x.length) sum += h[k] * x[i];
    }
    return sum;
  });
  const gain = Math.sqrt(variance(x) / variance(y));
  return y.map((value) => value * gain);
}

function variance(values: ArrayLike<number>): number {
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  return all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
}

/** Frequency of the strongest of 60 … 159 Hz in samples of 1 kHz. */
function strongestHz(samples: Float32Array): number {
  const powers = ramp(100, 60).map((hz) => {
    let [re, im] = [0, 0];
    for (const [t, value] of samples.entries()) {
      re += value * Math.cos((2 * Math.PI * hz * t) / 1000);
      im += value * Math.sin((2 * Math.PI * hz * t) / 1000);
    }
    return re * re + im * im;
  });
  return powers.indexOf(Math.max(...powers)) + 60;
}

describe('cutClip', () => {
  it('takes any place and any channel of a recording', () => {
    const recording = recordingOf([ramp(400), ramp(400, 1000)]);
    const cuts = ramp(200).map((seed) => cutClip(recording, plain, createRandom(seed)));
    for (const { samples, sampleRate, source } of cuts) {
      expect([samples.length, sampleRate, source]).toEqual([100, 1000, 'some.wav']);
      expect(Array.from(samples)).toEqual(ramp(100, samples[0]));
      expect(samples.buffer.byteLength).toBe(400);
    }
    const starts = cuts.map(({ samples }) => samples[0]);
    for (const channel of [0, 1000]) {
      const places = starts.filter((start) => start >= channel && start <= channel + 300).map((s) => s - channel);
      expect(places.length).toBeGreaterThan(70);
      expect(Math.min(...places)).toBeLessThan(20);
      expect(Math.max(...places)).toBeGreaterThan(280);
    }
  });

  it('takes the same clip for the same random numbers', () => {
    const recording = recordingOf([ramp(400), ramp(400, 1000)]);
    const settings = { clipSeconds: 0.1, speedFactor: 1.2 };
    expect(cutClip(recording, settings, createRandom(3))).toEqual(cutClip(recording, settings, createRandom(3)));
  });

  it('repeats a short recording from its start', () => {
    const { samples } = cutClip(recordingOf([ramp(30)]), plain, createRandom(1));
    expect(Array.from(samples)).toEqual([...ramp(30), ...ramp(30), ...ramp(30), ...ramp(10)]);
  });

  it('moves tones by the speed, within its limits both ways, at the same rate and length', () => {
    const tone = recordingOf([ramp(4000).map((t) => Math.sin((2 * Math.PI * 100 * t) / 1000))]);
    const settings = { clipSeconds: 1, speedFactor: 1.25 };
    const clips = ramp(40).map((seed) => cutClip(tone, settings, createRandom(seed)));
    const heard = clips.map(({ samples }) => strongestHz(samples));
    expect(Math.min(...heard)).toBeGreaterThanOrEqual(80);
    expect(Math.max(...heard)).toBeLessThanOrEqual(125);
    expect(heard.filter((hz) => hz < 95).length).toBeGreaterThan(5);
    expect(heard.filter((hz) => hz > 105).length).toBeGreaterThan(5);
    for (const { samples, sampleRate } of clips) {
      expect([samples.length, sampleRate]).toEqual([1000, 1000]);
      // The tone is whole up to both ends: no trace of the resampling filter.
      const loudest = (from: number) => Math.max(...samples.subarray(from, from + 12).map(Math.abs));
      expect(loudest(0)).toBeGreaterThan(0.9);
      expect(loudest(988)).toBeGreaterThan(0.9);
    }
  });

  it('looks elsewhere where a recording is silent, and refuses one that is silent throughout', () => {
    const mostly = recordingOf([[...new Array(150).fill(0), ...ramp(250, 1)]]);
    const cuts = ramp(50).map((seed) => cutClip(mostly, plain, createRandom(seed)));
    expect(cuts.every(({ samples }) => samples.some((value) => value !== samples[0]))).toBe(true);
    const silent = recordingOf([new Array(400).fill(0.25)]);
    expect(() => cutClip(silent, plain, createRandom(1))).toThrow(InputError);
    expect(() => cutClip(silent, plain, createRandom(1))).toThrow(
      'some.wav: expected a signal, found only the value 0.25; repair the recording or leave it out',
    );
  });

  it('refuses samples that are not finite, and clips without samples', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const broken = recordingOf([ramp(100).map((i) => (i === 70 ? value : i))]);
      expect(() => cutClip(broken, plain, createRandom(1))).toThrow(
        `expected a signal, found a sample that is ${value}`,
      );
    }
    expect(() => cutClip(recordingOf([ramp(9)], 99), { clipSeconds: 0.05, speedFactor: 1 }, createRandom(1))).toThrow(
      'some.wav: expected a rate of at least 100 Hz, got 99 Hz',
    );
    expect(() => cutClip(recordingOf([ramp(9)]), { clipSeconds: 0.001, speedFactor: 1 }, createRandom(1))).toThrow(
      'cutClip: expected clips of at least 2 samples, got 0.001 s at 1000 Hz (some.wav)',
    );
  });
});

describe('applyGain', () => {
  it('draws decibels evenly within the limits', () => {
    const decibels = ramp(400).map((seed) => {
      const samples = Float32Array.of(0.5, -1);
      applyGain(samples, 6, createRandom(seed));
      expect(samples[1] / samples[0]).toBeCloseTo(-2, 5);
      return 20 * Math.log10(-samples[1]);
    });
    expect(Math.min(...decibels)).toBeGreaterThan(-6);
    expect(Math.min(...decibels)).toBeLessThan(-5.5);
    expect(Math.max(...decibels)).toBeLessThan(6);
    expect(Math.max(...decibels)).toBeGreaterThan(5.5);
  });
});

describe('hearThrough', () => {
  it('is the convolution of the definition, at the power of the clip', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 60 }), fc.integer({ min: 1, max: 90 }), (seed, n, taps) => {
        const random = createRandom(seed);
        const x = Float32Array.from({ length: n }, () => 3 + random.gaussian());
        const h = Float32Array.from({ length: taps }, () => random.gaussian(0, 100));
        const peak = h.reduce((best, value, i) => (Math.abs(value) > Math.abs(h[best]) ? i : best), 0);
        const wanted = heardPlainly(x, h, peak);
        const heard = hearThrough(x, h);
        expect(heard.length).toBe(n);
        const largest = Math.max(...wanted.map(Math.abs));
        for (const [i, value] of wanted.entries()) expect(Math.abs(heard[i] - value)).toBeLessThan(1e-5 * largest);
      }),
    );
  });

  it('leaves a clip as it is behind a late impulse of any height', () => {
    const x = Float32Array.from(ramp(50), (t) => Math.sin(t));
    const heard = hearThrough(x, Float32Array.of(0, 0, 0, 7, 0));
    for (const [i, value] of x.entries()) expect(heard[i]).toBeCloseTo(value, 6);
    expect(hearThrough(x, Float32Array.of(1))[49]).toBeCloseTo(x[49], 6);
  });

  it('does not turn a small signal up that rides on a large offset', () => {
    const x = Float32Array.from(ramp(4000), (t) => 10 + 0.01 * Math.sin(2 * t));
    // The difference of two samples lets no offset pass.
    const heard = hearThrough(x, Float32Array.of(1.001, -1)).subarray(1);
    expect(Math.max(...heard.map(Math.abs))).toBeLessThan(1);
  });

  it('refuses what is no response', () => {
    const x = Float32Array.of(1, 2, 3);
    expect(() => hearThrough(x, new Float32Array(5))).toThrow(InputError);
    expect(() => hearThrough(x, Float32Array.of(1, Number.NaN))).toThrow('hearThrough: expected an impulse response');
    expect(() => hearThrough(x, new Float32Array(0))).toThrow(InputError);
  });
});
