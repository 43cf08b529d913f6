// Normalisation layers against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase } from '../../tests/check-operator.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { add, mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { batchNorm, batchNormTraining, groupNorm, layerNorm, standardize } from './normalization.ts';
import { reduceSum } from './reshape.ts';
import { input, type Tensor } from './tensor.ts';

const sizes = [
  { batch: 2, frames: 3 },
  { batch: 3, frames: 2 },
];
const variance = { shape: [2], low: 0.2, high: 2 };
const affine = { gain: [4], bias: [4] };

const cases: OperatorCase[] = [
  { name: 'standardize', inputs: { x: [2, 4] }, build: ({ x }) => standardize(x, [1], 1e-5) },
  {
    name: 'standardize over symbolic axes',
    inputs: { x: ['batch', 2, 'frames'] },
    sizes,
    build: ({ x }) => standardize(x, [0, 2], 1e-5),
  },
  {
    name: 'layerNorm, gain and bias',
    inputs: { x: [2, 4], ...affine },
    build: ({ x, gain, bias }) => layerNorm(x, gain, bias),
  },
  { name: 'layerNorm, neither', inputs: { x: [2, 4] }, build: ({ x }) => layerNorm(x, undefined, undefined) },
  { name: 'layerNorm, gain', inputs: { x: [2, 4], gain: [4] }, build: ({ x, gain }) => layerNorm(x, gain, undefined) },
  { name: 'layerNorm, bias', inputs: { x: [2, 4], bias: [4] }, build: ({ x, bias }) => layerNorm(x, undefined, bias) },
  { name: 'layerNorm, one gain for all', inputs: { x: [2, 4] }, build: ({ x }) => layerNorm(x, 0.3, undefined) },
  {
    name: 'layerNorm, one gain for all and a bias',
    inputs: { x: [2, 4], bias: [4] },
    build: ({ x, bias }) => layerNorm(x, 2, bias, 0.1),
  },
  {
    name: 'layerNorm, symbolic sizes, one gain',
    inputs: { x: ['batch', 3] },
    sizes: [{ batch: 2 }, { batch: 5 }],
    build: ({ x }) => layerNorm(x, -1.5, undefined),
  },
  {
    name: 'layerNorm of a vector',
    inputs: { x: [4], ...affine },
    build: ({ x, gain, bias }) => layerNorm(x, gain, bias),
  },
  {
    name: 'layerNorm, large epsilon',
    inputs: { x: [2, 4], ...affine },
    build: ({ x, gain, bias }) => layerNorm(x, gain, bias, 0.5),
  },
  {
    name: 'layerNorm, symbolic batch and frames',
    inputs: { x: ['batch', 'frames', 4], ...affine },
    sizes,
    build: ({ x, gain, bias }) => layerNorm(x, gain, bias, 1e-6),
  },
  {
    name: 'layerNorm of a residual sum',
    inputs: { x: ['batch', 4], y: ['batch', 4], ...affine },
    sizes,
    build: ({ x, y, gain, bias }) => add(x, layerNorm(add(x, y), gain, bias)),
  },
  {
    name: 'second derivative of layerNorm by x',
    inputs: { x: ['batch', 3], w: ['batch', 3], gain: [3] },
    sizes,
    build: ({ x, w, gain }) => gradients(reduceSum(mul(layerNorm(x, gain, undefined), w)), [x])[0],
  },
  {
    name: 'second derivative of layerNorm by its gain',
    inputs: { x: [2, 3], w: [2, 3], gain: [3], bias: [3] },
    build: ({ x, w, gain, bias }) => {
      const y = layerNorm(x, gain, bias);
      return gradients(reduceSum(mul(mul(y, y), w)), [gain])[0];
    },
  },
  {
    name: 'groupNorm, two groups',
    inputs: { x: [2, 4, 3], ...affine },
    build: ({ x, gain, bias }) => groupNorm(x, 2, gain, bias),
  },
  { name: 'groupNorm, instances', inputs: { x: [1, 2, 2, 3] }, build: ({ x }) => groupNorm(x, 2) },
  { name: 'groupNorm, one group', inputs: { x: [2, 4, 2], gain: [4] }, build: ({ x, gain }) => groupNorm(x, 1, gain) },
  {
    name: 'groupNorm without positions',
    inputs: { x: [2, 4], ...affine },
    build: ({ x, gain, bias }) => groupNorm(x, 2, gain, bias),
  },
  {
    name: 'groupNorm, symbolic batch and frames',
    inputs: { x: ['batch', 4, 'frames'], ...affine },
    sizes,
    build: ({ x, gain, bias }) => groupNorm(x, 2, gain, bias),
  },
  { name: 'groupNorm, symbolic batch', inputs: { x: ['batch', 4, 2] }, sizes, build: ({ x }) => groupNorm(x, 2) },
  {
    name: 'batchNorm, stored statistics',
    inputs: { x: [2, 2, 3], mean: [2], variance, gain: [2], bias: [2] },
    build: ({ x, mean, variance: v, gain, bias }) => batchNorm(x, { mean, variance: v }, gain, bias),
  },
  {
    name: 'batchNorm, stored statistics alone, symbolic',
    inputs: { x: ['batch', 2, 'frames'], mean: [2], variance },
    sizes,
    build: ({ x, mean, variance: v }) => batchNorm(x, { mean, variance: v }),
  },
  {
    name: 'batchNorm, training',
    inputs: { x: [3, 2, 2], gain: [2], bias: [2] },
    build: ({ x, gain, bias }) => batchNormTraining(x, gain, bias).output,
  },
  { name: 'batchNorm, training, of vectors', inputs: { x: [4, 2] }, build: ({ x }) => batchNormTraining(x).output },
  {
    name: 'batchNorm, training, symbolic batch and frames',
    inputs: { x: ['batch', 2, 'frames'], gain: [2], bias: [2] },
    sizes,
    build: ({ x, gain, bias }) => batchNormTraining(x, gain, bias).output,
  },
  {
    name: 'batchNorm, training, of pictures',
    inputs: { x: [2, 2, 8, 8], gain: [2], bias: [2] },
    build: ({ x, gain, bias }) => batchNormTraining(x, gain, bias).output,
  },
  {
    name: 'batchNorm, training, of pictures, no gain and bias, symbolic batch',
    inputs: { x: ['batch', 2, 8, 8] },
    sizes: [{ batch: 2 }],
    build: ({ x }) => batchNormTraining(x).output,
  },
  ...[2, 32].map((length) => ({
    name: `batchNorm, training, second derivative, ${length} rows`,
    inputs: { x: [2, 2, length, 2], gain: [2], bias: [2], w: [2, 2, length, 2] },
    build: ({ x, gain, bias, w }: Record<string, Tensor>) => {
      const y = batchNormTraining(x, gain, bias).output;
      return gradients(reduceSum(mul(mul(y, y), w)), [x])[0];
    },
  })),
  {
    name: 'batchNorm, statistics of a training batch',
    inputs: { x: ['batch', 2, 'frames'] },
    sizes,
    build: ({ x }) => {
      const { mean, variance: v } = batchNormTraining(x).statistics;
      return mul(mean, v);
    },
  },
];

