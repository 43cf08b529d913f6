// The head of the DCASE 2023 entry as a whole, attentive pooling to loss, against its numbers; and where heads start.
import { beforeAll, describe, expect, it } from 'vitest';
import { relativeDifference } from '../../tests/check-operator.ts';
import { floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { gradients } from '../graph/gradients.ts';
import { float32, type Value } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { batchNormLayer, isRunningAverage, type NormMode } from '../nn/batch-norm.ts';
import { layerMix } from '../nn/layer-mix.ts';
import { createScope, type ParameterScope, parametersOf } from '../nn/parameters.ts';
import { attentiveStatistics } from '../nn/pooling.ts';
import { segmentTransformer } from '../nn/segment-transformer.ts';
import { dense } from '../nn/transformer.ts';
import { marginLogits } from './angular-loss.ts';
import { crossEntropy } from './class-loss.ts';
import { initialParameters } from './initialise.ts';

const golden = readGolden('aithu_head/data.safetensors');
const trained = [...golden.keys()].filter((name) => name.startsWith('head.grad.') && name !== 'head.grad.in');
const names = trained.map((name) => name.slice('head.grad.'.length));

/** The weights of the head by the names of its checkpoint; running averages as `averages` says. */
function stored(averages: (name: string) => string): Map<string, StoredTensor> {
  const known = [...names, ...[...golden.keys()].map((name) => name.replace(/^head\./, '')).filter(isRunningAverage)];
  const own = known.filter((name) => !name.startsWith('after.'));
  return new Map(
    own.map((name) => {
      const from = isRunningAverage(name) ? averages(name) : `head.${name}`;
      return [name, { dtype: 'F32', shape: golden.get(from)?.shape as number[], data: floats32(golden, from) }];
    }),
  );
}

function headOf(scope: ParameterScope, x: Tensor, mode: NormMode) {
  const pooled = attentiveStatistics(scope, 'asp', x, mode, { channels: 8 });
  const normal = batchNormLayer(scope, 'bn.norm', pooled, mode);
  const embedding = dense(scope, 'fc', normal, 12);
  const labels = input('labels', x.shape.slice(0, 1), 'int64');
  const { logits, cosines } = marginLogits(scope, 'cls', embedding, labels, { classes: 5 });
  return { pooled, normal, embedding, cosines, loss: crossEntropy(logits, labels) };
}

const feeds = { x: float32(floats32(golden, 'head.in'), [3, 7, 16]) };
const labels: Value = { dtype: 'int64', shape: [3], data: golden.get('head.labels')?.data as BigInt64Array };

describe.each([
  ['known', [3, 7, 16]],
  ['unknown', ['clips', 'frames', 16]],
])('golden numbers of the published head, sizes %s', (_, shape) => {
  let found: Record<string, Float32Array>;
  beforeAll(async () => {
    const [scope, x, buffers] = [createScope(), input('x', shape), new Map<string, Tensor>()];
    const head = headOf(scope, x, { training: true, buffers });
    const wrt = [x, ...names.map((name) => scope(name, golden.get(`head.${name}`)?.shape as number[]))];
    const slopes = gradients(head.loss, wrt);
    const outputs = Object.fromEntries([
      ...Object.entries(head),
      ...['in', ...names].map((name, i) => [`grad.${name}`, slopes[i]]),
      ...[...buffers].map(([name, tensor]) => [`after.${name}`, tensor]),
    ]);
    found = await runGraph(
      outputs,
      stored((name) => `head.${name}`),
      { ...feeds, labels },
    );
  });

  it.each([
    ['pooled', 'asp_out'],
    ['normal', 'bn_out_train'],
    ['embedding', 'embedding_train'],
    ['cosines', 'cosine'],
    ['loss', 'loss'],
  ])('%s', (own, wanted) => {
    expect(maxDifference(found[own], floats32(golden, `head.${wanted}`))).toBeLessThan(1e-5);
  });

  it.each([...golden.keys()].filter((name) => /^head\.(grad|after)\./.test(name)))('%s', (name) => {
    // The bias before the softmax over time has no influence: its gradient is what rounding leaves.
    expect(relativeDifference(found[name.slice('head.'.length)], floats32(golden, name) as Float32Array)).toBeLessThan(
      name.endsWith('asp.conv.conv.bias') ? 3e-4 : 1e-4,
    );
  });

  it('embeds with the running averages after the step', async () => {
    const { embedding } = headOf(createScope(), input('x', shape), { training: false });
    const after = await runGraph(
      { embedding },
      stored((name) => `head.after.${name}`),
      feeds,
    );
    expect(maxDifference(after.embedding, floats32(golden, 'head.embedding_eval_after_one_step'))).toBeLessThan(1e-5);
  });
});

describe('initialParameters', () => {
  it('starts gains at 1, layer weights and biases at 0, matrices in between', () => {
    const scope = createScope();
    const mixed = layerMix(scope, 'layer_mix', [input('a', [2, 3, 8]), input('b', [2, 3, 8])]);
    const pooled = attentiveStatistics(scope, 'asp', mixed, { training: true, buffers: new Map() }, { channels: 4 });
    const segments = segmentTransformer(scope, 'segments', mixed, { heads: 2, hidden: 4 });
    const start = initialParameters(parametersOf([pooled, segments]), 1, 1);
    const kinds = Object.fromEntries(
      [...start].map(([name, values]) => [name, values.every((v) => v === values[0]) ? values[0] : 'drawn']),
    );
    expect(kinds).toEqual({
      layer_mix: 0,
      'asp.tdnn.conv.conv.weight': 'drawn',
      'asp.tdnn.conv.conv.bias': 0,
      'asp.tdnn.norm.norm.weight': 1,
      'asp.tdnn.norm.norm.bias': 0,
      'asp.conv.conv.weight': 'drawn',
      'asp.conv.conv.bias': 0,
      'segments.self_attn.in_proj_weight': 'drawn',
      'segments.self_attn.in_proj_bias': 0,
      'segments.self_attn.out_proj.weight': 'drawn',
      'segments.self_attn.out_proj.bias': 0,
      'segments.linear1.weight': 'drawn',
      'segments.linear1.bias': 0,
      'segments.linear2.weight': 'drawn',
      'segments.linear2.bias': 0,
      'segments.norm1.weight': 1,
      'segments.norm1.bias': 0,
      'segments.norm2.weight': 1,
      'segments.norm2.bias': 0,
    });
  });
});
