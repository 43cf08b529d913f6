import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { recogniseWeights } from './build.ts';
import { loadEncoder, loadWeights } from './load.node.ts';
import { recordingOf } from './sounds.test-util.ts';
import { hintsOf, storedHints } from './stored-hints.ts';
import { encoderOf, labels, mel, mobile, names, samples, students, tensorsOf, valuesOf } from './student.test-util.ts';
import { type MelFrontEnd, type StudentConfig, studentPlan } from './student-config.ts';
import { studentArchitecture, studentSizes } from './student-family.ts';
import { foldStudent, studentFile } from './student-tensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'student-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file', () => {
  const write = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it.each(names)('of %s is loaded as it was', async (name) => {
    const config = students[name];
    const path = write(`${name}.safetensors`, studentFile({ config, tensors: tensorsOf(config) }));
    const [loaded, made] = [await loadEncoder({ encoder: path }), await encoderOf(config)];
    expect(loaded.fingerprint).toBe(made.fingerprint);
    expect(loaded.labels).toEqual((config as StudentConfig).labels);
    const recording = recordingOf(samples, 4000);
    expect(await loaded.embed(recording)).toEqual(await made.embed(recording));
    await Promise.all([loaded.release(), made.release()]);
  });

  it('with random weights is a float student with labels', async () => {
    const folded = foldStudent(students.classifier, valuesOf(students.classifier));
    const path = write('folded.safetensors', studentFile(folded));
    const twin = loadWeights({ encoder: `${path}@random3` });
    expect(twin.architecture.config).toEqual(students.classifier);
    const encoder = await loadEncoder({ encoder: `${path}@random3` });
    expect(encoder.labels).toEqual(labels);
    const { vector, logits } = await encoder.embed(recordingOf(samples, 4000));
    await encoder.release();
    expect(new Set(vector).size).toBeGreaterThan(8);
    expect(logits).toHaveLength(3);
  });

  it('takes another weight of the level', () => {
    const path = write(
      'level.safetensors',
      studentFile({ config: students.bands, tensors: tensorsOf(students.bands) }),
    );
    const { architecture } = loadWeights({ encoder: path, hints: { levelWeight: 2 } });
    expect(architecture.config).toMatchObject({ frontEnd: { levelWeight: 2 } });
  });

  it('has a fingerprint of all settings, in any order', async () => {
    const { frontEnd, ...rest } = students.embedder;
    const prints: string[] = [];
    for (const config of [
      students.embedder,
      { ...rest, frontEnd: { ...frontEnd, mean: -3.5 } },
      { ...rest, frontEnd: Object.fromEntries(Object.entries(frontEnd).reverse()) as MelFrontEnd },
    ] satisfies StudentConfig[]) {
      const encoder = await encoderOf(config, tensorsOf(students.embedder));
      await encoder.release();
      prints.push(encoder.fingerprint);
    }
    expect(prints[1]).not.toBe(prints[0]);
    expect(prints[2]).toBe(prints[0]);
  });
});

describe('settings', () => {
  it.each(Object.entries(studentSizes))('of %s are stored and found again', (_name, config) => {
    const architecture = studentArchitecture(config);
    const hints = storedHints(JSON.stringify({ hints: hintsOf(architecture) }), 'x');
    expect(recogniseWeights(new Map(), hints).config).toEqual(config);
  });

  const { classifier } = students;
  it.each([
    [
      'of windows too short for their frames',
      { ...classifier, frontEnd: { ...mel, frames: 2 } },
      /at least 65 samples/,
    ],
    ['of filters beyond the rate', { ...classifier, frontEnd: { ...mel, fMax: 2001 } }, /fMax <= 2000/],
    ['of a transform of odd length', { ...classifier, frontEnd: { ...mel, nFft: 129 } }, /frontEnd\.nFft/],
    ['of too few labels', { ...classifier, outputs: 4 }, /as many labels as the student has outputs, 4, got 3/],
    ['of no network', { ...classifier, network: { ...mobile, blocks: [] } }, /network\.blocks/],
  ])('%s are refused', (_name, config, message) => {
    expect(() => studentArchitecture(config as StudentConfig)).toThrow(message);
    expect(() => studentArchitecture(config as StudentConfig)).toThrow(InputError);
  });

  it('are needed beside the tensors of a MobileNetV2', () => {
    expect(() => recogniseWeights(tensorsOf(classifier))).toThrow(
      /expected the settings of a student beside its weights/,
    );
  });
});

describe('values', () => {
  const { classifier } = students;
  const broken = (name: string, change: (values: Float32Array) => Float32Array | undefined) => {
    const values = valuesOf(classifier);
    const changed = change(values.get(name) as Float32Array);
    if (changed) values.set(name, changed);
    else values.delete(name);
    return () => foldStudent(classifier, values);
  };

  it('that are missing, too many or no numbers make no file', () => {
    const name = 'features.2.conv.1.1.running_mean';
    for (const change of [() => undefined, () => new Float32Array(17), (own: Float32Array) => own.fill(Number.NaN)]) {
      expect(broken(name, change)).toThrow(/^studentTensors: expected finite values of features\.2/);
      expect(broken(name, change)).toThrow(InputError);
    }
  });

  it('are folded once, with a range for every layer', () => {
    const values = valuesOf(classifier);
    expect(() => foldStudent({ ...classifier, form: 'folded' }, values)).toThrow(/got form folded/);
    expect(() => foldStudent(classifier, values, [[0, 1]])).toThrow(/and 1 ranges/);
    const count = studentPlan(classifier).layers.length;
    const ranges = Array.from({ length: count }, (_, i): [number, number] => [-i, i]);
    const { tensors } = foldStudent(classifier, values, ranges);
    expect(toFloat32(tensors.get(`range.${count - 1}`) as StoredTensor)).toEqual(Float32Array.of(1 - count, count - 1));
  });
});
