import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { erf } from '../../tests/graph-oracle/elementwise.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createScope } from './parameters.ts';
import { positionalConvolution } from './positional-convolution.ts';

const [batch, length, width] = [2, 5, 6];

describe('positionalConvolution', () => {
  it.each([
    [4, 3],
    [4, 1],
    [3, 2],
  ])('is what its definition says (kernel %i, %i groups)', async (kernel, groups) => {
    const random = createRandom(kernel * groups);
    const numbers = (size: number) => Float32Array.from({ length: size }, () => random.gaussian(0, 1));
    const own = width / groups;
    const [gain, direction, bias] = [numbers(kernel), numbers(width * own * kernel), numbers(width)];
    const x = numbers(batch * length * width);
    // weight[o, c, tap] = gain[tap] direction[o, c, tap] / |direction[:, :, tap]|
    const lengths = Array.from(gain, (_, tap) => {
      let sum = 0;
      for (let i = tap; i < direction.length; i += kernel) sum += direction[i] ** 2;
      return Math.sqrt(sum);
    });
    const expected: number[] = [];
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < length; t++) {
        for (let o = 0; o < width; o++) {
          let sum = bias[o];
          for (let tap = 0; tap < kernel; tap++) {
            const at = t + tap - (kernel >> 1);
            if (at < 0 || at >= length) continue;
            for (let c = 0; c < own; c++) {
              const value = x[(b * length + at) * width + Math.floor(o / own) * own + c];
              sum += (value * gain[tap] * direction[(o * own + c) * kernel + tap]) / lengths[tap];
            }
          }
          expected.push((sum * (1 + erf(sum / Math.SQRT2))) / 2);
        }
      }
    }
    const stored = (shape: number[], data: Float32Array): StoredTensor => ({ dtype: 'F32', shape, data });
    const weights = new Map([
      ['pos.weight_g', stored([1, 1, kernel], gain)],
      ['pos.weight_v', stored([width, own, kernel], direction)],
      ['pos.bias', stored([width], bias)],
    ]);
    for (const shape of [
      [batch, length, width],
      ['batch', 'length', width],
    ]) {
      const output = positionalConvolution(createScope(), 'pos', input('x', shape), { kernel, groups });
      expect(output.shape).toEqual(shape);
      const found = await runGraph({ output }, weights, { x: float32(x, [batch, length, width]) });
      expect(maxDifference(found.output, expected)).toBeLessThan(1e-5);
    }
  });
});
