// Distillation of an embedding: bands as both encoders hear them, losses, and runs that come to the same numbers.
import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../../tests/check-operator.ts';
import { maxDifference } from '../../../tests/golden.ts';
import { evaluate } from '../../../tests/graph-oracle/evaluate.ts';
import { buildEncoder, randomWeights } from '../../encoders/build.ts';
import { echoGraph } from '../../encoders/echo.ts';
import { echoArchitecture } from '../../encoders/echo-family.ts';
import { studentPlan } from '../../encoders/student-config.ts';
import { studentPictures } from '../../encoders/student-input.ts';
import { tinyEncoder } from '../../encoders/tiny-encoders.test-util.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import { constant } from '../../graph/tensor.ts';
import { calibrate } from '../../nn/calibrate.ts';
import { foldNorms } from '../../nn/layer-graph.ts';
import { createScope } from '../../nn/parameters.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import type { Clip } from '../data/types.ts';
import { train } from '../loop.ts';
import { memoryStore } from '../memory-store.test-util.ts';
import { tinyBandStudent, tinyBandTeacher } from './distil.test-util.ts';
import {
  type BandDistilOptions,
  bandDistilDefaults,
  bandDistilRecipe,
  bandPicturesOf,
  bandTeacher,
  commonEmbedding,
  drawBands,
  embeddingLosses,
} from './distil-bands.ts';
import { quantisedStart, type StudentPhase } from './distil-student.ts';

/** Clip number n: tones in noise at one of three rates, 24 frames and a few. */
function clipAt(n: number): Clip {
  const random = createRandom(`clip ${n}`);
  const sampleRate = [1200, 4000, 8000][n % 3];
  const hz = random.uniform(0.05, 0.45) * sampleRate;
  const length = Math.round(0.3 * sampleRate);
  const samples = Float32Array.from(
    { length },
    (_, i) => Math.sin((2 * Math.PI * hz * i) / sampleRate) + random.gaussian(0, 0.1),
  );
  return { samples, sampleRate, source: 'test' };
}

const { frontEnd } = tinyBandStudent;

describe('bands of a clip', () => {
  // 1200 Hz: 16 bins, which are one band; 24 frames in all.
  const clip = { ...clipAt(0), samples: clipAt(0).samples.slice(0, 30 + 23 * 12) };

  it('are the pictures that the student sees', () => {
    const bands = drawBands(clip, frontEnd, 2, createRandom(1));
    const { values } = studentPictures(clip.samples, clip.sampleRate, tinyBandStudent);
    const found = bandPicturesOf(bands, frontEnd);
    expect(values).toHaveLength(3 * 16 * 24);
    expect(maxDifference(found.subarray(0, values.length), values)).toBeLessThan(1e-6);
    expect(found.subarray(values.length)).toEqual(found.subarray(0, values.length));
  });

  it('are short ones with their bins at the top', () => {
    const slow = { ...clip, sampleRate: 1000, samples: clip.samples.slice(0, 25 + 23 * 10) };
    const { values } = studentPictures(slow.samples, 1000, tinyBandStudent);
    const found = bandPicturesOf(drawBands(slow, frontEnd, 1, createRandom(1)), frontEnd);
    expect(maxDifference(found, values)).toBeLessThan(1e-6);
    expect(found.slice(0, 24)).toEqual(new Float32Array(24));
  });

  it('are what the teacher hears: its embedding is that of the encoder', async () => {
    const { config } = tinyBandTeacher;
    const recipe = bandDistilRecipe(tinyBandStudent, tinyBandTeacher, {
      ...bandDistilDefaults,
      batch: 2,
      bandsPerClip: 1,
    });
    const { pictures: _ours, ...feeds } = recipe.plan(createRandom(1)).feeds([clip, clip], createRandom(1));
    const { cls } = echoGraph(createScope(), config, {}, { sequences: 2, patches: 3 });
    const program = await loadProgram(toOnnx({ outputs: { cls }, constants: tinyBandTeacher.weights }).bytes);
    const found = (await program.run(feeds)).cls.data as Float32Array;
    const architecture = echoArchitecture({ ...config, levelWeight: undefined } as typeof config);
    const encoder = await buildEncoder('echo', architecture, randomWeights(architecture, 3));
    const { vector } = await encoder.embed({ channels: [clip.samples], sampleRate: clip.sampleRate, name: 'clip' });
    expect(maxDifference(found.subarray(0, vector.length), vector)).toBeLessThan(1e-5);
    expect(found.subarray(vector.length)).toEqual(found.subarray(0, vector.length));
    await Promise.all([program.release(), encoder.release()]);
  });

  it('lie anywhere, all over the same frames', () => {
    const places = drawBands(clipAt(2), frontEnd, 40, createRandom(2)).map(({ position }) => position);
    // 8000 Hz: 101 bins, nFft 200: starts from 0 to 84.
    expect(Math.min(...places)).toBeLessThan(0.2);
    expect(Math.max(...places)).toBeGreaterThan(0.8);
    expect(new Set(places).size).toBeGreaterThan(20);
  });

  it('are refused of clips that are too short', () => {
    const short = { ...clip, samples: clip.samples.slice(0, 200) };
    expect(() => drawBands(short, frontEnd, 1, createRandom(1))).toThrow(
      /^distill: expected clips of at least 24 frames, got 15 \(test\); use longer clips$/,
    );
  });
});

