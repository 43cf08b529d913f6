// Batch normalisation: by its definition, its running averages, and gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { conv } from '../graph/conv.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { batchNormLayer, initialRunningAverage, isRunningAverage, pointwiseNormLayer } from './batch-norm.ts';
import { createScope } from './parameters.ts';

const [epsilon, channels] = [1e-3, 3];
const random = createRandom('batch norm');
const draw = (count: number, mean = 0) => Float32Array.from({ length: count }, () => random.gaussian(mean, 1));
const stored = (data: Float32Array) => ({ dtype: 'F32' as const, shape: [data.length], data });
const weights = new Map([
  ['bn.weight', stored(draw(channels, 1))],
  ['bn.bias', stored(draw(channels))],
  ['bn.running_mean', stored(draw(channels))],
  ['bn.running_var', stored(Float32Array.of(0.5, 1, 2))],
]);
const of = (name: string) => (weights.get(`bn.${name}`) as { data: Float32Array }).data;

/** Values of channel c of x [N, C, T]. */
const channelOf = (x: Float32Array, times: number, c: number) =>
  [...x].filter((_, i) => Math.floor(i / times) % channels === c);

describe('batchNormLayer', () => {
  it.each([
    ['[N, C]', [5, channels], ['batch', channels]],
    ['[N, C, T]', [2, channels, 4], ['batch', channels, 'frames']],
    ['[N, C, H, W]', [2, channels, 3, 2], ['batch', channels, 'rows', 'columns']],
  ])('of %s follows its definition, with known and unknown sizes', async (_, shape, symbolic) => {
    const times = shape.slice(2).reduce((a, b) => a * b, 1);
    const x = draw(shape.reduce((a, b) => a * b));
    const moments = Array.from({ length: channels }, (_, c) => {
      const values = channelOf(x, times, c);
      const mean = values.reduce((a, b) => a + b) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { mean, biased: squares / values.length, unbiased: squares / (values.length - 1) };
    });
    const normal = (means: number[], variances: number[]) =>
      [...x].map((value, i) => {
        const c = Math.floor(i / times) % channels;
        return ((value - means[c]) / Math.sqrt(variances[c] + epsilon)) * of('weight')[c] + of('bias')[c];
      });
    for (const size of [shape, symbolic]) {
      const buffers = new Map<string, Tensor>();
      const [scope, own] = [createScope(), input('x', size)];
      const trained = batchNormLayer(scope, 'bn', own, { training: true, buffers }, epsilon);
      const fixed = batchNormLayer(scope, 'bn', own, { training: false }, epsilon);
      const next = Object.fromEntries([...buffers].map(([name, tensor]) => [`next.${name}`, tensor]));
      const found = await runGraph({ trained, fixed, ...next }, weights, { x: float32(x, shape) });
      const [means, biased] = [moments.map(({ mean }) => mean), moments.map((m) => m.biased)];
      expect(maxDifference(found.trained, normal(means, biased))).toBeLessThan(1e-5);
      expect(maxDifference(found.fixed, normal([...of('running_mean')], [...of('running_var')]))).toBeLessThan(1e-5);
      const moved = (present: Float32Array, batch: number[]) => batch.map((value, c) => 0.9 * present[c] + 0.1 * value);
      expect(maxDifference(found['next.bn.running_mean'], moved(of('running_mean'), means))).toBeLessThan(1e-6);
      const unbiased = moments.map((m) => m.unbiased);
      expect(maxDifference(found['next.bn.running_var'], moved(of('running_var'), unbiased))).toBeLessThan(1e-6);
    }
  });

  it('takes the share of the batch that it is told', async () => {
    const buffers = new Map<string, Tensor>();
    batchNormLayer(createScope(), 'bn', input('x', [2, channels]), { training: true, buffers }, epsilon, 0.01);
    const next = buffers.get('bn.running_mean') as Tensor;
    const found = await runGraph({ next }, weights, { x: float32(Float32Array.of(1, 2, 3, 5, 6, 7), [2, channels]) });
    const expected = [3, 4, 5].map((mean, c) => 0.99 * of('running_mean')[c] + 0.01 * mean);
    expect(maxDifference(found.next, expected)).toBeLessThan(1e-6);
  });

  it.each([true, false])('has right gradients (training: %s)', async (training) => {
    const mode = training ? { training, buffers: new Map<string, Tensor>() } : { training };
    const vector = { shape: [channels], low: 0.5, high: 2 };
    await checkOperator({
      name: 'batchNormLayer',
      inputs: { x: ['batch', channels, 2], weight: vector, bias: vector, running_mean: vector, running_var: vector },
      sizes: [{ batch: 3 }, { batch: 2 }],
      wrt: ['x', 'weight', 'bias'],
      build: ({ x, ...own }) => batchNormLayer((name) => own[name.slice(3)], 'bn', x, mode as { training: false }),
    });
  });

  it('refuses a batch of one value per channel in training', () => {
    const build = () => batchNormLayer(createScope(), 'bn', input('x', [1, 4]), { training: true, buffers: new Map() });
    expect(build).toThrow('batchNormLayer: expected at least 2 values per channel in training, found [1, 4] at bn');
    expect(build).toThrow(InputError);
  });

  it('tells running averages from parameters, and knows where they start', () => {
    expect([...weights.keys()].map(isRunningAverage)).toEqual([false, false, true, true]);
    expect(initialRunningAverage('bn.running_mean', 2)).toEqual(Float32Array.of(0, 0));
    expect(initialRunningAverage('bn.running_var', 2)).toEqual(Float32Array.of(1, 1));
  });
});

describe('pointwiseNormLayer', () => {
  it('is the convolution with the normalisation behind it, running averages included', async () => {
    const [inputs, shape] = [2, [3, 2, 4, 5]];
    const x = input('x', shape);
    const weight = input('w', [channels, inputs, 1, 1]);
    const [known, own] = [new Map<string, Tensor>(), new Map<string, Tensor>()];
    const scope = createScope();
    const plain = batchNormLayer(scope, 'bn', conv(x, weight), { training: true, buffers: known }, epsilon, 0.3);
    const fast = pointwiseNormLayer(scope, 'bn', x, weight, own, epsilon, 0.3);
    const named = (buffers: Map<string, Tensor>, prefix: string) =>
      Object.fromEntries(Array.from(buffers, ([name, tensor]) => [`${prefix} ${name}`, tensor]));
    const feeds = { x: float32(draw(120, 2), shape), w: float32(draw(channels * inputs), [channels, inputs, 1, 1]) };
    const outputs = { plain, fast, ...named(known, 'plain'), ...named(own, 'fast') };
    const found = await runGraph(outputs, weights, feeds);
    for (const part of ['', ' bn.running_mean', ' bn.running_var']) {
      const [slow, quick] = ['plain', 'fast'].map((way) => found[`${way}${part}`]);
      expect(maxDifference(quick, slow), part).toBeLessThan(2e-6);
    }
  });
});
