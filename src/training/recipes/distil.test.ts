// Distillation of a classifier: what both hear, that it learns, and that a run which was stopped comes to the same numbers.
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { studentPlan } from '../../encoders/student-config.ts';
import { studentPictures } from '../../encoders/student-input.ts';
import { tinyEncoder } from '../../encoders/tiny-encoders.test-util.ts';
import type { Feeds } from '../../graph/runtime.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { calibrate } from '../../nn/calibrate.ts';
import { foldNorms } from '../../nn/layer-graph.ts';
import { resample } from '../../signal/resample.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import type { LabelledCrop } from '../data/labelled-types.ts';
import type { LoopOptions } from '../loop.ts';
import { memoryStore } from '../memory-store.test-util.ts';
import { tinyOptions, tinyStudent } from './distil.test-util.ts';
import { cropPlan, type DistilOptions, distilRecipe, type SceneStudent } from './distil.ts';
import { quantisedStart, type StudentPhase } from './distil-student.ts';
import { distilTeacher } from './distil-teacher.ts';
import { classes, cropsFrom, RATE, trained } from './tune.test-util.ts';

const teacherOf = (name: string) => distilTeacher({ id: name, ...tinyEncoder(name) }, ['low', 'middle', 'high']);
const recipeOf = (
  name: string | undefined,
  changes: Partial<DistilOptions> = {},
  phase?: StudentPhase,
  student: SceneStudent = tinyStudent,
) =>
  distilRecipe(
    student,
    name === undefined ? undefined : teacherOf(name),
    classes,
    { ...tinyOptions, ...changes },
    phase,
  );

const numbers = (feeds: Feeds, name: string): Float32Array => feeds[name].data as Float32Array;

