// Resampling against torchaudio and scipy, then what any resampler must keep: length, constants, tones, small memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden, readGoldenJson } from '../../tests/golden.ts';
import { type PolyphaseOptions, reducedRatio, resample, type SincOptions } from './resample.ts';
import { filterTaps } from './resample-filter.ts';

const golden = readGolden('resample/data.safetensors');

type Entry = {
  key: string;
  len: number;
  up?: number;
  down?: number;
  window?: [string, number] | string;
  padtype?: 'constant' | 'mean' | 'line' | 'edge';
  orig?: number;
  new?: number;
  lowpass_filter_width?: number;
  rolloff?: number;
  resampling_method?: string;
  beta?: number;
};
const { entries } = readGoldenJson<{ entries: Entry[] }>('resample/meta.json');
const of = (prefix: string): [string, Entry][] => {
  const found = entries.filter(({ key }) => key.startsWith(prefix));
  return found.map((entry) => [entry.key, entry]);
};
const signalOf = (key: string) => floats(golden, key.split('.')[1]);

const polyphaseOptions = ({ window, padtype }: Entry): PolyphaseOptions => ({
  method: 'polyphase',
  window: window === 'hamming' ? 'hamming' : 'kaiser',
  beta: Array.isArray(window) ? window[1] : undefined,
  pad: padtype === undefined || padtype === 'constant' ? 'zero' : padtype,
});

const sincOptions = (entry: Entry): SincOptions => ({
  lowpassFilterWidth: entry.lowpass_filter_width,
  rolloff: entry.rolloff,
  window: entry.resampling_method === 'kaiser_window' ? 'kaiser' : 'hann',
  beta: entry.beta,
});

describe('golden numbers', () => {
  const scipy = of('scipy.').filter(([key]) => !key.startsWith('scipy.decimate'));
  it('covers every case', () => {
    expect([scipy.length, of('ta.').length, of('ta32.').length, of('firwin.').length]).toEqual([41, 45, 2, 3]);
  });

  it.each(scipy)('scipy.signal.resample_poly %s', (key, entry) => {
    const actual = resample(signalOf(key), entry.down!, entry.up!, polyphaseOptions(entry));
    expect(actual.length).toBe(entry.len);
    expect(maxDifference(actual, floats(golden, key))).toBeLessThan(1e-10);
  });

  it.each(of('ta.'))('torchaudio.functional.resample %s', (key, entry) => {
    const actual = resample(signalOf(key), entry.orig!, entry.new!, sincOptions(entry));
    expect(actual.length).toBe(entry.len);
    expect(maxDifference(actual, floats(golden, key))).toBeLessThan(1e-10);
  });

  it.each(of('ta32.'))('torchaudio.transforms.Resample, float32 %s', (key, entry) => {
    const signal = Float32Array.from(signalOf(key));
    const expected = floats32(golden, key);
    const actual = resample(signal, entry.orig!, entry.new!, { phase: 'float32' });
    expect(actual).toBeInstanceOf(Float32Array);
    expect(maxDifference(actual, expected)).toBeLessThan(1e-6);
    // The exact phase is the better answer, and close to it.
    expect(maxDifference(resample(signal, entry.orig!, entry.new!), expected)).toBeLessThan(1e-4);
  });

  it.each([
    ['firwin.160_441', 160, 441],
    ['firwin.1_2', 1, 2],
    ['firwin.320_441', 320, 441],
  ])('the filter that scipy designs: %s', (key, up, down) => {
    const taps = filterTaps({
      up,
      down,
      zeros: 10,
      rolloff: 1,
      window: 'kaiser',
      beta: 5,
      gain: 'unit',
      float32Phase: false,
    });
    expect(maxDifference(taps, floats(golden, key))).toBeLessThan(1e-12);
  });
});

describe('any ratio', () => {
  const tone = (rate: number, hz: number, length: number) =>
    Float64Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));

  it.each([
    [2000, 16000],
    [51200, 16000],
    [97656.25, 16000],
    [2_560_000, 16000],
    [16000, 44099],
    [48828.125, 44100],
    [44099, 2_560_000],
    [25600.3, 16000],
  ])('keeps a tone: %d to %d Hz', (from, to) => {
    const seconds = 3000 / Math.max(from, to) + 0.02;
    const hz = Math.min(from, to) / 40;
    const actual = resample(tone(from, hz, Math.ceil(seconds * from)), from, to, { method: 'polyphase' });
    const expected = tone(to, hz, actual.length);
    // Away from the ends, where the zeros outside reach in.
    const margin = Math.ceil(12 * Math.max(1, to / from));
    expect(actual.length).toBeGreaterThan(2 * margin + 20);
    expect(maxDifference(actual.subarray(margin, -margin), expected.subarray(margin, -margin))).toBeLessThan(2e-3);
  });

  it('removes what the lower rate cannot hold', () => {
    const actual = resample(tone(48000, 11000, 4800), 48000, 16000, { method: 'polyphase' });
    expect(Math.max(...actual.subarray(50, -50).map(Math.abs))).toBeLessThan(2e-3);
  });

  it('reduces whole rates exactly and fractional rates to 1e-12', () => {
    expect(reducedRatio(44100, 16000)).toEqual({ up: 160, down: 441 });
    expect(reducedRatio(97656.25, 16000)).toEqual({ up: 512, down: 3125 });
    expect(reducedRatio(16000, 97656.25)).toEqual({ up: 3125, down: 512 });
    expect(reducedRatio(0.5, 0.25)).toEqual({ up: 1, down: 2 });
    fc.assert(
      fc.property(
        fc.double({ min: 10, max: 3e6, noNaN: true }),
        fc.double({ min: 10, max: 3e6, noNaN: true }),
        (from, to) => {
          const { up, down } = reducedRatio(from, to);
          expect(Math.abs(up / down / (to / from) - 1)).toBeLessThan(2e-12);
        },
      ),
    );
  });

  it('gives ceil(n · to / from) samples and keeps a constant', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 300 }),
        (from, to, length) => {
          const actual = resample(new Float64Array(length).fill(2), from, to, { method: 'polyphase', pad: 'edge' });
          expect(actual.length).toBe(Math.ceil((length * to) / from - 1e-9));
          expect(Math.max(...actual.map((value) => Math.abs(value - 2)))).toBeLessThan(0.02);
        },
      ),
    );
  });

  it('takes short, long and empty signals', () => {
    expect(resample(new Float32Array(0), 44100, 16000)).toEqual(new Float32Array(0));
    expect(resample(Float32Array.of(1), 1, 3).length).toBe(3);
    const same = Float32Array.of(1, 2, 3);
    expect(resample(same, 8000, 8000)).toEqual(same);
    expect(resample(same, 8000, 8000)).not.toBe(same);
  });
});

describe('errors', () => {
  const signal = new Float32Array(10);
  it.each([
    ['no rate', () => resample(signal, 0, 16000), 'resample: expected positive sample rates in Hz, got 0 and 16000'],
    ['NaN rate', () => resample(signal, 16000, Number.NaN), 'got 16000 and NaN'],
    ['infinite sample', () => resample(Float32Array.of(0, Number.POSITIVE_INFINITY), 2, 1), 'got Infinity at sample 1'],
    ['rates too far apart', () => resample(signal, 1e7, 1), 'within a factor of 1000000'],
    ['rolloff', () => resample(signal, 2, 1, { rolloff: 0 }), '0 < rolloff <= 1'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
