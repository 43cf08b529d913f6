import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { floats, floats32, type GoldenTensor, maxDifference, readGolden, readGoldenJson } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { add } from '../graph/elementwise.ts';
import { gatherRows } from '../graph/indexing.ts';
import { reshape } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { sineCosinePositions } from '../nn/positions.ts';
import { InputError } from '../signal/errors.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import { initialState } from '../training/step.ts';
import type { BandSequences } from './band-transformer.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import {
  type EchoConfig,
  echoBandPosition,
  echoBands,
  echoInput,
  echoPatches,
  echoPatchTokens,
  echoTransformer,
} from './echo.ts';
import { echoArchitecture, families } from './families.ts';
import { loadEncoder, readCheckpoint } from './load.node.ts';
import { segmentStarts } from './segment-starts.ts';

type Meta = {
  models: {
    mini64: { signals: Record<string, { sample_rate: number; bands: number; patches_first_segment: number }> };
  };
};
const meta = readGoldenJson<Meta>('echo/meta.json').models.mini64.signals;
const weights = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
const config: EchoConfig = { width: 64, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 };
const architecture = recogniseWeights(weights, { heads: 2 });
const encoder = await buildEncoder('mini64', architecture, weights);

const bigints = (tensors: Map<string, GoldenTensor>, name: string): BigInt64Array => {
  const data = tensors.get(name)?.data;
  if (!(data instanceof BigInt64Array)) throw new Error(`no I64 tensor ${name}`);
  return data;
};

/** The graph by hand: its inputs, and what is fed to them. */
const inputs = () => ({
  scope: createScope(),
  patches: input('patches', ['sequences', 'patches', 512]),
  positions: input('positions', [1, 'patches', 64]),
  bandPositions: input('bandPositions', ['sequences', 1, 64]),
});
const feedsOf = ({ values, bands, patches, bandPositions }: BandSequences) => ({
  patches: float32(values, [bands, patches, 512]),
  positions: float32(sineCosinePositions(patches, 64), [1, patches, 64]),
  bandPositions: float32(bandPositions as Float32Array, [bands, 1, 64]),
});

describe.each(Object.keys(meta))('golden %s', (name) => {
  const golden = readGolden(`echo/mini64.${name}.safetensors`);
  const { sample_rate: sampleRate, bands, patches_first_segment: patches } = meta[name];
  const samples = floats32(golden, 'waveform');

  it('places bands and their positions', () => {
    const nFft = Math.trunc(0.025 * sampleRate);
    const bins = Math.floor(nFft / 2) + 1;
    const placed = echoBands(bins, nFft);
    expect(placed.flatMap(({ start, end }) => [start, end])).toEqual([...bigints(golden, 'band_bins')].map(Number));
    expect(
      maxDifference(
        placed.map(({ position }) => position),
        floats(golden, 'freq_pos_p'),
      ),
    ).toBeLessThan(1e-7);
    const vectors = placed.flatMap(({ position }) => [...echoBandPosition(position, 64)]);
    expect(maxDifference(vectors, floats(golden, 'freq_pos_emb'))).toBeLessThan(2e-6);
  });

  it('computes every layer', async () => {
    const { scope, patches: own, positions, bandPositions } = inputs();
    const conv = echoPatchTokens(scope, config, own);
    const { output, layers } = echoTransformer(scope, config, add(conv, positions), bandPositions);
    const spectrogram = echoSpectrogram(samples, sampleRate);
    const cut = echoPatches(spectrogram, 0, spectrogram.frames, config);
    expect([cut.bands, cut.patches]).toEqual([bands, patches]);
    const results = await runGraph(
      { conv, layer0: layers[0].output, layer1: layers[1].output, output },
      weights,
      feedsOf(cut),
    );
    expect(maxDifference(results.conv, floats(golden, 'patches_conv'))).toBeLessThan(1e-4);
    expect(maxDifference(results.layer0, floats(golden, 'layer_0_out'))).toBeLessThan(1e-4);
    expect(maxDifference(results.layer1, floats(golden, 'layer_1_out'))).toBeLessThan(1e-4);
    expect(maxDifference(results.output, floats(golden, 'tokens_out'))).toBeLessThan(1e-4);
  });

  it('embeds the recording', async () => {
    const recording = { channels: [samples], sampleRate, name };
    const embedding = await encoder.embed(recording, { frames: true });
    expect(maxDifference(embedding.vector, floats(golden, 'utt_f64'))).toBeLessThan(4e-6);
    expect(maxDifference(embedding.frames?.values ?? [], floats(golden, 'frame'))).toBeLessThan(1e-4);
    expect(embedding.frames?.count).toBe(patches);
    expect(embedding.bands).toHaveLength(bands);
    expect(embedding.bands.at(-1)?.highHz).toBeLessThanOrEqual(sampleRate / 2);
  });
});

