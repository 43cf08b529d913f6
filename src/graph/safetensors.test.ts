import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { type StoredTensor, toFloat32 } from './stored-tensor.ts';

const golden = new Uint8Array(
  readFileSync(new URL('../../tests/golden/safetensors/types.safetensors', import.meta.url)),
);
const file = (header: unknown, data: number, length?: number) => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
};
const f32 = (shape: number[], ...data_offsets: number[]) => ({ dtype: 'F32', shape, data_offsets });

describe('readSafetensors', () => {
  it('reads every type the reference implementation wrote', () => {
    const { tensors, metadata } = readSafetensors(golden);
    expect(metadata).toEqual({ format: 'np', note: 'Grüße' });
    expect(tensors.size).toBe(14);
    for (const [name, tensor] of tensors) {
      if (!name.startsWith('x_')) continue;
      expect(tensor.shape).toEqual([2, 3]);
      const values = name === 'x_bool' ? [1, 1, 1, 1, 1, 1] : [1, 2, 3, 4, 5, 6];
      expect([name, toFloat32(tensor)]).toEqual([name, Float32Array.from(values)]);
    }
    expect(tensors.get('scalar')).toEqual({ dtype: 'F32', shape: [], data: Float32Array.of(2.5) });
    expect(tensors.get('empty')).toEqual({ dtype: 'F32', shape: [0, 3], data: new Float32Array(0) });
  });

  it.each([
    ['an empty file', new Uint8Array(3), /8 bytes of header length, found 3/],
    ['a header beyond the file', file({}, 0, 99), /a header of 99 bytes, found 2; the file is cut short \(a, byte 0\)/],
    ['a header too long', file({}, 0, 100_000_001), /at most 100000000 bytes, found 100000001/],
    ['no JSON', file('hello', 0), /expected a JSON object as header/],
    ['a list', file('[]', 0), /expected a JSON object as header/],
    ['an unknown type', file({ x: { ...f32([1], 0, 4), dtype: 'F99' } }, 4), /known dtype at x, found "F99"/],
    ['an inherited name as type', file({ x: { ...f32([1], 0, 4), dtype: 'toString' } }, 4), /known dtype at x/],
    ['a negative size', file({ x: f32([-1], 0, 4) }, 4), /expected a shape at x, found \[-1\]/],
    ['half an offset', file({ x: f32([1], 0) }, 4), /expected data_offsets \[begin, end\] at x, found \[0\]/],
    ['a wrong size', file({ x: f32([2], 0, 4) }, 4), /expected 8 bytes for F32 \[2\] at x, found 4/],
    ['data beyond the file', file({ x: f32([2], 0, 8) }, 4), /expected 8 bytes of x, found 4/],
    ['an overlap', file({ x: f32([2], 0, 8), y: f32([1], 4, 8) }, 8), /overlaps the tensor before it/],
    ['a gap', file({ x: f32([1], 4, 8) }, 8), /leaves 4 bytes unused/],
    ['more data', file({ x: f32([1], 0, 4) }, 5), /expected the end of the file, found 1 more bytes/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }, 0), /expected texts in __metadata__, found number a/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'a')).toThrow(message);
    expect(() => readSafetensors(bytes, 'a')).toThrow(InputError);
    expect(() => readSafetensors(bytes, 'a')).toThrow(/^readSafetensors: [^\n]*\(a, byte \d+\)$/);
  });

  it('answers any damage with an InputError or a value', () => {
    fc.assert(
      fc.property(fc.nat(golden.length - 1), fc.nat(255), (at, to) => {
        const damaged = golden.slice();
        damaged[at] = to;
        try {
          readSafetensors(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('writeSafetensors', () => {
  const tensor = fc.oneof<fc.Arbitrary<StoredTensor>[]>(
    fc.float32Array().map((data) => ({ dtype: 'F32', shape: [data.length], data })),
    fc.float64Array().map((data) => ({ dtype: 'F64', shape: [1, data.length], data })),
    fc.uint16Array().map((data) => ({ dtype: 'BF16', shape: [data.length, 1], data })),
    fc.bigInt64Array().map((data) => ({ dtype: 'I64', shape: [data.length], data })),
    fc.uint8Array().map((data) => ({ dtype: 'U8', shape: [data.length], data })),
  );
  const names = fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__');
  const sets = fc.array(fc.tuple(names, tensor), { maxLength: 6 }).map((entries) => new Map(entries));

  it('writes what it reads, aligned and in an order of its own', () => {
    fc.assert(
      fc.property(sets, (tensors) => {
        const bytes = writeSafetensors(tensors, { b: '2', a: '1' });
        const back = readSafetensors(bytes);
        expect(back).toEqual({ tensors, metadata: { a: '1', b: '2' } });
        expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
        for (const { data } of back.tensors.values()) {
          if (data.length > 0) expect(data.buffer).toBe(bytes.buffer);
        }
        const reversed = new Map([...tensors].reverse());
        expect(writeSafetensors(reversed, { a: '1', b: '2' })).toEqual(bytes);
      }),
    );
  });

  it('gives the bytes of the reference implementation, up to the order of types of one size', () => {
    const { tensors, metadata } = readSafetensors(golden);
    expect(writeSafetensors(tensors, metadata)).toHaveLength(golden.length);
  });

  it('refuses tensors that do not fill their shape, and the reserved name', () => {
    const x: StoredTensor = { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2) };
    expect(() => writeSafetensors(new Map([['x', x]]))).toThrow(/expected 12 bytes for F32 \[3\] at x, found 8/);
    expect(() => writeSafetensors(new Map([['__metadata__', { ...x, shape: [2] }]]))).toThrow(InputError);
  });
});
