// Slices, pads, joins and their gradients against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase } from '../../tests/check-operator.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceSum } from './reshape.ts';
import { concat, fullLike, pad, slice, split, takeLike } from './slicing.ts';
import { input, type Tensor } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 5 },
  { batch: 1, frames: 4 },
];
const symbolic = { inputs: { x: ['batch', 'frames', 2] }, sizes };
const cubed = (x: Tensor): Tensor => mul(x, mul(x, x));
/** Gradient of Σ f(x)³: its own gradient goes through the adjoint of f's adjoint. */
const gradientOfCube =
  (f: (x: Tensor) => Tensor) =>
  ({ x }: Record<string, Tensor>): Tensor =>
    gradients(reduceSum(cubed(f(x))), [x])[0];

const slices: [string, number, number | undefined, string | number][] = [
  ['from the start', 0, 2, 2],
  ['in the middle', 1, 3, 2],
  ['to the end', 1, undefined, 'left'],
  ['without the last', 0, -1, 'left'],
  ['without the first and last', 1, -1, 'left'],
  ['the last two', -2, undefined, 2],
  ['the second last', -2, -1, 1],
  ['everything', 0, undefined, 'frames'],
];

const cases: OperatorCase[] = [
  ...slices.flatMap(([name, start, end, size]): OperatorCase[] => [
    { name: `slice ${name}`, inputs: { x: [3, 4] }, build: ({ x }) => slice(x, -1, start, end) },
    { name: `slice ${name}, symbolic`, ...symbolic, build: ({ x }) => slice(x, 1, start, end, size) },
    {
      name: `second derivative, slice ${name}`,
      ...symbolic,
      build: gradientOfCube((x) => slice(x, 1, start, end, size)),
    },
  ]),
  { name: 'slice of a static axis, symbolic batch', ...symbolic, build: ({ x }) => slice(x, 2, 1, 2) },
  {
    name: 'slice of integers',
    inputs: { x: { shape: [4], dtype: 'int64', values: () => [4, 3, 2, 1] } },
    build: ({ x }) => slice(x, 0, -3, -1),
  },
  {
    name: 'takeLike',
    inputs: { x: ['frames', 2], y: [2, 'part'] },
    wrt: ['x'],
    sizes: [
      { frames: 5, part: 3 },
      { frames: 4, part: 4 },
    ],
    build: ({ x, y }) => takeLike(x, reduceSum(y, [0], false), 0),
  },
  { name: 'pad before', inputs: { x: [2, 3] }, build: ({ x }) => pad(x, 0, 2, 0) },
  { name: 'pad after', inputs: { x: [2, 3] }, build: ({ x }) => pad(x, -1, 0, 1) },
  { name: 'pad both with a value', inputs: { x: [2, 3] }, build: ({ x }) => pad(x, 1, 1, 2, -0.5) },
  { name: 'pad nothing', inputs: { x: [2, 3] }, build: ({ x }) => pad(x, 1, 0, 0) },
  { name: 'pad a static axis, symbolic batch', ...symbolic, build: ({ x }) => pad(x, 2, 1, 0) },
  { name: 'pad a symbolic axis', ...symbolic, build: ({ x }) => pad(x, 1, 1, 2, 0, 'padded') },
  { name: 'second derivative, pad', ...symbolic, build: gradientOfCube((x) => pad(x, 1, 1, 2, 0.5, 'padded')) },
  { name: 'concat two', inputs: { x: [2, 3], y: [2, 1] }, build: ({ x, y }) => concat([x, y], 1) },
  {
    name: 'concat three, negative axis',
    inputs: { x: [1, 2], y: [2, 2], z: [3, 2] },
    build: ({ x, y, z }) => concat([x, y, z], -2),
  },
  { name: 'concat one', inputs: { x: [2] }, build: ({ x }) => concat([x], 0) },
  { name: 'concat a tensor with itself', inputs: { x: [2, 2] }, build: ({ x }) => concat([x, mul(x, 2), x], 0) },
  {
    name: 'concat, symbolic batch',
    inputs: { x: ['batch', 2], y: ['batch', 1] },
    sizes,
    build: ({ x, y }) => concat([x, y], 1),
  },
  ...[0, 1, 2].map(
    (place): OperatorCase => ({
      name: `concat, symbolic part in place ${place}`,
      inputs: { x: ['batch', 'frames', 2], y: ['batch', 2, 2], z: ['batch', 1, 2] },
      sizes,
      build: ({ x, y, z }) => concat([y, z].toSpliced(place, 0, x), 1, 'tokens'),
    }),
  ),
  {
    name: 'concat, two symbolic parts and a static one',
    inputs: { x: ['frames', 2], y: ['part', 2], z: [1, 2] },
    sizes: [
      { frames: 2, part: 3 },
      { frames: 3, part: 1 },
    ],
    build: ({ x, y, z }) => concat([x, z, y], 0, 'both'),
  },
  {
    name: 'second derivative, concat',
    ...symbolic,
    build: gradientOfCube((x) => concat([slice(x, 1, 0, 1, 1), x], 1, 'tokens')),
  },
  { name: 'split', inputs: { x: [2, 6] }, build: ({ x }) => split(x, 3, 1).reduce((a, b) => mul(a, b)) },
  { name: 'split, one piece used', inputs: { x: [2, 6] }, build: ({ x }) => cubed(split(x, 3, 1)[1]) },
  { name: 'split into one', inputs: { x: [2, 6] }, build: ({ x }) => cubed(split(x, 1, 1)[0]) },
  { name: 'second derivative, split', ...symbolic, build: gradientOfCube((x) => split(x, 2, 2)[1]) },
  { name: 'split, symbolic', ...symbolic, build: ({ x }) => split(x, 2, -1).reduce((a, b) => mul(a, b)) },
  { name: 'fullLike', ...symbolic, build: ({ x }) => mul(fullLike(x, 2.5), x) },
  { name: 'fullLike of a scalar', inputs: { x: [] }, build: ({ x }) => mul(fullLike(x, 3), x) },
];

