import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  floats,
  floats32,
  type GoldenTensor,
  hasGolden,
  maxDifference,
  readGolden,
  readGoldenJson,
} from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { createWavFolder } from '../signal/wav-folder.test-util.ts';
import { small } from './beats.test-util.ts';
import { type BeatsConfig, beatsGraph } from './beats-transformer.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { type TorchData, writeTorchFile } from './checkpoint/torch-file.test-util.ts';
import type { Architecture } from './family.ts';
import { importWeights } from './import.node.ts';
import { loadEncoder, namedArchitectures, readCheckpoint } from './load.node.ts';
import { randomModel } from './random-model.test-util.ts';
import { chord, noise, recordingOf, withoutMean } from './sounds.test-util.ts';
import { trunkSlopes } from './trunk.test-util.ts';
import type { Trunk } from './trunk.ts';
import type { Encoder } from './types.ts';

const architecture = namedArchitectures.get('beats-base') as Architecture;

const modelOf = (config: BeatsConfig) => randomModel(beatsGraph(createScope(), config));

const there = hasGolden('peers_beats');

describe.skipIf(!there)('golden numbers of BEATs (shared/golden/peers_beats, beside the project)', () => {
  const read = (file: string): Map<string, GoldenTensor> =>
    there ? readGolden(`peers_beats/${file}.safetensors`) : new Map();
  const golden = read('io');
  const model = read('model') as Map<string, StoredTensor>;
  const trunk = () => recogniseWeights(model).trunk as Trunk;

  it.each(['short', 'mid'])('hears the log-mels of %s', (signal) => {
    const { values, frames, bins } = trunk().features(floats32(golden, `${signal}.wave`), 16_000);
    expect([frames, bins]).toEqual(golden.get(`${signal}.input`)?.shape);
    expect(maxDifference(values, floats(golden, `${signal}.input`))).toBeLessThan(2e-4);
    const logs = Float64Array.from(values, (value) => value * 2 * 6.55582 + 15.41663);
    expect(maxDifference(logs, floats(golden, `${signal}.fbank`))).toBeLessThan(2e-3);
  });

  it.each(['short', 'mid'])('embeds %s, with and without its mean', async (signal) => {
    const encoder = await buildEncoder('beats', recogniseWeights(model), model);
    const wave = floats32(golden, `${signal}.wave`);
    const [one, centred] = await encoder.embedMany([recordingOf(wave), recordingOf(withoutMean(wave))]);
    expect(maxDifference(one.vector, floats(golden, `${signal}.emb`))).toBeLessThan(5e-5);
    expect(maxDifference(centred.vector, floats(golden, `${signal}.emb_demeaned`))).toBeLessThan(5e-5);
    await encoder.release();
  });

  it("is loaded from the authors' container", async () => {
    const folder = createWavFolder();
    const cfg = readGoldenJson<TorchData>('peers_beats/config.json');
    const predictor: StoredTensor = { dtype: 'F32', shape: [5, 64], data: new Float32Array(320) };
    const path = folder.write(
      'BEATs.pt',
      writeTorchFile({
        cfg,
        model: new Map([...model, ['predictor.weight', predictor]]),
        label_dict: new Map([[0, '/m/09x0r']]),
      }),
    );
    const encoder = await loadEncoder({ encoder: path });
    const { vector } = await encoder.embed(recordingOf(floats32(golden, 'mid.wave')));
    expect(maxDifference(vector, floats(golden, 'mid.emb'))).toBeLessThan(5e-5);
    await encoder.release();
    folder.remove();
  });
});

