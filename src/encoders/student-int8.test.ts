// Students in whole numbers beside the float students that they were made of.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { calibrate } from '../nn/calibrate.ts';
import { InputError } from '../signal/errors.ts';
import { importWeights } from './import.node.ts';
import { countParameters, identifyEncoder, loadEncoder, loadWeights } from './load.node.ts';
import { noise, recordingOf } from './sounds.test-util.ts';
import { encoderOf, names, samples, students, valuesOf } from './student.test-util.ts';
import { studentPlan } from './student-config.ts';
import { studentCost } from './student-cost.ts';
import { studentArchitecture } from './student-family.ts';
import { studentPictures } from './student-input.ts';
import { foldStudent, quantiseStudent, type StoredStudent, studentFile } from './student-tensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'student-'));
afterAll(() => rmSync(folder, { recursive: true }));

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe.each(names)('%s in whole numbers', (name) => {
  const config = students[name];
  const path = join(folder, `${name}-int8.safetensors`);
  const recordings = [recordingOf(samples, 4000), recordingOf(noise(3000, 'other'), 4000)];
  /** A folded student with the ranges of what it hears, and its int8 form. */
  const made = (async () => {
    const plan = studentPlan(config);
    const plain = new Map(
      Array.from(foldStudent(config, valuesOf(config)).tensors, ([key, own]) => [key, toFloat32(own)]),
    );
    const pictures = recordings.map(
      ({ channels, sampleRate }) => studentPictures(channels[0], sampleRate, config).values,
    );
    const folded = foldStudent(config, valuesOf(config), await calibrate(plan, plain, pictures));
    const whole = quantiseStudent(folded);
    writeFileSync(path, studentFile(whole));
    return { folded, whole };
  })();

  it('is loaded from a file, and hears nearly the same', async () => {
    const { folded } = await made;
    const [small, large] = [await loadEncoder({ encoder: path }), await encoderOf(folded.config, folded.tensors)];
    expect(small.labels).toEqual(large.labels);
    for (const recording of recordings) {
      const [a, b] = [await small.embed(recording), await large.embed(recording)];
      expect(a.bands).toEqual(b.bands);
      expect(cosine(a.vector, b.vector)).toBeGreaterThan(0.99);
      if (b.logits) expect(cosine(a.logits as Float32Array, b.logits)).toBeGreaterThan(0.99);
      expect(maxDifference(a.vector, b.vector)).toBeGreaterThan(1e-5);
    }
    await Promise.all([small.release(), large.release()]);
  });

  it('is smaller, and known by its numbers', async () => {
    const { folded, whole } = await made;
    expect(whole.config).toEqual({ ...config, form: 'int8' });
    const bytes = ({ tensors }: StoredStudent) =>
      [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(bytes(whole)).toBeLessThan(bytes(folded) / 2);
    expect(await countParameters({ encoder: path })).toBe(studentCost(config).parameters);
    const { fingerprint } = await identifyEncoder({ encoder: path });
    const weight = [...whole.tensors].find(([, { dtype }]) => dtype === 'I8') as [string, StoredTensor];
    const changed = Int8Array.from(weight[1].data as Int8Array, (value, i) => (i === 0 ? -value - 1 : value));
    const tensors = new Map(whole.tensors).set(weight[0], { ...weight[1], data: changed });
    const other = join(folder, `${name}-changed.safetensors`);
    writeFileSync(other, studentFile({ config: whole.config, tensors }));
    expect((await identifyEncoder({ encoder: other })).fingerprint).not.toBe(fingerprint);
  });

  it('is imported as it is, and has a float twin of random weights', async () => {
    await made;
    const imported = join(folder, `${name}-imported.safetensors`);
    await importWeights(path, { out: imported });
    const [a, b] = [loadWeights({ encoder: path }), loadWeights({ encoder: imported })];
    expect(b.weights).toEqual(a.weights);
    expect(b.architecture.config).toEqual(a.architecture.config);
    await expect(importWeights(path, { out: imported, float16: true })).rejects.toThrow(/expected F32/);
    const twin = loadWeights({ encoder: `${path}@random` });
    expect(twin.architecture.config).toEqual(config);
    expect([...twin.weights.values()].every(({ dtype }) => dtype === 'F32')).toBe(true);
  });

  it('needs ranges of all layers, and all tensors', async () => {
    const { folded, whole } = await made;
    const without = new Map([...folded.tensors].filter(([key]) => key !== 'range.3'));
    expect(() => quantiseStudent({ ...folded, tensors: without })).toThrow(/calibrate it first/);
    expect(() => quantiseStudent({ config, tensors: folded.tensors })).toThrow(/got form float/);
    expect(() => studentArchitecture(whole.config)).toThrow(InputError);
  });
});
