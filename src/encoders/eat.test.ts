import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { add } from '../graph/elementwise.ts';
import { float32 } from '../graph/runtime.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import type { Spectrogram } from '../signal/spectrogram.ts';
import { createWavFolder, type WavFolder } from '../signal/wav-folder.test-util.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { EAT_POSITIONS_KEY, eatName, eatPatches, eatPositions, eatSizes, eatSpectrogram } from './eat.ts';
import { EAT_PREFIX, eatPatchTokens, eatTransformer } from './eat-transformer.ts';
import { loadEncoder, namedArchitectures } from './load.node.ts';
import { chord } from './sounds.test-util.ts';
import type { Encoder } from './types.ts';

const model = readGolden('eat_tiny/model.safetensors') as Map<string, StoredTensor>;
const golden = readGolden('eat_tiny/io.safetensors');
const config = { width: 48, depth: 3, heads: 4 };
const hints = { family: 'eat', heads: 4 };
const architecture = recogniseWeights(model, hints);

/** The first frames of both golden spectrograms before their normalisation, as inputs of the graph. */
function goldenFeeds(frames: number) {
  const frequencies = new Float64Array(128);
  const spectra = [0, 1].map((b): Spectrogram => {
    const normalised = floats32(golden, 'spec').subarray(b * 128 * 128, (b + 1) * 128 * 128);
    const values = normalised.map((value) => value * 2 * 4.569 - 4.268);
    return { values, frames: 128, bins: 128, sampleRate: 16000, nFft: 512, hopLength: 160, frequencies };
  });
  const cut = spectra.map((spectrogram) => eatPatches(spectrogram, 0, frames));
  const { patches } = cut[0];
  return {
    patches: float32(Float32Array.from(cut.flatMap(({ values }) => [...values])), [2, patches, 256]),
    positions: float32(eatPositions(patches, 48), [1, patches, 48]),
  };
}

describe('golden pass', () => {
  it.each([
    [128, 'features'],
    [80, 'features_80frames'],
  ])('gives CLS and tokens of %i frames', async (frames, key) => {
    const { cls, tokens } = await runGraph(architecture.graph(createScope()), model, goldenFeeds(frames));
    const each = tokens.length / 2;
    const joined = [0, 1].flatMap((b) => [
      ...cls.subarray(b * 48, (b + 1) * 48),
      ...tokens.subarray(b * each, (b + 1) * each),
    ]);
    expect(maxDifference(joined, floats(golden, key))).toBeLessThan(1e-5);
  });

  it('computes every layer', async () => {
    const scope = createScope();
    const embedded = eatPatchTokens(scope, config, input('patches', ['sequences', 'patches', 256]));
    const { normed, layers } = eatTransformer(scope, config, add(embedded, input('positions', [1, 'patches', 48])));
    const named = layers.flatMap(({ output, inner }, i) => [
      [`block.${i}.out`, output] as const,
      [`block.${i}.ffn`, inner] as const,
    ]);
    const outputs = { patch_embed: embedded, encoder_input: normed, ...Object.fromEntries(named) };
    const found = await runGraph(outputs, model, goldenFeeds(128));
    expect(Object.keys(found)).toHaveLength(8);
    for (const [key, values] of Object.entries(found)) {
      expect(maxDifference(values, floats(golden, key)), key).toBeLessThan(1e-5);
    }
  });
});

it('computes the positions of the released code, to the last patch', () => {
  const stored = readGolden('eat_pos/data.safetensors');
  expect(maxDifference(eatPositions(256, 48), floats(stored, 'pos_tiny_48_32x8'))).toBeLessThan(5e-6);
  const table = eatPositions(6144, 768);
  const rows = Array.from(stored.get('rows')?.data as BigInt64Array, Number);
  expect(Math.max(...rows)).toBe(6143);
  // The angle of the last steps of time is 767 radians, which float32 rounds by 3e-5.
  const chosen = rows.flatMap((row) => [...table.subarray(row * 768, (row + 1) * 768)]);
  expect(maxDifference(chosen, floats(stored, 'pos'))).toBeLessThan(1e-4);
  expect(eatPositions(11, 48)).toEqual(eatPositions(256, 48).subarray(0, 11 * 48));
});

it.each([16, 40, 1])('cuts %i frames into patches, zeros before the normalisation where there are none', (frames) => {
  const random = createRandom(frames);
  const values = Float32Array.from({ length: 60 * 128 }, () => random.uniform(-16, 5));
  const spectrogram = { values, frames: 60, bins: 128, sampleRate: 16000, nFft: 512, hopLength: 160 };
  const cut = eatPatches({ ...spectrogram, frequencies: new Float64Array(128) }, 7, frames);
  const steps = Math.ceil(frames / 16);
  const expected: number[] = [];
  for (let step = 0; step < steps; step++) {
    for (let band = 0; band < 8; band++) {
      for (let t = 16 * step; t < 16 * step + 16; t++) {
        for (let f = 16 * band; f < 16 * band + 16; f++) {
          expected.push(((t < frames ? values[(7 + t) * 128 + f] : 0) + 4.268) / (2 * 4.569));
        }
      }
    }
  }
  expect([cut.bands, cut.patches]).toEqual([1, 8 * steps]);
  expect(maxDifference(cut.values, expected)).toBeLessThan(1e-7);
});

