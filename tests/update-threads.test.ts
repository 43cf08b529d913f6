// Several threads update what one does. They load what was built: `npm test` builds first.
import { expect, it } from 'vitest';
import { createRandom } from '../src/signal/simulate/random.ts';
import { eatAdamW } from '../src/training/optimiser.ts';
import { startUpdateThreads } from '../src/training/update-threads.node.ts';
import type { ParameterUpdate } from '../src/training/update-work.ts';

const lengths = [1, 1000, 7, 40_000, 3, 12_345];

async function updated(threads: number) {
  const random = createRandom('update');
  const numbers = (length: number) => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * length));
    for (let i = 0; i < length; i++) shared[i] = random.uniform();
    return shared;
  };
  const gradients = lengths.map((length) => [numbers(length), numbers(length), numbers(length)]);
  const updates = lengths.map((length, i): ParameterUpdate => {
    const values = numbers(length);
    return {
      state: {
        ...{ parameter: numbers(length), first: numbers(length), second: numbers(length) },
        ...(i % 2 === 0 && { average: { values, decay: 0.9 } }),
      },
      gradient: gradients[i][0],
      scalars: { step: 3, learningRate: 0.1 * (i + 1), weightDecay: 0.01, gradientFactor: 0.5 },
    };
  });
  const work = startUpdateThreads(threads, threads);
  const squares = await work.sum(gradients);
  await work.adamW(updates, eatAdamW);
  await work.release();
  return { squares, updates };
}

it('three threads come to the numbers of one, bit for bit', async () => {
  const one = await updated(1);
  expect(await updated(3)).toEqual(one);
  expect(one.squares).toHaveLength(lengths.length);
});

it('more threads than parameters', async () => expect(await updated(9)).toEqual(await updated(1)));