it('encodes only the tokens that a mask leaves, CLS always', async () => {
  const golden = readGolden('echo/mini64.masked_s16000.safetensors');
  const full = readGolden('echo/mini64.s16000.safetensors');
  const scope = createScope();
  const tokens = input('tokens', [7, 13, 64]);
  const rows = input('rows', [21], 'int64');
  const zeroBand = input('bandPositions', [7, 1, 64]);
  const kept = reshape(gatherRows(reshape(tokens, [91, 64]), rows), [7, 3, 64]);
  const { output } = echoTransformer(scope, config, kept, zeroBand, { length: 4 });
  const ids = bigints(golden, 'ids_keep');
  // The golden tokens hold the band positions already; only CLS still needs them, so they are taken out again first.
  const band = floats32(full, 'freq_pos_emb');
  const withPositions = floats32(golden, 'patches_with_pos');
  const plain = withPositions.map((value, i) => value - band[Math.floor(i / (13 * 64)) * 64 + (i % 64)]);
  const results = await runGraph({ output }, weights, {
    tokens: float32(plain, [7, 13, 64]),
    rows: { dtype: 'int64', shape: [21], data: ids.map((id, i) => id + BigInt(Math.floor(i / 3) * 13)) },
    bandPositions: float32(band, [7, 1, 64]),
  });
  expect(maxDifference(results.output, floats(golden, 'tokens_out'))).toBeLessThan(1e-5);
});

describe('recordings of other shapes', () => {
  const tone = (seconds: number, sampleRate: number) => ({
    channels: [
      Float32Array.from(
        { length: Math.round(seconds * sampleRate) },
        (_, i) => Math.sin(i * 0.3) + Math.sin(i * i * 1e-5),
      ),
    ],
    sampleRate,
    name: `${seconds} s`,
  });

  it('gives a batch of unequal recordings the same embeddings as one at a time', async () => {
    const recordings = [tone(0.5, 16000), tone(1.25, 12000), tone(0.5, 16000), tone(0.03, 16000)];
    const together = await encoder.embedMany(recordings, { frames: true });
    for (const [i, recording] of recordings.entries()) {
      const alone = await encoder.embed(recording, { frames: true });
      expect(maxDifference(together[i].vector, alone.vector)).toBeLessThan(2e-6);
      expect(maxDifference(together[i].frames?.values ?? [], alone.frames?.values ?? [])).toBeLessThan(5e-6);
    }
  });

  it('averages the segments of a long recording, the last one ending with it', async () => {
    expect(segmentStarts(1999, 2000)).toEqual([{ from: 0, frames: 1999 }]);
    expect(segmentStarts(2000, 2000)).toEqual([{ from: 0, frames: 2000 }]);
    expect(segmentStarts(4001, 2000).map(({ from }) => from)).toEqual([0, 2000, 2001]);
    const recording = tone(45, 8000);
    const { vector, frames } = await encoder.embed(recording, { frames: true });
    expect(frames?.count).toBe(125 * 3);
    expect(frames?.starts.at(-1)).toBeCloseTo(45 - 0.175, 1);
    expect(vector.every(Number.isFinite)).toBe(true);
  });

  it('refuses what is too short, with the length that is needed', async () => {
    await expect(encoder.embed(tone(0.01, 16000))).rejects.toThrow(/400/);
  });
});

/** A hiss whose colour and level change, with tones in it. */
function hiss(seconds: number, sampleRate: number, gain = 1) {
  const random = createRandom('hiss');
  let last = 0;
  const samples = Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => {
    last = 0.7 * last + random.gaussian(0, 0.1 + (i % 5000) / 20_000);
    return gain * (last + 0.2 * Math.sin(0.5 * i));
  });
  return { channels: [samples], sampleRate, name: `${seconds} s of hiss` };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const variant = (changes: Partial<EchoConfig>) => echoArchitecture({ ...config, ...changes });

