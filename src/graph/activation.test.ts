// Non-linearities against the float64 oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, runOnce } from '../../tests/check-operator.ts';
import {
  gelu,
  geluTanh,
  leakyRelu,
  logSoftmax,
  relu,
  relu6,
  scaledGelu,
  sigmoid,
  silu,
  softmax,
  softplus,
} from './activation.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceSum } from './reshape.ts';
import { constant, type Tensor } from './tensor.ts';

const wide = { shape: [3, 5], low: -7, high: 7 };
const sizes = [
  { batch: 2, frames: 3 },
  { batch: 3, frames: 1 },
];

const functions: [string, (x: Tensor) => Tensor][] = [
  ['relu', relu],
  ['relu6', relu6],
  ['sigmoid', sigmoid],
  ['silu', silu],
  ['softplus', softplus],
  ['gelu', gelu],
  ['scaledGelu', scaledGelu],
  ['geluTanh', geluTanh],
  ['leakyRelu', (x) => leakyRelu(x)],
  ['leakyRelu, slope 0.3', (x) => leakyRelu(x, 0.3)],
  ['softmax', (x) => softmax(x)],
  ['softmax over the first axis', (x) => softmax(x, 0)],
  ['logSoftmax', (x) => logSoftmax(x)],
  ['logSoftmax over the first axis', (x) => logSoftmax(x, -2)],
];

const cases: OperatorCase[] = [
  ...functions.map(([name, f]) => ({ name, inputs: { x: wide }, build: ({ x }: Record<string, Tensor>) => f(x) })),
  { name: 'softmax, symbolic axis', inputs: { x: ['batch', 'frames', 2] }, sizes, build: ({ x }) => softmax(x, 1) },
  { name: 'logSoftmax, symbolic axis', inputs: { x: ['batch', 'frames'] }, sizes, build: ({ x }) => logSoftmax(x) },
  { name: 'gelu, symbolic sizes', inputs: { x: ['batch', 'frames'] }, sizes, build: ({ x }) => gelu(x) },
];

describe('activations', () => {
  it.each(cases)('$name', checkOperator);

  // The weights make the sum over a softmax depend on x.
  it.each(functions)('second derivative of %s', (name, f) =>
    checkOperator({
      name,
      inputs: { x: [2, 3], w: [2, 3] },
      build: ({ x, w }) => gradients(reduceSum(mul(f(x), w)), [x])[0],
    }));

  it('keeps large numbers finite', async () => {
    const x = constant([-300, 300], [2]);
    expect(await runOnce(softmax(x), {})).toEqual([0, 1]);
    expect(await runOnce(logSoftmax(x), {})).toEqual([-600, 0]);
    expect(await runOnce(softplus(x), {})).toEqual([0, 300]);
    expect(await runOnce(gelu(x), {})).toEqual([-0, 300]);
    expect(await runOnce(scaledGelu(x), {})).toEqual([-0, 600]);
  });

  it('is GELU by its factors', async () => {
    const x = constant([-2, -0.3, 0.7, 3], [4]);
    const scaled = await runOnce(mul(scaledGelu(mul(x, Math.SQRT1_2)), Math.SQRT1_2), {});
    for (const [i, value] of (await runOnce(gelu(x), {})).entries()) expect(scaled[i]).toBeCloseTo(value, 6);
  });

  it('refuses an axis that is not there', () => {
    expect(() => softmax(constant([1], [1]), 1)).toThrow('softmax: axis 1 is outside a tensor of rank 1');
    expect(() => logSoftmax(constant([1], []), -1)).toThrow('logSoftmax: axis -1 is outside a tensor of rank 0');
  });
});