describe('what a step of distillation hears', () => {
  const crops = cropsFrom(0, 6);
  const feedsOf = (changes: Partial<DistilOptions> = {}, step = 1, name?: 'none') => {
    const random = createRandom('step');
    return recipeOf(name === 'none' ? undefined : 'wav2vec2', changes)
      .plan(random, step)
      .feeds(crops, random);
  };
  const plain = feedsOf();

  it('is the pictures of the crops, and what the teacher hears of them', () => {
    const size = 16 * 21;
    for (const [i, { samples }] of crops.entries()) {
      const own = studentPictures(samples, RATE, tinyStudent).values;
      expect(numbers(plain, 'pictures').slice(i * size, (i + 1) * size)).toEqual(own);
    }
    expect([...numbers(plain, 'labels')]).toEqual(
      crops.flatMap(({ classIndex: c }) => [0, 1, 2].map((k) => +(k === c))),
    );
    const { trunk } = tinyEncoder('wav2vec2');
    const heard = trunk.feeds(
      crops.map(({ samples }) => trunk.features(samples, RATE)),
      RATE,
    );
    expect(numbers(plain, 'samples')).toEqual(heard.samples.data);
  });

  it('cools by epochs', () => {
    const at = (step: number) => numbers(feedsOf({}, step), 'temperature')[0];
    expect(at(1)).toBe(8);
    expect(at(1 + 4 * tinyOptions.epochSteps)).toBeCloseTo(2 + 6 * Math.exp(-0.04), 6);
  });

  it('mixes sounds and labels for both alike', () => {
    const mixed = feedsOf({ augmentation: { mixup: 5 } });
    const labels = numbers(mixed, 'labels');
    const lambda = labels[crops[0].classIndex];
    expect(lambda).toBeGreaterThan(0.05);
    expect(lambda).toBeLessThan(0.95);
    expect(labels[crops[5].classIndex]).toBeCloseTo(1 - lambda, 6);
    const sum = crops[0].samples.map((value, i) => lambda * value + (1 - lambda) * crops[5].samples[i]);
    const { values } = studentPictures(sum, RATE, tinyStudent);
    expect(maxDifference(numbers(mixed, 'pictures').slice(0, values.length), values)).toBeLessThan(1e-3);
    const { trunk } = tinyEncoder('wav2vec2');
    expect(
      maxDifference(numbers(mixed, 'samples').slice(0, sum.length), trunk.features(sum, RATE).values),
    ).toBeLessThan(1e-4);
  });

  it('lets the student alone hear through devices, where they suit', () => {
    const recorded = [{ samples: Float32Array.of(1, 0, -0.8), sampleRate: RATE }];
    const suits = ({ item }: LabelledCrop) => item < 3;
    const coloured = feedsOf({ augmentation: { responses: { recorded, share: 1, suits } } });
    expect(numbers(coloured, 'samples')).toEqual(numbers(plain, 'samples'));
    const size = 16 * 21;
    const same = crops.map((_, i) => {
      const [a, b] = [plain, coloured].map((feeds) => numbers(feeds, 'pictures').slice(i * size, (i + 1) * size));
      return maxDifference(a, b) === 0;
    });
    expect(same).toEqual([false, false, false, true, true, true]);
  });

  it('changes the pictures of the student alone by styles, filters and masks', () => {
    for (const augmentation of [{ freqMixStyle: 1 }, { filter: 12 }, { maskFrequencies: 0.9 }]) {
      const changed = feedsOf({ augmentation });
      expect(numbers(changed, 'samples')).toEqual(numbers(plain, 'samples'));
      expect(numbers(changed, 'labels')).toEqual(numbers(plain, 'labels'));
      expect(maxDifference(numbers(changed, 'pictures'), numbers(plain, 'pictures'))).toBeGreaterThan(0.1);
    }
  });

  it('is brought to the rate of each', () => {
    const slow: SceneStudent = { ...tinyStudent, frontEnd: { ...tinyStudent.frontEnd, sampleRate: 8000, fMax: 4000 } };
    const plan = cropPlan(slow, teacherOf('wav2vec2'));
    expect(plan).toEqual({ seconds: 0.6, sampleRate: RATE, samples: 9600, teacherRate: RATE, teacherSamples: 9600 });
    const fast: SceneStudent = { ...tinyStudent, frontEnd: { ...tinyStudent.frontEnd, sampleRate: 32_000 } };
    const { sampleRate, teacherRate, teacherSamples } = cropPlan(fast, teacherOf('wav2vec2'));
    expect([sampleRate, teacherRate, teacherSamples]).toEqual([32_000, RATE, 2400]);
    expect(cropPlan(fast, teacherOf('echo')).teacherRate).toBe(32_000);
    const loud = crops.map((crop) => ({
      ...crop,
      samples: resample(crop.samples, RATE, 32_000).subarray(0, 4800),
      sampleRate: 32_000,
    }));
    const random = createRandom(1);
    const feeds = recipeOf('wav2vec2', {}, undefined, fast).plan(random).feeds(loud, random);
    expect(feeds.samples.shape).toEqual([6, 2400]);
    expect(feeds.pictures.shape).toEqual([6, 1, 16, 21]);
  });

  it('is no teacher where none is to be heard', () => {
    const off = { front: 0, layers: 0, labels: 1 };
    for (const feeds of [feedsOf({ weights: off }), feedsOf({}, 1, 'none')]) {
      expect(Object.keys(feeds).sort()).toEqual(['labels', 'pictures']);
    }
    expect(Object.keys(feedsOf({ weights: { ...off, front: 1 } })).sort()).toEqual(['labels', 'pictures', 'samples']);
  });

  it('is refused for windows too short for the teacher, and outputs that are not the classes', () => {
    const short: SceneStudent = { ...tinyStudent, frontEnd: { ...tinyStudent.frontEnd, hopLength: 15 } };
    expect(() => recipeOf('wav2vec2', {}, undefined, short)).toThrow(
      'distill: expected windows of at least 0.025 s for wav2vec2, got 0.01875 s; take a student with longer ones',
    );
    expect(() => distilRecipe({ ...tinyStudent, outputs: 4 }, undefined, classes, tinyOptions)).toThrow(
      /as many as the student has outputs \(4\), got 3/,
    );
  });
});

const run = (
  recipe: ReturnType<typeof recipeOf>,
  changes: Partial<LoopOptions<LabelledCrop>> = {},
  store = memoryStore(),
) => trained({ recipe }, changes, store);

/** Where training for 8 bits begins after some steps in floats. */
async function quantisedPhase(parameters: ReadonlyMap<string, Float32Array>, stepsBefore: number) {
  const plan = studentPlan(tinyStudent);
  const pictures = cropsFrom(0, 6).map(({ samples }) => studentPictures(samples, RATE, tinyStudent).values);
  const ranges = await calibrate(plan, foldNorms(plan, parameters), pictures);
  return { kind: 'quantised', values: quantisedStart(plan, parameters, ranges), observeSteps: 2, stepsBefore } as const;
}

