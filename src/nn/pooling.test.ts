// Pooling: what it takes in, gradients against differences, and none that is not finite. (The published head as a whole is
// held against its numbers in training/heads.test.ts.)
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { mul } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import type { NormMode } from './batch-norm.ts';
import { createScope } from './parameters.ts';
import { attentiveStatistics, classPooling, meanPooling, statisticsPooling } from './pooling.ts';

describe('pooling', () => {
  const sizes = [
    { clips: 2, tokens: 4 },
    { clips: 1, tokens: 3 },
  ];
  const shape = ['clips', 'tokens', 2];
  const cases: [string, (x: Tensor) => Tensor][] = [
    ['mean', (x) => meanPooling(x)],
    ['mean behind the class token', (x) => meanPooling(x, 1)],
    ['class token', (x) => classPooling(x)],
    ['class tokens', (x) => classPooling(x, 2)],
    ['statistics', (x) => statisticsPooling(x, 1)],
  ];
  it.each(cases)('%s has right gradients', async (name, build) => {
    await checkOperator({ name, inputs: { x: shape }, sizes, build: ({ x }) => build(x) });
  });

  it('takes the tokens it says', async () => {
    const x = constant([1, 2, 4, 9], [1, 4, 1]);
    const outputs = {
      all: meanPooling(x),
      behind: meanPooling(x, 1),
      first: classPooling(x),
      both: classPooling(x, 2),
      statistics: statisticsPooling(x, 2),
    };
    const found = await runGraph(outputs, new Map(), {});
    expect(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, [...values]]))).toEqual({
      all: [4],
      behind: [5],
      first: [1],
      both: [1.5],
      statistics: [6.5, 2.5],
    });
  });

  it('has finite gradients where a feature is constant', async () => {
    const x = input('x', [1, 3, 2]);
    const mode: NormMode = { training: true, buffers: new Map() };
    const scope = createScope();
    const sum = (pooled: Tensor) => reduceSum(mul(pooled, pooled));
    const outputs = {
      plain: gradients(sum(statisticsPooling(x)), [x])[0],
      attentive: gradients(sum(attentiveStatistics(scope, 'asp', x, mode, { channels: 2 })), [x])[0],
    };
    const shapes: [string, number[]][] = [
      ['asp.tdnn.conv.conv.weight', [2, 6, 1]],
      ['asp.tdnn.conv.conv.bias', [2]],
      ['asp.tdnn.norm.norm.weight', [2]],
      ['asp.tdnn.norm.norm.bias', [2]],
      ['asp.conv.conv.weight', [2, 2, 1]],
      ['asp.conv.conv.bias', [2]],
    ];
    const weights = new Map(
      shapes.map(([name, shape]) => {
        const data = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.3);
        return [name, { dtype: 'F32' as const, shape, data }];
      }),
    );
    const found = await runGraph(outputs, weights, { x: float32(Float32Array.of(1, 5, 1, 6, 1, 8), [1, 3, 2]) });
    for (const values of Object.values(found)) expect(values.every(Number.isFinite)).toBe(true);
  });
});
