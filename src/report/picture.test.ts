import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecordings } from '../signal/readers/index.ts';
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { peakEnvelope, pictureSpectrogram, playable } from './picture.ts';

const sine = (hz: number, sampleRate: number, seconds: number, amplitude = 1, offset = 0): Float32Array =>
  Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    (_, i) => offset + amplitude * Math.sin((2 * Math.PI * hz * i) / sampleRate),
  );

const recordingOf = (samples: Float32Array, sampleRate: number): Recording => ({
  channels: [samples],
  sampleRate,
  name: 'x',
});

/** Index of the loudest bin of every frame. */
const peaks = ({ values, frames, bins }: { values: Uint8Array; frames: number; bins: number }): number[] =>
  Array.from({ length: frames }, (_, t) => {
    const row = values.subarray(t * bins, (t + 1) * bins);
    return row.indexOf(Math.max(...row));
  });

describe('pictureSpectrogram', () => {
  it.each([
    [1000, 8000, 1, 25], // 200-point transform: 40 Hz per bin
    [3000, 8000, 0.5, 75],
    [200, 1000, 2, 5], // 25-point transform
  ])('peaks at the bin of a sine of %i Hz at %i Hz', (hz, sampleRate, seconds, bin) => {
    const picture = pictureSpectrogram(sine(hz, sampleRate, seconds), sampleRate);
    expect(new Set(peaks(picture))).toEqual(new Set([bin]));
    expect(picture).toMatchObject({ durationSeconds: seconds, maxHz: sampleRate / 2 });
    expect(Math.max(...picture.values)).toBe(255);
    expect(picture.dbRange[1] - picture.dbRange[0]).toBeCloseTo(70, 10);
    expect(picture.values).toHaveLength(picture.frames * picture.bins);
  });

  it('has the level of the sine in dB', () => {
    // Peak of a sine of amplitude a under a Hann window of n points: a n / 4.
    const { dbRange } = pictureSpectrogram(sine(1000, 8000, 1, 0.5), 8000);
    expect(dbRange[1]).toBeCloseTo(20 * Math.log10((0.5 * 200) / 4), 3);
  });

  it('is averaged down to 300 x 128 cells, however long and fast', () => {
    const sampleRate = 96000;
    const signal = sine(20000, sampleRate, 5);
    const picture = pictureSpectrogram(signal, sampleRate);
    expect([picture.frames, picture.bins]).toEqual([300, 128]);
    // 2400 points: 20 kHz is bin 500 of 1201.
    expect(new Set(peaks(picture))).toEqual(new Set([Math.floor((500 * 128) / 1201)]));
  });

  it('shows a burst when it was', () => {
    const signal = new Float32Array(16000);
    signal.set(sine(2000, 8000, 0.2), 8000);
    const picture = pictureSpectrogram(signal, 8000);
    const loud = Array.from({ length: picture.frames }, (_, t) => {
      return Math.max(...picture.values.subarray(t * picture.bins, (t + 1) * picture.bins)) > 200;
    });
    const seconds = picture.durationSeconds / picture.frames;
    for (const [t, is] of loud.entries()) {
      const time = (t + 0.5) * seconds;
      if (time > 1.03 && time < 1.17) expect(is).toBe(true);
      if (time < 0.95 || time > 1.25) expect(is).toBe(false);
    }
  });

  it('is dark for silence, whatever its level', () => {
    for (const level of [0, 0.7, -1e4]) {
      const picture = pictureSpectrogram(new Float32Array(4000).fill(level), 8000);
      expect(Math.max(...picture.values)).toBe(0);
      expect(picture.dbRange.every(Number.isFinite)).toBe(true);
    }
  });

  it('is drawn for signals shorter than a window', () => {
    const picture = pictureSpectrogram(sine(100, 1000, 0.01), 1000);
    expect([picture.frames, picture.bins]).toEqual([1, 6]);
  });
});

