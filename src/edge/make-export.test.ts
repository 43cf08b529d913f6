import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { recogniseWeights } from '../encoders/build.ts';
import { students, valuesOf as studentValues } from '../encoders/student.test-util.ts';
import { studentPlan } from '../encoders/student-config.ts';
import { foldStudent, quantiseStudent, studentTensors } from '../encoders/student-tensors.ts';
import { tinyEncoder } from '../encoders/tiny-encoders.test-util.ts';
import { loadProgram } from '../graph/program.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { hasCompiler } from './c-check.node.ts';
import type { SourceEncoder } from './export-graph.ts';
import { farthest, goldenBytes, goldenPathOf } from './golden-file.ts';
import { type ExportOptions, type MadeExport, makeExport } from './make-export.ts';
import type { KnownRecording } from './quality-gate.ts';
import { int8Student, studentSource } from './student-export.ts';
import { verifyExport } from './verify.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-edge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sounds(count: number, sampleRate: number, seconds = 1.1): KnownRecording[] {
  return Array.from({ length: count }, (_, n) => {
    const random = createRandom(`sound ${n}`);
    const step = (2 * Math.PI * random.uniform(100, sampleRate / 3)) / sampleRate;
    const channel = Float32Array.from(
      { length: Math.round(seconds * sampleRate) },
      (_, i) => 0.3 * Math.sin(step * i) + random.gaussian(0, 0.03),
    );
    return { recording: { channels: [channel], sampleRate, name: `sound ${n}` } };
  });
}

/** Writes an export with its golden numbers; the path. */
function written(name: string, { content, golden }: MadeExport): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  writeFileSync(goldenPathOf(path), goldenBytes(golden));
  return path;
}

const tiny = (name: string): SourceEncoder => ({ id: name, ...tinyEncoder(name) });

describe('a transformer', () => {
  const recordings = sounds(3, 16_000, 0.6);

  it('onnx: needs no recordings, and is the same', async () => {
    const made = await makeExport(tiny('echo'), { format: 'onnx' }, []);
    expect(made.quality).toBeUndefined();
    const verified = await verifyExport(written('echo.onnx', made));
    expect(verified.ran).toBe('onnx');
    expect(verified.difference).toBeLessThan(1e-6);
  });

  it.each([
    ['onnx', undefined, 1e-6],
    ['onnx-fp16', undefined, 1e-4],
    ['onnx-int8', 'float', 1e-2],
    ['onnx-int8', 'int8', 5e-2],
  ] as const)('%s %s: near the encoder', async (format, activations, loss) => {
    const options: ExportOptions = { format, tolerance: loss, ...(activations && { activations }) };
    const made = await makeExport(tiny('beats'), options, recordings);
    expect(made.quality?.recordings).toBe(3);
    expect(1 - (made.quality?.worstCosine ?? 0)).toBeLessThan(loss);
    expect(made.forced).toBe(false);
  });

  it('is refused where it loses too much, unless forced', async () => {
    const options: ExportOptions = { format: 'onnx-int8', activations: 'int8', tolerance: 0 };
    await expect(makeExport(tiny('eat'), options, recordings)).rejects.toThrow(
      /^export: onnx-int8 of eat loses .* of cosine between embeddings on 3 recordings, more than the tolerance of 0;/,
    );
    expect((await makeExport(tiny('eat'), { ...options, force: true }, recordings)).forced).toBe(true);
  });

  it('is refused without recordings, and in the formats of students', async () => {
    await expect(makeExport(tiny('eat'), { format: 'onnx-fp16' }, [])).rejects.toThrow(/--calibrate or --data/);
    for (const format of ['c', 'safetensors-int8'] as const) {
      await expect(makeExport(tiny('eat'), { format }, recordings)).rejects.toThrow(/expected a student for .*eat/);
    }
  });
});

