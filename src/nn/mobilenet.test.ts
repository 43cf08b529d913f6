import { describe, expect, it } from 'vitest';
import { checkLossGradients } from '../../tests/check-loss-gradients.ts';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { mul } from '../graph/elementwise.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { isRunningAverage } from './batch-norm.ts';
import { type MobileNetV2Config, mobileNetV2, mobileNetV2Blocks, scaledChannels } from './mobilenet.ts';
import { createScope, parameterCount, parametersOf } from './parameters.ts';

const paper: MobileNetV2Config = {
  width: 1,
  blocks: mobileNetV2Blocks,
  stem: 32,
  last: 1280,
  epsilon: 1e-3,
  momentum: 0.01,
};

/** A block without expansion, one with a stride, one that is added to its input, and one that changes the width. */
const small: MobileNetV2Config = {
  ...paper,
  blocks: [
    { expansion: 1, channels: 8, repeats: 1, stride: 1 },
    { expansion: 2, channels: 8, repeats: 2, stride: 2 },
    { expansion: 3, channels: 16, repeats: 1, stride: 1 },
  ],
  stem: 8,
  last: 24,
};

const random = createRandom('mobilenet');
const draw = (size: number, low: number, high: number) =>
  Float32Array.from({ length: size }, () => random.uniform(low, high));
const exact = (size: number, low: number, high: number) => Float64Array.from(draw(size, low, high));
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Images [C][H][W] of one clip. */
type Image = number[][][];

/** From the definition: zeros beyond the sides, stride, and groups of one channel where the weight has one. */
function naiveConv(x: Image, { shape, data }: StoredTensor, stride: number): Image {
  const [filters, perGroup, kernel] = shape;
  const padding = (kernel - 1) / 2;
  const rows = Math.floor((x[0].length + 2 * padding - kernel) / stride) + 1;
  const columns = Math.floor((x[0][0].length + 2 * padding - kernel) / stride) + 1;
  return Array.from({ length: filters }, (_f, f) =>
    Array.from({ length: rows }, (_r, row) =>
      Array.from({ length: columns }, (_c, column) => {
        let sum = 0;
        for (let c = 0; c < perGroup; c++) {
          const image = x[perGroup === x.length ? c : f];
          for (let i = 0; i < kernel; i++) {
            for (let j = 0; j < kernel; j++) {
              const value = image[row * stride + i - padding]?.[column * stride + j - padding] ?? 0;
              sum += value * Number(data[((f * perGroup + c) * kernel + i) * kernel + j]);
            }
          }
        }
        return sum;
      }),
    ),
  );
}

/** The small network by loops, one clip at a time. */
function naiveNetwork(weights: ReadonlyMap<string, StoredTensor>, x: Image): number[] {
  const tensor = (name: string) => weights.get(name) as StoredTensor;
  const normed = (name: string, y: Image): Image =>
    y.map((plane, c) => {
      const [gain, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
        Number(tensor(`${name}.${part}`).data[c]),
      );
      return plane.map((row) => row.map((value) => ((value - mean) / Math.sqrt(variance + 1e-3)) * gain + bias));
    });
  const clipped = (y: Image): Image =>
    y.map((plane) => plane.map((row) => row.map((v) => Math.min(Math.max(v, 0), 6))));
  const layer = (weight: string, norm: string, y: Image, stride = 1) =>
    normed(norm, naiveConv(y, tensor(`${weight}.weight`), stride));
  const added = (a: Image, b: Image) => a.map((plane, c) => plane.map((row, i) => row.map((v, j) => v + b[c][i][j])));
  const expanding = (name: string, y: Image, stride: number) => {
    const wide = clipped(layer(`${name}.conv.0.0`, `${name}.conv.0.1`, y));
    const deep = clipped(layer(`${name}.conv.1.0`, `${name}.conv.1.1`, wide, stride));
    return layer(`${name}.conv.2`, `${name}.conv.3`, deep);
  };
  let y = clipped(layer('features.0.0', 'features.0.1', x, 2));
  const deep = clipped(layer('features.1.conv.0.0', 'features.1.conv.0.1', y));
  y = added(y, layer('features.1.conv.1', 'features.1.conv.2', deep));
  y = expanding('features.2', y, 2);
  y = added(y, expanding('features.3', y, 1));
  y = expanding('features.4', y, 1);
  y = clipped(layer('features.5.0', 'features.5.1', y));
  return y.map((plane) => plane.flat().reduce((a, b) => a + b, 0) / plane.flat().length);
}

