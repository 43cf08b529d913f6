// The check must be able to fail: wrong gradients and wrong shapes are caught.
import { expect, it } from 'vitest';
import { exp, mul } from '../src/graph/elementwise.ts';
import { apply, type Tensor } from '../src/graph/tensor.ts';
import { checkOperator } from './check-operator.ts';
import { erf } from './graph-oracle/elementwise.ts';

const squareWith = (slope: number) => (x: Tensor) =>
  apply('Mul', [x, x], { shape: x.shape, dtype: x.dtype }, {}, (g) => [mul(g, mul(slope, x)), undefined]);

it('accepts a right gradient and refuses one that is 0.001 % off', async () => {
  const check = (slope: number) =>
    checkOperator({ name: 'square', inputs: { x: [3] }, build: ({ x }) => squareWith(slope)(x) });
  await check(2);
  await expect(check(2.00002)).rejects.toThrow('gradient by x against differences: square');
});

it('refuses a result of another shape than declared', async () => {
  const build = ({ x }: Record<string, Tensor>) => apply('Exp', [x], { shape: [2, 1], dtype: x.dtype });
  const check = checkOperator({ name: 'exp', inputs: { x: [2] }, gradient: false, build });
  await expect(check).rejects.toThrow('Exp declared [2,1] and gave [2]');
});

it('refuses a graph that serves only one size', async () => {
  const build = ({ x }: Record<string, Tensor>) => mul(exp(x), apply('Exp', [x], { shape: [3], dtype: x.dtype }));
  const sizes = [{ n: 3 }, { n: 4 }];
  const check = checkOperator({ name: 'fixed', inputs: { x: ['n'] }, sizes, gradient: false, build });
  await expect(check).rejects.toThrow('Mul: shapes [n] and [3] do not broadcast');
});

it('has an error function right to the last digits (Abramowitz & Stegun table 7.1)', () => {
  expect(erf(0)).toBe(0);
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
  expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 15);
  expect(erf(5)).toBeCloseTo(0.9999999999984626, 14);
  expect(erf(7)).toBe(1);
});
