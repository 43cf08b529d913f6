import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floats, floats32, type GoldenTensor, hasGolden, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { dense, norm } from '../nn/transformer.ts';
import { InputError } from '../signal/errors.ts';
import { eatFbank } from '../signal/kaldi-fbank.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createWavFolder } from '../signal/wav-folder.test-util.ts';
import { audiomaeInput } from './audiomae.ts';
import { type AudiomaeConfig, audiomaeBlocks, audiomaeGraph, audiomaeTokens } from './audiomae-transformer.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { type TorchData, writeTorchFile } from './checkpoint/torch-file.test-util.ts';
import type { Architecture } from './family.ts';
import { loadEncoder, namedArchitectures, readCheckpoint } from './load.node.ts';
import { cutPatches } from './mel-patches.ts';
import { randomModel } from './random-model.test-util.ts';
import { chord, noise, recordingOf } from './sounds.test-util.ts';
import { trunkSlopes } from './trunk.test-util.ts';
import type { Trunk } from './trunk.ts';
import type { Encoder } from './types.ts';

const small: AudiomaeConfig = { width: 64, depth: 2, heads: 4, frames: 512 };
const hints = { heads: 4 };

const modelOf = (config: AudiomaeConfig) => randomModel(audiomaeGraph(createScope(), config));

const there = hasGolden('peers_audiomae');

describe.skipIf(!there)('golden numbers of AudioMAE (shared/golden/peers_audiomae, beside the project)', () => {
  const read = (file: string): Map<string, GoldenTensor> =>
    there ? readGolden(`peers_audiomae/${file}.safetensors`) : new Map();
  const golden = read('io');
  const model = read('model') as Map<string, StoredTensor>;
  const finetuned = read('model_finetuned') as Map<string, StoredTensor>;
  const trunk = () => recogniseWeights(model, hints).trunk as Trunk;
  const patchesOf = (features: Float32Array) => ({ patches: float32(cutPatches(features, 32), [1, 256, 256]) });

  it.each(['short', 'mid'])('hears the log-mels of %s, padded before they are normalised', (signal) => {
    const wave = floats32(golden, `${signal}.wave`);
    expect(maxDifference(eatFbank(wave).values, floats(golden, `${signal}.fbank`))).toBeLessThan(2e-3);
    const { values, frames, bins } = trunk().features(wave, 16_000);
    expect([frames, bins]).toEqual([512, 128]);
    expect(maxDifference(values, floats(golden, `${signal}.input`))).toBeLessThan(2e-4);
  });

  it.each(['short', 'mid'])('computes every step of %s', async (signal) => {
    const scope = createScope();
    const { embedded, tokens } = audiomaeTokens(scope, small, input('patches', ['sequences', 256, 256]));
    const blocks = audiomaeBlocks(scope, small, tokens);
    const outputs = {
      patch_embed: embedded,
      tokens_in: tokens,
      'layer.0': blocks[0],
      'layer.1': blocks[1],
      tokens_normed: norm(scope, 'norm', blocks[1], 1e-6),
    };
    const found = await runGraph(outputs, model, patchesOf(floats32(golden, `${signal}.input`)));
    expect(Object.keys(found)).toHaveLength(5);
    for (const [key, values] of Object.entries(found)) {
      const tolerance = key === 'tokens_normed' ? 3e-4 : 1e-5;
      expect(maxDifference(values, floats(golden, `${signal}.${key}`)), key).toBeLessThan(tolerance);
    }
  });

  it.each(['short', 'mid', 'long'])('embeds %s of its own hearing', async (signal) => {
    const architecture = recogniseWeights(model, hints);
    const features = trunk().features(floats32(golden, `${signal}.wave`), 16_000).values;
    const { tokens, cls } = await runGraph(architecture.graph(createScope()), model, patchesOf(features));
    expect(maxDifference(tokens, floats(golden, `${signal}.layer.1`).subarray(64))).toBeLessThan(1e-5);
    const pooled = Array.from({ length: 64 }, (_, d) => {
      let sum = 0;
      for (let t = 0; t < 256; t++) sum += tokens[t * 64 + d];
      return sum / 256;
    });
    expect(maxDifference(pooled, floats(golden, `${signal}.pooled`))).toBeLessThan(1e-5);
    expect(maxDifference(cls, floats(golden, `${signal}.emb`))).toBeLessThan(5e-5);
  });

  it.each(['short', 'mid'])('embeds the recording %s, pre-trained and fine-tuned', async (signal) => {
    const wave = recordingOf(floats32(golden, `${signal}.wave`));
    const embed = async (weights: Map<string, StoredTensor>) => {
      const encoder = await buildEncoder('x', recogniseWeights(weights, hints), weights);
      const { vector } = await encoder.embed(wave);
      await encoder.release();
      return vector;
    };
    expect(maxDifference(await embed(model), floats(golden, `${signal}.emb`))).toBeLessThan(5e-5);
    const vector = await embed(finetuned);
    expect(maxDifference(vector, floats(golden, `${signal}.emb_finetuned`))).toBeLessThan(5e-5);
    const head = { logits: dense(createScope(), 'head', input('x', [1, 64]), 7) };
    const { logits } = await runGraph(head, finetuned, { x: float32(vector, [1, 64]) });
    expect(maxDifference(logits, floats(golden, `${signal}.logits_finetuned`))).toBeLessThan(5e-5);
  });

  it('uses the positions that are stored, which are not those that they began as', () => {
    const stored = model.get('pos_embed')?.data as Float32Array;
    expect(maxDifference(stored, floats(golden, 'pos_embed_init_512'))).toBeGreaterThan(0.01);
  });

  it("is loaded from the authors' container", async () => {
    const folder = createWavFolder();
    const moment = model.get('norm.weight') as StoredTensor;
    const optimizer: TorchData = {
      state: new Map([[0, { step: 5, exp_avg: moment, exp_avg_sq: moment }]]),
      param_groups: [{ lr: 2e-4, betas: [0.9, 0.95], params: [0] }],
    };
    const path = folder.write(
      'pretrained.pth',
      writeTorchFile({
        model,
        optimizer,
        epoch: 32,
        scaler: { scale: 65536, growth_factor: 2.5, _growth_tracker: 0 },
        args: {
          namespace: { model: 'mae_vit_base_patch16', blr: 2e-4, target_length: 1024, resume: null, mask_2d: true },
        },
      }),
    );
    const { weights, hints: found } = readCheckpoint(path, hints);
    expect(recogniseWeights(weights, found).config).toEqual(small);
    const encoder = await loadEncoder({ encoder: path, hints });
    const { vector } = await encoder.embed(recordingOf(floats32(golden, 'mid.wave')));
    expect(maxDifference(vector, floats(golden, 'mid.emb'))).toBeLessThan(5e-5);
    await encoder.release();
    folder.remove();
  });

  it('leaves out what an encoder has no use for', () => {
    const names = (weights: Map<string, StoredTensor>) => [...parameterShapes(recogniseWeights(weights, hints)).keys()];
    expect(names(model).filter((name) => /^(decoder|mask_token|norm|fc_norm|head)/.test(name))).toEqual([]);
    expect(names(finetuned).filter((name) => !names(model).includes(name))).toEqual(['fc_norm.weight', 'fc_norm.bias']);
  });
});

