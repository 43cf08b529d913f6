import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import type { NumericArray } from '../typed-view.ts';
import { npyReader, npzReader, readNpy, readNpz } from './npy.ts';
import { npyNumbers, readNpyHeader } from './npy-format.ts';
import { writeNpy, writeNpz } from './npy-write.ts';
import { readZipEntries, zipEntryBytes } from './zip.ts';

const golden = new URL('../../../tests/golden/arrays/', import.meta.url);
const load = (name: string) => new Uint8Array(readFileSync(new URL(name, golden)));
const expected: Record<string, { shape: number[]; values: number[] }> = JSON.parse(
  readFileSync(new URL('expected.json', golden), 'utf8'),
)['types.npz'];
const data = process.env.THRUM_DATA;
const place = { reader: 'test', name: 'test' };
const numbers = (bytes: Uint8Array) => npyNumbers(bytes, readNpyHeader(bytes, place), place);

describe('npy arrays', () => {
  const zip = { bytes: load('types.npz'), reader: 'test', name: 'types.npz' };
  it.each(readZipEntries(zip))('reads $path as NumPy wrote it', (entry) => {
    const bytes = zipEntryBytes(zip, entry, true);
    const header = readNpyHeader(bytes, place);
    const { shape, values } = expected[entry.path.replace('.npy', '')];
    expect(header.shape).toEqual(shape);
    expect(header.columnMajor).toBe(entry.path.startsWith('big_'));
    // The golden values are in column-major order; [3, 4] arrays in C order are read across.
    const read = Array.from(numbers(bytes), Number);
    const ordered = header.columnMajor ? read : read.map((_, i) => read[(i % 3) * 4 + Math.floor(i / 3)]);
    expect(ordered).toEqual(values);
  });

  const arrays = fc.oneof<fc.Arbitrary<NumericArray>[]>(
    fc.float32Array(),
    fc.float64Array(),
    fc.int8Array(),
    fc.uint8Array(),
    fc.int16Array(),
    fc.uint16Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.bigInt64Array(),
    fc.bigUint64Array(),
  );
  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        const bytes = writeNpy({ shape: [array.length, 1], data: array });
        expect(readNpyHeader(bytes, place)).toMatchObject({ shape: [array.length, 1], columnMajor: false });
        expect(readNpyHeader(bytes, place).offset % 64).toBe(0);
        expect(numbers(bytes)).toEqual(array);
      }),
    );
  });

  it('writes text as fixed-width Unicode', () => {
    const bytes = writeNpy({ shape: [2], data: ['ü', 'ab😀'] });
    expect(readNpyHeader(bytes, place)).toMatchObject({ dtype: 'U3', shape: [2] });
    expect(new Uint32Array(bytes.slice(-24).buffer)).toEqual(Uint32Array.of(0xfc, 0, 0, 0x61, 0x62, 0x1f600));
  });

  it('writes the same bytes for the same arrays, and refuses a wrong shape', () => {
    const content = { x: { shape: [2], data: Float32Array.of(1, 2) } };
    expect(writeNpz(content)).toEqual(writeNpz(content));
    expect(() => writeNpy({ shape: [3], data: Float32Array.of(1, 2) })).toThrow(/expected 3 values for \[3\], found 2/);
  });
});

describe('readNpy', () => {
  it('reads format version 2, the longer axis being time', () => {
    const [recording] = readNpy(load('version2.npy'), { name: 'v.npy', sampleRate: 10.5 });
    expect(recording).toMatchObject({ name: 'v.npy', sampleRate: 10.5 });
    expect(recording.channels[1]).toEqual(Float32Array.from({ length: 12 }, (_, i) => (2 * i + 1) / 8));
    expect(() => readNpy(load('version2.npy'), { name: 'v.npy' })).toThrow(
      /found none \(v\.npy\); give it with --rate/,
    );
  });

  it('says what is wrong and where', () => {
    const bytes = load('version2.npy');
    const version = bytes.slice();
    version[6] = 9;
    const text = (header: string) => {
      const file = writeNpy({ shape: [4], data: new Float32Array(4) });
      file.set(new TextEncoder().encode(header.padEnd(117)), 10);
      return file;
    };
    const cases: [Uint8Array, RegExp][] = [
      [bytes.subarray(0, bytes.length - 1), /expected 192 bytes for \[12, 2\] f8, found 191 \(v, byte 128\)/],
      [bytes.subarray(0, 20), /expected \d+ bytes of header, found 8 \(v, byte 8\)/],
      [version, /version 1 to 3, found 9 \(v, byte 6\)/],
      [new TextEncoder().encode('hello world'), /expected a NumPy array, found other data \(v, byte 0\)/],
      [
        text("{'descr': '|O', 'fortran_order': False, 'shape': (4,), }"),
        /found only array \(Python objects .*never runs\)/,
      ],
      [
        text("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }"),
        /expected real numbers, found complex numbers/,
      ],
      [text("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }"), /found only array \(records\)/],
      [text("{'shape': (4,), }"), /expected descr, fortran_order and shape in the header/],
    ];
    for (const [content, message] of cases) {
      expect(() => readNpy(content, { name: 'v', sampleRate: 1 })).toThrow(message);
      expect(() => readNpy(content, { name: 'v', sampleRate: 1 })).toThrow(InputError);
    }
  });
});

