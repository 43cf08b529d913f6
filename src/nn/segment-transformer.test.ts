// Transformer pooling: torch's layer, the published head in both ways, masks, dropout, and gradients against differences.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../tests/check-operator.ts';
import { floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { batchNormLayer, initialRunningAverage, type NormMode } from './batch-norm.ts';
import { createScope, type ParameterScope } from './parameters.ts';
import { encoderLayer, type SegmentTransformerOptions, segmentTransformer } from './segment-transformer.ts';
import { dense } from './transformer.ts';

const heads = readGolden('asd_heads/data.safetensors');
const aithu = readGolden('aithu_head/data.safetensors');

const stored = (data: Float32Array, shape: number[]): StoredTensor => ({ dtype: 'F32', shape, data });

/** The weights below `prefix`, without it. */
function weightsOf(tensors: typeof heads, prefix: string): Map<string, StoredTensor> {
  const names = [...tensors.keys()].filter((name) => name.startsWith(prefix));
  return new Map(
    names.map((name) => [
      name.slice(prefix.length),
      stored(floats32(tensors, name) as Float32Array, tensors.get(name)?.shape as number[]),
    ]),
  );
}

describe('golden numbers (torch.nn.TransformerEncoderLayer)', () => {
  const valid = constant(
    Array.from(heads.get('tfp.pad')?.data as Uint8Array, (pad) => 1 - pad),
    [2, 5],
  );
  it.each([
    ['post_relu', {}],
    ['pre_gelu', { normFirst: true, activation: 'gelu' }],
  ] as const)('%s', async (name, kind) => {
    const options = { heads: 4, hidden: 32, ...kind };
    const [scope, x] = [createScope(), input('x', [2, 5, 16])];
    const outputs = {
      plain: encoderLayer(scope, 'w', x, options),
      padded: encoderLayer(scope, 'w', x, { ...options, valid }),
    };
    const feeds = { x: float32(floats32(heads, `tfp.${name}.in`), [2, 5, 16]) };
    const found = await runGraph(outputs, weightsOf(heads, `tfp.${name}.`), feeds);
    expect(maxDifference(found.plain, floats32(heads, `tfp.${name}.out`))).toBeLessThan(1e-5);
    expect(maxDifference(found.padded, floats32(heads, `tfp.${name}.out_padded`))).toBeLessThan(1e-5);
  });
});

/** Segments to an embedding: the layer, mean, batch norm, linear. */
function published(scope: ParameterScope, x: Tensor, over: 'segments' | 'batch', mode: NormMode) {
  const pooled = segmentTransformer(scope, 'layers.0', x, { hidden: 32, over });
  return dense(scope, 'fc', batchNormLayer(scope, 'bn', pooled, mode), 16);
}

describe('golden numbers of the published head', () => {
  const weights = weightsOf(aithu, 'tfp.w.');
  const filled = (value: number) => stored(new Float32Array(16).fill(value), [16]);
  const start: [string, StoredTensor][] = [
    ['bn.weight', filled(1)],
    ['bn.bias', filled(0)],
    ...['bn.running_mean', 'bn.running_var'].map((name): [string, StoredTensor] => [
      name,
      stored(initialRunningAverage(name, 16), [16]),
    ]),
  ];

  it.each([
    ['as_coded', 'batch'],
    ['batch_first', 'segments'],
  ] as const)('%s', async (name, over) => {
    const buffers = new Map<string, Tensor>();
    const train = published(createScope(), input('x', [5, 3, 16]), over, { training: true, buffers });
    const next = Object.fromEntries([...buffers].map(([key, tensor]) => [`next.${key}`, tensor]));
    const first = new Map([...weights, ...start]);
    const inTrain = { x: float32(floats32(aithu, 'tfp.in_train'), [5, 3, 16]) };
    const found = await runGraph({ train, ...next }, first, inTrain);
    expect(maxDifference(found.train, floats32(aithu, `tfp.${name}.embedding_train`))).toBeLessThan(1e-5);

    const after = new Map(first);
    for (const key of buffers.keys()) after.set(key, stored(found[`next.${key}`], [16]));
    const test = published(createScope(), input('x', [1, 'segments', 16]), over, { training: false });
    const inTest = { x: float32(floats32(aithu, 'tfp.in_test'), [1, 9, 16]) };
    const tested = await runGraph({ test }, after, inTest);
    expect(maxDifference(tested.test, floats32(aithu, `tfp.${name}.embedding_test`))).toBeLessThan(1e-5);
  });

  it('of the layer itself, over segments', async () => {
    for (const [which, shape] of [
      ['', [5, 3, 16]],
      ['_test', [1, 9, 16]],
    ] as const) {
      const layer = encoderLayer(createScope(), 'layers.0', input('x', shape), { hidden: 32 });
      const feeds = { x: float32(floats32(aithu, which ? 'tfp.in_test' : 'tfp.in_train'), shape) };
      const { y } = await runGraph({ y: layer }, weights, feeds);
      expect(maxDifference(y, floats32(aithu, `tfp.batch_first.encoder_out${which}`))).toBeLessThan(1e-5);
    }
  });
});

describe('segmentTransformer', () => {
  const [width, hidden] = [4, 3];
  const parameters = {
    'self_attn.in_proj_weight': [3 * width, width],
    'self_attn.in_proj_bias': [3 * width],
    'self_attn.out_proj.weight': [width, width],
    'self_attn.out_proj.bias': [width],
    'linear1.weight': [hidden, width],
    'linear1.bias': [hidden],
    'linear2.weight': [width, hidden],
    'linear2.bias': [width],
    'norm1.weight': [width],
    'norm1.bias': [width],
    'norm2.weight': [width],
    'norm2.bias': [width],
  };
  const options = { heads: 2, hidden };
  const kinds: [string, SegmentTransformerOptions][] = [
    ['post-norm', {}],
    ['pre-norm, GELU', { normFirst: true, activation: 'gelu' }],
    ['over the batch', { over: 'batch' }],
  ];
  const symbolic = ['recordings', 'segments', width];
  const sizes = [
    { recordings: 2, segments: 3 },
    { recordings: 1, segments: 2 },
  ];

  it.each(kinds)('has right gradients: %s', async (name, kind) => {
    await checkOperator({
      name,
      inputs: { x: symbolic, ...parameters },
      sizes,
      build: ({ x, ...own }) => segmentTransformer((key) => own[key.slice(2)], 'l', x, { ...options, ...kind }),
    });
  });

  it('has right gradients with padding and dropout', async () => {
    const factors = (shape: string[], last: number) => ({ shape: [...shape, last], low: 0, high: 2 });
    await checkOperator({
      name: 'masked',
      inputs: {
        x: symbolic,
        ...parameters,
        valid: {
          shape: ['recordings', 'segments'],
          values: ({ recordings, segments }) =>
            Array.from({ length: recordings * segments }, (_, i) => (i % segments < 2 ? 1 : 0)),
        },
        weights: { shape: ['recordings', 2, 'segments', 'segments'], low: 0, high: 2 },
        attended: factors(['recordings', 'segments'], width),
        hidden: factors(['recordings', 'segments'], hidden),
        fed: factors(['recordings', 'segments'], width),
      },
      sizes,
      wrt: ['x', ...Object.keys(parameters)],
      build: ({ x, valid, weights, attended, hidden: inner, fed, ...own }) => {
        const dropout = { weights, attended, hidden: inner, output: fed };
        return segmentTransformer((key) => own[key.slice(2)], 'l', x, { ...options, valid, dropout });
      },
    });
  });

  it('is the same with padding behind as without, and with factors of 1', async () => {
    const weights = weightsOf(aithu, 'tfp.w.');
    const [scope, x, longer] = [createScope(), input('x', [1, 3, 16]), input('longer', [1, 5, 16])];
    const of = (tensor: Tensor, more: SegmentTransformerOptions) =>
      segmentTransformer(scope, 'layers.0', tensor, { hidden: 32, ...more });
    const ones = (...shape: number[]) => constant(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), shape);
    const dropout = {
      weights: ones(1, 8, 3, 3),
      attended: ones(1, 3, 16),
      hidden: ones(1, 3, 32),
      output: ones(1, 3, 16),
    };
    const outputs = {
      plain: of(x, {}),
      padded: of(longer, { valid: constant([1, 1, 1, 0, 0], [1, 5]) }),
      kept: of(x, { dropout }),
    };
    const values = floats32(aithu, 'tfp.in_test').slice(0, 5 * 16);
    const found = await runGraph(outputs, weights, {
      x: float32(values.slice(0, 3 * 16), [1, 3, 16]),
      longer: float32(values, [1, 5, 16]),
    });
    expect(maxDifference(found.padded, found.plain)).toBeLessThan(1e-5);
    expect(maxDifference(found.kept, found.plain)).toBeLessThan(1e-5);
  });

  it('drops what a factor of 0 says: without attention and feed-forward only the norms are left', async () => {
    const weights = weightsOf(aithu, 'tfp.w.');
    for (const key of ['norm1', 'norm2']) {
      weights.set(`layers.0.${key}.weight`, stored(new Float32Array(16).fill(1), [16]));
      weights.set(`layers.0.${key}.bias`, stored(new Float32Array(16), [16]));
    }
    const none = constant(new Float32Array(16), [1, 1, 16]);
    const layer = encoderLayer(createScope(), 'layers.0', input('x', [1, 1, 16]), {
      hidden: 32,
      dropout: { attended: none, output: none },
    });
    const values = floats32(aithu, 'tfp.in_test').slice(0, 16);
    const { y } = await runGraph({ y: layer }, weights, { x: float32(values, [1, 1, 16]) });
    const mean = values.reduce((a, b) => a + b) / 16;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 16 + 1e-5);
    expect(
      maxDifference(
        y,
        values.map((value) => (value - mean) / deviation),
      ),
    ).toBeLessThan(1e-4);
  });

  it('refuses padding over the batch', () => {
    const build = () =>
      segmentTransformer(createScope(), 'l', input('x', [2, 3, 16]), { over: 'batch', valid: input('valid', [2, 3]) });
    expect(build).toThrow('segmentTransformer: expected recordings of equally many segments over the batch');
    expect(build).toThrow(InputError);
  });
});
