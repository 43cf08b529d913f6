// Convolutions along a line against the oracle, finite differences, and convolution itself.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, randomNumbers, runOnce } from '../../tests/check-operator.ts';
import { conv } from './conv.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { lineConvolution } from './line-conv.ts';
import { reduceSum, reshape, transpose } from './reshape.ts';
import { constant, input, type Tensor } from './tensor.ts';

const cases: OperatorCase[] = [
  { shape: [2, 4, 6], groups: 2, taps: 3 },
  { shape: [1, 1, 4], groups: 4, taps: 3 },
  { shape: [2, 3, 4], groups: 1, taps: 1 },
  { shape: [1, 3, 4], groups: 2, taps: 5 },
  // More channels than one bundle holds.
  { shape: [1, 2, 72], groups: 36, taps: 3 },
].map(({ shape, groups, taps }) => ({
  name: `lines [${shape}], ${groups} groups, ${taps} taps`,
  inputs: { x: shape, w: [shape[2], shape[2] / groups, taps] },
  build: ({ x, w }: Record<string, Tensor>) => lineConvolution(shape as [number, number, number], groups, taps)(x, w),
}));

const sizes = [2, 4, 6] as const;
const build = lineConvolution(sizes, 2, 3);

describe('lineConvolution', () => {
  it.each(cases)('$name', checkOperator);

  it('has right second derivatives', () =>
    checkOperator({
      name: 'second derivative',
      inputs: { x: sizes, w: [6, 3, 3] },
      build: ({ x, w }) => {
        const y = build(x, w);
        return gradients(reduceSum(mul(y, mul(y, y))), [w])[0];
      },
    }));

  it('is a grouped convolution with the channels in the middle', async () => {
    const random = randomNumbers(3);
    const numbers = (shape: readonly number[]) =>
      constant(Array.from({ length: shape.reduce((a, b) => a * b) }, random), shape);
    const [x, w] = [numbers(sizes), numbers([6, 3, 3])];
    const wanted = await runOnce(
      transpose(conv(transpose(x, [0, 2, 1]), w, undefined, { padding: 1, groups: 2 }), [0, 2, 1]),
      {},
    );
    for (const [i, value] of (await runOnce(build(x, w), {})).entries()) expect(value).toBeCloseTo(wanted[i], 5);
  });

  it('refuses sizes that do not fit', () => {
    expect(() => lineConvolution([2, 4, 6], 4, 3)).toThrow('6 channels, 4 groups and 3 taps do not fit');
    expect(() => lineConvolution([2, 4, 6], 2, 2)).toThrow('2 taps do not fit');
    const w = input('w', [6, 3, 3]);
    expect(() => build(input('x', [2, 5, 6]), w)).toThrow('expected [2, 4, 6] and kernels [6, 3, 3], got [2, 5, 6]');
    expect(() => build(reshape(input('x', [48]), sizes), input('w', [6, 6, 3]))).toThrow('got [2, 4, 6] and [6, 6, 3]');
  });
});
