// Leaves of a graph: constants of every type, inputs and parameters.
import { describe, expect, it } from 'vitest';
import { constant, input, int64, isFloat, parameter, scalarLike } from './tensor.ts';

describe('constant', () => {
  it.each([
    ['float32', Float32Array],
    ['float64', Float64Array],
    ['int32', Int32Array],
    ['int8', Int8Array],
    ['uint8', Uint8Array],
    ['bool', Uint8Array],
  ] as const)('holds %s', (dtype, type) => {
    expect(constant([1, 0], [2], dtype).node.values).toEqual(type.of(1, 0));
  });

  it('holds int64 beyond 32 bits', () => {
    expect(int64([-1, 2 ** 40]).node.values).toEqual(BigInt64Array.of(-1n, 1099511627776n));
  });

  it('refuses a number of values that does not fit its shape, and float16', () => {
    expect(() => constant([1, 2, 3], [2, 2])).toThrow('constant: expected 4 values for shape [2,2], got 3');
    expect(() => constant([1], [], 'float16')).toThrow('constant: float16');
  });

  it('takes the type of another tensor', () => {
    expect(scalarLike(input('x', ['n'], 'int64'), 3)).toMatchObject({ shape: [], dtype: 'int64' });
  });
});

describe('leaves', () => {
  it('have a name, a shape and a type', () => {
    expect(input('x', ['batch', 3])).toMatchObject({ shape: ['batch', 3], dtype: 'float32', index: 0 });
    expect(parameter('w', [2]).node).toMatchObject({ op: 'Parameter', name: 'w', inputs: [] });
    expect(isFloat(input('x', []))).toBe(true);
    expect(isFloat(input('x', [], 'int64'))).toBe(false);
  });
});