describe('level', () => {
  it('removed: a recording ten times as loud has the same embedding', async () => {
    const deaf = await buildEncoder('level', variant({ level: 'removed' }), weights);
    const [quiet, loud] = [hiss(0.5, 16_000), hiss(0.5, 16_000, 10)];
    const [{ vector }, { vector: louder }] = await deaf.embedMany([quiet, loud]);
    await deaf.release();
    expect(maxDifference(louder, vector)).toBeLessThan(1e-4);
    const [kept, keptLouder] = await encoder.embedMany([quiet, loud]);
    expect(maxDifference(keptLouder.vector, kept.vector)).toBeGreaterThan(0.01);
  });

  it('is the mean of the whole spectrogram, and stays where nothing is said', () => {
    const [samples] = hiss(0.3, 8000).channels;
    const published = echoSpectrogram(samples, 8000);
    expect(echoInput(samples, 8000, {})).toEqual({ spectrogram: published, level: 0 });
    const { spectrogram, level } = echoInput(samples, 8000, { level: 'removed' });
    const mean = published.values.reduce((sum, value) => sum + value, 0) / published.values.length;
    expect(Math.abs(mean)).toBeGreaterThan(0.1);
    expect(level).toBeCloseTo(mean, 9);
    const without = Array.from(published.values, (value) => value - mean);
    expect(maxDifference(spectrogram.values, without)).toBeLessThan(1e-6);
    expect({ ...spectrogram, values: published.values }).toEqual(published);
  });

  it('comes back with a weight, at the end of what every band has', async () => {
    const recording = hiss(0.5, 16_000);
    const embed = async (changes: Partial<EchoConfig>) => {
      const own = await buildEncoder('own', variant({ level: 'removed', ...changes }), weights);
      const embedding = await own.embed(recording, { frames: true });
      await own.release();
      return embedding;
    };
    const [plain, weighted] = [await embed({}), await embed({ levelWeight: 3 })];
    const { level } = echoInput(recording.channels[0], 16_000, { level: 'removed' });
    const expected = plain.bands.flatMap(({ start, end }) => [...plain.vector.subarray(start, end), 3 * level]);
    expect(maxDifference(weighted.vector, expected)).toBeLessThan(1e-6);
    const parts = plain.bands.map((band, b) => ({ ...band, start: 65 * b, end: 65 * (b + 1) }));
    expect(weighted).toEqual({ vector: weighted.vector, bands: parts, frames: plain.frames });
  });
});

describe('tail', () => {
  const small = { ...config, width: 8, bandBins: 4, patchFrames: 5 };
  const random = createRandom('tail');
  // Two bands, the second of 3 bins.
  const spectrogram = {
    values: Float32Array.from({ length: 40 * 7 }, () => random.gaussian()),
    frames: 40,
    bins: 7,
    sampleRate: 480,
    nFft: 12,
    hopLength: 4,
    frequencies: new Float64Array(7),
  };
  const whole = numbers(5);

  it.each<[string, number, number[][]]>([
    ['a multiple of a patch', 10, [whole, [5, 6, 7, 8, 9]]],
    ['exactly a patch', 5, [whole]],
    ['a frame more', 6, [whole, [1, 2, 3, 4, 5]]],
    ['a frame less than two', 9, [whole, [4, 5, 6, 7, 8]]],
    ['a part of the third', 12, [whole, [5, 6, 7, 8, 9], [7, 8, 9, 10, 11]]],
    ['shorter than a patch', 3, [[0, 1, 2, 0, 1]]],
    ['a single frame', 1, [[0, 0, 0, 0, 0]]],
  ])('overlap: %s', (_, frames, heard) => {
    const from = 7;
    const cut = echoPatches(spectrogram, from, frames, { ...small, tail: 'overlap' });
    const bins = [
      [0, 1, 2, 3],
      [undefined, 4, 5, 6],
    ];
    const expected = bins.flatMap((band) =>
      heard.flatMap((patch) =>
        band.flatMap((bin) => patch.map((t) => (bin === undefined ? 0 : spectrogram.values[(from + t) * 7 + bin]))),
      ),
    );
    expect([cut.bands, cut.patches]).toEqual([2, heard.length]);
    expect([...cut.values]).toEqual(expected);
    if (frames % 5 === 0) expect(cut).toEqual(echoPatches(spectrogram, from, frames, small));
  });
});

