// The weighted sum of layers: torch's numbers, the public code's reshape, and gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { floats32, type GoldenTensor, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { reduceMean } from '../graph/reduce.ts';
import { constant, type Tensor } from '../graph/tensor.ts';
import { type LayerMixOptions, layerMix } from './layer-mix.ts';
import { createScope } from './parameters.ts';

const heads = readGolden('asd_heads/data.safetensors');
const aithu = readGolden('aithu_head/data.safetensors');

/** The layers of a tensor [L + 1, B, T, D]. */
function layersOf(tensors: Map<string, GoldenTensor>, name: string): Tensor[] {
  const [count, ...shape] = tensors.get(name)?.shape as number[];
  const values = floats32(tensors, name);
  const size = values.length / count;
  return Array.from({ length: count }, (_, l) => constant(values.subarray(l * size, (l + 1) * size), shape));
}

async function mixed(states: Tensor[], weights: Float32Array, options?: LayerMixOptions) {
  const output = layerMix(createScope(), 'mix', states, options);
  const stored = new Map([['mix', { dtype: 'F32' as const, shape: [weights.length], data: weights }]]);
  return await runGraph({ output, mean: reduceMean(output, [1]) }, stored, {});
}

describe('golden numbers', () => {
  const states = layersOf(heads, 'ws.H');
  const weights = floats32(heads, 'ws.w');

  it('torch: softmax, raw, and mean over time', async () => {
    const [soft, raw] = [await mixed(states, weights), await mixed(states, weights, { weights: 'raw' })];
    expect(maxDifference(soft.output, floats32(heads, 'ws.softmax'))).toBeLessThan(1e-5);
    expect(maxDifference(raw.output, floats32(heads, 'ws.raw'))).toBeLessThan(1e-5);
    expect(maxDifference(soft.mean, floats32(heads, 'ws.mean_pool'))).toBeLessThan(1e-5);
  });

  it("the public code's mixture of features, and the paper's of layers", async () => {
    const hidden = layersOf(aithu, 'ws.hidden_states');
    const own = floats32(aithu, 'ws.feature_weight');
    const [paper, coded] = [await mixed(hidden, own), await mixed(hidden, own, { over: 'features' })];
    expect(maxDifference(paper.output, floats32(aithu, 'ws.paper'))).toBeLessThan(1e-5);
    expect(maxDifference(coded.output, floats32(aithu, 'ws.as_coded'))).toBeLessThan(1e-5);
  });
});

describe('layerMix', () => {
  const sizes = [
    { batch: 2, frames: 3 },
    { batch: 1, frames: 4 },
  ];
  const state = ['batch', 'frames', 3];
  it.each([{}, { weights: 'raw' }, { over: 'features' }] as const)('has right gradients: %o', async (options) => {
    await checkOperator({
      name: 'layerMix',
      inputs: { a: state, b: state, mix: [2] },
      sizes,
      build: ({ a, b, mix }) => layerMix(() => mix, 'mix', [a, b], options),
    });
  });

  it('of zeros is the mean of the layers', async () => {
    const states = [1, 2, 3, 6].map((value) => constant([value], [1, 1, 1]));
    expect((await mixed(states, new Float32Array(4))).output[0]).toBeCloseTo(3, 6);
  });

  it('refuses an encoder without layers', () => {
    expect(() => layerMix(createScope(), 'mix', [])).toThrow('layerMix: expected hidden states for mix, found none');
  });
});
