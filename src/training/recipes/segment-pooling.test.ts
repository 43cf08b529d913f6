import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import type { Value } from '../../graph/runtime.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { initialParameters } from '../initialise.ts';
import { train } from '../loop.ts';
import { memoryStore } from '../memory-store.test-util.ts';
import { compileStep, initialState } from '../step.ts';
import {
  type SegmentPoolingOptions,
  type SegmentSet,
  segmentPoolingDefaults,
  segmentPoolingRecipe,
} from './segment-pooling.ts';

const WIDTH = 8;
const CLASSES = 3;
const config = { segments: { heads: 2, hidden: 16 } };

/** Set number n: of class n mod 3, of one to four segments about the centre of the class. */
function setAt(n: number): SegmentSet {
  const random = createRandom(`set ${n}`);
  const [classIndex, segments] = [n % CLASSES, 1 + (n % 4)];
  const draw = (_: unknown, i: number) => (i % WIDTH === classIndex ? 1 : 0) + random.gaussian(0, 0.2);
  return { vectors: Float32Array.from({ length: segments * WIDTH }, draw), segments, classIndex };
}
const setsFrom = (from: number, count: number) => Array.from({ length: count }, (_, i) => setAt(from + i));

const recipeOf = (changes: Partial<SegmentPoolingOptions> = {}, segments = 4, width = WIDTH) =>
  segmentPoolingRecipe(
    config,
    { width, segments, classes: CLASSES },
    { ...segmentPoolingDefaults, steps: 80, batch: 6, warmUpSteps: 4, learningRate: 0.01, ...changes },
  );
const random = () => createRandom('step 1');

/** Loss and gradients of a batch, by weights drawn from a seed. */
async function stepOf(recipe: ReturnType<typeof recipeOf>, change: (feeds: Record<string, Value>) => void = () => {}) {
  const plan = recipe.plan(random());
  const step = await compileStep(plan.graph(), recipe.adamW);
  const state = initialState(step, initialParameters(step.shapes, 1, 1, 'glorot'));
  const feeds = { ...plan.feeds(setsFrom(0, 6), random()) };
  change(feeds);
  const result = await step.gradients(state, feeds);
  await step.release();
  return result;
}

describe('a step of transformer pooling', () => {
  it('hears nothing of padding: neither how much there is nor what stands in it', async () => {
    const plain = await stepOf(recipeOf({ dropout: 0 }));
    const padded = await stepOf(recipeOf({ dropout: 0 }, 7), ({ vectors, valid }) => {
      const [values, kept] = [vectors.data as Float32Array, valid.data as Float32Array];
      for (const [i, real] of kept.entries()) if (real === 0) values.fill(9, i * WIDTH, (i + 1) * WIDTH);
      expect([...kept].filter((real) => real === 1)).toHaveLength(1 + 2 + 3 + 4 + 1 + 2);
    });
    expect(plain.watched.loss).toBeGreaterThan(0.1);
    expect(padded.watched.loss).toBeCloseTo(plain.watched.loss, 5);
    for (const [name, values] of plain.gradients) {
      expect(maxDifference(padded.gradients.get(name) as Float32Array, values), name).toBeLessThan(1e-4);
    }
    for (const [name, values] of plain.buffers) {
      expect(maxDifference(padded.buffers.get(name) as Float32Array, values), name).toBeLessThan(1e-6);
    }
  });

  it('draws its dropout, at every place by itself', () => {
    const feeds = recipeOf({ dropout: 0.25 }).plan(random()).feeds(setsFrom(0, 6), random());
    const places = { weights: [6, 2, 4, 4], attended: [6, 4, 8], hidden: [6, 4, 16], output: [6, 4, 8] };
    for (const [place, shape] of Object.entries(places)) {
      const { data, ...own } = feeds[`dropout.${place}`];
      expect(own.shape).toEqual(shape);
      const values = data as Float32Array;
      expect([...new Set(values)].sort()).toEqual([0, Math.fround(4 / 3)]);
      const share = values.filter((value) => value === 0).length / values.length;
      expect(share).toBeGreaterThan(0.12);
      expect(share).toBeLessThan(0.38);
    }
    expect(feeds['dropout.attended'].data).not.toEqual(feeds['dropout.output'].data);
    const none = recipeOf({ dropout: 0 }).plan(random()).feeds(setsFrom(0, 6), random());
    expect(Object.keys(none).sort()).toEqual(['labels', 'valid', 'vectors']);
  });

  it('refuses a width that does not divide into the heads', () => {
    expect(() => recipeOf({}, 4, 9)).toThrow(
      /^finetune: expected an embedding that divides into 2 heads, got 9 values/,
    );
  });
});

describe('a run of transformer pooling', () => {
  async function* stream(from: number, batch: number) {
    for (let n = from; ; n += batch) yield { clips: setsFrom(n, batch) };
  }
  const run = async (steps: number, store = memoryStore(), stopped?: () => boolean) => {
    const options = { steps, seed: 2, accumulate: 1, clips: stream, logEvery: 1, saveEvery: 100 };
    await train<SegmentSet>({ recipe: recipeOf(), store, ...options, ...(stopped && { stopped }) });
    return store;
  };

  it('lowers the loss', async () => {
    const { records } = await run(80);
    const mean = (from: number) => records.slice(from, from + 5).reduce((sum, { loss }) => sum + loss / 5, 0);
    expect(mean(75)).toBeLessThan(0.3 * mean(0));
    expect(records[79].accuracy).toBe(1);
  });

  it('comes to the same numbers when it is stopped and resumed', async () => {
    const [whole, halves] = [await run(5), memoryStore()];
    let done = 0;
    await run(5, halves, () => ++done === 2);
    expect(halves.saved?.step).toBe(2);
    await run(5, halves);
    const losses = ({ records }: typeof whole) => records.map(({ step, loss }) => [step, loss]);
    expect(losses(halves)).toEqual(losses(whole));
    expect(halves.saved).toEqual(whole.saved);
    expect(whole.saved?.step).toBe(5);
  });
});
