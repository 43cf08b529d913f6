import { describe, expect, it } from 'vitest';
import { mul, sub } from '../../graph/elementwise.ts';
import { linear } from '../../graph/matmul.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { float32 } from '../../graph/runtime.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { batchNormLayer } from '../../nn/batch-norm.ts';
import { createScope } from '../../nn/parameters.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import {
  checkSettings,
  type EpochProgress,
  type EpochSettings,
  epochRandom,
  shuffledBatches,
  trainEpochs,
} from './epochs.ts';

describe('shuffledBatches', () => {
  it('has every window once, in another order every epoch', () => {
    const orders = [1, 2].map((epoch) => shuffledBatches(50, 8, epochRandom(3, epoch)));
    for (const batches of orders) {
      expect(batches.map(({ length }) => length)).toEqual([8, 8, 8, 8, 8, 8, 2]);
      expect(batches.flatMap((numbers) => [...numbers]).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, i) => i),
      );
    }
    expect(orders[0]).not.toEqual(orders[1]);
    expect(shuffledBatches(50, 8, epochRandom(3, 1))).toEqual(orders[0]);
    expect(shuffledBatches(50, 8, epochRandom(4, 1))).not.toEqual(orders[0]);
  });

  it('leaves out a last batch of one', () => {
    expect(shuffledBatches(9, 4, epochRandom(0, 1)).map(({ length }) => length)).toEqual([4, 4]);
  });
});

describe('trainEpochs', () => {
  // y = 2 a - b out of two normalised inputs: eight windows and one linear layer.
  const random = createRandom('epochs');
  const rows = Array.from({ length: 8 }, () => [random.gaussian(5, 3), random.gaussian(-1, 2)]);
  const values = (numbers: Int32Array, of: (row: number[]) => number[]) =>
    Float32Array.from(Array.from(numbers).flatMap((number) => of(rows[number])));

  const task = () => {
    const [scope, buffers] = [createScope(), new Map<string, Tensor>()];
    const x = batchNormLayer(scope, 'norm', input('x', ['batch', 2]), { training: true, buffers });
    const residual = sub(linear(x, scope('fc.weight', [1, 2]), scope('fc.bias', [1])), input('y', ['batch', 1]));
    return {
      caller: 'train',
      graph: { loss: reduceMean(mul(residual, residual)), watched: {}, buffers },
      count: rows.length,
      adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      feeds: (numbers: Int32Array) => ({
        x: float32(
          values(numbers, (row) => row),
          [numbers.length, 2],
        ),
        y: float32(
          values(numbers, ([a, b]) => [2 * a - b]),
          [numbers.length, 1],
        ),
      }),
    };
  };
  const settings: EpochSettings = { epochs: 200, batch: 8, learningRate: 0.1, seed: 1 };

  it('goes down to what can be learnt, tells of every epoch, and keeps running statistics', async () => {
    const seen: EpochProgress[] = [];
    const parameters = await trainEpochs(task(), { ...settings, onEpoch: (progress) => seen.push(progress) });
    expect(seen.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(seen[199].loss).toBeLessThan(1e-3 * seen[0].loss);
    const mean = rows.reduce((sum, [a]) => sum + a, 0) / rows.length;
    expect((parameters.get('norm.running_mean') as Float32Array)[0]).toBeCloseTo(mean, 4);
  });

  it('comes to the same numbers from the same seed only', async () => {
    const short = { ...settings, epochs: 3, batch: 3 };
    const [a, b, c] = [
      await trainEpochs(task(), short),
      await trainEpochs(task(), short),
      await trainEpochs(task(), { ...short, seed: 2 }),
    ];
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
  });

  it('stops where the loss is no number', async () => {
    const wild = task();
    const feeds = (numbers: Int32Array) => {
      const { x, y } = wild.feeds(numbers);
      return { x, y: float32(new Float32Array(numbers.length).fill(1e30), y.shape) };
    };
    await expect(trainEpochs({ ...wild, feeds }, settings)).rejects.toThrow(
      /^train: expected a finite loss, got .* at step 1; train with a lower learning rate$/,
    );
  });
});

describe('checkSettings', () => {
  const settings: EpochSettings = { epochs: 1, batch: 2, learningRate: 1e-3, seed: 0 };
  it.each([
    [{ epochs: 0 }, 'train: expected epochs as a whole number from 1 on, got 0'],
    [{ epochs: 1.5 }, 'got 1.5'],
    [{ batch: 1 }, 'train: expected batch as a whole number from 2 on, got 1'],
    [{ learningRate: 0 }, 'train: expected a learning rate above 0, got 0'],
    [{ learningRate: Number.NaN }, 'got NaN'],
  ])('%o', (change, message) => {
    expect(() => checkSettings('train', { ...settings, ...change })).toThrow(message);
    expect(() => checkSettings('train', settings)).not.toThrow();
  });
});
