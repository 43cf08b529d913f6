import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toneShare } from '../../../tests/tone-share.ts';
import { InputError } from '../errors.ts';
import { mp3Reader, readMp3 } from './mp3.ts';
import { readMpegFrame } from './mpeg-frames.ts';

/** 0.3 s of a 1 kHz sine of amplitude 0.5 at 44.1 kHz, mono (sox, then lame -b 64). */
const fixture = new Uint8Array(readFileSync(new URL('../../../tests/golden/audio/sine1k.mp3', import.meta.url)));
const join = (...parts: (Uint8Array | number[])[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const id3 = [...new TextEncoder().encode('ID3'), 4, 0, 0, 0, 0, 1, 2, ...new Uint8Array(130)];

describe('readMp3', () => {
  it('decodes to the length that was encoded', async () => {
    expect(mp3Reader.detect(fixture)).toBe(true);
    const { channels, sampleRate } = await readMp3(fixture);
    expect(sampleRate).toBe(44100);
    expect(channels.map((samples) => samples.length)).toEqual([13230]);
    expect(toneShare(channels[0], sampleRate, 1000)).toBeGreaterThan(0.99);
    expect(toneShare(channels[0], sampleRate, 1020)).toBeLessThan(0.5);
    const middle = channels[0].subarray(4000, 9000);
    expect(Math.abs(middle.reduce((most, x) => Math.max(most, x), 0) - 0.5)).toBeLessThan(0.03);
  });

  it('skips tags before and behind the audio', async () => {
    const tagged = join(id3, fixture, new TextEncoder().encode('TAG'), new Uint8Array(125));
    expect(mp3Reader.detect(tagged)).toBe(true);
    expect((await readMp3(tagged)).channels).toEqual((await readMp3(fixture)).channels);
  });

  it('reads a file without the header that tells its length', async () => {
    const audio = fixture.subarray(readMpegFrame(fixture, 0)?.size);
    const { channels } = await readMp3(audio);
    expect(channels[0].length).toBe(1152 * 13);
  });

  it('refuses a file cut anywhere, between frames too', async () => {
    const first = readMpegFrame(fixture, 0)?.size ?? 0;
    for (const length of [3, 100, first, first + 1, fixture.length - 1, fixture.length - 209, 1500]) {
      await expect(readMp3(fixture.subarray(0, length), { name: 'a.mp3' }), `${length}`).rejects.toThrow(InputError);
    }
    await expect(readMp3(fixture.subarray(0, first))).rejects.toThrow(/14 frames, found 1 in/);
  });

  it('refuses damage in the middle, and a tag without audio', async () => {
    const damaged = fixture.slice();
    damaged.fill(0x55, 1200, 1600);
    await expect(readMp3(damaged)).rejects.toThrow(/whole frame \d, found other bytes .*byte \d+/);
    await expect(readMp3(Uint8Array.from(id3))).rejects.toThrow(/expected an MPEG audio frame .*byte 140/);
  });

  it('is not told from a single sync word', () => {
    const one = fixture.slice(0, 600);
    one.fill(0, 4);
    expect(mp3Reader.detect(one)).toBe(false);
    expect(mp3Reader.detect(Uint8Array.of(0xff, 0xfb))).toBe(false);
  });
});

describe('readMpegFrame', () => {
  // Sizes as in the format's formula: 144 * 128000 / 44100 = 417.9; 72 * 64000 / 22050 = 208.9; (12 * 384000 / 48000) * 4.
  it.each([
    [
      'MPEG-1 layer III',
      [0xff, 0xfb, 0x90, 0x00],
      { size: 417, samples: 1152, sampleRate: 44100, channels: 2, layer: 3 },
    ],
    [
      'the same, padded',
      [0xff, 0xfb, 0x92, 0xc0],
      { size: 418, samples: 1152, sampleRate: 44100, channels: 1, layer: 3 },
    ],
    [
      'MPEG-2 layer III',
      [0xff, 0xf3, 0x80, 0xc0],
      { size: 208, samples: 576, sampleRate: 22050, channels: 1, layer: 3 },
    ],
    [
      'MPEG-2.5 layer III',
      [0xff, 0xe3, 0x88, 0xc0],
      { size: 576, samples: 576, sampleRate: 8000, channels: 1, layer: 3 },
    ],
    ['MPEG-1 layer I', [0xff, 0xff, 0xc4, 0x00], { size: 384, samples: 384, sampleRate: 48000, channels: 2, layer: 1 }],
    [
      'MPEG-1 layer II',
      [0xff, 0xfd, 0xa4, 0x00],
      { size: 576, samples: 1152, sampleRate: 48000, channels: 2, layer: 2 },
    ],
  ])('%s', (_, bytes, expected) => {
    expect(readMpegFrame(Uint8Array.from(bytes), 0)).toMatchObject(expected);
  });

  it.each([
    ['AAC in ADTS', [0xff, 0xf1, 0x50, 0x80]],
    ['a reserved version', [0xff, 0xeb, 0x90, 0x00]],
    ['a reserved rate', [0xff, 0xfb, 0x9c, 0x00]],
    ['a free bit rate', [0xff, 0xfb, 0x00, 0x00]],
    ['a wrong bit rate', [0xff, 0xfb, 0xf0, 0x00]],
    ['a wrong emphasis', [0xff, 0xfb, 0x90, 0x02]],
  ])('refuses %s', (_, bytes) => {
    expect(readMpegFrame(Uint8Array.from(bytes), 0)).toBeUndefined();
  });
});
