import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { flacReader, readFlac } from './flac.ts';

/** 24 bits, two channels, 97,656 Hz: a rate that only STREAMINFO can hold. Written by flac 1.4. */
const fixture = new Uint8Array(
  readFileSync(new URL('../../../tests/golden/audio/squares-24bit-97656hz.flac', import.meta.url)),
);
const expected = (channel: number): Float32Array =>
  Float32Array.from({ length: 400 }, (_, i) => ((i * i * 7919 + i * 104729 * (channel + 1)) % 2 ** 24) / 2 ** 23 - 1);

const changed = (at: number): Uint8Array => {
  const bytes = fixture.slice();
  bytes[at] ^= 1;
  return bytes;
};

describe('readFlac', () => {
  it('gives the samples that were encoded, exactly', async () => {
    expect(flacReader.detect(fixture)).toBe(true);
    const recording = await readFlac(fixture, { name: 'squares.flac' });
    expect(recording).toEqual({ channels: [expected(0), expected(1)], sampleRate: 97656, name: 'squares.flac' });
  });

  it('decodes several files at the same time', async () => {
    const recordings = await Promise.all([readFlac(fixture), readFlac(fixture), readFlac(fixture)]);
    for (const { channels } of recordings) expect(channels[1]).toEqual(expected(1));
  });

  it('refuses a file that was cut anywhere', async () => {
    for (let length = 0; length < fixture.length; length += 37) {
      await expect(readFlac(fixture.subarray(0, length)), `${length} bytes`).rejects.toThrow(InputError);
    }
  });

  it('refuses a frame with a wrong bit, and reads on after the failure', async () => {
    await expect(readFlac(changed(fixture.length - 900), { name: 'a.flac' })).rejects.toThrow(
      /whole frame 1, found a damaged.*a\.flac, byte \d+/,
    );
    expect((await readFlac(fixture)).channels[0]).toEqual(expected(0));
  });

  it('refuses fewer samples than announced, and takes what comes when none are', async () => {
    // STREAMINFO lies at byte 8; the last of its 36 bits of total samples is in byte 25.
    await expect(readFlac(changed(25))).rejects.toThrow(/expected 401 samples, found 400: the file was cut off/);
    const unknown = fixture.slice();
    unknown.set([0, 0], 24);
    expect((await readFlac(unknown)).channels[0]).toEqual(expected(0));
  });

  it('refuses a stream with a frame taken out', async () => {
    // Sync code, then a rate left to STREAMINFO (0) and samples of 24 bits (code 6).
    const isFrame = (at: number) =>
      fixture[at] === 0xff && fixture[at + 1] === 0xf8 && (fixture[at + 2] & 15) === 0 && (fixture[at + 3] & 15) === 12;
    const frames = [...fixture.keys()].filter(isFrame);
    expect(frames.length).toBe(3);
    const without = Uint8Array.from([...fixture.subarray(0, frames[1]), ...fixture.subarray(frames[2])]);
    await expect(readFlac(without)).rejects.toThrow(/number 1 at frame 1, found 2: frames are missing/);
  });

  it.skipIf(!process.env.THRUM_DATA)('reads spoken digits', async () => {
    const folder = `${process.env.THRUM_DATA}/fsdd`;
    const seconds: number[] = [];
    for (const file of readdirSync(folder).filter((name) => name.endsWith('_7.flac'))) {
      const { channels, sampleRate } = await readFlac(new Uint8Array(readFileSync(`${folder}/${file}`)), {
        name: file,
      });
      expect(sampleRate).toBe(8000);
      expect(channels.length).toBe(1);
      expect(channels[0].every((x) => Number.isInteger(x * 32768) && x >= -1 && x < 1)).toBe(true);
      seconds.push(channels[0].length / sampleRate);
    }
    expect(seconds.length).toBe(60);
    expect(Math.min(...seconds)).toBeGreaterThan(0.1);
    expect(Math.max(...seconds)).toBeLessThan(3);
  });
});
