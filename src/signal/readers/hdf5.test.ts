import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { hdf5Reader, readHdf5 } from './hdf5.ts';

const load = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../tests/golden/arrays/${name}`, import.meta.url)));
/** The [12, 2] matrix both files hold: 0, 1/8, 2/8 … row by row. */
const channels = [0, 1].map((channel) => Float32Array.from({ length: 12 }, (_, i) => (2 * i + channel) / 8));

describe('readHdf5', () => {
  it.each([
    'group/signal',
    '/group/signal',
    'group.signal',
    'group',
  ])('reads %s with the rate of its attribute', async (variable) => {
    const recordings = await readHdf5(load('plain.h5'), { name: 'p.h5', variable });
    expect(recordings).toEqual([{ name: 'p.h5', sampleRate: 1000.5, channels }]);
  });

  it('reads big-endian integers', async () => {
    const [{ channels }] = await readHdf5(load('plain.h5'), { variable: 'big', sampleRate: 5 });
    expect(channels).toEqual([Float32Array.of(0, 1, 2, 3, 4, 5)]);
  });

  it('reads MATLAB 7.3 in the dimensions of MATLAB, with sr and not rate', async () => {
    const recordings = await readHdf5(load('matlab73.mat'), { name: 'm.mat' });
    expect(recordings).toEqual([{ name: 'm.mat', sampleRate: 48828, channels }]);
  });

  it('reaches the cells of MATLAB 7.3', async () => {
    const cells = await readHdf5(load('matlab73.mat'), { name: 'm.mat', variable: 'cells', sampleRate: 10 });
    expect(cells.map(({ name, channels }) => [name, channels[0].length])).toEqual([
      ['m.mat#cells{1}', 5],
      ['m.mat#cells{2}', 10],
    ]);
  });

  it.each([
    ['plain.h5', 'lzf', /found: required filter 'lzf' is not registered \(f\)/],
    ['plain.h5', 'half', /found 16-bit values/],
    ['plain.h5', 'label', /it is text/],
    ['plain.h5', 'name', /it is an enumeration/],
    ['plain.h5', 'group/fs', /it is a single number/],
    ['plain.h5', 'nothing', /no such variable \(f\); the arrays are: big \[6\], group\/signal \[2, 12\]/],
    ['matlab73.mat', 'bearing.load', /it is a char array/],
    ['matlab73.mat', 'none', /it is an empty array/],
  ])('refuses %s, %s', async (file, variable, message) => {
    const reading = readHdf5(load(file), { name: 'f', variable, sampleRate: 5 });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(/^readHdf5: [^\n]*$/);
    await expect(reading).rejects.toBeInstanceOf(InputError);
  });

  it.each([600, 3000, 7000, 12000])('refuses a file cut at byte %i', async (end) => {
    const reading = readHdf5(load('plain.h5').subarray(0, end), { name: 'cut.h5', sampleRate: 5 });
    await expect(reading).rejects.toThrow(/^readHdf5: [^\n]*\(cut\.h5\)$/);
    await expect(reading).rejects.toBeInstanceOf(InputError);
  });

  it('answers damage with an InputError or a value', async () => {
    const bytes = load('matlab73.mat');
    for (let at = 512; at < bytes.length; at += 97) {
      const damaged = bytes.slice();
      damaged.fill(0xff, at, at + 8);
      const outcome = await readHdf5(damaged, { name: 'd' }).catch((error: unknown) => error);
      expect(Array.isArray(outcome) || outcome instanceof InputError).toBe(true);
    }
  });

  it('detects the signature at 0, 512, 1024 and 2048', () => {
    const signature = load('plain.h5').subarray(0, 8);
    for (const offset of [0, 512, 1024, 2048]) {
      const head = new Uint8Array(4096);
      head.set(signature, offset);
      expect(hdf5Reader.detect(head)).toBe(true);
    }
    expect(hdf5Reader.detect(load('types_v7.mat'))).toBe(false);
    expect(hdf5Reader.detect(new Uint8Array(4096))).toBe(false);
  });

  it('refuses what is not HDF5', async () => {
    await expect(readHdf5(new TextEncoder().encode('time,value'), { name: 't.mat' })).rejects.toThrow(
      /found none \(t\.mat\)/,
    );
  });
});