describe('slicing', () => {
  it.each(cases)('$name', checkOperator);

  it('refuses bounds outside and sizes without a name', () => {
    const [x, y] = [input('x', [2, 5]), input('y', ['n', 5])];
    expect(() => slice(x, 1, 3, 3)).toThrow('slice: [3, 3) is outside axis 1 of [2, 5]');
    expect(() => slice(x, 1, 0, 6)).toThrow('slice: [0, 6) is outside axis 1 of [2, 5]');
    expect(() => slice(x, 1, -6)).toThrow('slice: [-6, ) is outside axis 1 of [2, 5]');
    expect(() => slice(y, 0, 1)).toThrow('slice: give the size of what is left of symbolic axis 0 of [n, 5]');
    expect(() => pad(y, 0, 1, 0)).toThrow('pad: give the new size of symbolic axis 0 of [n, 5]');
    expect(() => pad(x, 0, -1, 0)).toThrow('pad: expected counts of at least 0, got -1 and 0');
    expect(() => split(x, 2, 1)).toThrow('split: 5 does not divide into 2 parts');
    expect(() => split(y, 2, 0)).toThrow('split: axis 0 of [n, 5] must have a static size');
  });

  it('refuses joins that do not fit, or have no name', () => {
    const [x, y] = [input('x', [2, 5]), input('y', ['n', 5])];
    expect(() => concat([], 0)).toThrow('concat: expected at least one tensor');
    expect(() => concat([x, y], 1)).toThrow('concat: [n, 5] does not join [2, 5] on axis 1');
    expect(() => concat([x, input('z', [5])], 0)).toThrow('concat: [5] does not join [2, 5]');
    expect(() => concat([x, input('z', [2, 5], 'int64')], 0)).toThrow('concat: int64 does not join float32');
    expect(() => concat([x, y], 0)).toThrow('concat: give a name to the symbolic size of axis 0');
  });
});
