// Element-wise operators against the float64 oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, runOnce } from '../../tests/check-operator.ts';
import {
  abs,
  add,
  cast,
  clip,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  round,
  sign,
  sin,
  sqrt,
  stopGradient,
  sub,
  tanh,
  where,
} from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceSum } from './reshape.ts';
import { float32 } from './runtime.ts';
import { constant, input, type Tensor } from './tensor.ts';

const positive = { shape: [2, 3], low: 0.3, high: 2 };
const awayFromZero = { shape: [3], values: () => [0.7, -1.3, 1.9] };

const cases: OperatorCase[] = [
  { name: 'add, same shapes', inputs: { a: [2, 3], b: [2, 3] }, build: ({ a, b }) => add(a, b) },
  { name: 'add, right operand broadcast', inputs: { a: [2, 3], b: [3] }, build: ({ a, b }) => add(a, b) },
  { name: 'sub, left operand broadcast', inputs: { a: [3, 1], b: [2, 1, 4] }, build: ({ a, b }) => sub(a, b) },
  { name: 'mul, both broadcast', inputs: { a: [3, 1], b: [1, 4] }, build: ({ a, b }) => mul(a, b) },
  { name: 'mul, scalar tensor', inputs: { a: [], b: [2, 2] }, build: ({ a, b }) => mul(a, b) },
  { name: 'mul, two scalars', inputs: { a: [], b: [] }, build: ({ a, b }) => mul(a, b) },
  { name: 'mul, plain number on the left', inputs: { a: [2] }, build: ({ a }) => mul(3, a) },
  { name: 'sub, plain number on the left', inputs: { a: [2] }, build: ({ a }) => sub(1, a) },
  { name: 'div, divisor broadcast', inputs: { a: [2, 3], b: awayFromZero }, build: ({ a, b }) => div(a, b) },
  { name: 'div, dividend broadcast', inputs: { a: [3], b: positive }, build: ({ a, b }) => div(a, b) },
  {
    name: 'mul, symbolic sizes',
    inputs: { a: ['batch', 3, 'frames'], b: ['frames'] },
    sizes: [
      { batch: 2, frames: 3 },
      { batch: 1, frames: 5 },
    ],
    build: ({ a, b }) => mul(a, b),
  },
  {
    name: 'div, symbolic batch meets 1',
    inputs: { a: [1, 3], b: { shape: ['batch', 1], low: 0.5, high: 2 } },
    sizes: [{ batch: 2 }, { batch: 4 }],
    build: ({ a, b }) => div(a, b),
  },
  { name: 'maximum', inputs: { a: [2, 3], b: [3] }, build: ({ a, b }) => maximum(a, b) },
  { name: 'minimum', inputs: { a: [3], b: [2, 3] }, build: ({ a, b }) => minimum(a, b) },
  { name: 'maximum with a number', inputs: { a: [6] }, build: ({ a }) => maximum(a, 0.5) },
  { name: 'pow 2', inputs: { a: [4] }, build: ({ a }) => pow(a, 2) },
  { name: 'pow 0.5', inputs: { a: positive }, build: ({ a }) => pow(a, 0.5) },
  { name: 'pow -1.5', inputs: { a: positive }, build: ({ a }) => pow(a, -1.5) },
  { name: 'pow 1 at zero', inputs: { a: { shape: [2], values: () => [0, 1] } }, build: ({ a }) => pow(a, 1) },
  { name: 'pow 0 at zero', inputs: { a: { shape: [2], values: () => [0, 1] } }, build: ({ a }) => pow(a, 0) },
  { name: 'neg', inputs: { a: [3] }, build: ({ a }) => neg(a) },
  { name: 'exp', inputs: { a: [5] }, build: ({ a }) => exp(a) },
  { name: 'log', inputs: { a: positive }, build: ({ a }) => log(a) },
  { name: 'sqrt', inputs: { a: positive }, build: ({ a }) => sqrt(a) },
  { name: 'sin', inputs: { a: [5] }, build: ({ a }) => sin(a) },
  { name: 'cos', inputs: { a: [5] }, build: ({ a }) => cos(a) },
  { name: 'tanh', inputs: { a: [5] }, build: ({ a }) => tanh(a) },
  { name: 'erf', inputs: { a: [9] }, build: ({ a }) => erf(a) },
  { name: 'abs', inputs: { a: [5] }, build: ({ a }) => abs(a) },
  { name: 'sign has no slope', inputs: { a: [5] }, build: ({ a }) => mul(a, sign(a)) },
  { name: 'round has no slope', inputs: { a: [9] }, build: ({ a }) => mul(a, round(a)) },
  { name: 'floor has no slope', inputs: { a: [9] }, build: ({ a }) => mul(a, floor(a)) },
  { name: 'clip', inputs: { a: [9] }, build: ({ a }) => clip(a, -1, 0.5) },
  { name: 'cast to float64 and back', inputs: { a: [3] }, build: ({ a }) => cast(exp(cast(a, 'float64')), 'float32') },
  {
    name: 'where, all three broadcast',
    inputs: { a: [3, 1], b: [2], c: [3, 2] },
    build: ({ a, b, c }) => where(greater(c, 0), a, b),
  },
  {
    name: 'where with numbers',
    inputs: { a: [4], c: { shape: [4], dtype: 'bool', values: () => [1, 0, 0, 1] } },
    build: ({ a, c }) => add(where(c, a, -3), where(c, 2, a)),
  },
  { name: 'less, greater, equal', inputs: { a: [4], b: [4] }, build: ({ a, b }) => where(less(a, b), mul(a, b), b) },
  {
    name: 'equal on integers',
    inputs: {
      a: { shape: [3], dtype: 'int64', values: () => [1, 2, 3] },
      b: { shape: [3], dtype: 'int64', values: () => [1, 5, 3] },
    },
    build: ({ a, b }) => equal(a, b),
  },
  {
    name: 'integers add, subtract, multiply, compare, become floats',
    inputs: { a: { shape: [3], dtype: 'int64', values: () => [7, -2, 3] } },
    build: ({ a }) => cast(maximum(minimum(sub(mul(add(a, 2), 3), 1), 20), -4), 'float32'),
  },
];

