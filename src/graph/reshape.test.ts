// Reshape, transpose, expand and sum against the oracle; their adjoints as properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, randomNumbers } from '../../tests/check-operator.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { sizeOf } from '../../tests/graph-oracle/value.ts';
import { mul } from './elementwise.ts';
import {
  expand,
  reduceSum,
  reshape,
  reshapeLike,
  shapeOf,
  shapeVector,
  sumTo,
  swapLastAxes,
  transpose,
} from './reshape.ts';
import { input } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 3 },
  { batch: 1, frames: 4 },
];

const cases: OperatorCase[] = [
  { name: 'reshape', inputs: { x: [2, 6] }, build: ({ x }) => reshape(x, [3, 4]) },
  { name: 'reshape to a scalar', inputs: { x: [1, 1] }, build: ({ x }) => reshape(x, []) },
  { name: 'reshape from a scalar', inputs: { x: [] }, build: ({ x }) => reshape(x, [1, 1]) },
  { name: 'reshape, one name', inputs: { x: ['batch', 6] }, sizes, build: ({ x }) => reshape(x, [x.shape[0], 2, 3]) },
  {
    name: 'reshape, two names, split last axis',
    inputs: { x: ['batch', 'frames', 4] },
    sizes,
    build: ({ x }) => reshape(x, [x.shape[0], x.shape[1], 2, 2]),
  },
  {
    name: 'reshape, names in another order',
    inputs: { x: ['batch', 'frames', 2] },
    sizes,
    build: ({ x }) => reshape(x, [2, x.shape[1], x.shape[0]]),
  },
  {
    name: 'reshape, two names into one new name and back',
    inputs: { x: ['batch', 'frames', 2] },
    sizes,
    build: ({ x }) => reshapeLike(mul(reshape(x, ['rows', 2]), 2), x),
  },
  {
    name: 'reshape, three names',
    inputs: { x: ['batch', 'frames', 'bands'] },
    sizes: [
      { batch: 2, frames: 3, bands: 4 },
      { batch: 1, frames: 2, bands: 5 },
    ],
    build: ({ x }) => reshape(x, [x.shape[2], 1, x.shape[0], x.shape[1]]),
  },
  { name: 'transpose', inputs: { x: [2, 3, 4] }, build: ({ x }) => transpose(x, [2, 0, 1]) },
  { name: 'transpose, names', inputs: { x: ['batch', 2, 'frames'] }, sizes, build: ({ x }) => transpose(x, [1, 2, 0]) },
  { name: 'swapLastAxes', inputs: { x: [2, 3, 4] }, build: ({ x }) => swapLastAxes(x) },
  { name: 'expand', inputs: { x: [3, 1] }, build: ({ x }) => expand(x, [2, 3, 4]) },
  { name: 'expand a scalar', inputs: { x: [] }, build: ({ x }) => expand(x, [2, 2]) },
  {
    name: 'expand to the sizes of another tensor',
    inputs: { x: [1, 1, 3], y: ['batch', 'frames'] },
    sizes,
    build: ({ x, y }) => expand(x, [...y.shape, 3], y),
  },
  {
    name: 'expand, one name own and one of another tensor',
    inputs: { x: ['batch', 1], y: ['frames'] },
    sizes,
    build: ({ x, y }) => expand(x, [x.shape[0], y.shape[0]], y),
  },
  { name: 'reduceSum of everything', inputs: { x: [2, 3] }, build: ({ x }) => reduceSum(x) },
  { name: 'reduceSum of a scalar', inputs: { x: [] }, build: ({ x }) => reduceSum(x) },
  { name: 'reduceSum over no axes', inputs: { x: [2, 3] }, build: ({ x }) => reduceSum(x, []) },
  { name: 'reduceSum, first axis', inputs: { x: [2, 3] }, build: ({ x }) => reduceSum(x, [0]) },
  { name: 'reduceSum, negative axes', inputs: { x: [2, 3, 4] }, build: ({ x }) => reduceSum(x, [-1, 0]) },
  { name: 'reduceSum, kept axes', inputs: { x: [2, 3, 4] }, build: ({ x }) => reduceSum(x, [-2], true) },
  {
    name: 'reduceSum over a symbolic axis',
    inputs: { x: ['batch', 'frames', 2] },
    sizes,
    build: ({ x }) => reduceSum(x, [1]),
  },
  {
    name: 'reduceSum over all axes, two of them symbolic',
    inputs: { x: ['batch', 2, 'frames'] },
    sizes,
    build: ({ x }) => reduceSum(x),
  },
  { name: 'sumTo', inputs: { x: [2, 3, 4], y: [3, 1] }, wrt: ['x'], build: ({ x, y }) => sumTo(x, y) },
  {
    name: 'sumTo, symbolic sizes left',
    inputs: { x: [2, 'batch', 3, 'frames'], y: ['batch', 1, 'frames'] },
    wrt: ['x'],
    sizes,
    build: ({ x, y }) => sumTo(x, y),
  },
  {
    name: 'reshapeLike, symbolic sizes',
    inputs: { x: ['rows', 2], y: ['batch', 'frames', 2] },
    wrt: ['x'],
    sizes: [
      { rows: 6, batch: 2, frames: 3 },
      { rows: 4, batch: 4, frames: 1 },
    ],
    build: ({ x, y }) => reshapeLike(x, y),
  },
  { name: 'shapeOf', inputs: { x: ['batch', 3, 'frames'] }, sizes, build: ({ x }) => shapeOf(x) },
];

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