describe('recordings', () => {
  const model = modelOf(small);
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await buildEncoder('beats', recogniseWeights(model), model);
  });
  afterAll(() => encoder.release());

  it('of more than 10 s are averaged over windows, the last one ending with them', async () => {
    const samples = noise(16_000 * 13);
    const embed = (from: number, to: number) =>
      encoder.embed(recordingOf(samples.subarray(from, to)), { frames: true });
    const [first, last] = [await embed(0, 160_000), await embed(48_000, 208_000)];
    const whole = await embed(0, 208_000);
    const mean = first.vector.map((value, d) => (value + last.vector[d]) / 2);
    expect(maxDifference(first.vector, last.vector)).toBeGreaterThan(1e-3);
    expect(maxDifference(whole.vector, mean)).toBeLessThan(1e-5);
    expect(whole.frames).toMatchObject({ count: 124, width: 64, seconds: 0.16 });
    expect(whole.frames?.starts[62]).toBe(3);
  });

  it('have a frame of eight tokens every 160 ms', async () => {
    const { vector, frames, bands } = await encoder.embed(recordingOf(noise(16_000)), { frames: true });
    // 98 frames: 6 steps of 16, and 2 frames left over.
    expect(frames).toMatchObject({ count: 6, width: 64 });
    const means = vector.map((_, d) => [0, 1, 2, 3, 4, 5].reduce((sum, t) => sum + frames!.values[t * 64 + d], 0) / 6);
    expect(maxDifference(means, vector)).toBeLessThan(1e-5);
    expect(bands).toEqual([{ lowHz: 20, highHz: 8000, start: 0, end: 64 }]);
  });

  it('are heard at 16 kHz, whatever their rate', async () => {
    const [{ vector }, { vector: other }] = await encoder.embedMany([chord(16_000, 16_000), chord(44_100, 44_100)]);
    expect(maxDifference(other, vector)).toBeLessThan(0.03);
    const mistaken = await encoder.embed({ ...chord(44_100, 44_100), sampleRate: 16_000 });
    expect(maxDifference(mistaken.vector, vector)).toBeGreaterThan(0.3);
    // 175 ms are enough at any rate.
    expect((await encoder.embed(recordingOf(noise(5600), 32_000))).vector).toHaveLength(64);
  });

  it('shorter than 16 frames are refused', async () => {
    expect((await encoder.embed(recordingOf(noise(2800)))).vector.every(Number.isFinite)).toBe(true);
    const short = encoder.embed(recordingOf(noise(2799), 16_000, 'click.wav'));
    await expect(short).rejects.toThrow(
      'beats: expected at least 2800 samples at 16000 Hz (0.175 s), got 2799 (click.wav); use a longer recording',
    );
    await expect(short).rejects.toBeInstanceOf(InputError);
  });

  it('have the same embedding in a batch and alone', async () => {
    const clips = Array.from({ length: 6 }, (_, i) => recordingOf(noise(16_000 * (i % 2 ? 10 : 1), i)));
    const together = await encoder.embedMany(clips);
    for (const [i, clip] of clips.entries()) {
      expect(maxDifference((await encoder.embed(clip)).vector, together[i].vector)).toBeLessThan(1e-5);
    }
  });
});

describe('the trunk', () => {
  const tiny: BeatsConfig = {
    ...small,
    width: 8,
    depth: 2,
    heads: 2,
    hidden: 12,
    patchWidth: 6,
    convKernel: 6,
    convGroups: 2,
  };
  const trunkOf = (config: BeatsConfig) => recogniseWeights(modelOf(config)).trunk as Trunk;

  it('gives the hidden states that the encoder averages', async () => {
    const model = modelOf(small);
    const trunk = trunkOf(small);
    const crops = [noise(9000, 1), noise(9000, 2)];
    const features = crops.map((crop) => trunk.features(crop, 16_000));
    const { states, cls } = trunk.graph(createScope(), { count: 2, samples: 9000, sampleRate: 16_000 });
    expect([cls, trunk.width, trunk.states]).toEqual([0, 64, states.length]);
    expect(states.map(({ shape }) => shape)).toEqual(new Array(4).fill([2, 24, 64]));
    const found = await runGraph({ last: states[3] }, model, trunk.feeds(features, 16_000));
    const encoder = await buildEncoder('beats', recogniseWeights(model), model);
    for (const [i, crop] of crops.entries()) {
      const own = found.last.subarray(i * 24 * 64, (i + 1) * 24 * 64);
      const mean = Array.from(
        { length: 64 },
        (_, d) => own.reduce((sum, v, at) => sum + (at % 64 === d ? v : 0), 0) / 24,
      );
      expect(maxDifference(mean, (await encoder.embed(recordingOf(crop))).vector)).toBeLessThan(1e-5);
    }
    await encoder.release();
  });

  it('has the gradient of its central differences', () => {
    const { byGradient, byDifference } = trunkSlopes(trunkOf(tiny), 5400);
    expect(Math.abs(byGradient / byDifference - 1)).toBeLessThan(1e-6);
  });

  it('hands every branch to drop path, with its block', () => {
    const blocks: number[] = [];
    const branch = <T>(x: T, block: number): T => {
      blocks.push(block);
      return x;
    };
    trunkOf(tiny).graph(createScope(), { count: 'crops', samples: 2800, sampleRate: 16_000 }, { branch });
    expect(blocks).toEqual([0, 0, 1, 1]);
  });

  it('refuses crops that are too short, or of another rate', () => {
    const trunk = trunkOf(tiny);
    expect(trunk.leastSamples(16_000)).toBe(2800);
    expect(() => trunk.features(noise(2799), 16_000)).toThrow('beats: expected at least 2800 samples');
    expect(() => trunk.features(noise(9000), 44_100)).toThrow('beats: expected crops at 16000 Hz, got 44100 Hz');
    expect(() => trunk.features(noise(9000).fill(Number.NaN, 7, 8), 16_000)).toThrow(InputError);
  });
});

