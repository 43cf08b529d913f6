import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { fromFloat32AsF16, type StoredTensor, storedView, toFloat32 } from './stored-tensor.ts';

describe('toFloat32', () => {
  it.each<[StoredTensor, number[]]>([
    [{ dtype: 'F64', shape: [2], data: Float64Array.of(0.5, -3) }, [0.5, -3]],
    [{ dtype: 'F16', shape: [2], data: Uint16Array.of(0x3800, 0xc200) }, [0.5, -3]],
    [{ dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f00, 0xc040) }, [0.5, -3]],
    [{ dtype: 'U16', shape: [2], data: Uint16Array.of(0x3f00, 2) }, [16128, 2]],
    [{ dtype: 'I64', shape: [2], data: BigInt64Array.of(-(2n ** 40n), 7n) }, [-(2 ** 40), 7]],
    [{ dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) }, [1, 0]],
  ])('widens %o', (tensor, values) => expect(toFloat32(tensor)).toEqual(Float32Array.from(values)));

  it('hands out float32 without copying', () => {
    const data = Float32Array.of(1, 2);
    expect(toFloat32({ dtype: 'F32', shape: [2], data })).toBe(data);
  });
});

describe('fromFloat32AsF16', () => {
  it('rounds to half and back within 2^-11 of the value', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** ((i % 8) - 3));
    const tensor = fromFloat32AsF16(values, [10, 100]);
    expect(tensor).toMatchObject({ dtype: 'F16', shape: [10, 100] });
    for (const [i, value] of toFloat32(tensor).entries()) {
      expect(Math.abs(value - values[i])).toBeLessThanOrEqual(Math.max(Math.abs(values[i]) * 2 ** -11, 2 ** -25));
    }
  });

  it('refuses what a half cannot hold, and a wrong shape', () => {
    expect(() => fromFloat32AsF16(Float32Array.of(1, 7e4), [2])).toThrow(/found 70000 at 1; keep it as F32/);
    expect(() => fromFloat32AsF16(Float32Array.of(Number.NaN), [1])).toThrow(InputError);
    expect(() => fromFloat32AsF16(Float32Array.of(1), [2])).toThrow(/expected values for \[2\], found 1/);
  });
});

describe('storedView', () => {
  it('shares memory where aligned, and copies where not', () => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setFloat32(4, 1.5, true);
    new DataView(bytes.buffer).setFloat32(9, 2.5, true);
    const aligned = storedView('F32', bytes, 4, 1);
    expect([aligned, aligned.buffer === bytes.buffer]).toEqual([Float32Array.of(1.5), true]);
    const odd = storedView('F32', bytes, 9, 1);
    expect([odd, odd.buffer === bytes.buffer]).toEqual([Float32Array.of(2.5), false]);
  });
});
