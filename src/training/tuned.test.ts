import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { loadEncoder, loadWeights } from '../encoders/load.node.ts';
import { tinyNames } from '../encoders/tiny-encoders.test-util.ts';
import { within } from '../encoders/tuned.ts';
import type { TunedHeadConfig } from '../encoders/tuned-head.ts';
import type { EmbedOptions } from '../encoders/types.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { attentiveStatistics } from '../nn/pooling.ts';
import { segmentTransformer } from '../nn/segment-transformer.ts';
import { InputError } from '../signal/errors.ts';
import { resample } from '../signal/resample.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { type TunedExample, tunedExample, writeTuned } from './tuned.test-util.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-tuned-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const RATE = 8000;
const CROP = 1600;
const crops = { sampleRate: RATE, cropSamples: CROP, hopSamples: CROP };
const sound = (length: number, seed = 'sound'): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length }, (_, i) => Math.sin(0.2 * i + 2e-6 * i * i) + random.gaussian(0, 0.2));
};
const recording = (samples: Float32Array, sampleRate = RATE) => ({ channels: [samples], sampleRate, name: 'mill' });

/** What the file of an example makes of a recording. */
async function heard(
  example: TunedExample,
  samples: Float32Array,
  { rate = RATE, ...options }: EmbedOptions & { rate?: number } = {},
) {
  writeTuned(example, at('tuned.safetensors'));
  const encoder = await loadEncoder({ encoder: at('tuned.safetensors') });
  try {
    return { ...(await encoder.embed(recording(samples, rate), options)), labels: encoder.labels };
  } finally {
    await encoder.release();
  }
}

const stored = ({ values }: TunedExample) =>
  new Map(Array.from(values, ([name, data]) => [name, { dtype: 'F32' as const, shape: [data.length], data }]));

const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
const meanOf = (rows: readonly number[][]): number[] =>
  rows[0].map((_, d) => rows.reduce((sum, row) => sum + row[d], 0) / rows.length);

/** y = W x + b. */
function dense({ values }: TunedExample, name: string, x: readonly number[]): number[] {
  const weight = rowsOf(values.get(`${name}.weight`) as Float32Array, x.length);
  const bias = values.get(`${name}.bias`) as Float32Array;
  return weight.map((row, i) => row.reduce((sum, value, d) => sum + value * x[d], bias[i]));
}

/** Batch norm by running averages, or layer norm. */
function normalised({ values }: TunedExample, name: string, x: readonly number[], batch: boolean): number[] {
  const [gain, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    values.get(`${name}.${part}`),
  ) as Float32Array[];
  const own = x.reduce((sum, value) => sum + value, 0) / x.length;
  const spread = x.reduce((sum, value) => sum + (value - own) ** 2, 0) / x.length;
  return x.map((value, d) => {
    const [centre, square, epsilon] = batch ? [mean[d], variance[d], 1e-5] : [own, spread, 1e-6];
    return (gain[d] * (value - centre)) / Math.sqrt(square + epsilon) + bias[d];
  });
}

/** Embeddings of crops, from the hidden states of the encoder below, in plain numbers but for attentive pooling. */
async function expectedSegments(example: TunedExample, pieces: readonly Float32Array[]): Promise<number[][]> {
  const { base, config, values } = example;
  const { trunk } = base;
  const { sampleRate } = config;
  const { states, cls } = trunk.graph(within(createScope(), 'trunk.'), {
    count: pieces.length,
    samples: pieces[0].length,
    sampleRate,
  });
  const named = Object.fromEntries(states.map((state, i): [string, Tensor] => [`${i}`, state]));
  const feeds = trunk.feeds(
    pieces.map((piece) => trunk.features(piece, sampleRate)),
    sampleRate,
  );
  const found = await runGraph(named, stored(example), feeds);
  const mix = values.get('head.mix');
  const powers = states.map((_, l) => (mix ? Math.exp(mix[l]) : l === states.length - 1 ? 1 : 0));
  const total = powers.reduce((a, b) => a + b);
  const tokens = found[0].map((_, i) => states.reduce((sum, _state, l) => sum + (powers[l] / total) * found[l][i], 0));
  const shape = states[0].shape as number[];
  const crop = shape[1] * shape[2];
  const pooled = await Promise.all(
    pieces.map(async (_, n) => {
      const own = tokens.subarray(n * crop, (n + 1) * crop);
      const rows = rowsOf(own, shape[2]);
      if (config.pooling === 'cls') return meanOf(rows.slice(0, cls));
      if (config.pooling === 'mean') return meanOf(rows.slice(cls));
      const x = input('x', [1, shape[1], shape[2]]);
      const vector = attentiveStatistics(createScope(), 'head.attention', x, { training: false }, { cls });
      const feed = { x: { dtype: 'float32' as const, shape: [1, shape[1], shape[2]], data: own } };
      return [...(await runGraph({ vector }, stored(example), feed)).vector];
    }),
  );
  return pooled.map((vector) => {
    const normal = normalised(example, 'head.norm', vector, config.embedding !== undefined);
    return config.embedding === undefined ? normal : dense(example, 'head.projection', normal);
  });
}