describe('reshape operators', () => {
  it.each(cases)('$name', checkOperator);

  it('transposes back by the inverse permutation', () => {
    const property = fc.property(shapes, fc.infiniteStream(fc.nat()), (shape, keys) => {
      const rank = shape.length;
      const order = [...keys.take(rank)].map((key, i) => ({ key, i })).sort((a, b) => a.key - b.key || a.i - b.i);
      const permutation = order.map(({ i }) => i);
      const x = input('x', shape);
      const there = transpose(x, permutation);
      const back = transpose(
        reshape(reshape(there, [sizeOf(shape)]), there.shape),
        permutation.map((_, i) => permutation.indexOf(i)),
      );
      const feed = { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => i) };
      const [value] = evaluate([back], new Map([['x', feed]]));
      expect(value).toEqual({ shape, data: Float64Array.from(feed.data) });
    });
    fc.assert(property, { numRuns: 50, seed: 1 });
  });

  it('sums as the adjoint of expanding: <expand x, y> = <x, sumTo y>', () => {
    const property = fc.property(shapes, fc.nat(), fc.nat(), (shape, ones, seed) => {
      const small = shape.map((dim, i) => ((ones >> i) & 1 ? 1 : dim)).slice(ones & 16 ? 1 : 0);
      const random = randomNumbers(seed);
      const feed = (s: number[]) => ({ shape: s, data: Array.from({ length: sizeOf(s) }, random) });
      const [x, y] = [input('x', small), input('y', shape)];
      const left = reduceSum(mul(expand(x, shape), y));
      const right = reduceSum(mul(x, sumTo(y, x)));
      const feeds = new Map([
        ['x', feed(small)],
        ['y', feed(shape)],
      ]);
      const [a, b] = evaluate([left, right], feeds);
      expect(a.data[0]).toBeCloseTo(b.data[0], 10);
    });
    fc.assert(property, { numRuns: 50, seed: 1 });
  });

  it('refuses shapes that do not fit', () => {
    const x = input('x', ['batch', 6]);
    expect(() => reshape(input('y', [2, 6]), [5])).toThrow('reshape: [2, 6] does not fit into [5]');
    expect(() => reshape(x, ['batch', 5])).toThrow('reshape: [batch, 6] does not fit into [batch, 5]');
    expect(() => reshape(x, ['a', 'b'])).toThrow('reshape: neither a nor b of [a, b] is a size of its input');
    expect(() => transpose(x, [0, 0])).toThrow('transpose: [0,0] is no permutation of the 2 axes of [batch, 6]');
    expect(() => transpose(x, [0])).toThrow('transpose: [0] is no permutation');
    expect(() => transpose(x, [0, 2])).toThrow('transpose: axis 2 is outside');
    expect(() => expand(x, ['batch', 7])).toThrow('expand: shapes [batch, 6] and [batch, 7] do not broadcast');
    expect(() => expand(x, [1, 6])).toThrow('expand: [batch, 6] does not expand to [1, 6]');
    expect(() => expand(input('y', [1]), ['n'])).toThrow('expand: size n of [n] is known neither to x nor to like');
    expect(() => reduceSum(x, [2])).toThrow('reduceSum: axis 2 is outside');
  });

  it('looks at sizes at run time only where there are several', () => {
    const x = input('x', ['batch', 'frames', 4]);
    expect(shapeVector(['batch', 4], [x], 'reshape').node.op).toBe('Constant');
    expect(shapeVector([2, 4], [x], 'reshape').node.op).toBe('Constant');
    expect(shapeVector(['frames', 'batch', 'new'], [x], 'reshape').node.op).toBe('Concat');
  });
});
