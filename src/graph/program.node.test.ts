// ONNX Runtime in Node: the types it takes, and what it says when it cannot.
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { add, cast } from './elementwise.ts';
import { toOnnx } from './onnx.ts';
import { loadProgram } from './program.node.ts';
import { float32 } from './runtime.ts';
import { input } from './tensor.ts';

const double = toOnnx({ outputs: { y: add(input('x', ['n']), input('x2', ['n'])) } }).bytes;

describe('loadProgram', () => {
  it.each([
    ['float32', Float32Array.of(1, 2)],
    ['float64', Float64Array.of(1, 2)],
    ['int64', BigInt64Array.of(1n, 2n)],
    ['int32', Int32Array.of(1, 2)],
    ['uint8', Uint8Array.of(1, 2)],
    ['int8', Int8Array.of(1, 2)],
    ['bool', Uint8Array.of(1, 0)],
  ] as const)('feeds and returns %s', async (dtype, data) => {
    const x = input('x', ['n'], dtype);
    const same = dtype === 'bool' ? cast(cast(x, 'int32'), 'bool') : cast(cast(x, 'float32'), dtype);
    const program = await loadProgram(toOnnx({ outputs: { y: dtype === 'float32' ? x : same } }).bytes);
    const { y } = await program.run({ x: { dtype, shape: [2], data } });
    await program.release();
    expect(y).toEqual({ dtype, shape: [2], data });
  });

  it.each([
    ['memory of its own', (length: number) => new Float32Array(length)],
    ['a part of a block', (length: number) => new Float32Array(new ArrayBuffer(1000), 64, length)],
    ['shared memory', (length: number) => new Float32Array(new SharedArrayBuffer(4 * length))],
  ])('writes results into %s, run after run', async (_, memory) => {
    const x = input('x', ['n']);
    const program = await loadProgram(toOnnx({ outputs: { y: add(x, x), z: add(x, 1) } }).bytes);
    const y = memory(2);
    for (const data of [Float32Array.of(1, 2), Float32Array.of(-3, 0.5)]) {
      const found = await program.run({ x: float32(data, [2]) }, { y: float32(y, [2]) });
      expect(Object.keys(found)).toEqual(['z']);
      expect(found.z.data).toEqual(data.map((value) => value + 1));
      expect(Array.from(y)).toEqual(Array.from(data, (value) => value + value));
    }
    // What was written stays when others are wanted.
    const other = memory(2);
    await program.run({ x: float32(Float32Array.of(5, 6), [2]) }, { y: float32(other, [2]) });
    expect(Array.from(other)).toEqual([10, 12]);
    expect(Array.from(y)).toEqual([-6, 1]);
    await program.release();
  });

  it('says in one line that a provider is not there', async () => {
    const error = await loadProgram(double, { provider: 'wasm' }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message).toMatch(/^loadProgram: ONNX Runtime could not prepare the model for provider wasm: ./);
    expect(message).not.toContain('\n');
  });

  it('says in one line that a model is no model', async () => {
    const error = await loadProgram(new Uint8Array([1, 2, 3])).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(/^loadProgram: ONNX Runtime could not prepare the model.*[^\n]$/);
  });
});
