import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasGolden, maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { resample } from '../signal/resample.ts';
import { createWavFolder, type WavFolder } from '../signal/wav-folder.test-util.ts';
import { buildEncoder, parameterShapes, randomWeights, recogniseWeights } from './build.ts';
import { ced } from './ced.ts';
import { writeTorchFile } from './checkpoint/torch-file.test-util.ts';
import { dasheng } from './dasheng.ts';
import { importWeights } from './import.node.ts';
import { loadEncoder, readCheckpoint } from './load.node.ts';
import { melDb, normaliseMel } from './mel-db.ts';
import { config, huggingFaceNames, melVitGolden, models, type State, small } from './mel-vit.test-util.ts';
import { type MelVitConfig, melPatches, melVitGraph } from './mel-vit.ts';
import { melVitName } from './mel-vit-family.ts';
import { noise, recordingOf } from './sounds.test-util.ts';

import type { Encoder } from './types.ts';

describe.each(models)('recordings heard by %s', (_, vit, own) => {
  const { architecture, weights } = small(vit, own);
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await buildEncoder('small', architecture, weights);
  });
  afterAll(() => encoder.release());
  const rows = 64 / vit.patchMels;
  const embed = (wave: Float32Array, sampleRate = 16_000) =>
    encoder.embed(recordingOf(wave, sampleRate), { frames: true });

  it('have a frame for every column of patches', async () => {
    const wave = noise(160 * 90, 'frames');
    const { vector, frames, bands } = await embed(wave);
    const columns = Math.floor(91 / vit.patchFrames);
    const chunk = { from: 0, columns, counted: columns, heard: columns };
    const { values, patches } = melPatches(normaliseMel(melDb([wave])[0], weights), chunk, vit);
    const graph = melVitGraph(createScope(), vit, own);
    const feeds = { patches: float32(values, [1, patches, vit.patchMels * vit.patchFrames]) };
    const { cls, tokens } = await runGraph(graph, weights, feeds);
    expect(maxDifference(vector, cls)).toBeLessThan(1e-5);
    const expected = Array.from({ length: columns * 32 }, (_value, at) => {
      const [t, d] = [Math.floor(at / 32), at % 32];
      const stacked = Array.from({ length: rows }, (_row, row) => tokens[(row * columns + t) * 32 + d]);
      return stacked.reduce((sum, value) => sum + value, 0) / rows;
    });
    expect(maxDifference(frames?.values ?? [], expected)).toBeLessThan(1e-5);
    const seconds = vit.patchFrames * 0.01;
    expect(frames).toMatchObject({ count: columns, width: 32, seconds, bands });
    const starts = Array.from({ length: columns }, (_value, t) => t * seconds);
    expect(maxDifference(frames?.starts ?? [], starts)).toBeLessThan(1e-12);
    expect(bands).toEqual([{ lowHz: 0, highHz: 8000, start: 0, end: 32 }]);
    expect((await encoder.embed(recordingOf(wave))).frames).toBeUndefined();
  });

  it('that are long have frames of all their chunks, none of padding', async () => {
    // 241 frames: two chunks of 100, and 41.
    const { frames, vector } = await embed(noise(160 * 240, 'long'));
    const each = Math.floor(100 / vit.patchFrames);
    const count = 2 * each + Math.floor(41 / vit.patchFrames);
    expect(frames?.count).toBe(count);
    expect(frames?.starts[each]).toBeCloseTo(1, 9);
    expect(frames?.starts[count - 1]).toBeCloseTo(2 + (count - 1 - 2 * each) * vit.patchFrames * 0.01, 9);
    expect(frames?.values.every(Number.isFinite)).toBe(true);
    // Of CED the padding counts in the embedding; of Dasheng it is the mean of the frames.
    const mean = vector.map((_value, d) => {
      const own = Array.from({ length: count }, (_frame, t) => frames?.values[t * 32 + d] ?? 0);
      return own.reduce((sum, value) => sum + value, 0) / count;
    });
    expect(maxDifference(mean, vector) < 1e-4).toBe(vit === dasheng);
  });

  it('are resampled to 16 kHz', async () => {
    const wave = noise(22_050, 'rate');
    const { vector } = await embed(wave, 22_050);
    expect(maxDifference(vector, (await embed(resample(wave, 22_050, 16_000))).vector)).toBe(0);
    expect(maxDifference(vector, (await embed(wave)).vector)).toBeGreaterThan(1e-3);
  });

  it('are the same alone and among others', async () => {
    const waves = [noise(16_000, 1), noise(40_000, 2), noise(9000, 3), noise(16_000, 4, 1)].map((w) => recordingOf(w));
    const together = await encoder.embedMany(waves);
    for (const [i, wave] of waves.entries()) {
      expect(maxDifference((await encoder.embed(wave)).vector, together[i].vector)).toBeLessThan(1e-5);
    }
  });

  it.each([16_000, 44_100, 8000, 12_345])('need a patch of sound at %i Hz', async (rate) => {
    const least = ((vit.patchFrames - 1) * 160 * rate) / 16_000;
    // The last sample at 16 kHz may lie beyond the end: their number is rounded up.
    const shortest = Math.floor(least - rate / 16_000) + 1;
    expect((await embed(noise(shortest, 'short'), rate)).frames?.count).toBe(1);
    const refused = embed(noise(shortest - 1, 'short'), rate);
    await expect(refused).rejects.toBeInstanceOf(InputError);
    const message = `${vit.family}: expected at least ${shortest} samples at ${rate} Hz (`;
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(` s), got ${shortest - 1} (wave); use a longer recording`);
  });

  it('of two channels, without samples, or not finite, are refused', async () => {
    const channel = noise(16_000, 'two');
    const two = { channels: [channel, channel], sampleRate: 16_000, name: 'two' };
    await expect(encoder.embed(two)).rejects.toThrow(/expected one channel, got 2/);
    await expect(embed(new Float32Array(0))).rejects.toThrow(/expected at least \d+ samples/);
    for (const rate of [16_000, 32_000]) {
      const broken = noise(32_000, 'broken').fill(Number.NaN, 77, 78);
      await expect(embed(broken, rate)).rejects.toThrow(/expected finite samples, got NaN at sample 77/);
    }
  });
});

