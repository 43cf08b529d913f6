import { describe, expect, it } from 'vitest';
import type { Recording } from '../signal/recording.ts';
import type { Encoder } from './types.ts';
import { onWindows, type WindowRule, windowsOf } from './windows.ts';

const ramp = (length: number): Recording => ({
  name: 'ramp.wav',
  sampleRate: 10,
  channels: [Float32Array.from({ length }, (_, i) => i)],
});
const rule = (part: Partial<WindowRule> = {}): WindowRule => ({ seconds: 10, remainder: 0.05, pad: true, ...part });
const spans = (recording: Recording, r: WindowRule) =>
  windowsOf(recording, r).map(({ channels: [samples] }) => [samples[0], samples[samples.length - 1], samples.length]);

describe('windowsOf', () => {
  it.each([
    ['one window exactly', 100, [[0, 99, 100]]],
    [
      'a remainder below 5 %',
      204,
      [
        [0, 99, 100],
        [100, 199, 100],
      ],
    ],
    [
      'a remainder of 5 %',
      205,
      [
        [0, 99, 100],
        [100, 199, 100],
        [105, 204, 100],
      ],
    ],
    ['zeros behind a short recording', 30, [[0, 0, 100]]],
  ])('%s', (_, length, wanted) => {
    expect(spans(ramp(length as number), rule())).toEqual(wanted);
  });

  it('removes the mean of the window before it pads', () => {
    const [{ channels }] = windowsOf(ramp(3), rule({ removeMean: 'window' }));
    expect(Array.from(channels[0].subarray(0, 5))).toEqual([-1, 0, 1, 0, 0]);
  });

  it('leaves a short recording as it is where nothing is padded', () => {
    expect(spans(ramp(30), rule({ pad: false, remainder: 0 }))).toEqual([[0, 29, 30]]);
  });

  it.each([
    // A clip of 8 s in windows of 10 s keeps its last 2 s; up to half a window the index lies before the beginning.
    [80, [[60, 79, 20]]],
    [50, [[0, 49, 50]]],
    [100, [[0, 99, 100]]],
  ])('starts at a negative index as the released extractors do: %i samples', (length, wanted) => {
    expect(spans(ramp(length), rule({ pad: false, remainder: 0, negativeStart: true }))).toEqual(wanted);
  });
});

describe('onWindows', () => {
  it('is the mean over windows', async () => {
    const encoder: Encoder = {
      id: 'first',
      fingerprint: 'first',
      embed: async () => ({ vector: new Float32Array(1), bands: [] }),
      embedMany: async (recordings) =>
        recordings.map(({ channels: [samples] }) => ({ vector: Float32Array.of(samples[0]), bands: [] })),
      release: async () => {},
    };
    const [{ vector }] = await onWindows(encoder, rule()).embedMany([ramp(300)]);
    expect(Array.from(vector)).toEqual([100]);
  });
});