describe('recordings', () => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await buildEncoder('eat', architecture, model);
  });
  afterAll(() => encoder.release());

  it('are heard at 16 kHz, whatever their rate', async () => {
    const [{ vector }, { vector: other }] = await encoder.embedMany([chord(16_000, 16_000), chord(44_100, 44_100)]);
    expect(maxDifference(other, vector)).toBeLessThan(0.02);
    // The same samples said to be of 16 kHz: 2.76 times as long and as low.
    const mistaken = await encoder.embed({ ...chord(44_100, 44_100), sampleRate: 16_000 });
    expect(maxDifference(mistaken.vector, vector)).toBeGreaterThan(0.2);
  });

  it('have a frame of eight tokens every 160 ms, the last one perhaps in part', async () => {
    // 57 frames of 10 ms: 4 patches of 16, the last of 9.
    const recording = chord(400 + 56 * 160, 16_000);
    const { vector, bands, frames } = await encoder.embed(recording, { frames: true });
    const { values, patches } = eatPatches(eatSpectrogram(recording.channels[0], 16_000), 0, 57);
    const found = await runGraph(architecture.graph(createScope()), model, {
      patches: float32(values, [1, patches, 256]),
      positions: float32(eatPositions(patches, 48), [1, patches, 48]),
    });
    expect(maxDifference(vector, found.cls)).toBeLessThan(1e-5);
    const rows = Array.from({ length: 4 * 48 }, (_, at) => {
      const [t, d] = [Math.floor(at / 48), at % 48];
      return [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, f) => sum + found.tokens[(8 * t + f) * 48 + d], 0) / 8;
    });
    expect(maxDifference(frames?.values ?? [], rows)).toBeLessThan(1e-5);
    expect(frames).toMatchObject({ count: 4, width: 48, seconds: 0.16 });
    expect(maxDifference(frames?.starts ?? [], [0, 0.16, 0.32, 0.48])).toBeLessThan(1e-12);
    expect(bands).toEqual([{ lowHz: 20, highHz: 8000, start: 0, end: 48 }]);
    expect((await encoder.embed(recording)).frames).toBeUndefined();
  });

  it('of more than 1024 frames are averaged over segments, the last one ending with them', async () => {
    const random = createRandom(8);
    const samples = Float32Array.from({ length: 400 + 160 * 1599 }, (_, i) => random.gaussian(0, 0.01 + i * 1e-6));
    const embed = (from: number, count: number) => {
      const own = samples.slice(from * 160, from * 160 + 400 + 160 * (count - 1));
      return encoder.embed({ channels: [own], sampleRate: 16_000, name: 'part' }, { frames: true });
    };
    const [whole, first, last] = [await embed(0, 1600), await embed(0, 1024), await embed(576, 1024)];
    const mean = first.vector.map((value, d) => (value + last.vector[d]) / 2);
    expect(maxDifference(first.vector, last.vector)).toBeGreaterThan(0.01);
    expect(maxDifference(whole.vector, mean)).toBeLessThan(1e-4);
    expect(whole.frames?.count).toBe(128);
    const rows = [...(first.frames?.values ?? []), ...(last.frames?.values ?? [])];
    expect(maxDifference(whole.frames?.values ?? [], rows)).toBeLessThan(1e-4);
    const starts = Array.from({ length: 128 }, (_, i) => (i < 64 ? 0.16 * i : 5.76 + 0.16 * (i - 64)));
    expect(maxDifference(whole.frames?.starts ?? [], starts)).toBeLessThan(1e-9);
  });

  it('shorter than 25 ms, or of two channels, are refused', async () => {
    await expect(encoder.embed(chord(399, 16_000))).rejects.toThrow(InputError);
    const [channel] = chord(4000, 16_000).channels;
    const two = { channels: [channel, channel], sampleRate: 16_000, name: 'two' };
    await expect(encoder.embed(two)).rejects.toThrow(/expected one channel, got 2/);
  });
});

