import { describe, expect, it } from 'vitest';
import { floats, floats32, type GoldenTensor, maxDifference, readGolden, readGoldenJson } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { add } from '../graph/elementwise.ts';
import { gatherRows } from '../graph/indexing.ts';
import { reshape } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { feedsOf, inputs } from './echo.test-util.ts';
import { type EchoConfig, echoBandPosition, echoBands, echoPatches, echoPatchTokens, echoTransformer } from './echo.ts';
import { families } from './families.ts';
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

it('has the published number of parameters in every size', () => {
  const sizes = families.find(({ name }) => name === 'echo')?.sizes ?? {};
  const positions = 126; // rows of the stored position table, which is computed here instead of loaded
  const count = (size: string) =>
    parameterCount(parameterShapes(sizes[size])) + positions * (sizes[size].config.width as number);
  expect(count('tiny')).toBe(5_461_632);
  expect(count('small')).toBe(21_540_096);
  expect(count('base')).toBe(85_547_520);
});
