import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { erf } from '../../tests/graph-oracle/elementwise.ts';
import { evaluate, type OracleFeed } from '../../tests/graph-oracle/evaluate.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { echoBandPosition } from '../encoders/echo.ts';
import { gradients } from '../graph/gradients.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { echoSpectrogram } from '../signal/log-spectrogram.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { type ContrastLayout, contrastLoss, contrastPairs } from './contrast.ts';
import type { Clip } from './data/types.ts';
import { initialParameters } from './initialise.ts';
import { echoRecipe, echoRecipeDefaults } from './recipes/echo.ts';
import { teacherScope } from './self-distillation.ts';
import { compileStep, initialState } from './step.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

type Sequence = { clip: number; thing: string; band: number };

/** What each sequence of a batch is, in order; and each student. */
function layoutOf({ things, bands, clones }: { things: readonly string[]; bands: number; clones: number }) {
  const keys = things.flatMap((thing, clip) => numbers(bands).map((band): Sequence => ({ clip, thing, band })));
  const students = keys.flatMap((key) => numbers(clones).map(() => key));
  const layout: ContrastLayout = { sequences: keys.length, clones, bands };
  return { keys, students, layout };
}
const isCompared = (a: Sequence, b: Sequence) => a.band === b.band && a.clip !== b.clip;
const isPositive = (a: Sequence, b: Sequence) => isCompared(a, b) && a.thing === b.thing;

describe('contrastPairs', () => {
  it('spreads a student over the other clips of its thing, wherever they are in the batch', () => {
    const { barred, positive } = contrastPairs(['x', 'y', 'x', 'x'], { sequences: 4, clones: 1, bands: 1 });
    const no = -1e4;
    expect(barred).toEqual({
      dtype: 'float32',
      shape: [4, 4],
      data: Float32Array.of(no, 0, 0, 0, 0, no, 0, 0, 0, 0, no, 0, 0, 0, 0, no),
    });
    expect(positive).toEqual({
      dtype: 'float32',
      shape: [4, 4],
      data: Float32Array.of(0, 0, 0.5, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0.5, 0.5, 0, 0.5, 0),
    });
  });

  it('compares a student with its band of all other clips; positive are those of its thing', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const sizes = fc.record({
      things: fc.array(fc.constantFrom('p', 'q', 'r', 's'), { minLength: 1, maxLength: 8 }),
      bands: upTo(3),
      clones: upTo(3),
    });
    fc.assert(
      fc.property(sizes, (size) => {
        const { keys, students, layout } = layoutOf(size);
        const { barred, positive } = contrastPairs(size.things, layout);
        expect([barred.shape, positive.shape]).toEqual(Array(2).fill([students.length, keys.length]));
        const rows = students.map((student) => {
          const own = keys.map((key) => (isPositive(student, key) ? 1 : 0));
          const count = own.filter((one) => one === 1).length;
          return own.map((one) => Math.fround(one / Math.max(1, count)));
        });
        expect([...positive.data]).toEqual(rows.flat());
        const compared = students.flatMap((student) => keys.map((key) => (isCompared(student, key) ? 0 : -1e4)));
        expect([...barred.data]).toEqual(compared);
      }),
    );
  });
});

