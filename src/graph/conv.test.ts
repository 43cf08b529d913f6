// Convolutions of one, two and three axes and their three gradients against the oracle and finite differences.
import { describe, expect, it } from 'vitest';
import { checkOperator, type OperatorCase, randomNumbers } from '../../tests/check-operator.ts';
import { maxDifference } from '../../tests/golden.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { sizeOf } from '../../tests/graph-oracle/value.ts';
import { type ConvOptions, conv, patchEmbedding, trainingConv } from './conv.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { reduceSum, transpose } from './reshape.ts';
import { input, type Tensor } from './tensor.ts';

type Layer = [name: string, x: number[], weight: number[], options: ConvOptions];

const layers: Layer[] = [
  ['1-D', [2, 2, 6], [3, 2, 3], {}],
  ['1-D, padding', [2, 2, 5], [2, 2, 3], { padding: 1 }],
  ['1-D, stride that divides', [1, 2, 7], [2, 2, 3], { stride: 2 }],
  ['1-D, stride that leaves a rest', [2, 1, 8], [2, 1, 3], { stride: 2 }],
  ['1-D, stride beyond the kernel, with a rest', [1, 2, 9], [2, 2, 2], { stride: 4 }],
  ['1-D, kernel of two strides', [2, 1, 23], [2, 1, 10], { stride: 5 }],
  ['1-D, kernel of three strides, padded, with a rest', [2, 2, 10], [2, 2, 5], { stride: 2, padding: 2 }],
  ['1-D, dilation', [2, 2, 7], [2, 2, 2], { dilation: 3 }],
  ['1-D, stride, padding and dilation', [2, 1, 10], [2, 1, 3], { stride: 3, padding: 2, dilation: 2 }],
  ['1-D, more padding than the kernel reaches', [1, 1, 3], [1, 1, 2], { padding: 3, stride: 2 }],
  ['1-D, groups', [2, 4, 5], [6, 2, 2], { groups: 2 }],
  ['1-D, depthwise with stride and padding', [2, 3, 6], [3, 1, 3], { groups: 3, stride: 2, padding: 1 }],
  ['1-D, depthwise with two filters a channel', [1, 2, 4], [4, 1, 2], { groups: 2 }],
  ['1-D, kernel as long as the signal', [2, 2, 4], [3, 2, 4], {}],
  ['1-D, pointwise', [2, 3, 4], [2, 3, 1], {}],
  ['2-D', [2, 2, 4, 3], [2, 2, 3, 2], {}],
  [
    '2-D, all options per axis',
    [1, 2, 6, 5],
    [2, 1, 2, 3],
    { stride: [2, 1], padding: [1, 2], dilation: [2, 1], groups: 2 },
  ],
  ['2-D, depthwise 3 x 3, stride 2', [1, 2, 6, 6], [2, 1, 3, 3], { stride: 2, padding: 1, groups: 2 }],
  ['2-D, depthwise 3 x 3, stride 2, odd sizes', [2, 3, 7, 5], [3, 1, 3, 3], { stride: 2, padding: 1, groups: 3 }],
  ['2-D, depthwise, beyond a small picture', [1, 2, 5, 4], [2, 1, 3, 3], { padding: 1, groups: 2 }],
  ['2-D, depthwise, beyond, stride 2', [1, 2, 6, 5], [2, 1, 3, 3], { stride: 2, padding: 1, groups: 2 }],
  ['2-D, depthwise, beyond, stride 3', [1, 2, 9, 6], [2, 1, 5, 4], { stride: 3, padding: [2, 1], groups: 2 }],
  ['2-D, depthwise, beyond, stride of rows', [1, 2, 6, 4], [2, 1, 3, 3], { stride: [2, 1], padding: 1, groups: 2 }],
  [
    '2-D, depthwise, beyond, all options per axis',
    [1, 2, 8, 4],
    [2, 1, 2, 3],
    { stride: [3, 1], padding: [0, 2], dilation: [2, 1], groups: 2 },
  ],
  ['2-D, depthwise, many clips', [3, 2, 4, 3], [2, 1, 3, 3], { padding: 1, groups: 2 }],
  ['2-D, depthwise, many clips, stride 2', [3, 2, 4, 3], [2, 1, 3, 3], { stride: 2, padding: 1, groups: 2 }],
  ['2-D, depthwise, many clips, dilation', [3, 2, 4, 3], [2, 1, 3, 2], { dilation: [1, 2], groups: 2 }],
  ['2-D, pointwise', [2, 3, 4, 2], [2, 3, 1, 1], {}],
  ['2-D, pointwise, many channels on few positions', [2, 5, 2, 1], [6, 5, 1, 1], {}],
  ['2-D, kernels of one value with a stride', [2, 2, 4, 3], [3, 2, 1, 1], { stride: 2 }],
  ['3-D', [1, 1, 3, 2, 3], [2, 1, 2, 1, 2], { padding: [0, 1, 0] }],
];

