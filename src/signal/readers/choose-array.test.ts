import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { type ArrayFile, chooseRecordings, type NamedArray, pathName } from './choose-array.ts';

const array = (name: string, shape: number[], more: Partial<NamedArray> = {}): NamedArray => ({
  path: name.split('/'),
  shape,
  columnMajor: false,
  load: () => Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  ...more,
});
const file = (arrays: NamedArray[], scalars: Record<string, number> = {}, bareRate = false): ArrayFile => ({
  reader: 'readTest',
  name: 'a.x',
  separator: '.',
  arrays,
  scalars: Object.entries(scalars).map(([name, value]) => ({ path: name.split('/'), value })),
  others: [],
  bareRate,
});
const names = (of: ArrayFile, variable?: string) =>
  chooseRecordings(of, { variable, sampleRate: 10 }).map(({ name, channels }) => [
    name,
    channels.length,
    channels[0].length,
  ]);

describe('chooseRecordings: which array', () => {
  it.each([
    ['the largest', [array('i', [50]), array('x', [100])], ['a.x', 1, 100]],
    ['a matrix before its time axis', [array('when', [100]), array('x', [100, 3])], ['a.x', 3, 100]],
    ['not an axis by name', [array('time', [1, 100]), array('x', [100, 1])], ['a.x', 1, 100]],
    ['an axis by name where there is nothing else', [array('i', [100])], ['a.x', 1, 100]],
    ['not a logical array', [array('on', [900], { onlyIfNamed: true }), array('x', [100])], ['a.x', 1, 100]],
    ['CWRU: the drive end', [array('X1_FE_time', [300]), array('X1_DE_time', [200])], ['a.x', 1, 200]],
    ['CWRU: the fan end before the base', [array('X1_BA_time', [300]), array('X1_FE_time', [200])], ['a.x', 1, 200]],
  ])('takes %s', (_, arrays, taken) => {
    expect(names(file(arrays))).toEqual([taken]);
  });

  it('takes elements of one cell array as records, whatever their length', () => {
    expect(names(file([array('s/{1}', [7]), array('s/{2}', [9]), array('x', [8])]))).toEqual([
      ['a.x#s{1}', 1, 7],
      ['a.x#s{2}', 1, 9],
    ]);
  });

  it('takes matrices of one container as records, but not vectors, which may be channels', () => {
    const matrices = [array('d/a/one', [100, 3]), array('d/b/one', [95, 3]), array('d/b/short', [20, 3])];
    expect(names(file(matrices))).toEqual([
      ['a.x#d.a.one', 3, 100],
      ['a.x#d.b.one', 3, 95],
    ]);
    expect(names(file(matrices), 'd.b')).toEqual([['a.x', 3, 95]]);
    expect(() => names(file([array('d/x', [100]), array('d/y', [100])]))).toThrow(InputError);
  });

  it('asks for a name when arrays are equally large', () => {
    const equal = file([array('left', [100]), array('right', [1, 100]), array('short', [9])]);
    expect(() => names(equal)).toThrow(
      'readTest: expected one signal, found several arrays as large: left [100], right [1, 100] (a.x); name one with --variable',
    );
    expect(names(equal, 'right')).toEqual([['a.x', 1, 100]]);
    expect(names(equal, '/short')).toEqual([['a.x', 1, 9]]);
  });

  it('lists what there is when the name is wrong, and says so when there is nothing', () => {
    expect(() => names(file([array('x', [100])]), 'y')).toThrow(
      /at y, but there is no such variable \(a\.x\).*: x \[100\]/,
    );
    expect(() => names({ ...file([]), others: [{ path: ['t'], what: 'a char array' }] })).toThrow(
      /found only t \(a char array\)/,
    );
  });

  it('spells paths as --variable takes them', () => {
    expect(pathName(['a', '{2}', '(3)', 'b'], '.')).toBe('a{2}(3).b');
    expect(pathName(['g', 'x'], '/')).toBe('g/x');
  });
});