describe('readNpz', () => {
  it('reads records at the rate of the archive', () => {
    const recordings = readNpz(load('records.npz'), { name: 'r.npz' });
    expect(recordings.map(({ name, sampleRate }) => [name, sampleRate])).toEqual([
      ['r.npz#000', 25600],
      ['r.npz#001', 25600],
      ['r.npz#002', 25600],
    ]);
    expect(recordings[2].channels).toEqual([Float32Array.of(20, 21, 22, 23, 24), Float32Array.of(25, 26, 27, 28, 29)]);
  });

  it.each([
    ['objects', /Python objects \(a pickle, which Thrum never runs\)/],
    ['names', /it is text/],
    ['sample_rate', /it is a single number/],
  ])('refuses %s', (variable, message) => {
    expect(() => readNpz(load('records.npz'), { variable })).toThrow(message);
  });

  it.each(['sample_rate', 'fs', 'sr', 'rate'])('takes the rate from %s, 0-d or of one element', (name) => {
    const x = { shape: [4], data: Float32Array.of(1, 2, 3, 4) };
    for (const shape of [[], [1]]) {
      const bytes = writeNpz({ x, [name]: { shape, data: Int32Array.of(800) } });
      expect(readNpz(bytes)[0].sampleRate).toBe(800);
    }
  });

  it('refuses archives that are damaged, and answers any damage with an InputError or a value', () => {
    const bytes = load('types.npz');
    expect(() => readNpz(bytes.subarray(0, 3000), { name: 'cut.npz' })).toThrow(
      /the file is cut short \(cut\.npz, byte 3000\)/,
    );
    const flipped = writeNpz({ x: { shape: [4], data: Float32Array.of(1, 2, 3, 4) } });
    flipped[35 + 128 + 3] ^= 1;
    expect(() => readNpz(flipped, { sampleRate: 1 })).toThrow(/expected CRC-32 \d+ of x\.npy, found \d+/);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, to) => {
        const damaged = bytes.slice();
        damaged[at] = to;
        try {
          readNpz(damaged, { sampleRate: 1, variable: 'big_int16' });
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is told apart from other zip archives', () => {
    expect(npzReader.detect(load('records.npz'))).toBe(true);
    expect(npzReader.detect(zipSync({ 'archive/data.pkl': new Uint8Array(60) }))).toBe(false);
    expect(npzReader.detect(load('version2.npy'))).toBe(false);
    expect(npyReader.detect(load('version2.npy'))).toBe(true);
    expect(npyReader.detect(load('records.npz'))).toBe(false);
  });

  it.skipIf(!data)('reads FEMTO: one recording of two channels per record', () => {
    const files = readdirSync(join(data ?? '', 'femto')).filter((file) => file.endsWith('.npz'));
    const counts = Object.fromEntries(
      files.map((file) => {
        const recordings = readNpz(new Uint8Array(readFileSync(join(data ?? '', 'femto', file))), { name: file });
        for (const { channels, sampleRate } of recordings) {
          expect([sampleRate, ...channels.map(({ length }) => length)]).toEqual([25600, 2560, 2560]);
        }
        expect(recordings[0].name).toBe(`${file}#000`);
        return [file.replace('.npz', ''), recordings.length];
      }),
    );
    // The first axes of `acceleration`, as numpy.load shows them.
    expect(counts).toEqual({
      Bearing1_1: 281,
      Bearing1_2: 88,
      Bearing2_1: 92,
      Bearing2_2: 80,
      Bearing3_1: 52,
      Bearing3_2: 164,
    });
    const [first] = readNpz(new Uint8Array(readFileSync(join(data ?? '', 'femto/Bearing1_1.npz'))));
    expect(first.channels[0].subarray(0, 3)).toEqual(Float32Array.of(0.552, 0.501, 0.138));
  });
});
