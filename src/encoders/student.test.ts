import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { layerOutputs } from '../nn/layer-graph.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { noise, recordingOf } from './sounds.test-util.ts';
import { encoderOf, names, samples, students, tensorsOf, valuesOf } from './student.test-util.ts';
import { type StudentConfig, studentInput, studentPlan } from './student-config.ts';
import { studentPictures } from './student-input.ts';
import { foldStudent } from './student-tensors.ts';
import type { Embedding } from './types.ts';

async function heard(config: StudentConfig, samples: Float32Array, sampleRate = 4000): Promise<Embedding> {
  const encoder = await encoderOf(config);
  const embedding = await encoder.embed(recordingOf(samples, sampleRate), { frames: true });
  await encoder.release();
  return embedding;
}

/** Layers of the network for the pictures of a recording, one row for each. */
async function layersOf(config: StudentConfig, samples: Float32Array, sampleRate = 4000) {
  const plan = studentPlan(config);
  const shape = studentInput(config);
  const { values } = studentPictures(samples, sampleRate, config);
  const count = values.length / (shape[0] * shape[1] * shape[2]);
  const layers = layerOutputs(createScope(), plan, input('x', ['n', ...shape]), { norm: { training: false } });
  const outputs = {
    block: layers[plan.blocks.at(-1) as number],
    beforeLast: layers[layers.length - 2],
    last: layers[layers.length - 1],
  };
  const found = await runGraph(outputs, tensorsOf(config), { x: float32(values, [count, ...shape]) });
  const rows = (data: Float32Array) =>
    Array.from({ length: count }, (_, i) => data.subarray((i * data.length) / count, ((i + 1) * data.length) / count));
  return { block: rows(found.block), beforeLast: rows(found.beforeLast), last: rows(found.last) };
}

const meanOf = (rows: readonly Float32Array[]): number[] =>
  Array.from(rows[0], (_, d) => rows.reduce((sum, row) => sum + row[d], 0) / rows.length);