describe('peakEnvelope', () => {
  it('holds the lowest and highest of every stretch', () => {
    const signal = fc.float32Array({ minLength: 1, maxLength: 2500, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(signal, (values) => {
        const { min, max, unit } = peakEnvelope(values, 'g');
        const points = Math.min(1000, values.length);
        expect([min.length, max.length, unit]).toEqual([points, points, 'g']);
        let last = -1;
        for (let p = 0; p < points; p++) {
          const [from, to] = [Math.floor((p * values.length) / points), Math.floor(((p + 1) * values.length) / points)];
          expect(from).toBe(last + 1); // stretches follow each other
          last = to - 1;
          const stretch = values.subarray(from, to);
          expect(min[p]).toBe(stretch.reduce((a, b) => Math.min(a, b)));
          expect(max[p]).toBe(stretch.reduce((a, b) => Math.max(a, b)));
        }
        expect(last).toBe(values.length - 1);
      }),
      { numRuns: 30 },
    );
  });
});

describe('playable', () => {
  const soundOf = async (recording: Recording) => {
    const audio = playable(recording);
    if (!audio) throw new Error('no sound');
    const [sound] = await readRecordings(
      Uint8Array.from(atob(audio.wavBase64), (letter) => letter.charCodeAt(0)),
      {},
    );
    return { audio, sound, samples: sound.channels[0] };
  };
  const peakOf = (samples: Float32Array) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  /** Frequency by counting zero crossings upwards. */
  const frequencyOf = (samples: Float32Array, sampleRate: number) =>
    (samples.filter((value, i) => i > 0 && samples[i - 1] < 0 && value >= 0).length * sampleRate) / samples.length;

  it.each([
    [8000, 2, 8000, 16000, ''],
    [22050, 1, 22050, 22050, ''],
    [44100, 1, 22050, 22050, ''],
    [97656.25, 1, 22050, 22050, ''],
    [16000, 10, 16000, 96000, 'first 6 s'],
    [256000, 0.5, 22050, 58800, 'slowed 5.3×'],
    [10_000_000, 0.01, 22050, 45938, 'slowed 210×'],
    [1000, 4, 8000, 4000, 'sped up 8×'],
    [50, 10, 8000, 300, 'sped up 160×, first 6 s'],
  ])('plays %f Hz, %f s', async (sampleRate, seconds, rate, samples, note) => {
    const { audio, sound } = await soundOf(recordingOf(sine(sampleRate / 10, sampleRate, seconds), sampleRate));
    expect(audio).toMatchObject({ sampleRate: rate, note });
    expect([sound.sampleRate, sound.channels[0].length]).toEqual([rate, samples]);
  });

  it('keeps pitch where nothing was said', async () => {
    for (const sampleRate of [8000, 48000]) {
      const { sound, samples } = await soundOf(recordingOf(sine(440, sampleRate, 1), sampleRate));
      expect(Math.abs(frequencyOf(samples, sound.sampleRate) - 440)).toBeLessThan(2);
    }
  });

  it('is as loud as it may be, with a constant offset taken out first', async () => {
    for (const [amplitude, offset] of [
      [1e-6, 0],
      [0.01, 1],
      [300, -9.81],
    ]) {
      const { samples } = await soundOf(recordingOf(sine(500, 8000, 1, amplitude, offset), 8000));
      expect(peakOf(samples)).toBeCloseTo(0.9, 2);
      expect(Math.abs(samples.reduce((sum, value) => sum + value, 0) / samples.length)).toBeLessThan(1e-3);
    }
  });

  it('does not clip noise', async () => {
    const random = createRandom('noise');
    const noise = Float32Array.from({ length: 8000 }, () => random.gaussian());
    const { samples } = await soundOf(recordingOf(noise, 8000));
    expect(peakOf(samples)).toBeCloseTo(0.9, 3);
  });

  it('is nothing for silence, a dead sensor, or a click', () => {
    for (const level of [0, 0.1, -1234.567]) {
      expect(playable(recordingOf(new Float32Array(8000).fill(level), 8000))).toBeUndefined();
    }
    expect(playable(recordingOf(sine(500, 8000, 1).subarray(0, 63), 8000))).toBeUndefined();
    expect(playable(recordingOf(sine(500, 8000, 1).subarray(0, 64), 8000))).toBeDefined();
  });
});
