// Reverse-mode differentiation: order, sharing, boundaries, depth.
import { describe, expect, it } from 'vitest';
import { checkOperator, runOnce } from '../../tests/check-operator.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { gelu } from './activation.ts';
import { add, cast, exp, less, mul, sub, tanh, where } from './elementwise.ts';
import { gradients, topologicalOrder, vectorJacobian } from './gradients.ts';
import { linear } from './matmul.ts';
import { layerNorm } from './normalization.ts';
import { reduceSum } from './reshape.ts';
import { float32 } from './runtime.ts';
import { split } from './slicing.ts';
import { apply, constant, input, parameter, type Tensor } from './tensor.ts';

const number = (value: number) => float32(new Float32Array([value]), []);

describe('gradients', () => {
  it('adds up what comes from every use of a value', () =>
    checkOperator({
      name: 'x in five places',
      inputs: { x: [3] },
      build: ({ x }) => {
        const y = mul(x, x);
        return add(mul(y, tanh(x)), sub(y, mul(y, y)));
      },
    }));

  it('goes through a small network, by input and by weights', () =>
    checkOperator({
      name: 'two layers',
      inputs: { x: ['batch', 3], w1: [4, 3], b1: [4], gain: [4], w2: [2, 4] },
      sizes: [{ batch: 2 }, { batch: 3 }],
      build: ({ x, w1, b1, gain, w2 }) => linear(layerNorm(gelu(linear(x, w1, b1)), gain, undefined), w2),
    }));

  it('differentiates three times', async () => {
    const x = input('x', []);
    const y = mul(mul(x, x), x); // y' = 3 x^2, y'' = 6 x, y''' = 6
    const [first] = gradients(y, [x]);
    const [second] = gradients(first, [x]);
    const [third] = gradients(second, [x]);
    const values = evaluate([first, second, third], new Map([['x', { shape: [], data: [2] }]]));
    expect(values.map((value) => value.data[0])).toEqual([12, 12, 6]);
  });

  it('is zero for what the loss does not depend on, symbolic sizes too', async () => {
    const [x, z] = [input('x', []), input('z', ['n', 2])];
    const [gx, gz] = gradients(mul(x, 3), [x, z]);
    expect(await runOnce(gx, {})).toEqual([3]);
    expect(await runOnce(gz, { z: float32(new Float32Array(4), [2, 2]) })).toEqual([0, 0, 0, 0]);
  });

  it('differentiates by values in the middle, and by the loss itself', async () => {
    const x = input('x', []);
    const middle = mul(x, 2);
    const loss = mul(middle, middle);
    const [byLoss, byMiddle, byX] = gradients(loss, [loss, middle, x]);
    const feeds = { x: number(3) };
    expect(await runOnce(byLoss, {})).toEqual([1]);
    expect(await runOnce(byMiddle, feeds)).toEqual([12]);
    expect(await runOnce(byX, feeds)).toEqual([24]);
  });

  it('counts the tensors of a partial derivative as independent', async () => {
    const x = input('x', []);
    const a = mul(x, 2);
    const b = mul(a, 5);
    const seed = constant([1], []);
    const total = vectorJacobian([mul(a, b)], [seed], [a, b]);
    const partial = vectorJacobian([mul(a, b)], [seed], [a, b], true);
    const feeds = { x: number(1) };
    expect(await Promise.all(total.map((g) => runOnce(g, feeds)))).toEqual([[20], [2]]);
    expect(await Promise.all(partial.map((g) => runOnce(g, feeds)))).toEqual([[10], [2]]);
  });

  it('sums over several outputs, two of one node among them', async () => {
    const x = input('x', [4]);
    const [left, right] = split(x, 2, 0);
    const seeds = [constant([1, 2], [2]), constant([3, 4], [2]), constant([1, 1, 1, 1], [4])];
    const [g] = vectorJacobian([left, right, x], seeds, [x]);
    const [value] = evaluate([g], new Map([['x', { shape: [4], data: [0, 0, 0, 0] }]]));
    expect([...value.data]).toEqual([2, 3, 4, 5]);
  });

  it('follows a chain of 5,000 additions without overflowing', async () => {
    const x = input('x', []);
    let y: Tensor = x;
    for (let i = 0; i < 5000; i++) y = add(y, x);
    const [g] = gradients(y, [x]);
    expect(evaluate([y, g], new Map([['x', { shape: [], data: [2] }]])).map((v) => v.data[0])).toEqual([10002, 5001]);
  });

  it('orders a ladder of shared values once each', () => {
    let y: Tensor = input('x', []);
    for (let i = 0; i < 60; i++) y = mul(y, y); // 2^60 paths
    const order = topologicalOrder([y]);
    expect(order).toHaveLength(61);
    const place = new Map(order.map((node, i) => [node, i]));
    for (const node of order) {
      for (const tensor of node.inputs) {
        expect(place.get((tensor as Tensor).node)).toBeLessThan(place.get(node) as number);
      }
    }
    expect(gradients(y, [topologicalOrder([y])[0].outputs[0]])).toHaveLength(1);
  });

  it('passes comparisons and conditions by', () =>
    checkOperator({
      name: 'piecewise',
      inputs: { x: [5] },
      build: ({ x }) => mul(where(less(x, 0.3), exp(x), mul(x, x)), cast(less(x, 1.1), 'float32')),
    }));

  it('refuses losses that are no scalars, seeds that do not fit, and nodes without a derivative', () => {
    const x = input('x', [2]);
    expect(() => gradients(x, [x])).toThrow('gradients: expected a scalar loss, got [2]');
    expect(() => vectorJacobian([x], [], [x])).toThrow('vectorJacobian: expected 1 seeds, one per output, got 0');
    expect(() => vectorJacobian([x], [constant([1], [])], [x])).toThrow(
      'gradients: Input of shape [2] got a gradient of shape []',
    );
    const opaque = apply('Tan', [x], { shape: x.shape, dtype: x.dtype });
    expect(() => gradients(reduceSum(opaque), [x])).toThrow('gradients: Tan has no derivative');
    expect(() => gradients(reduceSum(opaque), [parameter('w', [2])])).not.toThrow();
  });
});