describe('the embedding', () => {
  it('of a classifier is what stands before its last layer, its logits the mean over the windows', async () => {
    const layers = await layersOf(students.classifier, samples);
    const { vector, logits, bands, frames } = await heard(students.classifier, samples);
    expect(vector).toHaveLength(16);
    expect(maxDifference(vector, meanOf(layers.beforeLast))).toBeLessThan(1e-5);
    expect(maxDifference(logits as Float32Array, meanOf(layers.last))).toBeLessThan(1e-5);
    expect(bands).toEqual([{ lowHz: 0, highHz: 1800, start: 0, end: 16 }]);
    expect(frames).toMatchObject({ count: 3, width: 16, seconds: 0.256, bands });
    expect([...(frames?.starts ?? [])]).toEqual([0, 0.256, 0.384]);
    expect(
      maxDifference(
        frames?.values as Float32Array,
        layers.beforeLast.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-5);
  });

  it('of a student without labels is its outputs', async () => {
    const layers = await layersOf(students.embedder, samples);
    const { vector, logits } = await heard(students.embedder, samples);
    expect(logits).toBeUndefined();
    expect(vector).toHaveLength(12);
    expect(maxDifference(vector, meanOf(layers.last))).toBeLessThan(1e-5);
  });

  it('of CP-Mobile is the mean of its last block over all positions', async () => {
    const layers = await layersOf(students['cp-mobile'], samples);
    const pooled = layers.block.map((row) => {
      const size = row.length / 32;
      return Float32Array.from(
        { length: 32 },
        (_, c) => row.subarray(c * size, (c + 1) * size).reduce((a, b) => a + b, 0) / size,
      );
    });
    const { vector, logits } = await heard(students['cp-mobile'], samples);
    expect(maxDifference(vector, meanOf(pooled))).toBeLessThan(1e-5);
    expect(maxDifference(logits as Float32Array, meanOf(layers.last))).toBeLessThan(1e-5);
  });

  it('of sub-bands has a part for every band', async () => {
    // 4 kHz: 100 points, 51 bins, 4 bands; 40 samples of hop, 62 frames, 4 windows.
    const layers = await layersOf(students.bands, samples);
    expect(layers.last).toHaveLength(16);
    const { vector, bands, frames } = await heard(students.bands, samples);
    expect(vector).toHaveLength(24);
    expect(bands.map(({ start, end }) => [start, end])).toEqual([
      [0, 6],
      [6, 12],
      [12, 18],
      [18, 24],
    ]);
    expect(bands.map(({ lowHz, highHz }) => [lowHz, highHz])).toEqual([
      [0, 640],
      [640, 1280],
      [1280, 1920],
      [1920, 2000],
    ]);
    for (const [b, { start, end }] of bands.entries()) {
      const own = layers.last.filter((_, i) => i % 4 === b);
      expect(maxDifference(vector.subarray(start, end), meanOf(own))).toBeLessThan(1e-5);
    }
    expect(frames).toMatchObject({ count: 4, width: 24, seconds: 0.2 });
    expect(
      maxDifference(
        frames?.values as Float32Array,
        layers.last.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-5);
  });

  it('of sub-bands has the level behind every band, with its weight', async () => {
    const { bands: plain } = students;
    const config: StudentConfig = { ...plain, frontEnd: { ...plain.frontEnd, levelWeight: 3 } };
    const [{ vector, bands, frames }, without] = [await heard(config, samples), await heard(plain, samples)];
    const { level } = studentPictures(samples, 4000, config);
    expect(bands.map(({ start, end }) => [start, end])).toEqual([
      [0, 7],
      [7, 14],
      [14, 21],
      [21, 28],
    ]);
    for (const [b, { start }] of bands.entries()) {
      expect(vector.subarray(start, start + 6)).toEqual(without.vector.subarray(6 * b, 6 * b + 6));
      expect(vector[start + 6]).toBeCloseTo(3 * level, 5);
    }
    expect(frames).toEqual(without.frames);
  });
});

describe.each(names)('%s', (name) => {
  const config = students[name];

  it('hears the same alone and beside others, in any number', async () => {
    const encoder = await encoderOf(config);
    // More windows than go through at once.
    const recordings = [
      recordingOf(noise(70 * 1024, 'long'), 4000),
      recordingOf(noise(500, 'short'), 4000),
      recordingOf(samples, 8000),
    ];
    const together = await encoder.embedMany(recordings, { frames: true });
    for (const [i, recording] of recordings.entries()) {
      const alone = await encoder.embed(recording, { frames: true });
      expect(maxDifference(together[i].vector, alone.vector)).toBeLessThan(1e-5);
      expect(maxDifference(together[i].logits ?? [], alone.logits ?? [])).toBeLessThan(1e-5);
      expect(together[i].frames?.count).toBe(alone.frames?.count);
      expect([...alone.vector].every(Number.isFinite)).toBe(true);
      expect(await encoder.embed(recording, { frames: true })).toEqual(alone);
    }
    await encoder.release();
  });

  it('refuses what it cannot hear', async () => {
    const encoder = await encoderOf(config);
    const broken = samples.slice().fill(Number.NaN, 70, 71);
    await expect(encoder.embed(recordingOf(broken, 4000))).rejects.toThrow(InputError);
    await expect(encoder.embed(recordingOf(new Float32Array(0), 4000))).rejects.toThrow(/expected samples, found none/);
    await expect(encoder.embed({ ...recordingOf(samples), channels: [samples, samples] })).rejects.toThrow(
      /one channel/,
    );
    const { vector } = await encoder.embed(recordingOf(new Float32Array(2000), 4000));
    expect(vector.every(Number.isFinite)).toBe(true);
    await encoder.release();
  });

  it('folded is the same network', async () => {
    const folded = foldStudent(config, valuesOf(config));
    expect(folded.config).toEqual({ ...config, form: 'folded' });
    expect([...folded.tensors.keys()].filter((key) => key.includes('running'))).toEqual([]);
    const encoder = await encoderOf(folded.config, folded.tensors);
    const found = await encoder.embed(recordingOf(samples, 4000));
    await encoder.release();
    const wanted = await heard(config, samples);
    expect(maxDifference(found.vector, wanted.vector)).toBeLessThan(1e-4);
    expect(maxDifference(found.logits ?? [], wanted.logits ?? [])).toBeLessThan(1e-4);
    expect(Math.max(...wanted.vector.map(Math.abs))).toBeGreaterThan(0.05);
  });
});
