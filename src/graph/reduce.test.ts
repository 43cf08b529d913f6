// Means and extremes over axes against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, runOnce } from '../../tests/check-operator.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceMax, reduceMean, reduceMin, varianceOfCentred } from './reduce.ts';
import { reduceSum } from './reshape.ts';
import { float32 } from './runtime.ts';
import { input, type Tensor } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 3 },
  { batch: 1, frames: 4 },
];
const reductions: [string, (x: Tensor, axes?: readonly number[], keepDims?: boolean) => Tensor][] = [
  ['reduceMean', reduceMean],
  ['reduceMax', reduceMax],
  ['reduceMin', reduceMin],
];

const cases = reductions.flatMap(([name, f]): OperatorCase[] => [
  { name: `${name} of everything`, inputs: { x: [2, 3] }, build: ({ x }) => f(x) },
  { name: `${name} of a scalar`, inputs: { x: [] }, build: ({ x }) => f(x) },
  { name: `${name} over no axes`, inputs: { x: [2, 3] }, build: ({ x }) => f(x, []) },
  { name: `${name}, last axis`, inputs: { x: [2, 3] }, build: ({ x }) => f(x, [-1]) },
  { name: `${name}, kept axes`, inputs: { x: [2, 3, 2] }, build: ({ x }) => f(x, [0, -1], true) },
  { name: `${name}, symbolic batch left`, inputs: { x: ['batch', 3] }, sizes, build: ({ x }) => f(x, [1]) },
  { name: `${name} over a symbolic axis`, inputs: { x: ['batch', 'frames', 2] }, sizes, build: ({ x }) => f(x, [1]) },
  {
    name: `${name} over two symbolic axes`,
    inputs: { x: ['batch', 2, 'frames'] },
    sizes,
    build: ({ x }) => f(x, [0, 2], true),
  },
  { name: `${name} of everything, symbolic`, inputs: { x: ['batch', 'frames'] }, sizes, build: ({ x }) => f(x) },
]);

describe('reductions', () => {
  it.each(cases)('$name', checkOperator);

  it('varianceOfCentred', () =>
    checkOperator({
      name: 'varianceOfCentred',
      inputs: { x: ['batch', 3] },
      sizes,
      build: ({ x }) => varianceOfCentred(x, [0]),
    }));

  it('has a second derivative of the mean over a symbolic axis', () =>
    checkOperator({
      name: 'mean of squares, squared',
      inputs: { x: ['batch', 2] },
      sizes,
      build: ({ x }) => {
        const mean = reduceMean(mul(x, x), [0]);
        return gradients(reduceSum(mul(mean, mean)), [x])[0];
      },
    }));

  it('shares the gradient among equal extremes', async () => {
    const x = input('x', [2, 3]);
    const feeds = { x: float32(new Float32Array([5, 1, 5, 2, 2, 2]), [2, 3]) };
    const gradient = (y: Tensor) => runOnce(gradients(reduceSum(y), [x])[0], feeds);
    const third = Math.fround(1 / 3);
    expect(await gradient(reduceMax(x, [1]))).toEqual([0.5, 0, 0.5, third, third, third]);
    expect(await gradient(reduceMin(x, [1]))).toEqual([0, 1, 0, third, third, third]);
    expect(await gradient(reduceMax(x))).toEqual([0.5, 0, 0.5, 0, 0, 0]);
  });

  it('refuses axes outside and named twice', () => {
    const x = input('x', [2, 3]);
    expect(() => reduceMean(x, [2])).toThrow('ReduceMean: axis 2 is outside');
    expect(() => reduceMax(x, [1, -1])).toThrow('ReduceMax: axes [1,-1] of [2, 3] name an axis twice');
  });
});