/** d²/dx² of Σ f, as a function of x. */
const secondDerivative = (f: (x: Tensor) => Tensor) => (x: Tensor) => {
  const [first] = gradients(reduceSum(f(x)), [x]);
  return gradients(reduceSum(first), [x])[0];
};

describe('element-wise operators', () => {
  it.each(cases)('$name', checkOperator);

  it.each([
    ['tanh', tanh],
    ['sqrt', sqrt],
    ['log', log],
    ['erf', erf],
    ['sin', sin],
    ['x / exp x', (x: Tensor) => div(x, exp(x))],
    ['pow 3', (x: Tensor) => pow(x, 3)],
    ['clip', (x: Tensor) => mul(clip(x, 0.5, 1.5), x)],
  ])('first, second and third derivative of %s', async (name, f) => {
    await checkOperator({
      name,
      inputs: { x: positive },
      build: ({ x }) => gradients(reduceSum(f(x)), [x])[0],
    });
    await checkOperator({ name, inputs: { x: positive }, build: ({ x }) => secondDerivative(f)(x) });
  });

  it('rounds halves to even', async () => {
    const x = constant([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4], [7]);
    expect(await runOnce(round(x), {})).toEqual([-2, -2, -0, 0, 2, 2, 2]);
  });

  it('gives the gradient of equal operands to the first (maximum, minimum), inside the bounds of clip too', async () => {
    const [a, b] = [input('a', [2]), input('b', [2])];
    const feeds = { a: float32(new Float32Array([1, 3]), [2]), b: float32(new Float32Array([1, 2]), [2]) };
    for (const [f, toA, toB] of [
      [maximum, [1, 1], [0, 0]],
      [minimum, [1, 0], [0, 1]],
    ] as const) {
      const [ga, gb] = gradients(reduceSum(f(a, b)), [a, b]);
      expect(await runOnce(ga, feeds)).toEqual(toA);
      expect(await runOnce(gb, feeds)).toEqual(toB);
    }
    const [clipped] = gradients(reduceSum(clip(a, 1, 2)), [a]);
    expect(await runOnce(clipped, feeds)).toEqual([1, 0]);
  });

  it('stops the gradient', async () => {
    const a = input('a', [2]);
    const [g] = gradients(reduceSum(mul(a, stopGradient(a))), [a]);
    expect(await runOnce(g, { a: float32(new Float32Array([2, 5]), [2]) })).toEqual([2, 5]);
  });

  it('refuses operands that do not fit, and says which', () => {
    const a = input('a', [2, 3]);
    expect(() => add(a, input('b', [2]))).toThrow('Add: shapes [2, 3] and [2] do not broadcast');
    expect(() => add(a, input('b', ['n']))).toThrow('Add: shapes [2, 3] and [n] do not broadcast');
    expect(() => mul(a, input('b', [3], 'int64'))).toThrow('Mul: types float32 and int64 differ; cast one of them');
    expect(() => add(1, 2)).toThrow('1 and 2 are both plain numbers');
    expect(() => where(a, a, a)).toThrow('where: expected bool and two tensors of one type, got float32');
  });
});
