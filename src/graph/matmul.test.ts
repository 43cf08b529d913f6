// Matrix products against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase } from '../../tests/check-operator.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { gemm, linear, matmul, trainedLinear } from './matmul.ts';
import { reduceSum, swapLastAxes } from './reshape.ts';
import { input, type Tensor } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 3 },
  { batch: 3, frames: 1 },
];
const product = { build: ({ a, b }: Record<string, ReturnType<typeof input>>) => matmul(a, b) };

const cases: OperatorCase[] = [
  { name: 'two matrices', inputs: { a: [2, 3], b: [3, 4] }, ...product },
  { name: 'a batch and a shared right factor', inputs: { a: [2, 3, 4], b: [4, 2] }, ...product },
  { name: 'a shared left factor', inputs: { a: [3, 4], b: [2, 4, 2] }, ...product },
  { name: 'the same batch', inputs: { a: [2, 3, 2], b: [2, 2, 2] }, ...product },
  { name: 'batches that broadcast both ways', inputs: { a: [2, 1, 2, 3], b: [3, 3, 2] }, ...product },
  {
    name: 'symbolic batch and rows, shared right factor',
    inputs: { a: ['batch', 'frames', 4], b: [4, 2] },
    sizes,
    ...product,
  },
  { name: 'symbolic rows of one matrix', inputs: { a: ['frames', 3], b: [3, 2] }, sizes, ...product },
  {
    name: 'symbolic batch and inner size',
    inputs: { a: ['batch', 2, 2, 'frames'], b: ['batch', 2, 'frames', 2] },
    sizes,
    ...product,
  },
  {
    name: 'symbolic columns of a shared right factor',
    inputs: { a: ['batch', 2, 3], b: [3, 'frames'] },
    sizes,
    ...product,
  },
  {
    name: 'symbolic inner size of a shared right factor',
    inputs: { a: ['batch', 2, 'frames'], b: ['frames', 3] },
    sizes,
    ...product,
  },
  { name: 'symbolic batch meets one', inputs: { a: ['batch', 2, 3], b: [1, 3, 2] }, sizes, ...product },
  {
    name: 'a transpose times a transpose of a batch',
    inputs: { a: [2, 4, 3], b: [2, 5, 4] },
    build: ({ a, b }) => matmul(swapLastAxes(a), swapLastAxes(b)),
  },
  ...[false, true].flatMap((transA) =>
    [false, true].map((transB) => ({
      name: `gemm${transA ? ', left transposed' : ''}${transB ? ', right transposed' : ''}, factors`,
      inputs: { a: transA ? [3, 2] : [2, 3], b: transB ? [4, 3] : [3, 4], c: transA ? [4] : [2, 1] },
      build: ({ a, b, c }: Record<string, Tensor>) => gemm(a, b, { transA, transB, alpha: 0.7, c, beta: -2 }),
    })),
  ),
  {
    name: 'second derivative of gemm',
    inputs: { a: [3, 2], b: [4, 3] },
    build: ({ a, b }) => {
      const y = gemm(a, b, { transA: true, transB: true, alpha: 0.5 });
      return gradients(reduceSum(mul(y, mul(y, y))), [b])[0];
    },
  },
  {
    name: 'trainedLinear',
    inputs: { x: [2, 3, 4], w: [5, 4], b: [5] },
    build: ({ x, w, b }) => trainedLinear(x, w, b, 0.7),
  },
  {
    name: 'trainedLinear, symbolic batch',
    inputs: { x: ['batch', 3, 4], w: [5, 4], b: [5] },
    sizes: [{ batch: 2 }, { batch: 1 }],
    build: ({ x, w, b }) => trainedLinear(x, w, b),
  },
  { name: 'linear without bias', inputs: { x: [3, 4], w: [2, 4] }, build: ({ x, w }) => linear(x, w) },
  {
    name: 'linear with bias, symbolic sizes',
    inputs: { x: ['batch', 'frames', 3], w: [2, 3], b: [2] },
    sizes,
    build: ({ x, w, b }) => linear(x, w, b),
  },
  {
    name: 'gradient of a product squared',
    inputs: { x: ['batch', 2, 3], w: [3, 2] },
    sizes,
    build: ({ x, w }) => {
      const y = matmul(x, w);
      return gradients(reduceSum(mul(y, mul(y, y))), [w])[0];
    },
  },
];

describe('matrix products', () => {
  it.each(cases)('$name', checkOperator);

  it('refuses factors that do not fit', () => {
    const a = input('a', [2, 3]);
    expect(() => matmul(a, input('b', [2, 3]))).toThrow('matmul: [2, 3] and [2, 3] do not multiply');
    expect(() => matmul(a, input('b', [3]))).toThrow('matmul: [2, 3] and [3] do not multiply');
    expect(() => matmul(input('a', [2, 4, 3]), input('b', [3, 3, 2]))).toThrow(
      'matmul: shapes [2] and [3] do not broadcast',
    );
    expect(() => gemm(a, input('b', [2, 3]))).toThrow('gemm: [2, 3] and [2, 3] do not multiply');
    expect(() => matmul(a, input('b', ['n', 2]))).toThrow('matmul: [2, 3] and [n, 2] do not multiply');
  });
});