/** The vector of a recording of at most 32 segments. */
async function expectedVector(example: TunedExample, segments: readonly number[][]): Promise<number[]> {
  if (!example.config.segments) return meanOf(segments);
  const shape = [1, segments.length, segments[0].length];
  const layer = segmentTransformer(createScope(), 'head.segments.layer', input('x', shape), example.config.segments);
  const feed = { x: { dtype: 'float32' as const, shape, data: Float32Array.from(segments.flat()) } };
  const { mean } = await runGraph({ mean: layer }, stored(example), feed);
  return dense(example, 'head.segments.projection', normalised(example, 'head.segments.norm', [...mean], true));
}

/** Pieces of a recording, by hand. */
const cut = (samples: Float32Array, starts: readonly number[], length = CROP): Float32Array[] =>
  starts.map((start) => samples.slice(start, start + length));

const heads: [string, TunedHeadConfig][] = (['mean', 'attentive', 'cls'] as const).flatMap((pooling) =>
  [true, false].flatMap((mix): [string, TunedHeadConfig][] => [
    [`${pooling}, ${mix ? 'all layers' : 'the last layer'}, batch norm`, { pooling, mix, embedding: 8 }],
    [`${pooling}, ${mix ? 'all layers' : 'the last layer'}, layer norm`, { pooling, mix }],
  ]),
);
const pooling = { mix: true, pooling: 'mean', embedding: 8, segments: { heads: 2, hidden: 16 } } as const;
const labels = { names: ['hum', 'rattle', 'still'], several: false };

