// Gathering and scattering of rows against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, randomNumbers } from '../../tests/check-operator.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { gather, gatherRows, scatterAddRows, scatterRows } from './indexing.ts';
import { toOnnx } from './onnx.ts';
import { loadProgram } from './program.node.ts';
import { reduceSum } from './reshape.ts';
import { float32 } from './runtime.ts';
import { input, int64, type Tensor } from './tensor.ts';

const indices = (count: number | string, values: (count: number) => number[]) => ({
  shape: [count],
  dtype: 'int64' as const,
  values: ({ count: n }: Readonly<Record<string, number>>) => values(n ?? (count as number)),
});
const repeated = (n: number) => Array.from({ length: n }, (_, i) => [2, 0, 2, 1, 2][i % 5]);
const different = (n: number) => [2, 0, 3].slice(0, n);
const sizes = [
  { count: 4, rows: 4 },
  { count: 7, rows: 3 },
];
const fewer = [
  { count: 3, rows: 4 },
  { count: 2, rows: 5 },
];

const cases: OperatorCase[] = [
  { name: 'gatherRows', inputs: { x: [4, 2], i: indices(3, different) }, build: ({ x, i }) => gatherRows(x, i) },
  {
    name: 'gatherRows, said to be distinct',
    inputs: { x: [4, 2], i: indices(3, different) },
    build: ({ x, i }) => gatherRows(x, i, true),
  },
  {
    name: 'gatherRows, repeated',
    inputs: { x: [3, 2, 2], i: indices(5, repeated) },
    build: ({ x, i }) => gatherRows(x, i),
  },
  {
    name: 'gatherRows of a vector',
    inputs: { x: [3], i: indices(5, repeated) },
    build: ({ x, i }) => gatherRows(x, i),
  },
  {
    name: 'gatherRows by constants',
    inputs: { x: ['rows', 2] },
    sizes,
    build: ({ x }) => gatherRows(x, int64([1, 1, 0])),
  },
  {
    name: 'gatherRows, symbolic count and rows',
    inputs: { x: ['rows', 2], i: indices('count', repeated) },
    sizes,
    build: ({ x, i }) => gatherRows(x, i),
  },
  {
    name: 'gatherRows by a table of indices',
    inputs: { x: [3, 2], i: { shape: [2, 3], dtype: 'int64', values: () => repeated(6) } },
    build: ({ x, i }) => gatherRows(x, i),
  },
  {
    name: 'gatherRows by a table of indices, symbolic',
    inputs: {
      x: ['rows', 2],
      i: { shape: ['count', 'count'], dtype: 'int64', values: ({ count = 0 }) => repeated(count * count) },
    },
    sizes,
    build: ({ x, i }) => gatherRows(x, i),
  },
  {
    name: 'gather along the last axis',
    inputs: { x: [2, 3], i: indices(5, repeated) },
    build: ({ x, i }) => gather(x, i, -1),
  },
  {
    name: 'gather along a middle axis, symbolic',
    inputs: { x: [2, 'rows', 2], i: indices('count', repeated) },
    sizes,
    build: ({ x, i }) => gather(x, i, 1),
  },
  {
    name: 'scatterRows',
    inputs: { x: [4, 2], i: indices(3, different), u: [3, 2] },
    build: ({ x, i, u }) => scatterRows(x, i, u),
  },
  {
    name: 'scatterRows, symbolic',
    inputs: { x: ['rows', 2], i: indices('count', different), u: ['count', 2] },
    sizes: fewer,
    build: ({ x, i, u }) => scatterRows(x, i, u),
  },
  {
    name: 'scatterAddRows, repeated',
    inputs: { x: [3, 2, 2], i: indices(5, repeated), u: [5, 2, 2] },
    build: ({ x, i, u }) => scatterAddRows(x, i, u),
  },
  {
    name: 'scatterAddRows to a vector',
    inputs: { x: [3], i: indices(5, repeated), u: [5] },
    build: ({ x, i, u }) => scatterAddRows(x, i, u),
  },
  {
    name: 'scatterAddRows, symbolic',
    inputs: { x: ['rows', 2], i: indices('count', repeated), u: ['count', 2] },
    sizes,
    build: ({ x, i, u }) => scatterAddRows(x, i, u),
  },
  {
    name: 'second derivative of gathered and scattered rows',
    inputs: { x: ['rows', 2], i: indices('count', repeated) },
    sizes,
    build: ({ x, i }) => {
      const rows = gatherRows(x, i);
      const back = scatterAddRows(x, i, mul(rows, rows));
      return gradients(reduceSum(mul(back, back)), [x])[0];
    },
  },
];

describe('rows by index', () => {
  it.each(cases)('$name', checkOperator);

  // 20,000 updates into 10 rows with two threads: an addition that is not atomic loses some, now and then.
  it('adds every one of many updates that meet in a row', async () => {
    const [rows, width, count] = [10, 64, 20_000];
    const [x, i, u] = [input('x', [rows, width]), input('i', ['n'], 'int64'), input('u', ['n', width])];
    const outputs = { output: scatterAddRows(x, i, u), gradient: gradientOfGather(x, i, u) };
    const program = await loadProgram(toOnnx({ outputs }).bytes, { threads: 2 });
    const random = randomNumbers(1);
    const target = Array.from({ length: count }, () => Math.floor(random() * rows));
    const updates = Float32Array.from({ length: count * width }, () => Math.floor(random() * 3));
    const expected = new Array<number>(rows * width).fill(0);
    for (const [n, row] of target.entries()) {
      for (let c = 0; c < width; c++) expected[row * width + c] += updates[n * width + c];
    }
    const feeds = {
      x: float32(new Float32Array(rows * width), [rows, width]),
      i: { dtype: 'int64' as const, shape: [count], data: BigInt64Array.from(target, BigInt) },
      u: float32(updates, [count, width]),
    };
    for (let repeat = 0; repeat < 8; repeat++) {
      const { output, gradient } = await program.run(feeds);
      expect(Array.from(output.data, Number)).toEqual(expected);
      expect(Array.from(gradient.data, Number)).toEqual(expected);
    }
    await program.release();
  });

  it('refuses indices and updates that do not fit', () => {
    const [x, i] = [input('x', [4, 2]), input('i', [3], 'int64')];
    expect(() => gatherRows(x, input('f', [3]))).toThrow('gatherRows: expected int64 indices, got float32 [3]');
    expect(() => gather(x, input('f', [3, 1], 'int64'), 1)).toThrow('gather: expected int64 [N], got int64 [3, 1]');
    expect(() => gather(x, i, 2)).toThrow('gather: axis 2 is outside a tensor of rank 2');
    expect(() => scatterRows(x, i, input('u', [2, 2]))).toThrow(
      'scatterRows: expected int64 [N] and updates [N, ...] of [4, 2], got int64 [3] and [2, 2]',
    );
    expect(() => scatterAddRows(x, i, input('u', [3]))).toThrow('scatterAddRows: expected int64 [N]');
  });
});

/** Gradient of Σ u x[i] by x. */
function gradientOfGather(x: Tensor, i: Tensor, u: Tensor): Tensor {
  return gradients(reduceSum(mul(gatherRows(x, i), u)), [x])[0];
}
