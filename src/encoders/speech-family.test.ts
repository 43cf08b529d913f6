import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { floats, floats32, goldenPath, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { parameterShapes, recogniseWeights } from './build.ts';
import { writeTorchFile } from './checkpoint/torch-file.test-util.ts';
import type { ConfigHints } from './config-hints.ts';
import { importWeights } from './import.node.ts';
import { identifyEncoder, loadEncoder, namedArchitectures, readCheckpoint } from './load.node.ts';
import { readGoldenSpeech } from './speech.test-util.ts';
import { speechSizes } from './speech.ts';
import { speechArchitecture } from './speech-family.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-speech-'));
beforeEach(() => vi.stubEnv('THRUM_MODELS', join(folder, 'models')));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A folder of its own for a model, with files of text or bytes. */
function modelFolder(files: Record<string, string | Uint8Array>): string {
  const path = join(folder, String(made++));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const golden = (folderName: string, file = 'model') =>
  readGolden(`${folderName}/${file}.safetensors`) as Map<string, StoredTensor>;
const renamed = (state: Map<string, StoredTensor>, rename: (name: string) => string) =>
  new Map([...state].map(([name, tensor]) => [rename(name), tensor]));
const configOf = (path: string, hints?: ConfigHints) => {
  const checkpoint = readCheckpoint(path, hints);
  return recogniseWeights(checkpoint.weights, checkpoint.hints).config;
};
const tone = {
  channels: [Float32Array.from({ length: 4000 }, (_, i) => Math.sin(0.3 * i) + Math.sin(i * i * 1e-4))],
  sampleRate: 16_000,
  name: 'tone',
};
async function hear(encoder: string): Promise<Float32Array> {
  const loaded = await loadEncoder({ encoder });
  const { vector } = await loaded.embed(tone);
  await loaded.release();
  return vector;
}

describe.each(['wav2vec2_group_post', 'wav2vec2_layer_pre', 'wavlm_group_post'])('%s', (name) => {
  const state = golden(name);
  const original = goldenPath(`${name}/model.safetensors`);
  const config = JSON.stringify({ num_attention_heads: 4, max_bucket_distance: 40 });
  const head = { dtype: 'F32' as const, shape: [2], data: Float32Array.of(1, 2) };
  const heads = ['quantizer.codevectors', 'project_q.weight', 'lm_head.weight', 'classifier.bias'];
  const withHeads = (own: Map<string, StoredTensor>) => new Map([...own, ...heads.map((key) => [key, head] as const)]);

  it.each([
    '',
    'wav2vec2.',
    'hubert.',
    'wavlm.',
    'unispeech_sat.',
    'unispeech.',
  ])('is loaded with the prefix “%s”', async (prefix) => {
    const weights = writeSafetensors(withHeads(renamed(state, (key) => `${prefix}${key}`)));
    const path = join(modelFolder({ 'config.json': config, 'model.safetensors': weights }), 'model.safetensors');
    const [found, wanted] = [await identifyEncoder({ encoder: path }), await identifyEncoder({ encoder: original })];
    expect(found.fingerprint).toBe(wanted.fingerprint);
  });

  it('is loaded from a PyTorch file, with the newer spelling of weight normalisation', async () => {
    const newer = renamed(state, (key) =>
      key.replace(/weight_([gv])$/, (_, part) => `parametrizations.weight.original${part === 'g' ? 0 : 1}`),
    );
    const files = { 'config.json': config, 'pytorch_model.bin': writeTorchFile(withHeads(newer)) };
    const path = join(modelFolder(files), 'pytorch_model.bin');
    expect(await hear(path)).toEqual(await hear(original));
  });

  it('is imported with what its settings say, for another folder', async () => {
    const { path, largestDifference } = await importWeights(original, { name: 'mine' });
    expect(largestDifference).toBe(0);
    expect(await hear(path)).toEqual(await hear(original));
    const parts = [readCheckpoint(path), readCheckpoint(original)].map(({ weights, hints }) =>
      recogniseWeights(weights, hints),
    );
    expect(parts[0].config).toEqual(parts[1].config);
  });
});

describe('WavLM with Microsoft’s names', () => {
  it('is the same encoder', async () => {
    const [theirs, ours] = ['model_ms', 'model'].map((file) => goldenPath(`wavlm_group_post/${file}.safetensors`));
    expect(await hear(theirs)).toEqual(await hear(ours));
  });

  it('says what it is in its own settings', () => {
    const state = golden('wavlm_group_post', 'model_ms');
    const cfg = { encoder_attention_heads: 4, max_distance: 40, normalize: true, layer_norm_first: false };
    const path = join(modelFolder({ 'wavlm.pt': writeTorchFile({ cfg, model: state }) }), 'wavlm.pt');
    expect(configOf(path)).toEqual({ ...readGoldenSpeech('wavlm_group_post').config, normalize: 'clip' });
    // What the user says goes first.
    expect(configOf(path, { normalize: 'none', maxDistance: 7 })).toMatchObject({ normalize: 'none', maxDistance: 7 });
  });
});

describe('settings', () => {
  const alone = (name: string, files: Record<string, string> = {}, metadata?: Record<string, string>) => {
    const weights = writeSafetensors(golden(name), metadata);
    return join(modelFolder({ 'w.safetensors': weights, ...files }), 'w.safetensors');
  };

  it('are inferred from shapes where no file has them', () => {
    const sizes = { width: 64, depth: 3, hidden: 160, convWidth: 32 };
    const group = { ...sizes, convNorm: 'group', convBias: 'no', blockNorm: 'post' };
    expect(configOf(alone('wav2vec2_group_post'))).toEqual({ ...group, heads: 1, normalize: 'clip' });
    expect(configOf(alone('wav2vec2_layer_pre'))).toEqual({
      ...{ ...sizes, heads: 1, convNorm: 'layer', convBias: 'yes', blockNorm: 'pre', normalize: 'clip' },
    });
    expect(configOf(alone('wavlm_group_post'))).toEqual({
      ...{ ...group, heads: 4, normalize: 'none', buckets: 32, maxDistance: 800 },
    });
  });

  it('are read from config.json and preprocessor_config.json beside the weights', () => {
    const files = {
      'config.json': JSON.stringify({ num_attention_heads: 2, do_stable_layer_norm: true, hidden_size: 64 }),
      'preprocessor_config.json': JSON.stringify({ do_normalize: false, sampling_rate: 16_000 }),
    };
    const expected = { heads: 2, blockNorm: 'pre', normalize: 'none', convNorm: 'group' };
    expect(configOf(alone('wav2vec2_group_post', files))).toMatchObject(expected);
    // Files that Thrum wrote say everything themselves.
    const own = {
      thrum: JSON.stringify({ hints: { heads: 8, blockNorm: 'post', normalize: 'clip', maxDistance: 9 } }),
    };
    expect(configOf(alone('wav2vec2_group_post', files, own))).toMatchObject({
      ...{ heads: 8, blockNorm: 'post', normalize: 'clip' },
    });
  });

  it('that are no JSON are refused', () => {
    const path = alone('wav2vec2_group_post', { 'config.json': '{"num_attention' });
    expect(() => readCheckpoint(path)).toThrow(/expected JSON in .*config\.json, beside the weights, found other text/);
    expect(() => readCheckpoint(path)).toThrow(InputError);
  });

  it('that do not fit, and adapters, are refused', async () => {
    const path = alone('wavlm_group_post');
    await expect(identifyEncoder({ encoder: path, hints: { heads: 8 } })).rejects.toThrow(
      /expected encoder\.layers\.0\.attention\.\w+\.\w+ of shape .*, got/,
    );
    const adapted = new Map(golden('wav2vec2_group_post'));
    adapted.set('encoder.layers.0.adapter_layer.norm.weight', adapted.values().next().value as StoredTensor);
    expect(() => recogniseWeights(adapted)).toThrow(
      /expected a speech encoder without adapters, got encoder\.layers\.0/,
    );
  });
});

describe('sizes', () => {
  it('are in the registry under the names of their publications', () => {
    for (const [name, config] of Object.entries(speechSizes)) {
      expect(namedArchitectures.get(name)).toMatchObject({ family: 'speech', config });
    }
  });

  it('have the published numbers of parameters: 94.4 million for base, 315.4 for XLS-R', () => {
    // Without masked_spec_embed, which only training needs.
    const count = (name: string) => parameterCount(parameterShapes(namedArchitectures.get(name)!));
    expect(count('hubert-base') + 768).toBe(94_371_712);
    expect(count('wavlm-base-plus') + 768).toBe(94_381_936);
    expect(count('wav2vec2-xls-r-300m') + 1024).toBe(315_438_720);
    expect(count('speech-tiny') / 1e6).toBeCloseTo(2.4, 0);
  });
});

describe.each(['wav2vec2_layer_pre', 'wavlm_group_post'])('the trunk of %s', (name) => {
  const { config, model, io } = readGoldenSpeech(name);
  const { trunk } = speechArchitecture(config);
  if (!trunk) throw new Error('no trunk');

  it('makes the hidden states of crops', async () => {
    const raw = floats32(io, 'input_raw');
    const samples = raw.length / 2;
    const crops = [0, 1].map((crop) => trunk.features(raw.subarray(crop * samples, (crop + 1) * samples), 16_000));
    expect(crops[0]).toMatchObject({ frames: samples, bins: 1 });
    for (const count of [2, 'crops']) {
      const { states, cls } = trunk.graph(createScope(), { count, samples, sampleRate: 16_000 });
      expect([states.length, cls, states[0].shape[2]]).toEqual([trunk.states, 0, trunk.width]);
      const outputs = Object.fromEntries(states.map((state, i) => [`hidden_states.${i}`, state]));
      const found = await runGraph(outputs, model, trunk.feeds(crops, 16_000));
      for (const [key, values] of Object.entries(found)) {
        const wanted = floats(io, config.buckets === undefined ? `norm.${key}` : key);
        expect(maxDifference(values, wanted), key).toBeLessThan(1e-4);
      }
    }
  });

  it('hears nothing but 16 kHz, from 25 ms on', () => {
    expect([trunk.sampleRate, trunk.leastSamples(16_000)]).toEqual([16_000, 400]);
    const { states } = trunk.graph(createScope(), { count: 1, samples: 400, sampleRate: 16_000 });
    expect(states[0].shape).toEqual([1, 1, 64]);
    expect(() => trunk.features(new Float32Array(399), 16_000)).toThrow(InputError);
    expect(() => trunk.features(new Float32Array(4000), 8000)).toThrow(
      'speech: expected crops at 16000 Hz, got 8000 Hz; resample them',
    );
  });
});
