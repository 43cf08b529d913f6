import { describe, expect, it } from 'vitest';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { type AdamWConfig, adamW, clipFactor, eatAdamW, globalNorm, movingAverage } from './optimiser.ts';

const scalarNames = ['learningRate', 'weightDecay', 'correction1', 'correction2'] as const;

type Moments = { parameter: number[]; first: number[]; second: number[] };
type Rates = { learningRate: number; weightDecay: number };

/** Values of the outputs, which may have the names of inputs. */
async function evaluate(
  outputs: Record<string, Tensor>,
  feeds: Record<string, number[]>,
  scalars: Record<string, number>,
): Promise<Record<string, number[]>> {
  const found = await runGraph(
    Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [`next.${name}`, tensor])),
    new Map(),
    Object.fromEntries([
      ...Object.entries(feeds).map(([name, data]) => [name, float32(Float32Array.from(data), [data.length])]),
      ...Object.entries(scalars).map(([name, value]) => [name, float32(Float32Array.of(value), [])]),
    ]),
  );
  return Object.fromEntries(Object.entries(found).map(([name, data]) => [name.replace('next.', ''), [...data]]));
}

/** One update through the graph. */
async function updated(before: Moments, gradient: number[], config: AdamWConfig, rates: Rates, t: number) {
  const vector = (name: string) => input(name, [gradient.length]);
  const [learningRate, weightDecay, correction1, correction2] = scalarNames.map((name) => input(name, []));
  const next = adamW(
    { parameter: vector('parameter'), first: vector('first'), second: vector('second') },
    vector('gradient'),
    config,
    { learningRate, weightDecay, correction1, correction2 },
  );
  const corrections = { correction1: 1 - config.beta1 ** t, correction2: 1 - config.beta2 ** t };
  return (await evaluate({ ...next }, { ...before, gradient }, { ...rates, ...corrections })) as Moments;
}

/** The same in double precision, element by element. */
function updatedInLoop(before: Moments, gradient: number[], config: AdamWConfig, rates: Rates, t: number): Moments {
  const { beta1, beta2, epsilon } = config;
  const after: Moments = { parameter: [], first: [], second: [] };
  for (const [i, g] of gradient.entries()) {
    const m = beta1 * before.first[i] + (1 - beta1) * g;
    const v = beta2 * before.second[i] + (1 - beta2) * g ** 2;
    const size = (rates.learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    const decayed = before.parameter[i] * (1 - rates.learningRate * rates.weightDecay);
    after.parameter.push(decayed - (size * m) / (Math.sqrt(v) + epsilon));
    after.first.push(m);
    after.second.push(v);
  }
  return after;
}

const expectClose = (found: readonly number[], expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(found[i] - value)).toBeLessThan(2e-6 * (1 + Math.abs(value)));
};

describe('adamW', () => {
  it('does two steps as the loop does', async () => {
    const rates = { learningRate: 0.03, weightDecay: 0.5 };
    const gradients = [
      [0.5, -2, 1e-3, 0],
      [-0.25, -1, 4, 0],
    ];
    let found: Moments = { parameter: [1, -0.5, 3, 2], first: [0, 0, 0, 0], second: [0, 0, 0, 0] };
    let expected = found;
    for (const [i, gradient] of gradients.entries()) {
      found = await updated(found, gradient, eatAdamW, rates, i + 1);
      expected = updatedInLoop(expected, gradient, eatAdamW, rates, i + 1);
      for (const key of ['parameter', 'first', 'second'] as const) expectClose(found[key], expected[key]);
    }
    // Without a gradient, only decay: twice 1 - 0.03 * 0.5.
    expect(found.parameter[3]).toBeCloseTo(2 * 0.985 ** 2, 6);
  });

  it('moves by the learning rate in its first step, whatever the size of the gradient', async () => {
    const zero = { parameter: [1, 1, 1], first: [0, 0, 0], second: [0, 0, 0] };
    const { parameter } = await updated(zero, [100, -0.01, 1], eatAdamW, { learningRate: 0.1, weightDecay: 0 }, 1);
    expectClose(parameter, [0.9, 1.1, 0.9]);
  });

  it('adds epsilon to the uncorrected moment', async () => {
    const zero = { parameter: [0], first: [0], second: [0] };
    const { parameter } = await updated(zero, [1e-8], eatAdamW, { learningRate: 1, weightDecay: 0 }, 1);
    // sqrt(0.05) * 1e-8 / (sqrt(0.05) * 1e-8 + 1e-8); beside the corrected moment it would be 1/2.
    expect(parameter[0]).toBeCloseTo(-Math.sqrt(0.05) / (Math.sqrt(0.05) + 1), 4);
  });
});

describe('clipping', () => {
  const parts = { a: [3, 0], b: [0, 0, 4] };
  const norm = globalNorm([input('a', [2]), input('b', [3])]);
  const factor = clipFactor(norm, input('limit', []));

  it.each([
    [1, 1 / 5.000001],
    [5, 5 / 5.000001],
    [6, 1],
  ])('by a limit of %f', async (limit, expected) => {
    const found = await evaluate({ norm, factor }, parts, { limit });
    expect(found.norm[0]).toBeCloseTo(5, 6);
    expect(found.factor[0]).toBeCloseTo(expected, 6);
  });

  it('leaves gradients of zero as they are', async () => {
    const found = await evaluate({ factor }, { a: [0, 0], b: [0, 0, 0] }, { limit: 1 });
    expect(found.factor[0]).toBe(1);
  });
});

it('movingAverage keeps its share', async () => {
  const average = movingAverage(input('average', [3]), input('value', [3]), input('decay', []));
  const at = async (decay: number) =>
    (await evaluate({ average }, { average: [1, 0, -4], value: [2, 10, 4] }, { decay })).average;
  expectClose(await at(0.75), [1.25, 2.5, -2]);
  expect(await at(1)).toEqual([1, 0, -4]);
  expect(await at(0)).toEqual([2, 10, 4]);
});
