import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { readWav, wavReader } from './wav.ts';

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const little = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, k) => Math.floor(value / 256 ** k) % 256);
const big = (value: number, bytes: number): number[] => little(value, bytes).reverse();
const chunk = (id: string, body: number[], size = body.length): number[] => [
  ...ascii(id),
  ...little(size, 4),
  ...body,
  ...(body.length % 2 ? [0] : []),
];
const riff = (...chunks: number[][]): Uint8Array => {
  const body = [...ascii('WAVE'), ...chunks.flat()];
  return Uint8Array.from([...ascii('RIFF'), ...little(body.length, 4), ...body]);
};
const format = (code: number, channels: number, bits: number, rate = 12000, frameBytes = (channels * bits) / 8) =>
  chunk('fmt ', [
    ...little(code, 2),
    ...little(channels, 2),
    ...little(rate, 4),
    ...little(rate * frameBytes, 4),
    ...little(frameBytes, 2),
    ...little(bits, 2),
  ]);
const GUID_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const extensible = (subFormat: number, container: number, valid: number, tail = GUID_TAIL): number[] =>
  chunk('fmt ', [
    ...format(0xfffe, 1, container).slice(8),
    ...little(22, 2),
    ...little(valid, 2),
    ...little(4, 4),
    ...little(subFormat, 2),
    ...tail,
  ]);
const doubles = (...values: number[]): number[] => [...new Uint8Array(Float64Array.from(values).buffer)];
const floats = (...values: number[]): number[] => [...new Uint8Array(Float32Array.from(values).buffer)];

