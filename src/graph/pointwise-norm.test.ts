// Batch normalisation behind a convolution with kernels of one value: gradients against differences, and the numbers of
// the two done one after the other.
import { describe, expect, it } from 'vitest';
import { checkOperator, randomNumbers } from '../../tests/check-operator.ts';
import { maxDifference } from '../../tests/golden.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { sizeOf } from '../../tests/graph-oracle/value.ts';
import { conv } from './conv.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { batchNormTraining } from './normalization.ts';
import { pointwiseBatchNorm } from './pointwise-norm.ts';
import { reduceSum } from './reshape.ts';
import { input, type Tensor } from './tensor.ts';

const inputs = { x: ['batch', 2, 3, 2], weight: [4, 2, 1, 1], gain: [4], bias: [4] };
const sizes = [{ batch: 3 }, { batch: 2 }];

describe('pointwiseBatchNorm', () => {
  it('has right values and gradients', () =>
    checkOperator({
      name: 'pointwiseBatchNorm',
      inputs,
      sizes,
      build: ({ x, weight, gain, bias }) => pointwiseBatchNorm(x, weight, gain, bias).output,
    }));

  it.each(['x', 'weight'] as const)('has right second derivatives by %s', (by) =>
    checkOperator({
      name: `second derivative by ${by}`,
      inputs: { ...inputs, w: ['batch', 4, 3, 2] },
      sizes: [{ batch: 2 }],
      build: (tensors) => {
        const y = pointwiseBatchNorm(tensors.x, tensors.weight, tensors.gain, tensors.bias).output;
        return gradients(reduceSum(mul(mul(y, y), tensors.w)), [tensors[by]])[0];
      },
    }));

  it('gives the numbers of convolution and normalisation, statistics too', () => {
    const [x, weight, gain, bias] = [
      input('x', [3, 3, 4, 5]),
      input('weight', [7, 3, 1, 1]),
      input('gain', [7]),
      input('bias', [7]),
    ];
    const random = randomNumbers(1);
    const feeds = new Map(
      [x, weight, gain, bias].map((tensor) => {
        const shape = tensor.shape as number[];
        return [tensor, { shape, data: Array.from({ length: sizeOf(shape) }, () => 3 + random()) }];
      }),
    );
    const flat = ({ output, statistics }: ReturnType<typeof batchNormTraining>): Tensor[] => [
      output,
      statistics.mean,
      statistics.variance,
    ];
    const separate = flat(batchNormTraining(conv(x, weight), gain, bias));
    const together = flat(pointwiseBatchNorm(x, weight, gain, bias));
    const values = evaluate([...separate, ...together], feeds);
    for (let i = 0; i < 3; i++) {
      expect(values[i + 3].shape).toEqual(values[i].shape);
      // The share of one position is a float32 constant.
      expect(maxDifference(values[i + 3].data, values[i].data)).toBeLessThan(1e-6);
    }
  });
});