describe('poolLayer', () => {
  it.each([0, 1, 2])('%i: the mean of the tokens after so many blocks', async (poolLayer) => {
    const recording = hiss(0.6, 16_000);
    const spectrogram = echoSpectrogram(recording.channels[0], 16_000);
    const cut = echoPatches(spectrogram, 0, spectrogram.frames, config);
    const { scope, patches, positions, bandPositions } = inputs();
    const embedded = add(echoPatchTokens(scope, config, patches), positions);
    const { layers } = echoTransformer(scope, config, embedded, bandPositions);
    const found = await runGraph({ 0: embedded, 1: layers[0].output, 2: layers[1].output }, weights, feedsOf(cut));
    // After a block CLS comes first.
    const skipped = poolLayer === 0 ? 0 : 1;
    const token = (band: number, p: number, d: number) =>
      found[poolLayer][(band * (cut.patches + skipped) + skipped + p) * 64 + d];
    const expected = numbers(cut.bands * 64).map((at) => {
      const [band, d] = [Math.floor(at / 64), at % 64];
      return numbers(cut.patches).reduce((sum, p) => sum + token(band, p, d), 0) / cut.patches;
    });
    const pooled = await buildEncoder('pooled', variant({ poolLayer }), weights);
    const { vector } = await pooled.embed(recording);
    await pooled.release();
    expect(maxDifference(vector, expected)).toBeLessThan(1e-5);
  });

  it('leaves later blocks and the last norm out', () => {
    const needed = [...parameterShapes(variant({ poolLayer: 1 })).keys()];
    const all = [...parameterShapes(variant({})).keys()];
    expect(all.filter((name) => !needed.includes(name)).every((name) => /^norm\.|layers\.1\./.test(name))).toBe(true);
    expect(needed.filter((name) => /^norm\.|layers\.1\./.test(name))).toEqual([]);
  });
});

it('reads segmentFrames at once', async () => {
  const recording = hiss(1.22, 8000);
  const spectrogram = echoSpectrogram(recording.channels[0], 8000);
  expect(spectrogram.frames).toBe(120);
  const { cls } = variant({}).graph(createScope());
  const segments: Float32Array[] = [];
  for (const from of [0, 48, 72]) {
    const found = await runGraph({ cls }, weights, feedsOf(echoPatches(spectrogram, from, 48, config)));
    segments.push(found.cls);
  }
  const mean = segments[0].map((value, i) => (value + segments[1][i] + segments[2][i]) / 3);
  expect(maxDifference(segments[0], mean)).toBeGreaterThan(0.01);
  const short = await buildEncoder('short', variant({ segmentFrames: 48 }), weights);
  const { vector, frames } = await short.embed(recording, { frames: true });
  await short.release();
  expect(maxDifference(vector, mean)).toBeLessThan(1e-5);
  const starts = [0, 0.16, 0.32, 0.48, 0.64, 0.8, 0.72, 0.88, 1.04];
  expect(maxDifference(frames?.starts ?? [], starts)).toBeLessThan(1e-9);
});

describe('a file with the weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-echo-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const values = new Map(Array.from(weights, ([name, tensor]) => [name, toFloat32(tensor)]));
  const fields: Partial<EchoConfig>[] = [
    { level: 'removed' },
    { segmentFrames: 20 },
    { tail: 'overlap' },
    { poolLayer: 2 },
    { depth: 1, poolLayer: 1 },
    { segmentFrames: 20, level: 'removed', levelWeight: 2, tail: 'overlap', poolLayer: 2 },
  ];

  it.each(fields)('says %o', async (changes) => {
    const exported = variant(changes);
    const state = initialState({ shapes: parameterShapes(exported), teacherNames: [] }, values);
    const path = join(folder, `${Object.keys(changes).join()}.safetensors`);
    exportEncoder(state, exported, path, { weights: 'student' });
    const { depth: _, ...told } = changes;
    expect(readCheckpoint(path).hints).toEqual({ family: 'echo', heads: 2, bandBins: 32, ...told });
    const [loaded, built] = [await loadEncoder({ encoder: path }), await buildEncoder('built', exported, weights)];
    expect(loaded.fingerprint).toBe(built.fingerprint);
    const recording = hiss(0.6, 16_000);
    const [{ vector }, { vector: expected }] = [await loaded.embed(recording), await built.embed(recording)];
    expect(vector).toEqual(expected);
    expect(maxDifference(vector, (await encoder.embed(recording)).vector)).toBeGreaterThan(1e-4);
    await Promise.all([loaded.release(), built.release()]);
  });

  it('says nothing of what was not asked for; blocks that are not there are refused', () => {
    expect(recogniseWeights(weights, { heads: 2 }).config).toEqual(config);
    for (const poolLayer of [3, -1, 0.5]) {
      const recognise = () => recogniseWeights(weights, { heads: 2, poolLayer });
      expect(recognise).toThrow(InputError);
      expect(recognise).toThrow(`loadEncoder: expected a poolLayer from 0 to the 2 blocks, got ${poolLayer}`);
    }
  });
});

it('has the published number of parameters in every size', () => {
  const sizes = families.find(({ name }) => name === 'echo')?.sizes ?? {};
  const positions = 126; // rows of the stored position table, which is computed here instead of loaded
  const count = (size: string) =>
    parameterCount(parameterShapes(sizes[size])) + positions * (sizes[size].config.width as number);
  expect(count('tiny')).toBe(5_461_632);
  expect(count('small')).toBe(21_540_096);
  expect(count('base')).toBe(85_547_520);
});