const layer = (name: string, x: (number | string)[], weight: number[], options: ConvOptions): OperatorCase => ({
  name,
  inputs: { x, weight, bias: [weight[0]] },
  build: ({ x: signal, weight: kernels, bias }) => conv(signal, kernels, bias, options),
});

/** The same layer with symbolic batch and spatial axes. */
function symbolicLayer([name, x, weight, options]: Layer): OperatorCase {
  const spatial = x.slice(2).map((_, i) => `size${i}`);
  const named = { ...options, outputSizes: spatial.map((dim) => `${dim} out`) };
  const sizesPlus = (more: number) => ({
    batch: x[0] + more,
    ...Object.fromEntries(spatial.map((dim, i) => [dim, x[i + 2] + more])),
  });
  return { ...layer(name, ['batch', x[1], ...spatial], weight, named), sizes: [sizesPlus(0), sizesPlus(1)] };
}

const gradientOfSquare = (f: (x: Tensor, w: Tensor) => Tensor, by: 'x' | 'w') => (tensors: Record<string, Tensor>) => {
  const y = f(tensors.x, tensors.w);
  return gradients(reduceSum(mul(y, y)), [tensors[by]])[0];
};

describe('conv', () => {
  it.each(layers.map((given) => layer(...given)))('$name', checkOperator);

  it.each(layers.map(symbolicLayer))('$name, symbolic batch and lengths', checkOperator);

  it.each([
    ['batch', ['batch', 2, 5], [{ batch: 1 }, { batch: 3 }]],
    ['length', [2, 2, 'frames'], [{ frames: 5 }, { frames: 6 }]],
  ] as const)('symbolic %s alone, no bias, groups', (name, x, sizes) =>
    checkOperator({
      name,
      inputs: { x, w: [4, 1, 3] },
      sizes,
      build: ({ x: signal, w }) =>
        conv(signal, w, undefined, { groups: 2, stride: 2, padding: 1, outputSizes: ['out'] }),
    }));

  // Both of its gradients are convolutions that are differentiated in turn.
  it.each([
    ['x', { padding: 1 }],
    ['w', { padding: 1 }],
    ['x', { stride: 2, dilation: 2, groups: 2, padding: 1 }],
    ['w', { stride: 2, dilation: 2, groups: 2, padding: 1 }],
    ['x', { stride: 3 }],
    ['w', { stride: 3 }],
  ] as const)('second derivative by %s, %o', (by, options) =>
    checkOperator({
      name: `second derivative by ${by}`,
      inputs: { x: ['batch', 2, 'frames'], w: [2, 'groups' in options ? 1 : 2, 2] },
      sizes: [
        { batch: 2, frames: 5 },
        { batch: 1, frames: 6 },
      ],
      build: gradientOfSquare((x, w) => conv(x, w, undefined, { ...options, outputSizes: ['out'] }), by),
    }));

  it.each([
    ['pointwise', [3, 2, 2, 2], [3, 2, 1, 1], {}],
    ['depthwise, small', [3, 2, 2, 3], [2, 1, 3, 3], { padding: 1, groups: 2 }],
    ['depthwise, stride 2', [1, 2, 4, 3], [2, 1, 3, 3], { padding: 1, groups: 2, stride: 2 }],
    ['depthwise, one clip', [1, 2, 3, 3], [2, 1, 3, 3], { padding: 1, groups: 2 }],
    ['stride with a rest', [1, 2, 8], [2, 2, 3], { stride: 3, padding: 1 }],
  ] as const)('second derivatives with known sizes: %s', async (name, x, w, options) => {
    for (const by of ['x', 'w'] as const) {
      const build = gradientOfSquare((a, b) => conv(a, b, undefined, options), by);
      await checkOperator({ name: `${name} by ${by}`, inputs: { x, w }, build });
    }
  });

  it.each([
    ['many clips', [4, 2, 3, 4], [2, 1, 3, 3], { padding: 1, groups: 2 }],
    ['stride', [4, 2, 3, 4], [2, 1, 3, 3], { padding: 1, groups: 2, stride: [2, 1] }],
    ['one clip', [1, 2, 3, 4], [2, 1, 3, 3], { padding: 1, groups: 2 }],
    ['full', [2, 2, 3, 4], [3, 2, 3, 3], { padding: 1 }],
  ] as const)('trainingConv is conv: %s', async (name, x, w, options) => {
    const build = (t: Record<string, Tensor>) => trainingConv(t.x, t.w, options);
    await checkOperator({ name, inputs: { x, w }, build });
    const [signal, weight] = [input('x', x), input('w', w)];
    const random = randomNumbers(2);
    const feeds = new Map(
      [signal, weight].map(({ node, shape }) => [
        node.name as string,
        { shape: shape as number[], data: Array.from({ length: sizeOf(shape as number[]) }, random) },
      ]),
    );
    const both = [conv(signal, weight, undefined, options), trainingConv(signal, weight, options)];
    const [expected, actual] = evaluate(both, feeds);
    expect(actual.shape).toEqual(expected.shape);
    expect(maxDifference(actual.data, expected.data)).toBeLessThan(1e-14);
  });

  it('refuses channels, options and sizes that do not fit', () => {
    const x = input('x', [2, 4, 5]);
    const weight = (...shape: number[]) => input('w', shape);
    expect(() => conv(x, weight(2, 3, 3))).toThrow('conv: input [2, 4, 5], weight [2, 3, 3] and 1 groups do not fit');
    expect(() => conv(x, weight(3, 2, 3), undefined, { groups: 2 })).toThrow('and 2 groups do not fit');
    expect(() => conv(x, weight(2, 4, 3, 3))).toThrow('conv: input [2, 4, 5], weight [2, 4, 3, 3]');
    expect(() => conv(x, weight(2, 4, 6))).toThrow('conv: a kernel reaching 6 does not fit into 5 values');
    expect(() => conv(x, weight(2, 4, 3), undefined, { dilation: 3 })).toThrow('conv: a kernel reaching 7');
    expect(() => conv(x, weight(2, 4, 3), undefined, { stride: [1, 2] })).toThrow(
      'conv: expected one number or 1, got [1,2]',
    );
    expect(() => conv(x, weight(2, 4, 3), weight(3))).toThrow('conv: expected a bias [2], got [3]');
    expect(() => conv(input('x', [1, 4, 'n']), weight(2, 4, 3))).toThrow(
      'conv: name the output size of symbolic axis n',
    );
  });
});

