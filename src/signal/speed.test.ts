// Change of speed: torchaudio's numbers where pitch follows, and what must stay and what must move where it is kept.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { InputError } from './errors.ts';
import { createFft } from './fft.ts';
import { resample } from './resample.ts';
import { createRandom } from './simulate/random.ts';
import { changeSpeed } from './speed.ts';

const golden = readGolden('asd_heads/data.safetensors');
const wave = floats32(golden, 'rs.wave');

describe('golden numbers (torchaudio.functional.resample)', () => {
  it.each([0.8, 0.9, 0.95, 1.05, 1.1, 1.2])('speed %d', (factor) => {
    expect(maxDifference(changeSpeed(wave, factor), floats32(golden, `rs.speed${factor}`))).toBeLessThan(1e-5);
  });

  it.each([32000, 44100, 48000])('%d Hz to 16 kHz', (rate) => {
    expect(maxDifference(resample(wave, rate, 16000), floats32(golden, `rs.${rate}.16000`))).toBeLessThan(1e-5);
  });
});

const RATE = 16000;
const factors = [0.5, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 2];
const tone = (frequency: number, samples = 2 * RATE) =>
  Float32Array.from({ length: samples }, (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / RATE));
const rms = (samples: Float32Array) =>
  Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
const decibels = (ratio: number) => 20 * Math.log10(ratio);

/** Frequency in Hz at which a Hann-windowed signal has most power, to the nearest of a grid of RATE / 32768. */
function peakFrequency(samples: Float32Array): number {
  const size = 32768;
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < samples.length; i++) re[i] = samples[i] * Math.sin((Math.PI * i) / samples.length) ** 2;
  createFft(size).forward(re, im);
  const power = re.subarray(0, size / 2).map((value, k) => value * value + im[k] * im[k]);
  return (power.indexOf(Math.max(...power)) * RATE) / size;
}

/** Where clicks are: the largest sample of every run above half of the largest. */
function clickTimes(samples: Float32Array): number[] {
  const bound = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 2;
  const times: number[] = [];
  for (let i = 0; i < samples.length; i++) {
    if (Math.abs(samples[i]) > bound && i - (times.at(-1) ?? -RATE) > 20) times.push(i);
  }
  return times;
}

describe('changeSpeed', () => {
  it.each([false, true])('has ceil(n / factor) samples (pitch kept: %s)', (keepPitch) => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 3000 }), fc.integer({ min: 500, max: 2000 }), (length, thousandths) => {
        const changed = changeSpeed(tone(440, length), thousandths / 1000, { keepPitch });
        expect(changed.length).toBe(Math.ceil((length * 1000) / thousandths));
        expect(changed.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each(factors)('moves a tone with the speed, or keeps it: %d', (factor) => {
    const samples = tone(440, RATE);
    const followed = peakFrequency(changeSpeed(samples, factor).slice(0, RATE / 2));
    const kept = peakFrequency(changeSpeed(samples, factor, { keepPitch: true }).slice(0, RATE / 2));
    expect(Math.abs(followed - 440 * factor)).toBeLessThanOrEqual(1);
    expect(Math.abs(kept - 440)).toBeLessThanOrEqual(1);
  });

  const tones = factors.flatMap((factor) => [50, 333, 1234.5, 5000].map((frequency) => [factor, frequency] as const));
  it.each(tones)('keeps the amplitude with the pitch: %d times, %d Hz', (factor, frequency) => {
    const samples = tone(frequency);
    const kept = changeSpeed(samples, factor, { keepPitch: true });
    for (let from = 0; from + 1600 <= kept.length; from += 1600) {
      expect(Math.abs(decibels(rms(kept.subarray(from, from + 1600)) / rms(samples)))).toBeLessThan(1);
    }
  });

  it.each(factors)('keeps the level of noise, in every part of a piece: %d', (factor) => {
    const random = createRandom('noise');
    const samples = Float32Array.from({ length: 10 * RATE }, () => random.gaussian(0, 0.1));
    const kept = changeSpeed(samples, factor, { keepPitch: true });
    // Power by place within a piece of 512: it must not pulse.
    for (let part = 0; part < 8; part++) {
      const own = kept.filter((_, i) => i % 512 >= 64 * part && i % 512 < 64 * (part + 1));
      expect(Math.abs(decibels(rms(own) / 0.1))).toBeLessThan(0.5);
    }
  });

  it.each(
    [0.8, 0.9, 1.1, 1.25].flatMap((factor) => [false, true].map((keep) => [factor, keep] as const)),
  )('changes the rate of clicks: %d (pitch kept: %s)', (factor, keepPitch) => {
    const period = 4000;
    const clicks = new Float32Array(20 * period);
    for (let at = period / 2; at < clicks.length; at += period) {
      for (let i = 0; i < 8; i++) clicks[at + i] = Math.cos(i) * (1 - i / 8);
    }
    const times = clickTimes(changeSpeed(clicks, factor, { keepPitch }));
    expect(times.length).toBe(20);
    const spacing = (times[19] - times[0]) / 19;
    expect(Math.abs(spacing - period / factor)).toBeLessThan(0.02 * period);
  });

  it('leaves the signal as it is at speed 1, and silence silent', () => {
    for (const keepPitch of [false, true]) {
      expect(changeSpeed(wave, 1, { keepPitch })).toEqual(wave);
      expect(changeSpeed(wave, 1, { keepPitch })).not.toBe(wave);
      expect(changeSpeed(new Float32Array(5000), 0.9, { keepPitch }).every((value) => value === 0)).toBe(true);
    }
  });

  it('keeps the precision of its input', () => {
    expect(changeSpeed(new Float64Array(100), 1.1)).toBeInstanceOf(Float64Array);
    expect(changeSpeed(new Float64Array(100), 1.1, { keepPitch: true })).toBeInstanceOf(Float64Array);
  });

  it.each([
    [0, false, 'changeSpeed: expected a factor from 0.1 to 10, found 0'],
    [Number.NaN, false, 'found NaN'],
    [11, false, 'found 11'],
    [2.5, true, 'changeSpeed: expected a factor from 0.5 to 2, found 2.5'],
  ])('refuses factor %d', (factor, keepPitch, message) => {
    expect(() => changeSpeed(wave, factor, { keepPitch })).toThrow(message);
    expect(() => changeSpeed(wave, factor, { keepPitch })).toThrow(InputError);
  });

  it('refuses samples that are too few to keep their pitch, or not finite', () => {
    expect(() => changeSpeed(new Float32Array(63), 1.1, { keepPitch: true })).toThrow('at least 64 samples');
    for (const keepPitch of [false, true]) {
      expect(() => changeSpeed(new Float32Array(100).fill(Number.NaN), 1.1, { keepPitch })).toThrow('finite samples');
    }
  });
});
