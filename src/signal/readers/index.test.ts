import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { gzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { readRecordings } from './index.ts';
import { writeWav } from './wav-write.ts';

const golden = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../tests/golden/audio/${file}`, import.meta.url)));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const wav = writeWav({ channels: [Float32Array.of(0, 0.5)], sampleRate: 8000, name: 'a' });

/** NumPy's format 1.0 by hand: magic, version, header length, header padded to 64 bytes, data. */
const npy = (): Uint8Array => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".padEnd(117, ' ');
  return Uint8Array.from([
    0x93,
    ...utf8('NUMPY'),
    1,
    0,
    118,
    0,
    ...utf8(`${header}\n`),
    ...new Uint8Array(Float32Array.of(1, 2, 3).buffer),
  ]);
};

describe('readRecordings', () => {
  const cases: [string, Uint8Array, number, number][] = [
    ['WAV', wav, 8000, 2],
    ['FLAC', golden('squares-24bit-97656hz.flac'), 97656, 400],
    ['Ogg Vorbis', golden('sine1k.ogg'), 16000, 4800],
    ['Ogg Opus', golden('sine1k.opus'), 48000, 14400],
    ['Ogg FLAC', golden('squares-16bit-12khz.oga'), 12000, 600],
    ['MP3', golden('sine1k.mp3'), 44100, 13230],
    ['TDMS', golden('pump-nptdms.tdms'), 25600, 120],
    ['npy', npy(), 50, 3],
    ['npz', zipSync({ 'x.npy': npy() }), 50, 3],
    ['CSV', utf8('1,2\n3,5\n4,4\n'), 50, 3],
  ];
  it.each(cases)('tells %s by its contents, whatever its name', async (_, bytes, rate, length) => {
    const options = rate === 50 ? { sampleRate: rate } : {};
    const [recording] = await readRecordings(bytes, { name: 'recording.dat', ...options });
    expect(recording.sampleRate).toBe(rate);
    expect(recording.channels[0].length).toBe(length);
    expect(recording.name.startsWith('recording.dat')).toBe(true);
  });

  it('takes a rate that agrees with the file and refuses one that does not', async () => {
    expect((await readRecordings(wav, { sampleRate: 8001 }))[0].sampleRate).toBe(8000);
    await expect(readRecordings(wav, { sampleRate: 8100, name: 'a.wav' })).rejects.toThrow(
      /8100 Hz as given with --rate, found 8000 Hz in the file \(a\.wav\)/,
    );
    for (const sampleRate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(readRecordings(utf8('1,2\n3,5\n'), { sampleRate })).rejects.toThrow(/sampling rate above 0 Hz/);
    }
  });

  it.each([
    ['an empty file', new Uint8Array(0), /empty file \(pump\.wav\)/],
    [
      'text named .wav',
      utf8('The recording was moved to the other folder.'),
      /rows of numbers, got the text "The recording.*pump\.wav, line 1.*neither audio/,
    ],
    ['gzip', gzipSync(wav), /a gzip archive \(pump\.wav\); unpack it first/],
    ['a zip of other files', zipSync({ 'a.wav': wav }), /a zip archive.*unpack it first/],
    [
      'an unknown format',
      Uint8Array.of(0xde, 0xad, 0, 0x41, 1, 2, 3, 4, 5),
      /expected WAV, FLAC, .*found bytes de ad 00 41 01 02 03 04 \("\.\.\.A\.\.\.\."\)/,
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const read = readRecordings(bytes, { name: 'pump.wav' });
    await expect(read).rejects.toThrow(InputError);
    await expect(read).rejects.toThrow(message);
  });

  it('never fails but with an InputError of one line, on any bytes behind any beginning', async () => {
    const beginnings = [...cases.map(([, bytes]) => bytes), new Uint8Array(0)];
    const damage = fc.record({
      start: fc.constantFrom(...beginnings),
      keep: fc.nat(600),
      rest: fc.uint8Array({ maxLength: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ start, keep, rest }) => {
        const bytes = Uint8Array.from([...start.subarray(0, keep), ...rest]);
        const outcome = await readRecordings(bytes, { sampleRate: 50 }).catch((error: unknown) => error);
        if (Array.isArray(outcome)) expect(outcome.length).toBeGreaterThan(0);
        else expect(outcome).toBeInstanceOf(InputError);
        if (outcome instanceof InputError) expect(outcome.message).not.toContain('\n');
      }),
      { numRuns: 500 },
    );
  });
});
