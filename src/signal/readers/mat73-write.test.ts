import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { hdf5Reader, readHdf5 } from './hdf5.ts';
import { writeMat73 } from './mat73-write.ts';

const ramp = (length: number, scale: number) => Float64Array.from({ length }, (_, i) => scale * i);

describe('writeMat73', () => {
  it('comes back through the HDF5 library as it was written, doubles and singles, by name', async () => {
    const double = ramp(1000, 1 / 3);
    const single = Float32Array.from(ramp(500, -0.7));
    const file = writeMat73({
      DataSensor02: { shape: [1000, 1], data: double },
      DataSensor01: { shape: [500, 1], data: single },
    });
    expect(hdf5Reader.detect(file)).toBe(true);
    expect(new TextDecoder().decode(file.subarray(0, 19))).toBe('MATLAB 7.3 MAT-file');
    const [first] = await readHdf5(file, { name: 'N1.mat', variable: 'DataSensor01', sampleRate: 51200 });
    expect(first).toEqual({ name: 'N1.mat', sampleRate: 51200, channels: [single] });
    const [second] = await readHdf5(file, { variable: 'DataSensor02', sampleRate: 51200 });
    expect(second.channels).toEqual([Float32Array.from(double)]);
  });

  it('keeps the columns of a matrix apart', async () => {
    const [{ channels }] = await readHdf5(writeMat73({ x: { shape: [4, 2], data: ramp(8, 1) } }), { sampleRate: 10 });
    expect(channels).toEqual([Float32Array.of(0, 1, 2, 3), Float32Array.of(4, 5, 6, 7)]);
  });

  it('finds every one of up to 40 variables', async () => {
    const counts = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(counts, async (count) => {
        const names = Array.from({ length: count }, (_, i) => `v${(i * 7) % count}_${i}`);
        const file = writeMat73(
          Object.fromEntries(names.map((name, i) => [name, { shape: [3, 1], data: ramp(3, i) }])),
        );
        const wanted = names[Math.floor(count / 2)];
        const [{ channels }] = await readHdf5(file, { variable: wanted, sampleRate: 1 });
        expect(channels).toEqual([Float32Array.from(ramp(3, names.indexOf(wanted)))]);
        await expect(readHdf5(file, { variable: 'nothing', sampleRate: 1 })).rejects.toThrow(/no such variable/);
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['a shape that does not fit', { x: { shape: [3, 2], data: ramp(5, 1) } }, 'expected 6 values for x [3,2], got 5'],
    ['integers', { x: { shape: [2, 1], data: new Int16Array(2) } }, 'expected doubles or singles at x, got int16'],
    ['a name MATLAB has not', { '1x': { shape: [2, 1], data: ramp(2, 1) } }, 'got "1x"'],
  ])('refuses %s', (_, variables, message) => {
    expect(() => writeMat73(variables)).toThrow(message);
    expect(() => writeMat73(variables)).toThrow(InputError);
  });
});
