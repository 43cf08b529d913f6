import { describe, expect, it } from 'vitest';
import { readMat } from './mat.ts';
import { column, writeMat } from './mat-write.ts';

const samples = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i) / 3);

describe('writeMat', () => {
  it('comes back as it was written, of every numeric class', () => {
    for (const data of [Float64Array.from(samples), samples, Int16Array.from(samples, (v) => v * 1000)]) {
      const file = writeMat({ signal: { shape: [40, 1], data } });
      const [recording] = readMat(file, { sampleRate: 12000, variable: 'signal' });
      expect(Array.from(recording.channels[0])).toEqual(Array.from(data, Math.fround));
    }
  });

  it('writes structs and text that the reader finds by their path', () => {
    const file = writeMat({
      note: 'load 3',
      bearing: { fields: { sr: { shape: [1, 1], data: Float64Array.of(48828) }, gs: column(samples) } },
    });
    const [recording] = readMat(file, { variable: 'bearing.gs', sampleRate: 48828 });
    expect(Array.from(recording.channels[0])).toEqual(Array.from(samples));
  });

  it('refuses a shape that does not fit', () => {
    expect(() => writeMat({ x: { shape: [3, 2], data: samples } })).toThrow('expected 6 values for x [3,2], got 40');
  });
});