describe('patchEmbedding', () => {
  it.each([
    { name: 'static', inputs: { x: [2, 1, 4, 6], w: [3, 1, 2, 3], b: [3] }, build: embed([2, 2]) },
    { name: 'channels', inputs: { x: [1, 2, 2, 4], w: [2, 2, 2, 2], b: [2] }, build: embed([1, 2]) },
    {
      name: 'symbolic batch and width',
      inputs: { x: ['batch', 1, 4, 'width'], w: [2, 1, 2, 2], b: [2] },
      sizes: [
        { batch: 2, width: 4 },
        { batch: 1, width: 6 },
      ],
      build: ({ x, w, b }: Record<string, Tensor>) =>
        embed([2, typeof x.shape[3] === 'number' ? 2 : 'columns'])({ x, w, b }),
    },
  ])('$name', checkOperator);

  it('gives the numbers of conv with the kernel as its stride', () => {
    const [x, w, b] = [input('x', [2, 2, 4, 6]), input('w', [3, 2, 2, 3]), input('b', [3])];
    const random = randomNumbers(1);
    const feeds = new Map(
      [x, w, b].map((tensor) => {
        const shape = tensor.shape as number[];
        return [tensor, { shape, data: Array.from({ length: sizeOf(shape) }, random) }];
      }),
    );
    const direct = transpose(conv(x, w, b, { stride: [2, 3] }), [0, 2, 3, 1]);
    const [expected, actual] = evaluate([direct, patchEmbedding(x, w, b, [2, 2])], feeds);
    expect(actual.shape).toEqual(expected.shape);
    expect(maxDifference(actual.data, expected.data)).toBeLessThan(1e-14);
  });

  it('refuses patches that do not cover the input', () => {
    const [w, b] = [input('w', [3, 2, 2, 3]), input('b', [3])];
    expect(() => patchEmbedding(input('x', [2, 2, 4, 7]), w, b, [2, 2])).toThrow('reshape: [2, 2, 4, 7] does not fit');
  });
});

function embed(patches: readonly [number | string, number | string]) {
  return ({ x, w, b }: Record<string, Tensor>): Tensor => patchEmbedding(x, w, b, patches);
}