describe('contrastLoss', () => {
  const width = 3;
  const temperature = 0.3;
  // Three clips of one thing, two of another, and one that has no other.
  const things = ['p', 'q', 'p', 'r', 'q', 'p'];
  const { keys, students, layout } = layoutOf({ things, bands: 2, clones: 2 });
  const pairs = contrastPairs(things, layout);
  const seen = input('seen', [students.length, width]);
  const known = input('known', [keys.length, width]);
  const loss = contrastLoss(createScope(), teacherScope(), { seen, known, width }, layout, { temperature });
  const random = createRandom(5);
  const drawn = (count: number) => Float32Array.from({ length: count }, () => random.gaussian());
  const weights = new Map(
    Array.from(parametersOf([loss]), ([name, shape]): [string, StoredTensor & { data: Float32Array }] => [
      name,
      { dtype: 'F32', shape: [...shape], data: drawn(shape.reduce((a, b) => a * b, 1)) },
    ]),
  );
  const embedded = { student: drawn(students.length * width), teacher: drawn(keys.length * width) };

  /** w x + b, [outputs]. */
  const dense = (name: string, x: readonly number[]): number[] => {
    const [w, b] = ['weight', 'bias'].map((part) => weights.get(`${name}.${part}`)?.data as Float32Array);
    return Array.from(b, (bias, o) => x.reduce((sum, value, i) => sum + w[o * x.length + i] * value, bias));
  };
  const headOf = (prefix: string, x: readonly number[]): number[] => {
    const hidden = dense(`${prefix}contrast.hidden`, x).map((value) => (value / 2) * (1 + erf(value / Math.SQRT2)));
    const out = dense(`${prefix}contrast.output`, hidden);
    const norm = Math.hypot(...out);
    return out.map((value) => value / norm);
  };
  const rowsOf = (values: ArrayLike<number>) =>
    numbers(values.length / width).map((n) => Array.from(values).slice(n * width, (n + 1) * width));

  /**
   * Mean over students, and over the other clips of their thing, of the cross-entropy among all that they are compared
   * with; a student without any counts as 0.
   */
  function oracle(own: ArrayLike<number>): number {
    const bank = rowsOf(embedded.teacher).map((row) => headOf('teacher.', row));
    const losses = rowsOf(own).map((row, n) => {
      const query = headOf('', row);
      const logits = bank.map((key) => key.reduce((sum, value, i) => sum + value * query[i], 0) / temperature);
      const compared = numbers(keys.length).filter((s) => isCompared(students[n], keys[s]));
      const total = compared.reduce((sum, s) => sum + Math.exp(logits[s]), 0);
      const positive = compared.filter((s) => isPositive(students[n], keys[s]));
      if (positive.length === 0) return 0;
      return positive.reduce((sum, s) => sum - Math.log(Math.exp(logits[s]) / total), 0) / positive.length;
    });
    return losses.reduce((a, b) => a + b, 0) / losses.length;
  }

  const [gradient] = gradients(loss, [seen]);
  const differences = Array.from(embedded.student, (value, i) => {
    const moved = (step: number) => oracle(Float64Array.from(embedded.student).with(i, value + step));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
  const steepest = Math.max(...differences.map(Math.abs));

  it('is the cross-entropy of unit vectors over what is compared, gradients by queries too', () => {
    expect(oracle(embedded.student)).toBeGreaterThan(0.5);
    const shapes = [...weights].map(([name, { shape, data }]) => [name, { shape, data }] as const);
    const [value, slope] = evaluate(
      [loss, gradient],
      new Map<string, OracleFeed>([
        ...shapes,
        ['seen', { shape: [students.length, width], data: embedded.student }],
        ['known', { shape: [keys.length, width], data: embedded.teacher }],
        ...Object.entries(pairs),
      ]),
    );
    expect(Math.abs(value.data[0] - oracle(embedded.student))).toBeLessThan(1e-6);
    expect(maxDifference(slope.data, differences) / steepest).toBeLessThan(1e-5);
  });

  it('is so in ONNX Runtime', async () => {
    const found = await runGraph({ loss, gradient }, weights, {
      seen: float32(embedded.student, [students.length, width]),
      known: float32(embedded.teacher, [keys.length, width]),
      ...pairs,
    });
    expect(Math.abs(found.loss[0] - oracle(embedded.student))).toBeLessThan(1e-4);
    expect(maxDifference(found.gradient, differences) / steepest).toBeLessThan(1e-4);
  });
});

describe('echoRecipe with contrast', () => {
  const config = { width: 32, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 };
  const options = { ...echoRecipeDefaults, batch: 4, bandsPerClip: 3, clones: 2, patches: 4, steps: 100 };
  const contrast = { weight: 0.5, temperature: 0.1 };
  const recipe = echoRecipe(config, { ...options, contrast });
  const rates = [8000, 8000, 25_600, 16_000];
  const alone = rates.map((sampleRate, n): Clip => {
    const random = createRandom(`clip ${n}`);
    const samples = Float32Array.from({ length: sampleRate }, () => random.gaussian());
    return { samples, sampleRate, source: `clip ${n}` };
  });
  const things = ['p', 'q', 'q', 'p'];
  const clips = alone.map((clip, n) => ({ ...clip, thing: things[n] }));

  it('pairs clips by what they are of; those of which nothing is said are of a thing each', () => {
    const plan = recipe.plan(createRandom(1));
    const layout = { sequences: 12, clones: 2, bands: 3 };
    expect(plan.feeds(clips, createRandom(2))).toMatchObject(contrastPairs(things, layout));
    expect(plan.feeds(alone, createRandom(2))).toMatchObject(contrastPairs(['0', '1', '2', '3'], layout));
    const plain = echoRecipe(config, options).plan(createRandom(1)).feeds(clips, createRandom(2));
    expect(Object.keys(plain)).not.toContain('positive');
  });

  it('does a step with a finite contrastive loss beside the others, and trains its head', async () => {
    const plan = recipe.plan(createRandom(1));
    const step = await compileStep(plan.graph(), recipe.adamW);
    const state = initialState(step, initialParameters(step.shapes, 3, recipe.tokenDeviation, recipe.matrices));
    const { watched, gradients: found } = await step.gradients(state, plan.feeds(clips, createRandom(2)));
    const { loss, frameLoss, utteranceLoss, contrastLoss: contrasted } = watched;
    // Unit vectors at the temperature of 0.1 differ by 20 at most, and there are 3 keys.
    expect(contrasted).toBeGreaterThan(0);
    expect(contrasted).toBeLessThan(20 + Math.log(3));
    expect(loss).toBeCloseTo(frameLoss + utteranceLoss + 0.5 * contrasted, 3);
    const head = ['hidden', 'output'].flatMap((layer) => [`contrast.${layer}.weight`, `contrast.${layer}.bias`]);
    expect(step.teacherNames).toEqual(expect.arrayContaining(head));
    for (const name of head) expect(Math.max(...(found.get(name) ?? []).map(Math.abs)), name).toBeGreaterThan(0);
    // The same program, where no clip has another of its thing.
    const { watched: unpaired } = await step.gradients(state, plan.feeds(alone, createRandom(2)));
    expect(Math.abs(unpaired.contrastLoss)).toBe(0);
    expect(unpaired.loss).toBeCloseTo(frameLoss + utteranceLoss, 3);
    await step.update(state, [found], recipe.scalars(1));
    await step.release();
    for (const values of [...state.parameters.values(), ...state.teacher.values()]) {
      expect(values.every(Number.isFinite)).toBe(true);
    }
    expect(state.step).toBe(1);
  });

  /** For every band, how far up the first bin of each clip is: from and up to which share of all places. */
  function placesOf(own: typeof recipe, seed: number): { from: number; to: number }[][] {
    const positions = own.plan(createRandom(1)).feeds(clips, createRandom(seed)).bandPositions.data as Float32Array;
    return numbers(3).map((band) =>
      clips.map(({ samples, sampleRate }, c) => {
        const { bins, nFft } = echoSpectrogram(samples, sampleRate);
        const heard = positions.subarray((c * 3 + band) * 32, (c * 3 + band + 1) * 32);
        const start = numbers(bins - 32).find((s) =>
          echoBandPosition(Math.fround((2 * s + 31) / nFft), 32).every((value, i) => value === heard[i]),
        );
        expect(start).toBeDefined();
        return { from: (start as number) / (bins - 32), to: ((start as number) + 1) / (bins - 32) };
      }),
    );
  }
  const agree = (places: { from: number; to: number }[]) =>
    Math.max(...places.map(({ from }) => from)) < Math.min(...places.map(({ to }) => to));

  it('hears all clips of a batch in the same places, whatever their rates', () => {
    const heard = numbers(10).flatMap((seed) => placesOf(recipe, seed));
    expect(heard.every(agree)).toBe(true);
    expect(new Set(heard.map(([{ from }]) => from)).size).toBeGreaterThan(20);
    const apart = numbers(10).flatMap((seed) => placesOf(echoRecipe(config, options), seed));
    expect(apart.filter(agree).length).toBeLessThan(3);
  });
});
