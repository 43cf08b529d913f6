// Worker threads load what was built: `npm test` builds first.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadProgram } from '../src/graph/program.node.ts';
import { float32 } from '../src/graph/runtime.ts';
import { createRandom } from '../src/signal/simulate/random.ts';
import { packState } from '../src/training/exchange.ts';
import { train } from '../src/training/loop.ts';
import { memoryStore } from '../src/training/memory-store.test-util.ts';
import { echoRecipe, echoRecipeDefaults } from '../src/training/recipes/echo.ts';
import type { TrainingState } from '../src/training/step.ts';
import { chainModel } from './chain-model.ts';

const size = 400;
const product = () => chainModel(size, 20);

function sharedNumbers(seed: number): Float32Array {
  const numbers = new Float32Array(new SharedArrayBuffer(4 * size * size));
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.sin(seed * i) / size;
  return numbers;
}

describe('programs side by side', () => {
  const feedsOf = (seed: number) => ({
    a: float32(sharedNumbers(seed), [size, size]),
    b: float32(sharedNumbers(seed + 0.5), [size, size]),
  });

  it('compute what one does, of shared memory, more runs than there are lanes', async () => {
    const one = await loadProgram(product(), { threads: 1 });
    const two = await loadProgram(product(), { threads: 2, lanes: 2 });
    const feeds = [1, 2, 3, 4, 5].map(feedsOf);
    const together = await Promise.all(feeds.map((own) => two.run(own)));
    for (const [i, { y }] of together.entries()) expect(y.data).toEqual((await one.run(feeds[i])).y.data);
    // The same memory with other numbers: nothing of the run before is left.
    (feeds[0].a.data as Float32Array).fill(0.01);
    expect((await two.run(feeds[0])).y.data).toEqual((await one.run(feeds[0])).y.data);
    await Promise.all([one.release(), two.release()]);
  });

  it('go on after a run that fails', async () => {
    const program = await loadProgram(product(), { threads: 2, lanes: 2 });
    const runs = [1, 2, 3].map((seed) => program.run({ a: feedsOf(seed).a }));
    const ended = await Promise.allSettled([...runs, program.run(feedsOf(1))]);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(ended[0]).toHaveProperty('reason.message', expect.stringContaining("'b'"));
    expect(ended[3]).toHaveProperty('value.y');
    await program.release();
  });

  it('say what is wrong with a model', async () => {
    await expect(loadProgram(new Uint8Array([1, 2, 3]), { threads: 2, lanes: 2 })).rejects.toThrow(
      /could not prepare the model/,
    );
  });
});

describe('training in parts', () => {
  const config = { width: 32, depth: 2, heads: 2, bandBins: 32, patchFrames: 16 };
  const recipeOf = (batch: number, changes = {}) =>
    echoRecipe(config, {
      ...{ ...echoRecipeDefaults, steps: 20, batch, bandsPerClip: 2, clones: 2, patches: 8, decoderLayers: 2 },
      // The rate grows with the batch.
      ...{ warmUpSteps: 5, baseLearningRate: 0.16 / batch },
      ...changes,
    });
  function clipAt(n: number) {
    const random = createRandom(`clip ${n}`);
    const hertz = random.logUniform(200, 3000);
    const samples = Float32Array.from({ length: 11200 }, (_, i) => Math.sin(hertz * i) + random.gaussian(0, 0.1));
    return { samples, sampleRate: 8000, source: `clip ${n}` };
  }
  async function* clips(from: number, batch: number, stride = batch) {
    for (let n = from; ; n += stride) yield { clips: Array.from({ length: batch }, (_, i) => clipAt(n + i)) };
  }
  const run = (store: ReturnType<typeof memoryStore>, changes: object) =>
    train({
      ...{ recipe: recipeOf(8), steps: 4, seed: 5, accumulate: 1, clips, store, logEvery: 1, saveEvery: 100 },
      ...changes,
    });
  const bits = ({ saved }: ReturnType<typeof memoryStore>) =>
    createHash('sha256')
      .update(Buffer.from(packState(saved as TrainingState).buffer))
      .digest('hex');

  it('comes to the numbers of as many micro-batches, bit for bit, on one thread or two', async () => {
    expect([recipeOf(8).parts, recipeOf(4).parts, recipeOf(9).parts]).toEqual([2, 1, 1]);
    expect([
      recipeOf(8, { targetNorm: 'batch' }).parts,
      recipeOf(8, { contrast: { weight: 1, temperature: 0.1 } }).parts,
    ]).toEqual([1, 1]);
    const stores = [memoryStore(), memoryStore(), memoryStore()];
    await run(stores[0], { runtime: { threads: 2 } });
    await run(stores[1], { runtime: { threads: 1 } });
    await run(stores[2], { recipe: recipeOf(4), accumulate: 2, runtime: { threads: 1 } });
    expect(bits(stores[1])).toBe(bits(stores[0]));
    expect(bits(stores[2])).toBe(bits(stores[0]));
    const losses = ({ records }: ReturnType<typeof memoryStore>) => records.map(({ loss }) => loss);
    expect(losses(stores[2])).toEqual(losses(stores[0]));
  });

  it('comes to the same numbers when it is stopped and resumed', async () => {
    const [whole, halves] = [memoryStore(), memoryStore()];
    await run(whole, {});
    let done = 0;
    expect((await run(halves, { stopped: () => ++done === 2 })).reason).toBe('stopped');
    await run(halves, {});
    expect(bits(halves)).toBe(bits(whole));
  });

  it('ends where inputs cannot be made of a part', async () => {
    const short = async function* () {
      for (;;) {
        yield {
          clips: Array.from({ length: 8 }, (_, n) =>
            n === 7 ? { ...clipAt(n), samples: clipAt(n).samples.slice(0, 4000) } : clipAt(n),
          ),
        };
      }
    };
    await expect(run(memoryStore(), { clips: short })).rejects.toThrow('expected clips of at least');
  });
});