describe('chooseRecordings: shapes', () => {
  it('takes the longer axis as time, in both orders', () => {
    const rows = chooseRecordings(file([array('x', [2, 3])]), { sampleRate: 1 });
    expect(rows[0].channels).toEqual([Float32Array.of(0, 1, 2), Float32Array.of(3, 4, 5)]);
    const columns = chooseRecordings(file([array('x', [3, 2])]), { sampleRate: 1 });
    expect(columns[0].channels).toEqual([Float32Array.of(0, 2, 4), Float32Array.of(1, 3, 5)]);
    const matlab = chooseRecordings(file([array('x', [3, 2], { columnMajor: true })]), { sampleRate: 1 });
    expect(matlab[0].channels).toEqual([Float32Array.of(0, 1, 2), Float32Array.of(3, 4, 5)]);
  });

  it('cuts three axes into records', () => {
    const records = chooseRecordings(file([array('x', [2, 2, 3])]), { sampleRate: 1 });
    expect(records.map(({ name }) => name)).toEqual(['a.x#000', 'a.x#001']);
    expect(records[1].channels).toEqual([Float32Array.of(6, 7, 8), Float32Array.of(9, 10, 11)]);
    const matlab = chooseRecordings(file([array('x', [2, 2, 3], { columnMajor: true })]), { sampleRate: 1 });
    expect(matlab[1].channels).toEqual([Float32Array.of(1, 5, 9), Float32Array.of(3, 7, 11)]);
    const many = chooseRecordings(file([array('x', [1001, 1, 2])]), { sampleRate: 1 });
    expect([many[0].name, many[1000].name]).toEqual(['a.x#0000', 'a.x#1000']);
  });

  it.each([
    ['a square', [5, 5], /one axis to be longer.*\[5, 5\]/],
    ['four axes', [2, 2, 2, 2], /one to three axes, found \[2, 2, 2, 2\]/],
  ])('refuses %s', (_, shape, message) => {
    expect(() => names(file([array('x', shape)]))).toThrow(message);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])('refuses a sample of %s', (value) => {
    const x = array('x', [2, 3], { load: () => Float64Array.of(0, 1, 2, 3, value, 5) });
    expect(() => names(file([x]))).toThrow(/found (NaN|Infinity|1e\+300) at x, channel 1, sample 1 \(a\.x\)/);
  });
});

describe('chooseRecordings: which rate', () => {
  const rate = (of: ArrayFile, sampleRate?: number, variable?: string) =>
    chooseRecordings(of, { sampleRate, variable })[0].sampleRate;
  const signal = [array('m/b/x', [9])];

  it.each([
    'sr',
    'fs',
    'Fs',
    'SampleRate',
    'sample_rate',
    'samplingRate',
    'Sampling Frequency',
    'fs_Hz',
  ])('knows %s', (name) => expect(rate(file(signal, { [name]: 500 }))).toBe(500));

  it.each([
    ['an attribute of the array', { 'm/b/x/fs': 1, 'm/b/fs': 2, fs: 3 }, 1],
    ['a number beside it', { 'm/b/fs': 2, 'm/fs': 4, fs: 3 }, 2],
    ['one further out', { 'm/fs': 4, fs: 3 }, 4],
    ['the only one elsewhere', { 'other/fs': 7 }, 7],
  ])('takes %s', (_, scalars, taken) => expect(rate(file(signal, scalars))).toBe(taken));

  it('takes the given rate where the file has none of the array', () => {
    expect(rate(file(signal, { rate: 25 }), 100)).toBe(100);
    expect(rate(file(signal, { 'other/fs': 7 }), 100)).toBe(100);
    expect(rate(file(signal, { fs: 100 }), 100)).toBe(100);
    expect(rate(file(signal, { rate: 25 }, true))).toBe(25);
  });

  it.each([
    ['nothing', {}, undefined, /expected a sampling rate, found none \(a\.x\); give it with --rate/],
    ['a shaft rate only', { rate: 25 }, undefined, /found none \(rate may be a shaft rate\)/],
    ['rates elsewhere that differ', { 'p/fs': 7, 'q/fs': 8 }, undefined, /found none/],
    ['rates beside it that differ', { fs: 7, sr: 8 }, undefined, /expected one sampling rate, found fs = 7 and sr = 8/],
    ['another rate than given', { fs: 7 }, 8, /the file's own rate, 7 Hz \(fs\), found --rate 8/],
    ['a rate of zero', { fs: 0 }, undefined, /positive sampling rate in Hz at fs, found 0/],
    ['a given rate that is no number', {}, Number.NaN, /positive sampling rate in Hz at --rate, found NaN/],
  ])('refuses %s', (_, scalars, given, message) => expect(() => rate(file(signal, scalars), given)).toThrow(message));
});