describe('recordings', () => {
  const model = modelOf(small);
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await buildEncoder('audiomae', recogniseWeights(model, hints), model);
  });
  afterAll(() => encoder.release());

  it('longer than the positions are averaged over windows, the last one ending with them', async () => {
    // 700 frames: windows from frame 0 and frame 188. Noise has no mean to speak of, but windows alone lose their own.
    const samples = noise(400 + 160 * 699);
    const embed = (from: number, frames: number) =>
      encoder.embed(recordingOf(samples.subarray(160 * from, 160 * from + 400 + 160 * (frames - 1))), { frames: true });
    const [whole, first, last] = [await embed(0, 700), await embed(0, 512), await embed(188, 512)];
    const mean = first.vector.map((value, d) => (value + last.vector[d]) / 2);
    expect(maxDifference(first.vector, last.vector)).toBeGreaterThan(1e-3);
    expect(maxDifference(whole.vector, mean)).toBeLessThan(1e-4);
    expect(whole.frames).toMatchObject({ count: 64, width: 64, seconds: 0.16 });
    expect(whole.frames?.starts[32]).toBeCloseTo(1.88, 9);
  });

  it('have features over time as long as they are, and not as their padding', async () => {
    // 57 frames of 10 ms: 4 patches of 16, the last of 9.
    const { frames, bands } = await encoder.embed(chord(400 + 56 * 160, 16_000), { frames: true });
    expect(frames).toMatchObject({ count: 4, width: 64 });
    expect(bands).toEqual([{ lowHz: 20, highHz: 8000, start: 0, end: 64 }]);
  });

  it('are heard at 16 kHz, whatever their rate, and without their mean', async () => {
    const own = chord(16_000, 16_000);
    const shifted = { ...own, channels: [own.channels[0].map((value) => value + 0.5)] };
    const vectors = await encoder.embedMany([own, chord(44_100, 44_100), shifted]);
    expect(maxDifference(vectors[1].vector, vectors[0].vector)).toBeLessThan(0.01);
    expect(maxDifference(vectors[2].vector, vectors[0].vector)).toBeLessThan(0.001);
    const mistaken = await encoder.embed({ ...chord(44_100, 44_100), sampleRate: 16_000 });
    expect(maxDifference(mistaken.vector, vectors[0].vector)).toBeGreaterThan(0.1);
  });

  it('shorter than a frame are refused', async () => {
    expect((await encoder.embed(recordingOf(noise(400)))).vector.every(Number.isFinite)).toBe(true);
    const short = encoder.embed(recordingOf(noise(399), 16_000, 'click.wav'));
    await expect(short).rejects.toThrow(
      'audiomae: expected at least 400 samples at 16000 Hz (0.025 s), got 399 (click.wav); use a longer recording',
    );
    await expect(short).rejects.toBeInstanceOf(InputError);
  });
});