describe.each(['classifier', 'embedder', 'cp-mobile', 'bands'] as const)('a student, %s', (kind) => {
  const config = students[kind];
  const recordings = sounds(6, 4000);
  const values = studentValues(config);
  const source: SourceEncoder = {
    id: kind,
    architecture: recogniseWeights(studentTensors(config, values), { family: 'student', student: config }),
    weights: studentTensors(config, values),
  };
  /** Random networks lose more than trained ones. */
  const loose = { tolerance: 1 };

  it('onnx-int8 and safetensors-int8: ranges from the recordings, one arithmetic', async () => {
    const model = await makeExport(source, { format: 'onnx-int8', ...loose }, recordings);
    expect(model.quality?.meanCosine).toBeGreaterThan(0.9);
    expect((await verifyExport(written(`${kind}.onnx`, model))).difference).toBeLessThan(1e-6);
    const weights = await makeExport(source, { format: 'safetensors-int8', ...loose }, recordings);
    expect(weights.quality).toEqual(model.quality);
    const verified = await verifyExport(written(`${kind}.safetensors`, weights));
    expect(verified).toMatchObject({ ran: 'safetensors', difference: 0 });
    const program = await loadProgram(model.content as Uint8Array);
    expect(farthest(weights.golden, await program.run(weights.golden.inputs)).difference).toBe(0);
    await program.release();
  });

  it.skipIf(!hasCompiler())('c: within a step of ONNX Runtime (skipped without cc)', async () => {
    const options: ExportOptions = { format: 'c', name: 'ear', sampleRate: 4000, ...loose };
    const made = await makeExport(source, options, recordings);
    const path = written(`${kind}.c`, made);
    const verified = await verifyExport(path);
    expect(verified.ran).toBe('c');
    expect(verified.difference).toBeLessThanOrEqual(1);
    // Other numbers are noticed.
    const { codes } = made.golden.outputs;
    const wrong = { ...codes, data: (codes.data as Uint8Array).map((code) => (code + 3) % 256) };
    writeFileSync(goldenPathOf(path), goldenBytes({ ...made.golden, outputs: { codes: wrong } }));
    await expect(verifyExport(path)).rejects.toThrow(/more than one step/);
  });

  it('brings its ranges along where training left them, and needs recordings where it did not', async () => {
    const ranges = studentPlan(config).layers.map((_, layer) => [-1 - 0.1 * layer, 2] as const);
    const stored = foldStudent(config, values, ranges);
    const hints = { family: 'student', student: stored.config };
    const folded = { id: kind, architecture: recogniseWeights(stored.tensors, hints), weights: stored.tensors };
    const expected = quantiseStudent(stored);
    expect(
      await int8Student(
        folded,
        sounds(1, 4000).map(({ recording }) => recording),
      ),
    ).toEqual(expected);
    // Whole numbers stay as they are.
    expect(await int8Student(studentSource(kind, expected), [])).toEqual(expected);
    await expect(int8Student(source, [])).rejects.toThrow(/name some with --calibrate/);
  });
});

describe('verifyExport', () => {
  it('names what is missing', async () => {
    const path = join(folder, 'alone.onnx');
    await expect(verifyExport(path)).rejects.toThrow(/expected golden numbers in .*alone\.onnx\.golden\.safetensors/);
  });

  it('fails where the numbers are others', async () => {
    const made = await makeExport(tiny('wav2vec2'), { format: 'onnx' }, []);
    const path = written('other.onnx', made);
    const mean = made.golden.outputs.mean;
    const data = (mean.data as Float32Array).map((value) => value * 1.1);
    writeFileSync(goldenPathOf(path), goldenBytes({ ...made.golden, outputs: { mean: { ...mean, data } } }));
    await expect(verifyExport(path)).rejects.toThrow(/mean is .* away from the golden numbers, more than 0\.01/);
    await expect(verifyExport(path, 0.2)).resolves.toMatchObject({ output: 'mean' });
  });
});
