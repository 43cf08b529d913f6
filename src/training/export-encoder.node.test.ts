import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { goldenPath, maxDifference, readGolden } from '../../tests/golden.ts';
import { recogniseWeights } from '../encoders/build.ts';
import type { EchoConfig } from '../encoders/echo.ts';
import { sha256Of } from '../encoders/import.node.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import { readSafetensors } from '../graph/safetensors.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { distilledEcho } from './distilled.ts';
import { exportEncoder } from './export-encoder.node.ts';
import { distillationGraph, TEACHER_PREFIX, teacherScope } from './self-distillation.ts';
import { initialState, type TrainingState } from './step.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-export-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

const mini = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
// 2 heads, where the width would suggest 1: the file has to say so.
const architecture = recogniseWeights(mini, { heads: 2 });

/** A state of ECHO pre-training: the golden weights, a decoder beside them, and a teacher at 0.9 of the student. */
function pretraining(): TrainingState {
  const shape = { sequences: 2, clones: 2, rows: 4, columns: 1, kept: 2 };
  const decoder = { layers: 1, kernel: 3, groups: 4, prefix: 'decoder' };
  const encoder = distilledEcho(architecture.config as EchoConfig, shape);
  const weights = { utterance: 1, weighting: 'balanced' } as const;
  const { loss } = distillationGraph(encoder, createScope(), teacherScope(), shape, decoder, weights);
  const shapes = parametersOf([loss]);
  const own = new Map([...shapes].filter(([name]) => !name.startsWith(TEACHER_PREFIX)));
  const teacherNames = [...shapes.keys()].flatMap((name) => (own.has(name) ? [] : [name.slice(TEACHER_PREFIX.length)]));
  const values = new Map(
    Array.from(own, ([name, dims]) => {
      const golden = mini.get(name);
      return [name, golden ? toFloat32(golden) : new Float32Array(dims.reduce((a, b) => a * b, 1))];
    }),
  );
  const state = initialState({ shapes: own, trainedNames: [...own.keys()], teacherNames }, values);
  for (const data of state.teacher.values()) for (let i = 0; i < data.length; i++) data[i] *= 0.9;
  return { ...state, step: 12 };
}

const tone = {
  channels: [Float32Array.from({ length: 4000 }, (_, i) => Math.sin(0.3 * i))],
  sampleRate: 16000,
  name: 'tone',
};

async function hear(encoder: string, hints = {}) {
  const loaded = await loadEncoder({ encoder, hints });
  const { vector } = await loaded.embed(tone);
  await loaded.release();
  return { fingerprint: loaded.fingerprint, vector };
}

describe('exportEncoder', () => {
  it('writes a student that --encoder hears with, without decoder and moments', async () => {
    const out = join(folder, 'deep', 'student.safetensors');
    const exported = exportEncoder(pretraining(), architecture, out, { weights: 'student' });
    expect(exported).toEqual({ path: out, parameters: 132_992, sha256: sha256Of(readFileSync(out)), fromStudent: [] });
    const { tensors, metadata } = readSafetensors(readFileSync(out));
    expect([...tensors.keys()].filter((name) => /decoder|teacher|first|second/.test(name))).toEqual([]);
    expect(JSON.parse(metadata.thrum)).toMatchObject({
      family: 'echo',
      hints: { heads: 2 },
      trained: { weights: 'student', step: 12 },
    });
    expect(await hear(out)).toEqual(await hear(goldenPath('echo/mini64.weights.safetensors'), { heads: 2 }));
  });

  it('writes the teacher by default, and says which tensors only the student has', async () => {
    const out = join(folder, 'teacher.safetensors');
    const state = pretraining();
    // Targets are taken before the last norms.
    const lastNorms = ['encoder.layers.1.norm2', 'norm'].flatMap((name) => [`${name}.weight`, `${name}.bias`]);
    const { fromStudent } = exportEncoder(state, architecture, out);
    expect(fromStudent).toEqual(lastNorms);
    const { tensors } = readSafetensors(readFileSync(out));
    for (const [name, { shape, data }] of tensors) {
      const expected = fromStudent.includes(name) ? state.parameters.get(name) : state.teacher.get(name);
      expect(maxDifference(data as Float32Array, expected as Float32Array), name).toBe(0);
      expect(shape).toEqual(mini.get(name)?.shape);
    }
    const [teacher, student] = [
      await hear(out),
      await hear(goldenPath('echo/mini64.weights.safetensors'), { heads: 2 }),
    ];
    expect(maxDifference(teacher.vector, student.vector)).toBeGreaterThan(0.01);
  });

  it('halves the file for float16', async () => {
    const [whole, half] = [join(folder, 'whole.safetensors'), join(folder, 'half.safetensors')];
    exportEncoder(pretraining(), architecture, whole);
    exportEncoder(pretraining(), architecture, half, { float16: true });
    expect(statSync(half).size / statSync(whole).size).toBeLessThan(0.52);
    const difference = maxDifference((await hear(half)).vector, (await hear(whole)).vector);
    expect(difference).toBeGreaterThan(1e-6);
    expect(difference).toBeLessThan(0.01);
  });

  it('refuses a state of another architecture, one that has diverged, and a file that cannot be written', () => {
    const state = pretraining();
    const out = join(folder, 'x.safetensors');
    const renamed = { ...architecture, family: 'ohce' };
    expect(() => exportEncoder(state, renamed, out)).toThrow(/expected a family of echo, fisher, eat, got ohce/);
    const narrower = { ...architecture, config: { ...architecture.config, heads: 4 } };
    expect(() => exportEncoder(state, { ...narrower, config: { ...narrower.config, patchFrames: 8 } }, out)).toThrow(
      /to be read again as echo .*, got echo/,
    );
    const incomplete = { ...state, teacher: new Map(), parameters: new Map([...state.parameters].slice(1)) };
    expect(() => exportEncoder(incomplete, architecture, out)).toThrow(/in the training state, got none/);
    state.teacher.values().next().value?.fill(Number.NaN);
    expect(() => exportEncoder(state, architecture, out)).toThrow(/expected finite values in .*; the run has diverged/);
    writeFileSync(join(folder, 'file'), '');
    expect(() => exportEncoder(pretraining(), architecture, join(folder, 'file', 'x'))).toThrow(
      /^exportEncoder: cannot write .*; mend that, then export again$/,
    );
    expect(readdirSync(folder)).toEqual(['file']);
  });
});
