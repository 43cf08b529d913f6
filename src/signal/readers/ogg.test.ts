import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toneShare } from '../../../tests/tone-share.ts';
import { InputError } from '../errors.ts';
import { oggReader, readOgg } from './ogg.ts';

const golden = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../tests/golden/audio/${file}`, import.meta.url)));
const vorbis = golden('sine1k.ogg');
const opus = golden('sine1k.opus');

const peak = (samples: Float32Array): number => samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe('readOgg', () => {
  // Both were encoded from 0.3 s of a 1 kHz sine of amplitude 0.5 at 16 kHz (sox, then oggenc and opusenc).
  it.each([
    ['Vorbis', vorbis, 16000, 4800],
    ['Opus, which knows 48 kHz only', opus, 48000, 14400],
  ])('decodes %s', async (_, bytes, rate, length) => {
    expect(oggReader.detect(bytes)).toBe(true);
    const { channels, sampleRate } = await readOgg(bytes);
    expect(sampleRate).toBe(rate);
    expect(channels.map((samples) => samples.length)).toEqual([length]);
    expect(toneShare(channels[0], rate, 1000)).toBeGreaterThan(0.98);
    expect(toneShare(channels[0], rate, 1020)).toBeLessThan(0.5);
    const energy = channels[0].reduce((sum, x) => sum + x * x, 0);
    expect(Math.abs(Math.sqrt((2 * energy) / length) - 0.5)).toBeLessThan(0.02);
  });

  it('decodes FLAC, exactly', async () => {
    const { channels, sampleRate } = await readOgg(golden('squares-16bit-12khz.oga'));
    expect(sampleRate).toBe(12000);
    expect(channels).toEqual([Float32Array.from({ length: 600 }, (_, i) => ((i * i * 31) % 65536) / 32768 - 1)]);
  });

  it('applies the output gain of an Opus header', async () => {
    const louder = withPage(opus, 0, (body) => body.set([0x05, 0x06], 16)); // 1541/256 dB, a factor of 2.0001
    const [plain] = (await readOgg(opus)).channels;
    const [loud] = (await readOgg(louder)).channels;
    expect(loud.length).toBe(plain.length);
    for (let i = 0; i < plain.length; i += 100) expect(loud[i]).toBeCloseTo(plain[i] * 10 ** (1541 / 5120), 5);
  });

  it('refuses a file cut anywhere, at the end of a page too', async () => {
    for (const whole of [vorbis, opus]) {
      const cuts = [...pageStarts(whole).slice(1), 5, 40, whole.length - 1, whole.length >> 1];
      for (const length of cuts) {
        await expect(readOgg(whole.subarray(0, length)), `${length}`).rejects.toThrow(/readOgg: .*cut off/);
      }
    }
  });

  it('refuses damaged, missing and foreign pages', async () => {
    const damaged = vorbis.slice();
    damaged[vorbis.length - 100] ^= 1;
    await expect(readOgg(damaged, { name: 'a.ogg' })).rejects.toThrow(
      /damaged page \(a\.ogg, byte \d+\): wrong checksum/,
    );
    const starts = pageStarts(vorbis);
    const without = Uint8Array.from([...vorbis.subarray(0, starts[1]), ...vorbis.subarray(starts[2])]);
    await expect(readOgg(without)).rejects.toThrow(/expected page 1, found 2/);
    await expect(readOgg(withPage(vorbis, 0, (body) => body.set([0x80, 0x74])))).rejects.toThrow(
      /one stream.*"\.torbis/,
    );
    await expect(readOgg(Uint8Array.from([...vorbis, ...opus]))).rejects.toThrow(/one stream .*found 2/);
  });

  it('ignores a tag behind the last page', async () => {
    const tagged = Uint8Array.from([...vorbis, ...new TextEncoder().encode('TAG and a title')]);
    expect((await readOgg(tagged)).channels[0].length).toBe(4800);
  });

  it.skipIf(!process.env.THRUM_DATA)('reads environmental clips of 5 s', async () => {
    const folder = `${process.env.THRUM_DATA}/esc50`;
    for (const file of readdirSync(folder)
      .filter((name) => name.startsWith('1-1') && name.endsWith('.ogg'))
      .slice(0, 30)) {
      const bytes = new Uint8Array(readFileSync(`${folder}/${file}`));
      const { channels, sampleRate } = await readOgg(bytes, { name: file });
      expect(sampleRate).toBe(16000);
      expect(channels.map((samples) => samples.length)).toEqual([80001]); // as ogginfo says
      expect(peak(channels[0])).toBeGreaterThan(0);
      await expect(readOgg(bytes.subarray(0, 4000))).rejects.toThrow(InputError);
    }
  });
});

function pageStarts(bytes: Uint8Array): number[] {
  return [...bytes.keys()].filter((at) => String.fromCharCode(...bytes.subarray(at, at + 4)) === 'OggS');
}

/** The file with the body of one page changed and its checksum made right, bit by bit. */
function withPage(source: Uint8Array, page: number, change: (body: Uint8Array) => void): Uint8Array {
  const bytes = source.slice();
  const start = pageStarts(bytes)[page];
  const end = pageStarts(bytes)[page + 1];
  change(bytes.subarray(start + 27 + bytes[start + 26], end));
  bytes.fill(0, start + 22, start + 26);
  let crc = 0;
  for (const byte of bytes.subarray(start, end)) {
    for (let bit = 7; bit >= 0; bit--) {
      const top = (crc >>> 31) ^ ((byte >> bit) & 1);
      crc = (crc << 1) ^ (top ? 0x04c11db7 : 0);
    }
  }
  new DataView(bytes.buffer).setUint32(start + 22, crc, true);
  return bytes;
}
