import { readFileSync } from 'node:fs';
import { zipSync, zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { readRecordings } from './index.ts';
import { writeMat } from './mat-write.ts';
import { writeNpy } from './npy-write.ts';
import { opusSeconds } from './ogg-samples.ts';
import { isTooLong } from './too-long.ts';
import { writeWav } from './wav-write.ts';

const golden = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../tests/golden/audio/${file}`, import.meta.url)));

const COUNT = 200_000;
const zeros = { shape: [COUNT, 1], data: new Float64Array(COUNT) };

/** The variables of a MATLAB file, each compressed as `save -v7` does: 1.6 MB of zeros become 2 kB. */
function compressed(mat: Uint8Array): Uint8Array {
  const packed = zlibSync(mat.subarray(128), { level: 9 });
  const bytes = new Uint8Array(128 + 8 + packed.length);
  bytes.set(mat.subarray(0, 128));
  new DataView(bytes.buffer).setUint32(128, 15, true);
  new DataView(bytes.buffer).setUint32(132, packed.length, true);
  bytes.set(packed, 136);
  return bytes;
}

const npz = zipSync({ 'signal.npy': writeNpy(zeros) }, { level: 9 });
const mat = compressed(writeMat({ signal: zeros }));

/** What each file holds, of all channels together. */
const files: [string, Uint8Array, number][] = [
  ['WAV', writeWav({ channels: [new Float32Array(500)], sampleRate: 1000, name: '' }), 500],
  ['FLAC', golden('squares-24bit-97656hz.flac'), 800],
  ['Ogg FLAC', golden('squares-16bit-12khz.oga'), 600],
  ['MP3', golden('sine1k.mp3'), 13230],
  ['Opus', golden('sine1k.opus'), 14400],
  ['NumPy', npz, COUNT],
  ['MATLAB', mat, COUNT],
];

describe('maxSamples', () => {
  it.each(files)('%s: refuses what holds more, and takes what holds fewer', async (_, bytes, count) => {
    const options = { name: 'a', sampleRate: undefined, maxSamples: Math.floor(count / 3) };
    const refused = readRecordings(bytes, options);
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(/expected at most \d+ samples, found \d+ \(a\)/);
    await refused.catch((error: unknown) => expect(isTooLong(error as InputError)).toBe(true));
    const rated = bytes === npz || bytes === mat ? { sampleRate: 1000 } : {};
    const [recording] = await readRecordings(bytes, { ...rated, maxSamples: count + 4000 });
    expect(recording.channels.length * recording.channels[0].length).toBe(count);
  });

  it('refuses a small archive before it is unpacked', async () => {
    expect(npz.length).toBeLessThan(4000);
    expect(mat.length).toBeLessThan(4000);
    // The check runs on what the archive says of itself; that it unpacks to as much is checked afterwards.
    await expect(readRecordings(npz, { maxSamples: 1000 })).rejects.toThrow(/found 199504 /);
  });

  it('stops to unpack where the limit is reached', async () => {
    await expect(readRecordings(mat, { maxSamples: 1000 })).rejects.toThrow(/expected at most 2000 samples/);
  });
});

describe('maxSeconds', () => {
  it('is about each recording', async () => {
    const wav = writeWav({ channels: [new Float32Array(500)], sampleRate: 100, name: '' });
    expect(await readRecordings(wav, { maxSeconds: 5 })).toHaveLength(1);
    await expect(readRecordings(wav, { name: 'a.wav', maxSeconds: 4.9 })).rejects.toThrow(
      'readRecordings: expected at most 4.9 s, found 5 s (a.wav); split it',
    );
  });
});

describe('opusSeconds', () => {
  // RFC 6716, section 3.1: configuration 0 is SILK of 10 ms, 15 hybrid of 20 ms, 16 CELT of 2.5 ms.
  it.each([
    [[0 << 3, 0], 0.01],
    [[(3 << 3) | 1], 0.12],
    [[(15 << 3) | 2], 0.04],
    [[16 << 3], 0.0025],
    [[(19 << 3) | 3, 5], 0.1],
    [[], 0],
  ])('%j', (packet, seconds) => {
    expect(opusSeconds(Uint8Array.from(packet))).toBeCloseTo(seconds, 12);
  });
});
