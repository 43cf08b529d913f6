// What Thrum adds to ECHO: level, short recordings, pooling, segments.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { add } from '../graph/elementwise.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { feedsOf, inputs } from './echo.test-util.ts';
import { type EchoConfig, echoInput, echoPatches, echoPatchTokens, echoTransformer } from './echo.ts';
import { echoArchitecture } from './echo-family.ts';
import { echoPool } from './echo-pool.ts';
import { loadEncoder, readCheckpoint } from './load.node.ts';
import { hintsOf } from './stored-hints.ts';

const weights = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
const config: EchoConfig = { width: 64, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 };
const architecture = recogniseWeights(weights, { heads: 2 });
const encoder = await buildEncoder('mini64', architecture, weights);

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

describe('pool', () => {
  it.each<[string, number]>([
    ['1:1', 1],
    ['0:2,1:0.5', 1],
    ['0:0.25,1:1,2:3', 2],
    ['2:4', 2],
  ])('%s: weighted means of tokens, layer after layer', async (pool, depth) => {
    const recording = hiss(0.6, 16_000);
    const spectrogram = echoSpectrogram(recording.channels[0], 16_000);
    const cut = echoPatches(spectrogram, 0, spectrogram.frames, config);
    const { scope, patches, positions, bandPositions } = inputs();
    const embedded = echoPatchTokens(scope, config, patches);
    const { layers } = echoTransformer(scope, config, add(embedded, positions), bandPositions);
    const found = await runGraph({ 0: embedded, 1: layers[0].output, 2: layers[1].output }, weights, feedsOf(cut));
    const meanOf = (layer: number, band: number, d: number) => {
      // After a block CLS comes first.
      const skipped = layer === 0 ? 0 : 1;
      const token = (p: number) => found[layer][(band * (cut.patches + skipped) + skipped + p) * 64 + d];
      return numbers(cut.patches).reduce((sum, p) => sum + token(p), 0) / cut.patches;
    };
    const parts = pool.split(',').map((part) => part.split(':').map(Number));
    const expected = numbers(cut.bands).flatMap((band) =>
      parts.flatMap(([layer, weight]) => numbers(64).map((d) => weight * meanOf(layer, band, d))),
    );
    const own = variant({ pool });
    expect(own.config.depth).toBe(depth);
    const pooled = await buildEncoder('pooled', own, weights);
    const { vector, bands, frames } = await pooled.embed(recording, { frames: true });
    await pooled.release();
    expect(maxDifference(vector, expected)).toBeLessThan(1e-5);
    const width = 64 * parts.length;
    expect(bands.map(({ start, end }) => [start, end])).toEqual(
      numbers(cut.bands).map((band) => [band * width, (band + 1) * width]),
    );
    const mean = expected.map((_, d) =>
      numbers(cut.patches).reduce((sum, t) => sum + (frames?.values[t * cut.bands * width + d] ?? 0) / cut.patches, 0),
    );
    expect(frames?.width).toBe(cut.bands * width);
    expect(maxDifference(mean, expected)).toBeLessThan(1e-5);
  });

  it('leaves later blocks and the last norm out', () => {
    const needed = [...parameterShapes(variant({ pool: '1:1' })).keys()];
    const all = [...parameterShapes(variant({})).keys()];
    expect(all.filter((name) => !needed.includes(name)).every((name) => /^norm\.|layers\.1\./.test(name))).toBe(true);
    expect(needed.filter((name) => /^norm\.|layers\.1\./.test(name))).toEqual([]);
  });

  it.each(['', '1', '2:1,1:1', '1:0', '0:1', '1:-1', '1:1,', 'x:1', '1:1e9'])('refuses %o', (pool) => {
    expect(() => echoPool({ pool, depth: 2 })).toThrow(InputError);
    expect(() => echoPool({ pool, depth: 2 })).toThrow(/expected layers from low to high with weights/);
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
  const fields: Partial<EchoConfig>[] = [
    { level: 'removed' },
    { segmentFrames: 20 },
    { tail: 'overlap' },
    { pool: '2:1' },
    { pool: '0:2,1:0.5' },
    { segmentFrames: 20, level: 'removed', levelWeight: 2, tail: 'overlap', pool: '0:1,2:1' },
  ];

  it.each(fields)('says %o', async (changes) => {
    const exported = variant(changes);
    const path = join(folder, `${Object.keys(changes).join()}.safetensors`);
    const kept = [...weights].filter(([name]) => parameterShapes(exported).has(name));
    writeFileSync(path, writeSafetensors(new Map(kept), { thrum: JSON.stringify({ hints: hintsOf(exported) }) }));
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
    const recognise = () => recogniseWeights(weights, { heads: 2, pool: '3:1' });
    expect(recognise).toThrow(InputError);
    expect(recognise).toThrow('loadEncoder: expected pool to end at one of the 2 blocks, got 3:1');
    expect(() => recogniseWeights(weights, { heads: 2, levelWeight: 1 })).toThrow(InputError);
  });
});
