// Losses of a classifier: by their definitions in float64, and gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { gradients } from '../graph/gradients.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { binaryCrossEntropy, classShares, crossEntropy } from './class-loss.ts';

const logits = [1, -2, 0.5, 3, 0, -1];
const asTensor = (values: number[]) => constant(values, [2, 3]);
const hard = constant([2, 0], [2], 'int64');
const numberOf = async (loss: Tensor) => (await runGraph({ loss }, new Map(), {})).loss[0];

/** Mean over rows of -sum y log softmax(z). */
function naive(shares: number[]): number {
  let sum = 0;
  for (let row = 0; row < 2; row++) {
    const own = logits.slice(3 * row, 3 * row + 3);
    const total = own.reduce((a, z) => a + Math.exp(z), 0);
    own.forEach((z, c) => {
      sum -= shares[3 * row + c] * Math.log(Math.exp(z) / total);
    });
  }
  return sum / 2;
}

describe('crossEntropy', () => {
  const rows = [0, 0, 1, 1, 0, 0];
  const soft = [0.3, 0, 0.7, 0.6, 0.4, 0];

  it('follows its definition with hard, soft and smoothed labels', async () => {
    const z = asTensor(logits);
    expect(await numberOf(crossEntropy(z, hard))).toBeCloseTo(naive(rows), 5);
    expect(await numberOf(crossEntropy(z, asTensor(soft)))).toBeCloseTo(naive(soft), 5);
    const smoothed = rows.map((share) => 0.9 * share + 0.1 / 3);
    expect(await numberOf(crossEntropy(z, hard, { smoothing: 0.1 }))).toBeCloseTo(naive(smoothed), 5);
  });

  it.each(['hard', 'soft'])('has right gradients with %s labels and a symbolic batch', async (kind) => {
    const labels =
      kind === 'hard'
        ? {
            shape: ['batch'],
            dtype: 'int64' as const,
            values: ({ batch }: Record<string, number>) => [2, 0, 1].slice(0, batch),
          }
        : { shape: ['batch', 3], low: 0, high: 1 };
    await checkOperator({
      name: kind,
      inputs: { z: ['batch', 3], labels },
      sizes: [{ batch: 3 }, { batch: 1 }],
      wrt: ['z'],
      build: ({ z, labels: y }) => crossEntropy(z, y, { smoothing: 0.2 }),
    });
  });

  it('refuses labels of another kind, and smoothing that is no share', () => {
    const z = input('z', [2, 3]);
    expect(() => crossEntropy(z, input('y', [2, 4]))).toThrow(
      'classShares: expected labels int64 [B] or float [B, 3], found float32 [2, 4]',
    );
    expect(() => classShares(input('y', [2, 3], 'int64'), 3)).toThrow(InputError);
    for (const smoothing of [-0.1, 1, Number.NaN]) {
      expect(() => crossEntropy(z, hard, { smoothing })).toThrow('crossEntropy: expected label smoothing');
    }
  });
});

describe('binaryCrossEntropy', () => {
  const labels = [1, 0, 0.5, 0, 0, 1];
  const sum = logits.reduce((total, z, i) => {
    const p = 1 / (1 + Math.exp(-z));
    return total - labels[i] * Math.log(p) - (1 - labels[i]) * Math.log(1 - p);
  }, 0);

  it.each([
    ['labels', 2.5],
    ['clips', 2],
  ] as const)('follows its definition, per %s', async (per, count) => {
    expect(await numberOf(binaryCrossEntropy(asTensor(logits), asTensor(labels), per))).toBeCloseTo(sum / count, 5);
    await checkOperator({
      name: per,
      inputs: { z: ['batch', 3], y: { shape: ['batch', 3], low: 0, high: 1 } },
      sizes: [{ batch: 2 }, { batch: 4 }],
      wrt: ['z'],
      build: ({ z, y }) => binaryCrossEntropy(z, y, per),
    });
  });

  it('is finite, and so is its gradient, for logits far out and without any label', async () => {
    const z = constant([200, -200, 1e4, -1e4, 0, 50], [2, 3]);
    for (const own of [labels, [0, 0, 0, 0, 0, 0]]) {
      const loss = binaryCrossEntropy(z, asTensor(own), 'labels');
      const found = await runGraph({ loss, slope: gradients(loss, [z])[0] }, new Map(), {});
      expect([...found.loss, ...found.slope].every(Number.isFinite)).toBe(true);
    }
  });
});