describe('a fine-tuned encoder, written by exportEncoder and loaded by loadEncoder', () => {
  it.each(heads)('%s: embeds as its head says, the mean over segments', async (_, head) => {
    const example = tunedExample('echo', { ...head, ...crops });
    const samples = sound(4000);
    const segments = await expectedSegments(example, cut(samples, [0, 1600, 2400]));
    const { vector, bands, frames, logits } = await heard(example, samples, { frames: true });
    expect(vector).toHaveLength(head.embedding ?? (head.pooling === 'attentive' ? 64 : 32));
    expect(maxDifference(vector, meanOf(segments))).toBeLessThan(2e-5);
    expect(maxDifference(frames?.values as Float32Array, segments.flat())).toBeLessThan(2e-5);
    expect({ ...frames, values: undefined }).toEqual({
      count: 3,
      width: vector.length,
      starts: Float64Array.of(0, 0.2, 0.3),
      seconds: 0.2,
      bands,
    });
    expect(bands).toEqual([{ lowHz: 0, highHz: 4000, start: 0, end: vector.length }]);
    expect(logits).toBeUndefined();
  });

  it('tells labels, as the mean over segments of what it says of each', async () => {
    const example = tunedExample('echo', { ...crops, mix: false, pooling: 'cls', labels });
    const samples = sound(3200);
    const segments = await expectedSegments(example, cut(samples, [0, 1600]));
    const said = segments.map((segment) => dense(example, 'head.classes', segment));
    const found = await heard(example, samples);
    expect(found.labels).toEqual(labels);
    expect(maxDifference(found.logits as Float32Array, meanOf(said))).toBeLessThan(2e-5);
  });

  it('pools over overlapping segments with a transformer', async () => {
    const example = tunedExample('echo', { ...crops, ...pooling, hopSamples: 400 });
    const samples = sound(2500);
    const segments = await expectedSegments(example, cut(samples, [0, 400, 800, 900]));
    const expected = await expectedVector(example, segments);
    const found = await heard(example, samples);
    expect(maxDifference(found.vector, expected)).toBeLessThan(2e-5);
    expect(maxDifference(found.vector, meanOf(segments))).toBeGreaterThan(0.1);
  });

  it('hears what is shorter than a crop again from its start', async () => {
    const example = tunedExample('echo', { ...crops, ...pooling });
    const samples = sound(900);
    const twice = Float32Array.from({ length: CROP }, (_, i) => samples[i % 900]);
    const expected = await expectedVector(example, await expectedSegments(example, [twice]));
    expect(maxDifference((await heard(example, samples)).vector, expected)).toBeLessThan(2e-5);
  });

  it.each([
    ['the mean over segments', undefined],
    ['a transformer over 32 segments at once, and their mean', pooling.segments],
  ])('hears 40 segments: %s', async (_, segmentsOf) => {
    const { segments: _own, ...head } = pooling;
    const short = { sampleRate: RATE, cropSamples: 800, hopSamples: 400 };
    const example = tunedExample('echo', { ...short, ...head, ...(segmentsOf && { segments: segmentsOf }) });
    const samples = sound(800 + 39 * 400);
    const starts = Array.from({ length: 40 }, (_, i) => 400 * i);
    const segments = await expectedSegments(example, cut(samples, starts, 800));
    const parts = [segments.slice(0, 32), segments.slice(32)];
    const [first, second] = await Promise.all(parts.map((part) => expectedVector(example, part)));
    const expected = first.map((value, d) => (32 * value + 8 * second[d]) / 40);
    const { vector, frames } = await heard(example, samples, { frames: true });
    expect(maxDifference(vector, expected)).toBeLessThan(2e-5);
    expect(frames?.count).toBe(40);
    expect(maxDifference(frames?.values as Float32Array, segments.flat())).toBeLessThan(2e-5);
    expect(frames?.starts[39]).toBe(1.95);
  });

  it('hears recordings at its own rate, whatever theirs', async () => {
    const example = tunedExample('echo', { ...crops, mix: true, pooling: 'mean', embedding: 8 });
    const samples = sound(6000);
    const own = resample(samples, 12_000, RATE);
    const expected = meanOf(await expectedSegments(example, cut(own, [0, 1600, 2400])));
    expect(maxDifference((await heard(example, samples, { rate: 12_000 })).vector, expected)).toBeLessThan(2e-5);
  });

  it.each(tinyNames)('over %s', async (name) => {
    const settings = { sampleRate: 16_000, cropSamples: 8000, hopSamples: 8000 };
    const example = tunedExample(name, { ...settings, mix: true, pooling: 'mean', embedding: 8 });
    const samples = sound(8000);
    const [expected] = await expectedSegments(example, [samples]);
    expect(maxDifference((await heard(example, samples, { rate: 16_000 })).vector, expected)).toBeLessThan(5e-5);
    // What an encoder of 16 kHz makes of a recording of 8 kHz.
    const low = sound(4000);
    const [resampled] = await expectedSegments(example, [resample(low, 8000, 16_000)]);
    expect(maxDifference((await heard(example, low, { rate: 8000 })).vector, resampled)).toBeLessThan(5e-5);
  });

  it('keeps the statistics of a front end, random weights too', async () => {
    const settings = { sampleRate: 16_000, cropSamples: 8000, hopSamples: 8000 };
    const example = tunedExample('ced', { ...settings, mix: false, pooling: 'mean' });
    writeTuned(example, at('ced.safetensors'));
    for (const encoder of [at('ced.safetensors'), `${at('ced.safetensors')}@random`]) {
      const { weights } = loadWeights({ encoder });
      const kept = [...weights].filter(([name]) => name.includes('init_bn'));
      expect(kept.map(([name]) => name).sort()).toEqual(
        ['bias', 'running_mean', 'running_var', 'weight'].map((part) => `trunk.init_bn.1.${part}`),
      );
      for (const [name, { data }] of kept) expect(data).toEqual(example.values.get(name));
    }
  });

  it('with random weights keeps its labels, and gives vectors of a usual size', async () => {
    const example = tunedExample('echo', { ...crops, ...pooling, labels });
    writeTuned(example, at('labels.safetensors'));
    const found: Float32Array[] = [];
    for (const twin of ['@random', '@random', '@random2']) {
      const encoder = await loadEncoder({ encoder: `${at('labels.safetensors')}${twin}` });
      expect(encoder.labels).toEqual(labels);
      const { vector, logits } = await encoder.embed(recording(sound(4000)));
      await encoder.release();
      expect(logits).toHaveLength(3);
      found.push(vector);
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).not.toEqual(found[0]);
    const largest = Math.max(...found[0].map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    expect(largest).toBeLessThan(20);
  });

  it('refuses recordings that it cannot hear', async () => {
    writeTuned(tunedExample('echo', { ...crops, mix: false, pooling: 'mean' }), at('x.safetensors'));
    const encoder = await loadEncoder({ encoder: at('x.safetensors') });
    const one = sound(2000);
    await expect(encoder.embed(recording(new Float32Array(0)))).rejects.toThrow(
      /expected samples, found none \(mill\)/,
    );
    await expect(encoder.embed({ ...recording(one), channels: [one, one] })).rejects.toThrow(/expected one channel/);
    await expect(encoder.embed(recording(one.fill(Number.NaN, 7, 8)))).rejects.toThrow(InputError);
    await encoder.release();
  });
});
