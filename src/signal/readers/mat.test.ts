import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { matReader, readMat } from './mat.ts';
import { type MatVariable, readMatVariables } from './mat-variables.ts';
import { column, writeMat } from './mat-write.ts';

const golden = new URL('../../../tests/golden/arrays/', import.meta.url);
const load = (name: string) => new Uint8Array(readFileSync(new URL(name, golden)));
const expected: Record<string, Record<string, { shape: number[]; values: number[] }>> = JSON.parse(
  readFileSync(new URL('expected.json', golden), 'utf8'),
);
const data = process.env.THRUM_DATA;
const real = (path: string) => new Uint8Array(readFileSync(join(data ?? '', path)));

/** A level 5 file built by hand, in either byte order. */
const builder = (little: boolean) => {
  const words = (...values: number[]) => {
    const bytes = new Uint8Array(values.length * 4);
    for (const [i, value] of values.entries()) new DataView(bytes.buffer).setUint32(4 * i, value, little);
    return bytes;
  };
  const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const element = (type: number, content: Uint8Array) =>
    join(words(type, content.length), content, new Uint8Array((8 - (content.length % 8)) % 8));
  const matrix = (name: string, classId: number, shape: number[], content: Uint8Array, flags = 0) =>
    element(
      14,
      join(
        element(6, words(classId | flags, 0)),
        element(5, words(...shape)),
        element(1, new TextEncoder().encode(name)),
        content,
      ),
    );
  const header = new Uint8Array(128).fill(0x20, 0, 116);
  header.set(little ? [0, 1, 0x49, 0x4d] : [1, 0, 0x4d, 0x49], 124);
  return { words, join, element, matrix, file: (...variables: Uint8Array[]) => join(header, ...variables) };
};

const numeric = (variable: MatVariable | undefined) => {
  if (variable?.kind !== 'numeric') throw new Error(`expected a numeric array, found ${variable?.kind}`);
  return { shape: variable.shape, values: Array.from(variable.data, Number) };
};

