// ONNX Runtime in Node: the types it takes, and what it says when it cannot.
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { add, cast } from './elementwise.ts';
import { toOnnx } from './onnx.ts';
import { loadProgram } from './program.node.ts';
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
