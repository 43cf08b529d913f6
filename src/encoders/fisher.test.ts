import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { gridPositions } from '../nn/positions.ts';
import { fisherSpectrogram } from '../signal/log-spectrogram.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { EAT_PREFIX } from './eat-transformer.ts';
import { families } from './families.ts';
import { type FisherConfig, fisherPatches, fisherTransformer } from './fisher.ts';

const weights = readGolden('fisher/weights.safetensors') as Map<string, StoredTensor>;
const golden = readGolden('fisher/io.safetensors');
const table = toFloat32(weights.get(`${EAT_PREFIX}.fixed_positional_encoder.positions`) as StoredTensor);
const rates = { s16k: 16000, s25k6: 25600, s48k: 48000, s16k_zeropad: 16000 };

describe.each(Object.entries(rates))('golden %s', (name, sampleRate) => {
  const recording = { channels: [floats32(golden, `${name}.wav`)], sampleRate, name };
  describe.each([100, 50])('bands of %i bins', (bandBins) => {
    // The zero-padded signal was made without removing the mean again, which an encoder always does.
    it.runIf(name !== 's16k_zeropad').each(['readme', 'rmis'] as const)('embeds in %s mode', async (lengthMode) => {
      const encoder = await buildEncoder(name, recogniseWeights(weights, { heads: 2, bandBins, lengthMode }), weights);
      const { vector } = await encoder.embed(recording);
      expect(maxDifference(vector, floats(golden, `${name}.bw${bandBins}.emb_${lengthMode}`))).toBeLessThan(1e-4);
      await encoder.release();
    });

    it.each(['readme', 'rmis'] as const)('embeds the stored spectrogram in %s mode to 1e-5', async (lengthMode) => {
      const config: FisherConfig = { width: 64, depth: 2, heads: 2, bandBins, lengthMode };
      const logs = floats32(golden, `${name}.logspec`);
      const own = fisherSpectrogram(recording.channels[0], sampleRate);
      const stored = { ...own, values: logs.map((value) => (value + 3.017344307886898) / (2 * 2.1531635155379805)) };
      const cut = fisherPatches(stored, config);
      const scope = createScope();
      const patches = input('patches', ['sequences', 'patches', 256]);
      const { output } = fisherTransformer(scope, config, patches, input('positions', [1, 'patches', 64]));
      const results = await runGraph({ output }, weights, {
        patches: float32(cut.values, [cut.bands, cut.patches, 256]),
        positions: float32(table.subarray(0, cut.patches * 64), [1, cut.patches, 64]),
      });
      const step = (cut.patches + 1) * 64;
      const cls = Array.from({ length: cut.bands }, (_, b) => [
        ...results.output.subarray(b * step, b * step + 64),
      ]).flat();
      expect(maxDifference(cls, floats(golden, `${name}.bw${bandBins}.emb_${lengthMode}`))).toBeLessThan(1e-5);
    });
  });
});

it.each([100, 50])('computes every layer at 48 kHz, bands of %i bins', async (bandBins) => {
  const config: FisherConfig = { width: 64, depth: 2, heads: 2, bandBins, lengthMode: 'readme' };
  const spectrogram = fisherSpectrogram(floats32(golden, 's48k.wav'), 48000);
  const cut = fisherPatches(spectrogram, config);
  const patches = input('patches', ['sequences', 'patches', 256]);
  const { output, normed, layers } = fisherTransformer(
    createScope(),
    config,
    patches,
    input('positions', [1, 'patches', 64]),
  );
  const results = await runGraph(
    { output, normed, block0: layers[0].output, inner0: layers[0].inner, inner1: layers[1].inner },
    weights,
    {
      patches: float32(cut.values, [cut.bands, cut.patches, 256]),
      positions: float32(table.subarray(0, cut.patches * 64), [1, cut.patches, 64]),
    },
  );
  const expected = (key: string) => floats(golden, `s48k.bw${bandBins}.${key}`);
  expect(maxDifference(results.normed, expected('tokens_normed'))).toBeLessThan(1e-4);
  expect(maxDifference(results.block0, expected('block0_out'))).toBeLessThan(1e-4);
  expect(maxDifference(results.inner0, expected('block0_layer_result'))).toBeLessThan(1e-4);
  expect(maxDifference(results.inner1, expected('block1_layer_result'))).toBeLessThan(1e-4);
  expect(maxDifference(results.output, expected('block1_out'))).toBeLessThan(1e-4);
});

it('reads checkpoints that embed patches in another width and project them', async () => {
  const prefix = `${EAT_PREFIX}.local_encoder`;
  // 64 dimensions embedded in 80, the last 16 of them empty, and projected back: the same model.
  const pad = (key: string, columns: number) => {
    const data = new Float32Array(80 * columns);
    data.set(toFloat32(weights.get(key) as StoredTensor));
    return data;
  };
  const identity = Float32Array.from({ length: 64 * 80 }, (_, i) => (i % 80 === Math.floor(i / 80) ? 1 : 0));
  const projected = new Map(weights);
  projected.delete(`${prefix}.proj.weight`);
  projected.delete(`${prefix}.proj.bias`);
  const add = (key: string, shape: number[], data: Float32Array) => projected.set(key, { dtype: 'F32', shape, data });
  add(`${prefix}.0.proj.weight`, [80, 1, 16, 16], pad(`${prefix}.proj.weight`, 256));
  add(`${prefix}.0.proj.bias`, [80], pad(`${prefix}.proj.bias`, 1));
  add(`${prefix}.1.weight`, [64, 80], identity);
  add(`${prefix}.1.bias`, [64], new Float32Array(64));
  const encoder = await buildEncoder('projected', recogniseWeights(projected, { heads: 2 }), projected);
  const { vector } = await encoder.embed({ channels: [floats32(golden, 's48k.wav')], sampleRate: 48000, name: 's48k' });
  expect(maxDifference(vector, floats(golden, 's48k.bw100.emb_readme'))).toBeLessThan(1e-4);
});

it('computes the position table that the checkpoints store', () => {
  expect(maxDifference(gridPositions(128, 50, 64), table)).toBeLessThan(5e-6);
});

it('has the published number of parameters in every size', () => {
  const sizes = families.find(({ name }) => name === 'fisher')?.sizes ?? {};
  const millions = (size: string) => parameterCount(parameterShapes(sizes[size])) / 1e6;
  expect(millions('tiny')).toBeCloseTo(5.39, 2);
  expect(millions('mini')).toBeCloseTo(9.54, 2);
  expect(millions('small')).toBeCloseTo(21.39, 2);
});

it('says what is missing or of the wrong shape in a checkpoint', async () => {
  const incomplete = new Map(weights);
  incomplete.delete('blocks.1.norm2.bias');
  await expect(buildEncoder('x', recogniseWeights(incomplete, { heads: 2 }), incomplete)).rejects.toThrow(
    /blocks.1.norm2.bias/,
  );
  expect(() => recogniseWeights(new Map([['foo', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]))).toThrow(
    /echo, fisher, eat/,
  );
});