describe('mobileNetV2', () => {
  it.each([
    [1, 2_257_984],
    [0.5, 706_224],
    [0.35, 410_208],
    [1.4, 4_363_712],
  ])('of width %f has as many values as Keras counts without its classifier', (width, expected) => {
    const output = mobileNetV2(createScope(), input('x', [1, 3, 64, 128]), { ...paper, width }, { training: false });
    const shapes = parametersOf([output]);
    expect(parameterCount(shapes)).toBe(expected);
    expect(output.shape).toEqual([1, Math.max(1280, 1280 * width)]);
  });

  it('is what its definition says, with names as in torchvision', async () => {
    const x = draw(2 * 7 * 10, -2, 2);
    const output = mobileNetV2(createScope(), input('x', ['batch', 1, 7, 10]), small, { training: false });
    const weights = new Map<string, StoredTensor>(
      Array.from(parametersOf([output]), ([name, shape]) => {
        const isScale = /running_var$|\.\d\.1\.weight$/.test(name);
        const data = isScale ? draw(sizeOf(shape), 0.5, 2) : draw(sizeOf(shape), -1, 1);
        return [name, { dtype: 'F32', shape: [...shape], data }];
      }),
    );
    const found = await runGraph({ output }, weights, { x: float32(x, [2, 1, 7, 10]) });
    const clips = [x.subarray(0, 70), x.subarray(70)].map((clip) => [
      Array.from({ length: 7 }, (_, row) => [...clip.subarray(row * 10, (row + 1) * 10)]),
    ]);
    const expected = clips.flatMap((clip) => naiveNetwork(weights, clip));
    expect(Math.max(...expected)).toBeGreaterThan(0.1);
    expect(maxDifference(found.output, expected)).toBeLessThan(1e-5);
  });

  it('has right gradients in training', () => {
    const mode = { training: true as const, buffers: new Map<string, Tensor>() };
    const output = mobileNetV2(createScope(), input('x', ['batch', 1, 6, 5]), small, mode);
    const loss = reduceSum(mul(output, input('seed', [24])));
    const values = new Map(
      Array.from(parametersOf([loss]), ([name, shape]) => [name, { shape, data: exact(sizeOf(shape), -1, 1) }]),
    );
    values.set('x', { shape: [2, 1, 6, 5], data: exact(2 * 30, -2, 2) });
    values.set('seed', { shape: [24], data: exact(24, -2, 2) });
    checkLossGradients(loss, values);
  });

  it('hands out every running average in training', () => {
    const scope = createScope();
    const output = mobileNetV2(scope, input('x', [2, 3, 8, 8]), small, { training: false });
    const buffers = new Map<string, Tensor>();
    mobileNetV2(scope, input('x', [2, 3, 8, 8]), small, { training: true, buffers });
    expect([...buffers.keys()].sort()).toEqual([...parametersOf([output]).keys()].filter(isRunningAverage).sort());
  });
});

describe('scaledChannels', () => {
  it('goes to the nearest multiple of 8, and not far below', () => {
    expect([16, 24, 32, 64, 96, 160, 320].map((channels) => scaledChannels(channels, 0.5))).toEqual([
      8, 16, 16, 32, 48, 80, 160,
    ]);
    // 35 % of 32 is 11.2: 8 would be 29 % below.
    expect(scaledChannels(32, 0.35)).toBe(16);
    expect(scaledChannels(8, 0.1)).toBe(8);
  });
});
