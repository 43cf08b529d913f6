// One check for a whole network: the gradients of a loss by all its parameters against a difference.
import { expect } from 'vitest';
import { gradients, topologicalOrder } from '../src/graph/gradients.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { randomNumbers } from './check-operator.ts';
import { evaluate } from './graph-oracle/evaluate.ts';
import type { OracleValue } from './graph-oracle/value.ts';

const STEP = 1e-5;

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

/**
 * All parameters are moved together in a random direction, each tensor by a length of 1: the central difference of the
 * loss has to be what the gradients say (float64 oracle, 1e-5 of what they usually add up to). Cheap enough for a whole
 * network, where differences by every value are not. `values` holds parameters and inputs by name.
 */
export function checkLossGradients(loss: Tensor, values: ReadonlyMap<string, OracleValue>): void {
  const nodes = topologicalOrder([loss]).filter((node) => node.op === 'Parameter');
  const wrt = nodes.map((node) => node.outputs[0]);
  const found = evaluate(gradients(loss, wrt), values).map(({ data }) => data);
  const random = randomNumbers(1);
  const directions = found.map(({ length }) =>
    Float64Array.from({ length }, () => (random() < 0.5 ? -1 : 1) / Math.sqrt(length)),
  );
  const lossAt = (step: number): number => {
    const moved = new Map(values);
    for (const [i, { name = '' }] of nodes.entries()) {
      const { shape, data } = values.get(name) as OracleValue;
      moved.set(name, { shape, data: data.map((value, j) => value + step * directions[i][j]) });
    }
    return evaluate([loss], moved)[0].data[0];
  };
  const difference = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
  const said = found.reduce((sum, gradient, i) => sum + dot(gradient, directions[i]), 0);
  const usual = Math.sqrt(found.reduce((sum, gradient) => sum + dot(gradient, gradient) / gradient.length, 0));
  expect(usual).toBeGreaterThan(0);
  expect(Math.abs(difference - said)).toBeLessThan(1e-5 * usual);
}