describe('normalisation', () => {
  it.each(cases)('$name', checkOperator);

  it.each([
    ['layerNorm', [1, 2, 4], (x: Tensor) => layerNorm(x, undefined, undefined, 0)],
    ['groupNorm', [2, 4], (x: Tensor) => groupNorm(x, 2, undefined, undefined, 0)],
  ] as const)('%s leaves mean 0 and variance 1', (_name, shape, f) => {
    const x = input('x', shape);
    const [y] = evaluate([f(x)], new Map([['x', { shape, data: [1, 2, 3, 9, -1, 0, 5, 4] }]]));
    const rows = shape.length === 2 ? [0, 2, 4, 6] : [0, 4];
    const width = 8 / rows.length;
    for (const start of rows) {
      const row = y.data.slice(start, start + width);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 12);
      expect(row.reduce((a, b) => a + b * b, 0) / width).toBeCloseTo(1, 12);
    }
  });

  it('refuses channels that do not divide and widths that are not known', () => {
    expect(() => groupNorm(input('x', [2, 4, 3]), 3)).toThrow(
      'groupNorm: 4 channels do not divide into 3 groups ([2, 4, 3])',
    );
    expect(() => layerNorm(input('x', [2, 'n']), undefined, undefined)).toThrow(
      'layerNorm: axis -1 of [2, n] must have',
    );
    expect(() => layerNorm(input('x', [2, 3]), input('g', [2]), undefined)).toThrow(
      'layerNorm: expected gain and bias [3]',
    );
  });
});