describe('configuration', () => {
  it("is what the file's cfg says, before what published files have", async () => {
    const folder = createWavFolder();
    const write = (cfg: Record<string, TorchData>) =>
      folder.write('beats.pt', writeTorchFile({ cfg: { encoder_layers: 3, ...cfg }, model: modelOf(small) }));
    const inferred = (settings: Record<string, TorchData>) => {
      const { weights, hints } = readCheckpoint(write(settings));
      return recogniseWeights(weights, hints).config;
    };
    expect(inferred({})).toEqual(small);
    expect(inferred({ max_distance: 1280, deep_norm: false })).toEqual({
      ...small,
      maxDistance: 1280,
      deepNorm: 'off',
    });
    expect(() => inferred({ layer_norm_first: true })).toThrow(/as published, found layer_norm_first/);
    // Weights that were imported remember what the cfg said.
    const other = write({ max_distance: 100, deep_norm: false });
    const { path: imported, architecture: known } = await importWeights(other, {
      out: folder.path('other.safetensors'),
    });
    expect(known.config).toMatchObject({ maxDistance: 100, deepNorm: 'off' });
    const again = readCheckpoint(imported);
    expect(recogniseWeights(again.weights, again.hints).config).toEqual(known.config);
    expect([...again.weights.keys()].sort()).toEqual([...parameterShapes(known).keys()].sort());
    folder.remove();
  });

  it('needs no projection where the widths agree, and takes residuals as they are where the file says so', () => {
    const same = modelOf({ ...small, patchWidth: 64 });
    expect(same.has('post_extract_proj.weight')).toBe(false);
    expect(recogniseWeights(same).config).toEqual({ ...small, patchWidth: 64 });
    expect(recogniseWeights(same, { deepNorm: 'off', maxDistance: 99 }).config).toMatchObject({
      deepNorm: 'off',
      maxDistance: 99,
    });
  });

  it('is refused where a patch embedding has a bias', () => {
    const bias: StoredTensor = { dtype: 'F32', shape: [32], data: new Float32Array(32) };
    expect(() => recogniseWeights(modelOf(small).set('patch_embedding.bias', bias))).toThrow(
      'loadEncoder: expected a BEATs as published, found patch_embedding.bias, which is not supported',
    );
  });

  it('changes what is computed', async () => {
    const model = modelOf(small);
    const hear = async (hints: object) => {
      const encoder = await buildEncoder('beats', recogniseWeights(model, hints), model);
      const { vector } = await encoder.embed(recordingOf(noise(40_000)));
      await encoder.release();
      return vector;
    };
    const published = await hear({});
    expect(maxDifference(published, await hear({ deepNorm: 'off' }))).toBeGreaterThan(1e-3);
    expect(maxDifference(published, await hear({ maxDistance: 90 }))).toBeGreaterThan(1e-6);
  });
});

it('has the published number of parameters, 90.31 million', () => {
  const shapes = parameterShapes(architecture);
  expect(parameterCount(shapes) / 1e6).toBeCloseTo(90.31, 2);
  // The released files have 250 names: they repeat the table of relative positions in 11 more layers.
  expect(shapes.size).toBe(250 - 11);
});