const figures = (records: readonly Record<string, number>[]) =>
  records.map(({ clipsPerSecond: _pace, ...record }) => record);

/** From a tiny ECHO in floats, once for all tests. */
let echoRun: ReturnType<typeof run> | undefined;
const distilled = () => {
  echoRun ??= run(recipeOf('echo', { steps: 30 }), { steps: 30 });
  return echoRun;
};

describe('a run of distillation', () => {
  it.each(['wav2vec2', 'echo', undefined])('from %s tells tones apart, and changes no teacher', async (name) => {
    const own = name === 'echo' ? distilled() : run(recipeOf(name, { steps: 30 }), { steps: 30 });
    const { saved, records } = await own;
    const mean = (from: number, key: string) =>
      records.slice(from, from + 4).reduce((sum, one) => sum + one[key] / 4, 0);
    const losses = ['classLoss', ...(name === undefined ? [] : ['frontLoss', 'headLoss'])];
    for (const key of losses) expect([key, mean(26, key) < 0.8 * mean(0, key)]).toEqual([key, true]);
    expect(mean(26, 'accuracy')).toBe(1);
    expect('layerLoss' in records[0]).toBe(name !== undefined);
    const source = [...saved.parameters.keys()].filter((key) => key.startsWith('source.'));
    expect(source.length > 0).toBe(name !== undefined);
    for (const key of source) {
      const stored = tinyEncoder(name as string).weights.get(key.slice('source.'.length));
      expect([key, saved.parameters.get(key)]).toEqual([key, toFloat32(stored as NonNullable<typeof stored>)]);
      expect(saved.first.has(key)).toBe(false);
    }
  });

  it('leaves a part out that has no weight', async () => {
    const weights = { front: 0, layers: 0.5, labels: 1 };
    const { saved, records } = await run(recipeOf('echo', { weights }), { steps: 1 });
    expect(Object.keys(records[0])).not.toContain('frontLoss');
    expect([...saved.parameters.keys()].filter((name) => name.startsWith('align.'))).toEqual([]);
    const front = await run(recipeOf('echo', { weights: { ...weights, front: 1, layers: 0 } }), { steps: 1 });
    expect([...front.saved.parameters.keys()].filter((name) => /^(heads|route)\./.test(name))).toEqual([]);
  });

  it('comes to the same numbers when it is stopped and resumed, in both phases', async () => {
    const changes: Partial<DistilOptions> = { augmentation: { mixup: 0.3, freqMixStyle: 0.5 } };
    const float = await run(recipeOf('echo', changes));
    const phases: (StudentPhase | undefined)[] = [undefined, await quantisedPhase(float.saved.parameters, 4)];
    for (const phase of phases) {
      const whole = await run(recipeOf('echo', changes, phase));
      const store = memoryStore();
      let done = 0;
      await run(recipeOf('echo', changes, phase), { stopped: () => ++done === 1 }, store);
      expect(store.saved?.step).toBe(1);
      const halves = await run(recipeOf('echo', changes, phase), {}, store);
      expect(figures(halves.records)).toEqual(figures(whole.records));
      expect(halves.saved).toEqual(whole.saved);
      expect(whole.records).toHaveLength(4);
    }
  });

  it('goes on in 8 bits from where it was: ranges follow two steps, then stay', async () => {
    const float = await distilled();
    const phase = await quantisedPhase(float.saved.parameters, 30);
    const ranges: Float32Array[] = [];
    const { records, saved } = await run(recipeOf('echo', { learningRate: 5e-4 }, phase), {
      onStep: ({ parameters }) => ranges.push((parameters.get('range.1') as Float32Array).slice()),
    });
    // Statistics of the last batches take the place of those of this one.
    expect(records[0].classLoss).toBeLessThan(0.5 * float.records[0].classLoss);
    expect(ranges[0]).not.toEqual(phase.values.get('range.1'));
    expect(ranges[1]).not.toEqual(ranges[0]);
    expect(ranges[2]).toEqual(ranges[1]);
    expect(ranges[3]).toEqual(ranges[1]);
    const names = [...saved.parameters.keys()];
    expect(names.filter((name) => name.includes('running_'))).toEqual([]);
    expect(saved.first.has('range.1')).toBe(false);
    expect(saved.parameters.get('features.0.0.weight')).not.toEqual(phase.values.get('features.0.0.weight'));
  });
});