it.each([500, 20])('cuts or pads %i frames, zeros before the normalisation', (count) => {
  const random = createRandom(count);
  const values = Float32Array.from({ length: count * 128 }, () => random.uniform(-16, 5));
  const found = audiomaeInput(values, 7, 32);
  const expected = Array.from(
    { length: 32 * 128 },
    (_, i) => ((values[7 * 128 + i] ?? 0) + 4.2677393) / (2 * 4.5689974),
  );
  expect(maxDifference(found, expected)).toBeLessThan(1e-6);
});

describe('the trunk', () => {
  const tiny: AudiomaeConfig = { width: 8, depth: 2, heads: 2, frames: 16 };
  const trunkOf = (config: AudiomaeConfig) => recogniseWeights(modelOf(config), { heads: config.heads }).trunk as Trunk;

  it('gives the hidden states that the encoder pools', async () => {
    const model = modelOf(small);
    const trunk = trunkOf(small);
    const crops = [noise(9000, 1), noise(9000, 2)];
    const { states, cls } = trunk.graph(createScope(), { count: 'crops', samples: 9000, sampleRate: 16_000 });
    expect([cls, trunk.width, trunk.states]).toEqual([1, 64, states.length]);
    expect(states.map(({ shape }) => shape)).toEqual(new Array(3).fill(['crops', 257, 64]));
    const features = crops.map((crop) => trunk.features(crop, 16_000));
    const found = await runGraph({ last: states[2] }, model, trunk.feeds(features, 16_000));
    const reference = recogniseWeights(model, hints).graph(createScope());
    for (const [i, { values }] of features.entries()) {
      const { tokens } = await runGraph(reference, model, { patches: float32(cutPatches(values, 32), [1, 256, 256]) });
      expect(maxDifference(found.last.subarray((i * 257 + 1) * 64, (i + 1) * 257 * 64), tokens)).toBeLessThan(1e-5);
    }
  });

  it('has the gradient of its central differences, and none for its positions', () => {
    const { byGradient, byDifference, fixedGradients } = trunkSlopes(trunkOf(tiny), 2000, ['pos_embed']);
    expect(Math.abs(byGradient / byDifference - 1)).toBeLessThan(1e-6);
    expect(new Set(fixedGradients)).toEqual(new Set([0]));
  });

  it('hands every branch to drop path, with its block', () => {
    const blocks: number[] = [];
    const branch = <T>(x: T, block: number): T => {
      blocks.push(block);
      return x;
    };
    trunkOf(tiny).graph(createScope(), { count: 1, samples: 2000, sampleRate: 16_000 }, { branch });
    expect(blocks).toEqual([0, 0, 1, 1]);
  });

  it('refuses crops that are too short, or of another rate', () => {
    const trunk = trunkOf(tiny);
    expect(trunk.leastSamples(16_000)).toBe(400);
    expect(() => trunk.features(noise(399), 16_000)).toThrow('audiomae: expected at least 400 samples');
    expect(() => trunk.features(noise(9000), 8000)).toThrow('audiomae: expected crops at 16000 Hz, got 8000 Hz');
  });
});

it('refuses positions of another number of mels', () => {
  const model = modelOf(small);
  model.set('pos_embed', { dtype: 'F32', shape: [1, 260, 64], data: new Float32Array(260 * 64) });
  expect(() => recogniseWeights(model)).toThrow(
    'loadEncoder: expected pos_embed of 1 + a multiple of 8 rows (patches of 128 mels), got 260',
  );
});

it('has the published number of parameters, 85.65 million', () => {
  const shapes = parameterShapes(namedArchitectures.get('audiomae-base') as Architecture);
  expect(parameterCount(shapes) / 1e6).toBeCloseTo(85.65, 2);
  expect(shapes.get('pos_embed')).toEqual([1, 513, 768]);
});