it('cuts patches row by row, zeros behind the recording', () => {
  const values = Float32Array.from({ length: 70 * 64 }, (_, i) => i + 1);
  for (const vit of [ced, dasheng]) {
    const columns = 3;
    const from = 70 - 2 * vit.patchFrames - 1;
    const cut = melPatches(values, { from, columns, counted: columns, heard: 2 }, vit);
    const expected: number[] = [];
    for (let row = 0; row < 64; row += vit.patchMels) {
      for (let column = 0; column < columns; column++) {
        for (let mel = row; mel < row + vit.patchMels; mel++) {
          for (let t = 0; t < vit.patchFrames; t++) {
            expected.push(values[(from + column * vit.patchFrames + t) * 64 + mel] ?? 0);
          }
        }
      }
    }
    expect(cut).toMatchObject({ bands: 1, patches: (64 / vit.patchMels) * columns });
    expect([...cut.values]).toEqual(expected);
  }
});

describe('files', () => {
  let folder: WavFolder;
  beforeAll(() => {
    folder = createWavFolder();
  });
  afterAll(() => folder.remove());

  const layouts: [string, (state: State, config: MelVitConfig) => Uint8Array, boolean][] = [
    ['safetensors, original names', (state) => writeSafetensors(state), false],
    ['safetensors of Hugging Face, init_bn', (state) => writeSafetensors(huggingFaceNames(state, false)), false],
    ['safetensors of Hugging Face, init_bn.1', (state) => writeSafetensors(huggingFaceNames(state, true)), false],
    ['torch, flat', (state) => writeTorchFile(state), false],
    ['torch, under model', (state) => writeTorchFile({ model: state }), false],
    [
      'torch, model and config',
      (state, { width, depth, heads, targetLength }) =>
        writeTorchFile({
          model: state,
          config: { embed_dim: width, depth, num_heads: heads, target_length: targetLength, patch_size: [64, 4] },
        }),
      true,
    ],
  ];

  describe.each([ced, dasheng].map((vit) => [vit.family, vit] as const))('%s', (family, vit) => {
    // One position less than the frames at once reach.
    const { weights, architecture, hints } = small(vit, { ...config, targetLength: 112 });
    const state: State = new Map(weights);
    state.set('outputlayer.1.bias', { dtype: 'F32', shape: [3], data: new Float32Array(3) });

    it.each(layouts)('%s', async (layout, write, told) => {
      const path = folder.write(`${family} ${layout}`, write(state, { ...config, targetLength: 112 }));
      const read = readCheckpoint(path, told ? {} : { heads: 2, targetLength: 112 });
      expect(recogniseWeights(read.weights, read.hints)).toMatchObject({ family, config: architecture.config });
      const loaded = await loadEncoder({ encoder: path, hints: told ? {} : { heads: 2, targetLength: 112 } });
      const reference = await buildEncoder('reference', architecture, weights);
      expect(loaded.fingerprint).toBe(reference.fingerprint);
      const recording = recordingOf(noise(30_000, 'layout'));
      expect(await loaded.embed(recording)).toEqual(await reference.embed(recording));
      await Promise.all([loaded.release(), reference.release()]);
    });

    it.skipIf(!hasGolden(`peers_${family}`))(
      'with their window and filters (reference numbers beside the project)',
      () => {
        const { model } = melVitGolden(`peers_${family}`);
        const tensors = new Map([...model].filter(([, { dtype }]) => dtype === 'F32'));
        const path = folder.write(`${family}.pt`, writeTorchFile({ model: tensors, config: { num_heads: 4 } }));
        const { weights: found, hints: own } = readCheckpoint(path);
        expect(recogniseWeights(found, own).config).toMatchObject({ width: 64, heads: 4 });
      },
    );

    it('are imported with their statistics', async () => {
      const path = folder.write(`${family} to import`, writeSafetensors(huggingFaceNames(state, false)));
      const out = folder.path(`${family}-imported.safetensors`);
      const imported = await importWeights(path, { out, hints });
      expect(imported.largestDifference).toBe(0);
      const { weights: kept, hints: told } = readCheckpoint(out);
      expect([...kept.keys()].sort()).toEqual([...parameterShapes(architecture).keys()].sort());
      expect(recogniseWeights(kept, told).config).toEqual(architecture.config);
    });

    it('without statistics, or of another front end, are refused', () => {
      const without = new Map(state);
      without.delete('init_bn.1.running_mean');
      expect(() => recogniseWeights(without, hints)).toThrow(/expected a tensor init_bn\.1\.running_mean, found none/);
      const window = { dtype: 'F32' as const, shape: [400], data: new Float32Array(400) };
      const other = new Map(state).set('front_end.0.spectrogram.window', window);
      expect(() => recogniseWeights(other, hints)).toThrow(/expected front_end\.0\.spectrogram\.window \[512\]/);
      const short = { ...hints, targetLength: vit.patchFrames - 1 };
      expect(() => recogniseWeights(state, short)).toThrow(/expected a targetLength of at least/);
    });
  });

  it('a way to cut is of Dasheng only, the frames at once of both', () => {
    const other = { chunks: 'padded' as const, targetLength: 64, heads: 2 };
    expect(recogniseWeights(small(ced).weights, other).config).toEqual({ ...config, targetLength: 64 });
    const own = { ...config, columns: 25 };
    expect(recogniseWeights(small(dasheng, own).weights, other).config).toEqual({
      ...own,
      targetLength: 64,
      chunks: 'padded',
    });
  });

  it.each([
    ['encoder.init_bn.running_var', 'init_bn.1.running_var'],
    ['encoder.init_bn.1.weight', 'init_bn.1.weight'],
    ['encoder.blocks.0.attn.qkv.weight', 'blocks.0.attn.qkv.weight'],
    ['outputlayer.1.weight', 'outputlayer.1.weight'],
    ['time_pos_embed', 'time_pos_embed'],
  ])('%s is %s', (name, own) => {
    expect(melVitName(name)).toBe(own);
  });
});

describe('random weights', () => {
  it('keep the statistics of the front end', () => {
    const { architecture, weights } = small(dasheng, { ...config, columns: 25 });
    const random = randomWeights(architecture, 9);
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `init_bn.1.${name}`)) {
      expect(random.get(part)).toEqual(weights.get(part));
    }
    expect(random.get('norm.weight')).not.toEqual(weights.get('norm.weight'));
  });

  it('change the fingerprint with the statistics', async () => {
    const { architecture, weights } = small(ced);
    const changed = new Map(weights).set('init_bn.1.running_mean', {
      dtype: 'F32',
      shape: [64],
      data: new Float32Array(64),
    });
    const [a, b] = [await buildEncoder('a', architecture, weights), await buildEncoder('b', architecture, changed)];
    expect(a.fingerprint).not.toBe(b.fingerprint);
    const recording = recordingOf(noise(8000, 'statistics'));
    expect(maxDifference((await a.embed(recording)).vector, (await b.embed(recording)).vector)).toBeGreaterThan(1e-3);
    await Promise.all([a.release(), b.release()]);
  });
});
