// The reference step of fine-tuning (wav2vec 2.0, weighted sum, mean, linear layer, angular margin) by the recipe itself.
// The recipe has a batch norm before its linear layer, which the reference has not. With the deviation and the mean of this
// batch as its gain and bias it changes nothing, so that loss and gradients of what stands behind it are those of the
// reference; the gradients before it are not (src/encoders/speech-gradients.test.ts has those).
import { beforeAll, describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../../tests/golden.ts';
import { runGraph } from '../../../tests/run-graph.ts';
import { recogniseWeights } from '../../encoders/build.ts';
import { goldenHead, readGoldenSpeech } from '../../encoders/speech.test-util.ts';
import type { Trunk } from '../../encoders/trunk.ts';
import { within } from '../../encoders/tuned.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { layerMix } from '../../nn/layer-mix.ts';
import { createScope } from '../../nn/parameters.ts';
import { meanPooling } from '../../nn/pooling.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { compileStep, initialState } from '../step.ts';
import { planTuning } from '../tuned-plan.ts';
import { asdDefaults } from './tune.ts';

const [CLIPS, CLASSES] = [2, 5];
const own: [string, string][] = [
  ['head.mix', 'head.layer_weights'],
  ['head.projection.weight', 'head.proj.weight'],
  ['head.projection.bias', 'head.proj.bias'],
  ['head.classes.weight', 'head.aam.weight'],
];

describe.each(['wav2vec2_group_post', 'wavlm_group_post'])('golden numbers of asd_finetune_%s', (folder) => {
  const golden = readGolden(`asd_finetune_${folder}/data.safetensors`);
  const labels = Array.from(golden.get('labels')?.data as BigInt64Array, Number);
  const input = floats32(golden, 'input_values');
  const length = input.length / CLIPS;
  const { model, config } = readGoldenSpeech(folder);
  // The reference's input is normalised already.
  const hints = { family: 'speech', heads: config.heads, blockNorm: config.blockNorm, normalize: 'none' } as const;
  const distance = config.maxDistance === undefined ? {} : { maxDistance: config.maxDistance };
  const architecture = recogniseWeights(model, { ...hints, ...distance });
  const { recipe } = planTuning(
    { id: folder, architecture, weights: model },
    { sampleRate: 16_000, cropSeconds: length / 16_000, hopSeconds: 1, mix: true, pooling: 'mean', embedding: 32 },
    { count: CLASSES, of: ({ classIndex }) => [classIndex] },
    { ...asdDefaults, batch: CLIPS, objective: { kind: 'margin', scale: 30, margin: 0.2, convention: 'plain' } },
  );
  const crops = labels.map((classIndex, item) => {
    const samples = input.slice(item * length, (item + 1) * length);
    return { samples, sampleRate: 16_000, item, speed: 0, label: `${classIndex}`, classIndex };
  });
  const head = goldenHead(golden);
  const named = new Map(
    own.map(([name, theirs]) => [name, toFloat32(head.get(theirs) as NonNullable<ReturnType<typeof head.get>>)]),
  );
  const random = createRandom('golden');
  const plan = recipe.plan(random);

  /** Vectors of both clips before the batch norm, from the same trunk. */
  async function pooledVectors(width: number): Promise<Float32Array[]> {
    const scope = createScope();
    const trunk = architecture.trunk as Trunk;
    const crop = { count: CLIPS, samples: length, sampleRate: 16_000 };
    const { states } = trunk.graph(within(scope, 'trunk.'), crop, { fusedAttention: false });
    const pooled = meanPooling(layerMix(scope, 'head.mix', states));
    const weights = new Map([...model].map(([name, tensor]) => [`trunk.${name}`, tensor]));
    weights.set('head.mix', { dtype: 'F32', shape: [states.length], data: named.get('head.mix') as Float32Array });
    const { labels: _, ...feeds } = plan.feeds(crops, random);
    const { pooled: values } = await runGraph({ pooled }, weights, feeds);
    return [values.subarray(0, width), values.subarray(width)];
  }

  let found: Awaited<ReturnType<Awaited<ReturnType<typeof compileStep>>['gradients']>>;
  beforeAll(async () => {
    const step = await compileStep(plan.graph(), recipe.adamW);
    const [first, second] = await pooledVectors(config.width);
    const values = new Map(recipe.initial?.(step.shapes, 1));
    for (const [name, one] of named) values.set(name, one);
    // Of two values the variance is the square of half their difference.
    const gain = first.map((value, d) => Math.sqrt(((value - second[d]) / 2) ** 2 + 1e-5));
    values.set('head.norm.weight', gain);
    values.set(
      'head.norm.bias',
      first.map((value, d) => (value + second[d]) / 2),
    );
    for (const part of ['mean', 'var']) values.set(`head.norm.running_${part}`, new Float32Array(config.width).fill(1));
    found = await step.gradients(initialState(step, values), plan.feeds(crops, random));
    await step.release();
  });

  it('loss', () => {
    expect(Math.abs(found.watched.loss / floats(golden, 'loss')[0] - 1)).toBeLessThan(1e-4);
    const logits = floats(golden, 'logits');
    const best = labels.filter((label, i) => {
      const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES);
      return row[label] === Math.max(...row);
    });
    expect(found.watched.accuracy).toBeGreaterThanOrEqual(best.length / CLIPS);
  });

  it.each(own.slice(1))('gradient of %s', (name, theirs) => {
    const reference = floats(golden, `grad.${theirs}`);
    const largest = maxDifference(reference, new Float32Array(reference.length));
    expect(largest).toBeGreaterThan(1e-3);
    expect(maxDifference(found.gradients.get(name) as Float32Array, reference) / largest).toBeLessThan(1e-3);
  });

  it('gradient of the bias before the linear layer, which that of its own bias makes', () => {
    const weight = named.get('head.projection.weight') as Float32Array;
    const slope = floats32(golden, 'grad.head.proj.bias');
    const expected = Float64Array.from({ length: config.width }, (_, d) =>
      slope.reduce((sum, value, row) => sum + value * weight[row * config.width + d], 0),
    );
    const bias = found.gradients.get('head.norm.bias') as Float32Array;
    expect(maxDifference(bias, expected) / Math.max(...expected.map(Math.abs))).toBeLessThan(1e-3);
  });
});
