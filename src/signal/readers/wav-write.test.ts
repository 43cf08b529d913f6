import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Recording } from '../recording.ts';
import { readWav } from './wav.ts';
import { writeWav } from './wav-write.ts';

const recordingOf = (...channels: number[][]): Recording => ({
  channels: channels.map((samples) => Float32Array.from(samples)),
  sampleRate: 25600,
  name: 'pump',
});

describe('writeWav', () => {
  it('writes the header that the format asks for', () => {
    const bytes = writeWav(recordingOf([0.5], [-1]));
    const expected =
      '52494646 28000000 57415645 666d7420 10000000 0100 0200 00640000 00900100 0400 1000 64617461 04000000 0040 0080';
    expect([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(expected.replaceAll(' ', ''));
  });

  it('clips and rounds integers, keeps floats', () => {
    const samples = [2, -2, 1, 0.4 / 32768, 0.6 / 32768];
    const read = (bits: 16 | 24 | 'float32') => [...readWav(writeWav(recordingOf(samples), { bits })).channels[0]];
    expect(read(16)).toEqual([32767 / 32768, -1, 32767 / 32768, 0, 1 / 32768]);
    expect(read(24).slice(0, 3)).toEqual([1 - 2 ** -23, -1, 1 - 2 ** -23]);
    expect(read('float32')).toEqual(samples.map(Math.fround));
  });

  it('gives back what it was given, within half a step', () => {
    const sample = fc.float({ min: -1, max: Math.fround(0.9999), noNaN: true });
    const channels = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }))
      .chain(([count, length]) =>
        fc.array(fc.array(sample, { minLength: length, maxLength: length }), { minLength: count, maxLength: count }),
      );
    fc.assert(
      fc.property(channels, fc.constantFrom(16 as const, 24 as const, 'float32' as const), (values, bits) => {
        const written = recordingOf(...values);
        const read = readWav(writeWav(written, { bits }), { name: 'pump' });
        const step = bits === 'float32' ? 0 : 2 ** (1 - bits);
        expect(read.sampleRate).toBe(25600);
        expect(read.channels.length).toBe(values.length);
        for (const [c, samples] of written.channels.entries()) {
          expect(read.channels[c].length).toBe(samples.length);
          for (const [i, x] of samples.entries())
            expect(Math.abs(read.channels[c][i] - x)).toBeLessThanOrEqual(step / 2);
        }
      }),
    );
  });

  it.each([
    ['NaN', recordingOf([0, Number.NaN]), /finite samples, got NaN at sample 1 of channel 0/],
    ['unequal channels', recordingOf([0, 1], [0]), /equal length/],
    ['no channels', recordingOf(), /1 to 65535 channels/],
    [
      'a fractional rate',
      { ...recordingOf([0]), sampleRate: 48828.125 },
      /whole number of Hz, got 48828.125; resample/,
    ],
  ])('refuses %s', (_, recording, message) => {
    expect(() => writeWav(recording)).toThrow(message);
  });
});