describe('readWav', () => {
  const cases: [string, Uint8Array, number[][]][] = [
    ['8 bits, unsigned', riff(format(1, 1, 8), chunk('data', [0, 128, 255])), [[-1, 0, 127 / 128]]],
    [
      '16 bits',
      riff(format(1, 1, 16), chunk('data', [0, 0x80, 0xff, 0xff, 0xff, 0x7f])),
      [[-1, -(2 ** -15), 32767 / 32768]],
    ],
    ['24 bits', riff(format(1, 1, 24), chunk('data', [0, 0, 0x80, 1, 0, 0, 0, 0, 0x40])), [[-1, 2 ** -23, 0.5]]],
    ['32 bits', riff(format(1, 1, 32), chunk('data', [0, 0, 0, 0x80, 0, 0, 0, 0x20])), [[-1, 0.25]]],
    ['float 32', riff(format(3, 1, 32), chunk('data', floats(-1.5, 0.25))), [[-1.5, 0.25]]],
    ['float 64', riff(format(3, 1, 64), chunk('data', doubles(-3, 0.125))), [[-3, 0.125]]],
    [
      'two channels',
      riff(format(1, 2, 8), chunk('data', [64, 192, 128, 0])),
      [
        [-0.5, 0],
        [0.5, -1],
      ],
    ],
    ['three channels', riff(format(1, 3, 8), chunk('data', [64, 192, 128])), [[-0.5], [0.5], [0]]],
    ['extensible PCM', riff(extensible(1, 16, 16), chunk('data', [0, 0x40])), [[0.5]]],
    ['extensible float', riff(extensible(3, 32, 32), chunk('data', floats(0.5))), [[0.5]]],
    ['20 valid of 24 bits, left-aligned', riff(extensible(1, 24, 20), chunk('data', [0, 0, 0x40])), [[0.5]]],
    ['12 bits in 16', riff(format(1, 1, 12, 12000, 2), chunk('data', [0, 0x40])), [[0.5]]],
    [
      'unknown chunks of odd size before and after',
      riff(chunk('LIST', [1, 2, 3]), format(1, 1, 8), chunk('junk', [9]), chunk('data', [192]), chunk('id3 ', [1])),
      [[0.5]],
    ],
    ['size 0 of a stream', streamed(0), [[0.5, -0.5]]],
    ['size 0xffffffff of a stream', streamed(0xffffffff), [[0.5, -0.5]]],
    ['size 2^31 - 4096 of a stream (sox)', streamed(0x7ffff000), [[0.5, -0.5]]],
    ['RF64 with the size in ds64', long('RF64', chunk('data', [0, 0x40, 0, 0xc0, 1, 2], 0xffffffff), 4), [[0.5, -0.5]]],
    ['BW64', long('BW64', chunk('data', [0, 0x40], 0xffffffff), 2), [[0.5]]],
    ['RIFX, big-endian', rifx(), [[0.5, -(2 ** -15)]]],
  ];

  it.each(cases)('%s', (_, bytes, channels) => {
    const recording = readWav(bytes);
    expect(recording.channels.map((samples) => [...samples])).toEqual(channels);
    expect(recording.sampleRate).toBe(12000);
    expect(wavReader.detect(bytes)).toBe(true);
  });

  it('reads rates that no sound card has, at any alignment of the bytes', () => {
    const bytes = riff(format(3, 1, 32, 1_000_003), chunk('data', floats(0.5, 2)));
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const recording = readWav(shifted.subarray(1));
    expect(recording).toEqual({ channels: [Float32Array.of(0.5, 2)], sampleRate: 1_000_003, name: 'WAV file' });
  });

  const refused: [string, Uint8Array, RegExp][] = [
    ['ADPCM', riff(format(2, 1, 4, 8000, 256), chunk('data', [1])), /Microsoft ADPCM.*convert/],
    ['IMA ADPCM', riff(format(17, 1, 4, 8000, 256), chunk('data', [1])), /IMA ADPCM/],
    ['A-law', riff(format(6, 1, 8), chunk('data', [1])), /A-law/],
    ['mu-law', riff(format(7, 1, 8), chunk('data', [1])), /mu-law/],
    ['mu-law, extensible', riff(extensible(7, 8, 8), chunk('data', [1])), /mu-law/],
    ['a foreign GUID', riff(extensible(1, 16, 16, GUID_TAIL.toReversed()), chunk('data', [1, 2])), /GUID/],
    [
      'truncated data',
      riff(format(1, 1, 16), chunk('data', [1, 2], 100)),
      /100 bytes.*'data'.*found 2 .*pump.wav.*cut off/,
    ],
    ['a truncated header', riff(format(1, 1, 16)).slice(0, 30), /16 bytes.*'fmt '.*found 10/],
    ['no data chunk', riff(format(1, 1, 16)), /data chunk, found none/],
    ['data before the format', riff(chunk('data', [1, 2])), /'fmt ' chunk before/],
    ['empty data', riff(format(1, 1, 16), chunk('data', []), chunk('LIST', [1, 2])), /expected samples, found 0/],
    ['no channels', riff(format(1, 0, 16), chunk('data', [1, 2])), /one channel or more/],
    ['no rate', riff(format(1, 1, 16, 0), chunk('data', [1, 2])), /rate above 0/],
    ['64-bit integers', riff(format(1, 1, 64), chunk('data', doubles(1))), /8 to 32 bits, found 64/],
    ['a wrong frame size', riff(format(1, 2, 16, 12000, 3), chunk('data', [1, 2, 3])), /frames of 3 bytes/],
    ['text', Uint8Array.from(ascii('hello, this is text')), /expected RIFF/],
  ];

  it.each(refused)('refuses %s', (_, bytes, message) => {
    const read = () => readWav(bytes, { name: 'pump.wav' });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });

  it.skipIf(!process.env.THRUM_DATA)('reads 24-bit recordings as they are published', () => {
    const folder = `${process.env.THRUM_DATA}/device-ir`;
    for (const file of readdirSync(folder)) {
      const bytes = new Uint8Array(readFileSync(`${folder}/${file}`));
      const { channels, sampleRate } = readWav(bytes, { name: file });
      const peak = channels[0].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect([44100, 48000], file).toContain(sampleRate);
      expect(peak, file).toBeGreaterThan(0.01);
      expect(peak, file).toBeLessThanOrEqual(1);
      expect(channels[0].length * channels.length, file).toBeLessThanOrEqual((bytes.length - 44) / 2);
    }
  });
});

/** A stream's header, whose sizes were never filled in. */
function streamed(size: number): Uint8Array {
  const bytes = riff(format(1, 1, 16), chunk('data', [0, 0x40, 0, 0xc0], size));
  bytes.set(little(size, 4), 4);
  return bytes;
}

function long(id: string, data: number[], dataSize: number): Uint8Array {
  const sizes = chunk('ds64', [...little(0, 8), ...little(dataSize, 8), ...little(0, 8), ...little(0, 4)]);
  const bytes = riff(sizes, format(1, 1, 16), data);
  bytes.set([...ascii(id), 0xff, 0xff, 0xff, 0xff]);
  return bytes;
}

function rifx(): Uint8Array {
  const fields = [big(1, 2), big(1, 2), big(12000, 4), big(24000, 4), big(2, 2), big(16, 2)].flat();
  const data = [0x40, 0, 0xff, 0xff];
  const body = [...ascii('WAVEfmt '), ...big(16, 4), ...fields, ...ascii('data'), ...big(4, 4), ...data];
  return Uint8Array.from([...ascii('RIFX'), ...big(body.length, 4), ...body]);
}