describe('names', () => {
  const own = (name: string) => `${EAT_PREFIX}.${name}`;

  it.each([
    ['model.local_encoder.proj.weight', own('local_encoder.proj.weight')],
    ['model.extra_tokens', own('extra_tokens')],
    ['model.fixed_positional_encoder.positions', EAT_POSITIONS_KEY],
    ['model.pre_norm.bias', own('context_encoder.norm.bias')],
    ['model.blocks.3.attn.qkv.weight', 'blocks.3.attn.qkv.weight'],
    ['model.modality_encoders.IMAGE.extra_tokens', own('extra_tokens')],
    ['model.modality_encoders.IMAGE.context_encoder.norm.weight', own('context_encoder.norm.weight')],
    ['model.fc_norm.weight', 'fc_norm.weight'],
    [own('local_encoder.proj.bias'), own('local_encoder.proj.bias')],
    ['blocks.0.norm1.weight', 'blocks.0.norm1.weight'],
  ])('%s is %s', (name, expected) => {
    expect(eatName(name)).toBe(expected);
  });

  let folder: WavFolder;
  beforeAll(() => {
    folder = createWavFolder();
  });
  afterAll(() => folder.remove());

  const parameters = [...parameterShapes(architecture).keys()];
  const huggingFace = (name: string) =>
    `model.${name.replace(`${EAT_PREFIX}.context_encoder.norm`, 'pre_norm').replace(`${EAT_PREFIX}.`, '')}`;
  const layouts = {
    'pre-training': (name: string) => name,
    'Hugging Face': huggingFace,
    'fine-tuning': (name: string) => `model.${name}`,
  };

  it.each(Object.entries(layouts))('of %s are loaded to the same encoder', async (layout, rename) => {
    const state = new Map(parameters.map((name) => [rename(name), model.get(name) as StoredTensor]));
    // What tells EAT from FISHER, and what only a classifier has.
    state.set(rename(EAT_POSITIONS_KEY), { dtype: 'F32', shape: [1, 6144, 48], data: eatPositions(6144, 48) });
    state.set('model.head.weight', { dtype: 'F32', shape: [2, 48], data: new Float32Array(96) });
    const path = folder.write(`${layout}.safetensors`, writeSafetensors(state));
    const loaded = await loadEncoder({ encoder: path, hints: { heads: 4 } });
    const reference = await buildEncoder('eat', architecture, model);
    expect(loaded.fingerprint).toBe(reference.fingerprint);
    const recording = chord(4000, 16_000);
    expect(await loaded.embed(recording)).toEqual(await reference.embed(recording));
    await Promise.all([loaded.release(), reference.release()]);
  });
});

describe('EAT is told from FISHER', () => {
  const hollow = (shapes: ReadonlyMap<string, readonly number[]>): Map<string, StoredTensor> =>
    new Map([...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape: [...shape], data: new Float32Array(0) }]));
  const stateOf = (size: string) => hollow(parameterShapes(namedArchitectures.get(size)!));
  const withPositions = (size: string, rows: number) =>
    stateOf(size).set(EAT_POSITIONS_KEY, { dtype: 'F32', shape: [1, rows, 1], data: new Float32Array(0) });

  it('by its position table', () => {
    expect(recogniseWeights(withPositions('eat-tiny', 6144))).toMatchObject({ family: 'eat', config: eatSizes.tiny });
    expect(recogniseWeights(withPositions('eat-base', 6400)).family).toBe('fisher');
    const fisher = readGolden('fisher/weights.safetensors') as Map<string, StoredTensor>;
    expect(recogniseWeights(fisher).family).toBe('fisher');
  });

  it('by its width where there is no table', () => {
    for (const [size, expected] of Object.entries({ base: eatSizes.base, large: eatSizes.large })) {
      expect(recogniseWeights(stateOf(`eat-${size}`))).toMatchObject({ family: 'eat', config: expected });
    }
    expect(recogniseWeights(stateOf('fisher-small')).family).toBe('fisher');
    expect(recogniseWeights(stateOf('eat-small')).family).toBe('fisher');
  });

  it('by what a file or the user says, before all else', () => {
    expect(recogniseWeights(stateOf('eat-tiny'), { family: 'eat' })).toMatchObject({
      family: 'eat',
      config: eatSizes.tiny,
    });
    expect(recogniseWeights(withPositions('eat-tiny', 6144), { family: 'fisher' }).family).toBe('fisher');
    expect(() => recogniseWeights(stateOf('eat-tiny'), { family: 'ohce' })).toThrow(InputError);
  });
});

it('has the published number of parameters: 85.05 million in the blocks of base, 0.20 in its patches', () => {
  const shapes = [...parameterShapes(namedArchitectures.get('eat-base')!)];
  const millions = (prefix: string) =>
    parameterCount(new Map(shapes.filter(([name]) => name.startsWith(prefix)))) / 1e6;
  expect(millions('blocks.')).toBeCloseTo(85.05, 2);
  expect(millions(`${EAT_PREFIX}.local_encoder.`)).toBeCloseTo(0.2, 2);
});