describe('readMatVariables', () => {
  for (const file of ['types_v6.mat', 'types_v7.mat']) {
    it(`reads every numeric type scipy wrote (${file})`, () => {
      const variables = readMatVariables(load(file));
      expect([...variables.keys()]).toEqual(Object.keys(expected[file]));
      for (const [name, array] of Object.entries(expected[file])) expect(numeric(variables.get(name))).toEqual(array);
    });
  }

  const types: [
    string,
    number,
    number,
    number,
    (view: DataView, at: number, value: number, little: boolean) => void,
  ][] = [
    ['int8', 1, 8, 1, (view, at, value) => view.setInt8(at, value)],
    ['uint8', 2, 9, 1, (view, at, value) => view.setUint8(at, value)],
    ['int16', 3, 10, 2, (view, at, value, little) => view.setInt16(at, value, little)],
    ['uint16', 4, 11, 2, (view, at, value, little) => view.setUint16(at, value, little)],
    ['int32', 5, 12, 4, (view, at, value, little) => view.setInt32(at, value, little)],
    ['uint32', 6, 13, 4, (view, at, value, little) => view.setUint32(at, value, little)],
    ['single', 7, 7, 4, (view, at, value, little) => view.setFloat32(at, value, little)],
    ['double', 9, 6, 8, (view, at, value, little) => view.setFloat64(at, value, little)],
    ['int64', 12, 14, 8, (view, at, value, little) => view.setBigInt64(at, BigInt(value), little)],
    ['uint64', 13, 15, 8, (view, at, value, little) => view.setBigUint64(at, BigInt(value), little)],
  ];
  for (const [name, type, classId, width, put] of types) {
    it.each([true, false])(`reads ${name}, little-endian: %s`, (little) => {
      const { element, matrix, file } = builder(little);
      const values = [1, 2, 3, 100, 5];
      const content = new Uint8Array(values.length * width);
      for (const [i, value] of values.entries()) put(new DataView(content.buffer), i * width, value, little);
      const bytes = file(matrix('x', classId, [5, 1], element(type, content)));
      expect(numeric(readMatVariables(bytes).get('x'))).toEqual({ shape: [5, 1], values });
      expect(readMatVariables(bytes).get('x')).toMatchObject({ className: name, complex: false, logical: false });
    });
  }

  it.each([true, false])('reads small and compressed elements, little-endian: %s', (little) => {
    const { words, element, join, matrix, file } = builder(little);
    // A small element: two bytes of type 2 (uint8) inside the tag itself.
    const small = join(words((2 << 16) | 2), Uint8Array.of(7, 9, 0, 0));
    const packed = zlibSync(matrix('y', 6, [1, 2], small));
    const bytes = file(
      matrix('x', 6, [1, 2], small),
      join(words(15, packed.length), packed),
      element(14, new Uint8Array()),
    );
    const variables = readMatVariables(bytes);
    expect(numeric(variables.get('x'))).toEqual({ shape: [1, 2], values: [7, 9] });
    expect(numeric(variables.get('y'))).toEqual({ shape: [1, 2], values: [7, 9] });
    expect(variables.size).toBe(2);
  });

  it('reads structs, cells, text and logical arrays as a tree', () => {
    const variables = readMatVariables(load('containers.mat'));
    expect(variables.get('text')).toEqual({ kind: 'char', shape: [1, 5], text: 'Grüße' });
    expect(variables.get('flags')).toMatchObject({ kind: 'numeric', logical: true, shape: [1, 500] });
    expect(variables.get('complex')).toMatchObject({ kind: 'numeric', complex: true });
    expect(variables.get('sparse')).toEqual({ kind: 'sparse', shape: [3, 3] });
    const cells = variables.get('cells');
    expect(cells?.kind === 'cell' && cells.cells.map(({ kind }) => kind)).toEqual(['numeric', 'numeric', 'char']);
    const run = variables.get('run');
    expect(run?.kind === 'struct' && run.elements.map((fields) => numeric(fields.get('fs')).values)).toEqual([
      [100],
      [200],
    ]);
  });

  it('says what is wrong and at which byte, on one line', () => {
    const bytes = load('types_v7.mat');
    const damaged = bytes.slice();
    damaged[bytes.length - 20] ^= 0xff;
    const wrongSum = bytes.slice();
    wrongSum[bytes.length - 1] ^= 0xff;
    const { element, matrix, file } = builder(true);
    const cases: [Uint8Array, RegExp][] = [
      [
        bytes.subarray(0, bytes.length - 5),
        /expected \d+ bytes of data, found \d+; the file is cut short \(a\.mat, byte \d+\)/,
      ],
      [damaged, /expected (a zlib stream|checksum)/],
      [wrongSum, /expected checksum \d+ of the zlib stream, found \d+ \(a\.mat, byte 8\d\d\)/],
      [new TextEncoder().encode('time,value\n1,2\n'.repeat(20)), /expected a MATLAB 5 header .* \(a\.mat, byte 0\)/],
      [file(matrix('x', 6, [1, 3], element(2, Uint8Array.of(1, 2)))), /expected 3 numbers for \[1, 3\], found 2/],
    ];
    for (const [content, message] of cases) {
      expect(() => readMatVariables(content, 'a.mat')).toThrow(message);
      expect(() => readMatVariables(content, 'a.mat')).toThrow(InputError);
      expect(() => readMatVariables(content, 'a.mat')).toThrow(/^readMat: [^\n]*$/);
    }
  });

  it.each(['types_v6.mat', 'containers.mat'])('answers any damage with an InputError or a value (%s)', (file) => {
    const bytes = load(file);
    const damage = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(bytes.length) });
    fc.assert(
      fc.property(damage, ({ at, to, cut }) => {
        const damaged = bytes.slice();
        damaged[at] = to;
        for (const content of [damaged, bytes.subarray(0, cut)]) {
          try {
            readMat(content, { sampleRate: 1, variable: 'x_int8' });
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('readMat', () => {
  it('takes the signal and the rate beside it, not the shaft rate', () => {
    const [recording, ...others] = readMat(load('containers.mat'), { name: 'c.mat' });
    expect(others).toEqual([]);
    expect(recording).toMatchObject({ name: 'c.mat', sampleRate: 48828 });
    expect(recording.channels).toEqual([Float32Array.from({ length: 100 }, (_, i) => i)]);
  });

  it('reaches cells and struct arrays, each element a recording with its own rate', () => {
    const runs = readMat(load('containers.mat'), { name: 'c.mat', variable: 'run' });
    expect(runs.map(({ name, sampleRate }) => [name, sampleRate])).toEqual([
      ['c.mat#run(1).gs', 100],
      ['c.mat#run(2).gs', 200],
    ]);
    const [cell] = readMat(load('containers.mat'), { name: 'c.mat', variable: 'cells{2}', sampleRate: 50 });
    expect(cell).toMatchObject({ name: 'c.mat', sampleRate: 50 });
    expect(cell.channels[0]).toHaveLength(10);
  });

  describe('channels in a struct array, as Paderborn keeps them', () => {
    const channel = (Name: string, ...values: number[]) => ({
      fields: { Name, Raster: 'HostService', Data: column(Float32Array.from(values)) },
    });
    const file = writeMat({
      N09_K001_1: {
        fields: {
          X: [channel('', 0, 1, 2), channel('', 0, 1)],
          Y: [channel('force', 5, 6), channel('vibration_1', 7, 8, 9), channel('twice', 1, 1), channel('twice', 2, 2)],
        },
      },
    });
    const read = (variable: string) => readMat(file, { name: 'k.mat', variable, sampleRate: 64000 });

    it.each([
      ['N09_K001_1.Y(1).Data', [5, 6]],
      ['N09_K001_1.Y(2).Data', [7, 8, 9]],
      ['N09_K001_1.Y(2)', [7, 8, 9]],
      ['N09_K001_1.Y.force.Data', [5, 6]],
      ['N09_K001_1.Y.vibration_1.Data', [7, 8, 9]],
      ['N09_K001_1.Y.vibration_1', [7, 8, 9]],
      ['N09_K001_1.X(2).Data', [0, 1]],
    ])('takes %s', (variable, values) => {
      const [recording, ...others] = read(variable);
      expect(others).toEqual([]);
      expect(recording).toEqual({ name: 'k.mat', sampleRate: 64000, channels: [Float32Array.from(values)] });
    });

    it.each([
      ['N09_K001_1.Y.speed.Data', /no such variable \(k\.mat\).*N09_K001_1\.Y\(1\)\.Data \[2, 1\]/],
      ['N09_K001_1.Y(5).Data', /no such variable/],
      ['N09_K001_1.Y.force.Name', /it is a char array/],
    ])('refuses %s', (variable, message) => expect(() => read(variable)).toThrow(message));

    it('gives all elements of a name that occurs twice, by their indices', () => {
      expect(read('N09_K001_1.Y.twice').map(({ name }) => name)).toEqual([
        'k.mat#N09_K001_1.Y(3).Data',
        'k.mat#N09_K001_1.Y(4).Data',
      ]);
    });
  });

  it.each([
    ['text', 'it is a char array'],
    ['bearing.sr', 'it is a single number'],
    ['nothing', 'there is no such variable'],
    ['sparse', 'found a sparse matrix'],
    ['complex', 'found complex numbers'],
  ])('refuses %s: %s', (variable, message) => {
    expect(() => readMat(load('containers.mat'), { variable, sampleRate: 1 })).toThrow(message);
    expect(() => readMat(load('containers.mat'), { variable, sampleRate: 1 })).toThrow(InputError);
  });

  it('refuses version 4 and says what to do', () => {
    expect(matReader.detect(load('v4.mat'))).toBe(true);
    expect(() => readMat(load('v4.mat'), { name: 'old.mat' })).toThrow(/version 4 \(old\.mat, byte 0\).*-v7/);
  });

  it('detects level 5 files in both byte orders, and nothing else', () => {
    for (const little of [true, false]) expect(matReader.detect(builder(little).file())).toBe(true);
    expect(matReader.detect(load('matlab73.mat'))).toBe(false);
    expect(matReader.detect(load('plain.h5'))).toBe(false);
    expect(matReader.detect(new TextEncoder().encode('RIFF    WAVEfmt '.repeat(10)))).toBe(false);
    expect(matReader.detect(new Uint8Array(200))).toBe(false);
  });

  it.skipIf(!data)('reads CWRU: the drive end of every folder, at the rate given', () => {
    const files = readdirSync(join(data ?? '', 'cwru'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('_0.mat'))
      .sort();
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const [recording, ...others] = readMat(real(`cwru/${file}`), { name: file, sampleRate: 12000 });
      expect(others).toEqual([]);
      expect(recording.channels).toHaveLength(1);
      expect(recording.channels[0].length).toBeGreaterThan(120_000);
    }
    const file = 'cwru/12k_Drive_End_Bearing_Fault_Data/IR/007/105_0.mat';
    const [drive] = readMat(real(file), { sampleRate: 12000 });
    // scipy.io.loadmat: X105_DE_time[:3], X105_FE_time has as many samples.
    expect(drive.channels[0].subarray(0, 3)).toEqual(Float32Array.of(-0.08300435, -0.19573434, 0.23341928));
    expect(drive.channels[0]).toHaveLength(121265);
    const [fan] = readMat(real(file), { sampleRate: 12000, variable: 'X105_FE_time' });
    expect(fan.channels[0]).toHaveLength(121265);
    expect(fan.channels[0][0]).not.toBe(drive.channels[0][0]);
    expect(() => readMat(real(file), { name: '105_0.mat' })).toThrow(/found none \(105_0\.mat\); give it with --rate/);
  });

  it.skipIf(!data)('reads MFPT at 48,828 Hz and refuses another rate', () => {
    const files = readdirSync(join(data ?? '', 'mfpt'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.mat'),
    );
    expect(files).toHaveLength(14);
    for (const file of files) {
      const [recording] = readMat(real(`mfpt/${file}`), { name: file });
      expect(recording).toMatchObject({ name: file, sampleRate: 48828 });
      expect(recording.channels.map(({ length }) => length)).toEqual([146484]);
    }
    expect(() => readMat(real(`mfpt/${files[0]}`), { sampleRate: 25 })).toThrow(/the file's own rate, 48828 Hz/);
  });

  it.skipIf(!data)('reads ITSC: one recording of three phases per repetition', () => {
    const recordings = readMat(real('itsc/dataset/Data_ITSC.mat'), { name: 'Data_ITSC.mat', sampleRate: 1000 });
    expect(recordings).toHaveLength(65);
    expect(recordings[0].name).toBe('Data_ITSC.mat#itsc.ITSC_C10.Repetition01');
    for (const { channels } of recordings) expect(channels.map(({ length }) => length)).toEqual([1000, 1000, 1000]);
    const variable = 'itsc.ITSC_HLT.Repetition05';
    const [one] = readMat(real('itsc/dataset/Data_ITSC.mat'), { variable, sampleRate: 1000 });
    expect(one.channels).toEqual(recordings[64].channels);
  });
});
