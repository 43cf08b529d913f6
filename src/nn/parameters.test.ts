import { describe, expect, it } from 'vitest';
import { add } from '../graph/elementwise.ts';
import { matmul } from '../graph/matmul.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount, parametersOf } from './parameters.ts';

describe('createScope', () => {
  it('gives one tensor per name', () => {
    const scope = createScope();
    const weight = scope('weight', [2, 3]);
    expect(weight.shape).toEqual([2, 3]);
    expect(scope('weight', [2, 3])).toBe(weight);
    expect(scope('other', [2, 3])).not.toBe(weight);
    expect(createScope()('weight', [2, 3])).not.toBe(weight);
  });

  it.each([[[3, 2]], [[2]], [[2, 3, 1]]])('refuses another shape: %o', (shape) => {
    const scope = createScope();
    scope('weight', [2, 3]);
    expect(() => scope('weight', shape)).toThrow(`parameter weight: asked for with shapes [2,3] and [${shape}]`);
  });
});

describe('parametersOf', () => {
  it('finds what the outputs depend on, each once', () => {
    const scope = createScope();
    const shared = scope('shared', [4, 4]);
    const x = matmul(matmul(input('x', ['n', 4]), shared), shared);
    const y = add(x, scope('bias', [4]));
    scope('unused', [9]);
    expect(parametersOf([x, y])).toEqual(
      new Map([
        ['shared', [4, 4]],
        ['bias', [4]],
      ]),
    );
    expect(parameterCount(parametersOf([x, y]))).toBe(20);
    expect(parameterCount(new Map([['scalar', []]]))).toBe(1);
    expect(parametersOf([input('x', [1])])).toEqual(new Map());
  });
});