describe('embeddingLosses', () => {
  const [student, teacher] = [
    [1, 0, 2, 1, -1, 3],
    [2, 1, 2, 0, 1, 2],
  ];

  it('follow their definitions', () => {
    const losses = embeddingLosses(constant(student, [3, 2], 'float64'), constant(teacher, [3, 2], 'float64'));
    const found = evaluate(Object.values(losses), new Map()).map(({ data }) => data[0]);
    // The teacher's mean is [5/3, 1].
    const rows = (all: number[]) => [0, 1, 2].map((i) => [all[2 * i] - 5 / 3, all[2 * i + 1] - 1]);
    const cosine = (a: number[], b: number[]) => (a[0] * b[0] + a[1] * b[1]) / Math.hypot(...a) / Math.hypot(...b);
    const [s, t] = [rows(student), rows(teacher)];
    const pairs = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => (cosine(s[i], s[j]) - cosine(t[i], t[j])) ** 2));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = (values: number[]) => mean(values.map((value) => value ** 2));
    expect(found[0]).toBeCloseTo(1 - mean(s.map((own, i) => cosine(own, t[i]))), 12);
    expect(found[1]).toBeCloseTo(mean(pairs), 12);
    expect(found[2]).toBeCloseTo(squares(student.map((value, i) => value - teacher[i])) / squares(t.flat()), 12);
  });

  it.each(['cosineLoss', 'relationLoss', 'squaredLoss'] as const)('%s has right gradients', async (name) => {
    await checkOperator({
      name,
      inputs: { s: [3, 4], t: [3, 4] },
      wrt: ['s'],
      build: ({ s, t }) => embeddingLosses(s, t)[name],
    });
  });
});

describe('a run', () => {
  const options: BandDistilOptions = {
    ...bandDistilDefaults,
    ...{ steps: 30, batch: 4, bandsPerClip: 3, learningRate: 5e-3, warmUpSteps: 3 },
  };
  async function* stream(from: number, batch: number, stride: number) {
    for (let n = from; ; n += stride) yield { clips: Array.from({ length: batch }, (_, i) => clipAt((n + i) % 24)) };
  }
  async function* drawn() {
    for (let n = 0; n < 24; n++) yield drawBands(clipAt(n), frontEnd, 3, createRandom(n));
  }
  const begin = commonEmbedding(tinyBandTeacher, frontEnd.frames, drawn());
  const run = async (steps: number, phase?: StudentPhase, store = memoryStore(), stopped?: () => boolean) => {
    const recipe = bandDistilRecipe(tinyBandStudent, tinyBandTeacher, options, phase, await begin);
    const common = { seed: 3, accumulate: 1, clips: stream, store, logEvery: 1, saveEvery: 100 };
    await train({ recipe, steps, ...common, ...(stopped && { stopped }) });
    if (!store.saved) throw new Error('nothing was saved');
    return { ...store, saved: store.saved };
  };

  it('learns what the teacher says of bands, which stays as it is', async () => {
    const { saved, records } = await run(30);
    const mean = (from: number, key: string) =>
      records.slice(from, from + 4).reduce((sum, one) => sum + one[key] / 4, 0);
    for (const key of ['cosineLoss', 'relationLoss'])
      expect([key, mean(26, key) < 0.85 * mean(0, key)]).toEqual([key, true]);
    // The student begins at the teacher's mean, so that what is left is the variance.
    expect(mean(0, 'squaredLoss')).toBeLessThan(2);
    expect(mean(26, 'squaredLoss')).toBeLessThan(0.95 * mean(0, 'squaredLoss'));
    for (const [name, values] of tinyBandTeacher.weights) {
      expect(saved.first.has(`source.${name}`)).toBe(false);
      if (saved.parameters.has(`source.${name}`)) expect(saved.parameters.get(`source.${name}`)).toEqual(values);
    }
    expect([...saved.parameters.keys()].filter((name) => name.startsWith('source.')).length).toBeGreaterThan(10);
  });

  it('comes to the same numbers when it is stopped and resumed, in both phases', async () => {
    const float = await run(3);
    const plan = studentPlan(tinyBandStudent);
    const pictures = bandPicturesOf(drawBands(clipAt(1), frontEnd, 6, createRandom(4)), frontEnd);
    const ranges = await calibrate(plan, foldNorms(plan, float.saved.parameters), [pictures]);
    const values = quantisedStart(plan, float.saved.parameters, ranges);
    for (const phase of [undefined, { kind: 'quantised', values, observeSteps: 2, stepsBefore: 3 } as const]) {
      const whole = await run(3, phase);
      const store = memoryStore();
      let done = 0;
      await run(3, phase, store, () => ++done === 1);
      expect(store.saved?.step).toBe(1);
      const halves = await run(3, phase, store);
      const losses = (records: readonly Record<string, number>[]) => records.map(({ loss, step }) => [step, loss]);
      expect(losses(halves.records)).toEqual(losses(whole.records));
      expect(halves.saved).toEqual(whole.saved);
    }
  });
});

describe('a teacher that does not fit', () => {
  it('is refused', () => {
    const heard = tinyEncoder('echo');
    expect(() => bandTeacher({ id: 'x', ...heard })).toThrow(/got one that hears it \(x\); take thrum-ear$/);
    expect(() => bandTeacher({ id: 'x', ...tinyEncoder('eat') })).toThrow(/got one of family eat \(x\)/);
    const wide = { ...tinyBandStudent, outputs: 7 };
    expect(() => bandDistilRecipe(wide, tinyBandTeacher, bandDistilDefaults)).toThrow(
      /expected a student of bands of 16 bins, frames in multiples of 8 and 32 outputs .* got 16 bins, 24 frames and 7 outputs/,
    );
  });
});
