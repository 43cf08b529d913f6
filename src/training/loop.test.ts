import { describe, expect, it } from 'vitest';
import { createRandom } from '../signal/simulate/random.ts';
import type { Clip } from './data/types.ts';
import { type LoopOptions, type RunStore, train } from './loop.ts';
import { echoRecipe, echoRecipeDefaults } from './recipes/echo.ts';
import type { TrainingState } from './step.ts';

const config = { width: 32, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 };

/** Clip number n of a made-up source: a tone in noise. */
function clipAt(n: number): Clip {
  const random = createRandom(`clip ${n}`);
  const hertz = random.logUniform(200, 3000);
  const samples = Float32Array.from(
    { length: 11200 },
    (_, i) => Math.sin((2 * Math.PI * hertz * i) / 8000) + random.gaussian(0, 0.1),
  );
  return { samples, sampleRate: 8000, source: `clip ${n}` };
}

async function* clips(from: number, batch: number): AsyncGenerator<{ clips: Clip[] }> {
  for (let n = from; ; n += batch) yield { clips: Array.from({ length: batch }, (_, i) => clipAt(n + i)) };
}

const copy = (state: TrainingState): TrainingState => ({
  step: state.step,
  parameters: new Map(Array.from(state.parameters, ([name, values]) => [name, values.slice()])),
  teacher: new Map(Array.from(state.teacher, ([name, values]) => [name, values.slice()])),
  first: new Map(Array.from(state.first, ([name, values]) => [name, values.slice()])),
  second: new Map(Array.from(state.second, ([name, values]) => [name, values.slice()])),
});

function memoryStore(): RunStore & { saved?: TrainingState; records: Record<string, number>[] } {
  const store = {
    saved: undefined as TrainingState | undefined,
    records: [] as Record<string, number>[],
    load: () => store.saved && copy(store.saved),
    save: (state: TrainingState) => {
      store.saved = copy(state);
    },
    log: (record: Record<string, number>) => {
      store.records.push(record);
    },
  };
  return store;
}

const recipeFor = (batch: number, changes = {}) =>
  echoRecipe(config, {
    ...echoRecipeDefaults,
    steps: 40,
    batch,
    bandsPerClip: 2,
    clones: 2,
    patches: 8,
    warmUpSteps: 5,
    decoderLayers: 2,
    baseLearningRate: 0.02,
    ...changes,
  });

const run = (store: RunStore, changes: Partial<LoopOptions>) =>
  train({
    recipe: recipeFor(4),
    steps: 6,
    seed: 5,
    accumulate: 1,
    clips,
    store,
    logEvery: 1,
    saveEvery: 100,
    ...changes,
  });

describe('train', () => {
  it('comes to the same numbers when it is stopped and resumed', async () => {
    const [whole, halves] = [memoryStore(), memoryStore()];
    await run(whole, {});
    let done = 0;
    const end = await run(halves, { stopped: () => ++done === 3 });
    expect([end.reason, end.state.step]).toEqual(['stopped', 3]);
    expect((await run(halves, {})).reason).toBe('finished');
    const losses = (store: typeof whole) =>
      store.records.map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]);
    expect(losses(halves)).toEqual(losses(whole));
    expect(halves.saved).toEqual(whole.saved);
    expect(whole.saved?.step).toBe(6);
  });

  it('does nothing where all steps are done', async () => {
    const store = memoryStore();
    await run(store, { steps: 1 });
    const before = store.records.length;
    expect((await run(store, { steps: 1 })).reason).toBe('finished');
    expect(store.records.length).toBe(before);
  });

  it('learns: the loss on the same clips falls', async () => {
    const store = memoryStore();
    const same = async function* () {
      for (;;) yield { clips: [0, 1, 2, 3].map(clipAt) };
    };
    await run(store, { recipe: recipeFor(4, { baseLearningRate: 0.2, steps: 80 }), steps: 80, clips: same });
    const [first, last] = [store.records[0], store.records[store.records.length - 1]];
    expect(last.frameLoss).toBeLessThan(0.9 * first.frameLoss);
    expect(last.clsSpread).toBeGreaterThan(0);
  });

  it('averages gradients over micro-batches', async () => {
    const store = memoryStore();
    const twice = async function* () {
      for (;;) yield { clips: [0, 1, 2, 3].map(clipAt) };
    };
    await run(store, { steps: 1, accumulate: 2, clips: twice });
    expect(store.records[0].step).toBe(1);
    expect(Number.isFinite(store.records[0].gradientNorm)).toBe(true);
  });

  it('stops at a loss that is no number, and keeps the checkpoint before', async () => {
    const store = memoryStore();
    await run(store, { steps: 2, saveEvery: 1 });
    const broken = async function* () {
      for (;;)
        yield { clips: [0, 1, 2, 3].map((n) => ({ ...clipAt(n), samples: clipAt(n).samples.map(() => Number.NaN) })) };
    };
    await expect(run(store, { steps: 4, clips: broken })).rejects.toThrow(
      /loss of step 3 is NaN|not finite|finite samples/,
    );
    expect(store.saved?.step).toBe(2);
  });
});
