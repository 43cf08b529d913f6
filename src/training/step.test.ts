import { describe, expect, it } from 'vitest';
import { add, mul } from '../graph/elementwise.ts';
import { linear } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { compileStep, initialState, type StepOptions, type Trainable } from './step.ts';

/** loss = sum((x A^T B^T)²) over two rows, and the running mean of x. */
function graph(): Trainable {
  const scope = createScope();
  const x = input('x', [2, 3]);
  const y = linear(linear(x, scope('a', [3, 3])), scope('b', [2, 3]));
  const running = scope('seen.running_mean', [3]);
  const buffers = new Map([['seen.running_mean', add(mul(running, 0.9), mul(reduceMean(x, [0]), 0.1))]]);
  return { loss: reduceSum(mul(y, y)), watched: {}, buffers };
}

const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const scalars = { learningRate: 0.01, weightDecay: 0.5, clipNorm: 1e9, decay: 0 };

async function oneStep(options: StepOptions) {
  const step = await compileStep(graph(), adamW, {}, options);
  const values = new Map(
    Array.from(step.shapes, ([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length: size }, (_, i) => 1 + i / 10)];
    }),
  );
  const before = structuredClone(values);
  const state = initialState(step, values);
  const batch = { x: float32(Float32Array.of(1, 2, 3, 3, 4, 5), [2, 3]) };
  const result = await step.gradients(state, batch);
  await step.update(state, [result.gradients], scalars);
  await step.release();
  const change = (name: string) => {
    const [now, then] = [state.parameters.get(name) as Float32Array, before.get(name) as Float32Array];
    return Array.from(now, (value, i) => value - then[i]);
  };
  return { step, state, result, change };
}

describe('compileStep', () => {
  it('trains what the loss depends on, and hands out buffers without a gradient', async () => {
    const { step, state, result } = await oneStep({});
    expect([...step.trainedNames].sort()).toEqual(['a', 'b']);
    expect([...state.first.keys()].sort()).toEqual(['a', 'b']);
    const kept = result.buffers.get('seen.running_mean') as Float32Array;
    expect(Array.from(kept)).toEqual([1, 1.1, 1.2].map((v, i) => expect.closeTo(0.9 * v + 0.1 * (i + 2), 5)));
  });

  it('leaves frozen parameters as they are', async () => {
    const { step, change } = await oneStep({ frozen: (name) => name === 'a' });
    expect(step.trainedNames).toEqual(['b']);
    expect(change('a').every((value) => value === 0)).toBe(true);
    expect(change('b').every((value) => value < 0)).toBe(true);
  });

  it('gives parameters a rate of their own, and weight decay or none', async () => {
    const plain = await oneStep({});
    const { change } = await oneStep({ rate: (name) => (name === 'a' ? 0.5 : 1), decays: (name) => name === 'a' });
    // The first step of AdamW moves every value by the rate (all gradients are positive), plus rate · decay · value.
    for (const [i, value] of change('a').entries()) {
      expect(value).toBeCloseTo(-0.005 - 0.005 * 0.5 * (1 + i / 10), 4);
    }
    for (const value of change('b')) expect(value).toBeCloseTo(-0.01, 4);
    for (const [i, value] of plain.change('b').entries()) {
      expect(value).toBeCloseTo(-0.01 - 0.01 * 0.5 * (1 + i / 10), 4);
    }
  });
});
