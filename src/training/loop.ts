// The training loop: clips in, steps done, numbers logged, checkpoints kept. It knows no files: a run folder is handed in.
import { graphOptions } from '../encoders/band-transformer.ts';
import type { RuntimeOptions } from '../graph/runtime.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import type { Clip } from './data/types.ts';
import { defaultSyncEvery, type Exchange } from './exchange.ts';
import { initialParameters } from './initialise.ts';
import type { BatchPlan, Recipe } from './recipes/types.ts';
import {
  addResult,
  addWatched,
  type BatchResult,
  compileStep,
  type Gradients,
  initialState,
  roomForGradients,
  sharedState,
  type TrainingState,
  type TrainingStep,
} from './step.ts';

/** Where a run keeps what it has reached. */
export type RunStore = {
  load(): TrainingState | undefined;
  save(state: TrainingState): void;
  log(record: Record<string, number>): void;
};

export type LoopOptions<C> = {
  recipe: Recipe<C>;
  steps: number;
  seed: number;
  /** Micro-batches whose gradients are averaged for one step. */
  accumulate: number;
  /** Batches of `batch` clips: the first from clip number `from` on, each next one `stride` clips after the one before. */
  clips(from: number, batch: number, stride: number): AsyncIterable<{ clips: readonly C[] }>;
  store: RunStore;
  logEvery: number;
  saveEvery: number;
  /** Figures of the encoder as it is now, at every checkpoint that is due. */
  probe?(state: TrainingState): Promise<Record<string, number>>;
  onStep?(state: TrainingState, record: Record<string, number>): void;
  /** Asked after every step: whether to stop, with a checkpoint. */
  stopped?(): boolean;
  /** Other processes, on clips of their own. States are averaged, and kept, every `syncEvery` steps and at the end. */
  exchange?: Exchange;
  /** 20 by default; without `exchange` it means nothing. */
  syncEvery?: number;
  runtime?: RuntimeOptions;
};

export type LoopEnd = { state: TrainingState; reason: 'finished' | 'stopped' };

/** Programs by kind of batch; their parameters are the same. */
function createPrograms<C>(recipe: Recipe<C>, runtime: RuntimeOptions) {
  const compiled = new Map<string, Promise<TrainingStep>>();
  return {
    of(plan: BatchPlan<C>): Promise<TrainingStep> {
      const found =
        compiled.get(plan.key) ??
        compileStep(plan.graph(graphOptions(runtime)), recipe.adamW, runtime, recipe.parameters);
      compiled.set(plan.key, found);
      return found;
    },
    release: async () => {
      for (const step of compiled.values()) await (await step).release();
    },
  };
}

/** Equal runs of the clips of a batch. */
function inParts<C>(clips: readonly C[], parts: number): (readonly C[])[] {
  const size = clips.length / parts;
  return Array.from({ length: parts }, (_, i) => clips.slice(i * size, (i + 1) * size));
}

/** Memory for gradients, the same at every step: of each part for its first micro-batch, and for the others in turn. */
function createRoom(state: TrainingState) {
  const made = new Map<string, Gradients>();
  return (part: number, later: boolean): Gradients => {
    const key = `${part} ${later}`;
    const found = made.get(key) ?? roomForGradients(state);
    made.set(key, found);
    return found;
  };
}

/** Parameters before the first step: those that a recipe begins with, the others drawn from the seed. */
function startingPoint<C>(recipe: Recipe<C>, shapes: ReadonlyMap<string, readonly number[]>, seed: number) {
  const drawn = initialParameters(shapes, seed, recipe.tokenDeviation, recipe.matrices);
  for (const [name, values] of recipe.initial?.(shapes, seed) ?? []) if (shapes.has(name)) drawn.set(name, values);
  return drawn;
}

/**
 * Trains until `steps` steps are done or `stopped` says so. A step draws all its random numbers from the seed and its
 * own number, and its clips from their numbers, so that a run that was interrupted goes on to the same numbers. Of several
 * processes each takes every `world`-th batch, and random numbers of its own; rank 0 has those of a process by itself.
 * @throws InputError where the loss is no longer a finite number: the last checkpoint stays
 */
export async function train<C = Clip>(options: LoopOptions<C>): Promise<LoopEnd> {
  const { recipe, steps, seed, accumulate, store, logEvery, saveEvery } = options;
  const { exchange, syncEvery = defaultSyncEvery } = options;
  const { world, rank } = exchange ?? { world: 1, rank: 0 };
  const { parts = 1 } = recipe;
  const randomOf = (step: number) => createRandom(rank === 0 ? `${seed}/${step}` : `${seed}/${step}/${rank}`);
  const programs = createPrograms(recipe, { ...options.runtime, lanes: parts });
  try {
    const first = recipe.plan(randomOf(1), 1);
    const program = await programs.of(first);
    const found = store.load() ?? initialState(program, startingPoint(recipe, program.shapes, seed));
    // Several threads read it.
    const state = parts > 1 ? sharedState(found) : found;
    const room = createRoom(state);
    if (state.step >= steps) return { state, reason: 'finished' };
    const perStep = recipe.batch * accumulate;
    const from = (state.step * accumulate * world + rank) * recipe.batch;
    const stream = options.clips(from, recipe.batch, world * recipe.batch)[Symbol.asyncIterator]();
    try {
      while (state.step < steps) {
        const started = performance.now();
        const number = state.step + 1;
        const random = randomOf(number);
        const plan = recipe.plan(random, number);
        const step = await programs.of(plan);
        const totals: BatchResult[] = [];
        for (let micro = 0; micro < accumulate; micro++) {
          const next = await stream.next();
          if (next.done) throw new InputError(`train: the clips ended at step ${number}; the sources must not end`);
          // Each starts before the inputs of the next one are made.
          const results = inParts(next.value.clips, parts).map(async (clips, part) => {
            return step.gradients(state, plan.feeds(clips, random), room(part, micro > 0));
          });
          for (const [part, result] of (await Promise.all(results)).entries()) {
            if (!Number.isFinite(result.watched.loss)) {
              throw new InputError(
                `train: the loss of step ${number} is ${result.watched.loss}; the checkpoint before it is kept; start a new run with a lower learning rate`,
              );
            }
            totals[part] = micro === 0 ? result : addResult(totals[part], result);
          }
        }
        const share = 1 / (accumulate * parts);
        const scalars = recipe.scalars(number);
        const gradients = totals.map((total) => total.gradients);
        const gradientNorm = await step.update(state, gradients, { ...scalars, share });
        const watched = totals.map((total) => total.watched).reduce(addWatched);
        // Those of the last batch.
        for (const [name, values] of totals[parts - 1].buffers) state.parameters.set(name, values);
        if (!Number.isFinite(gradientNorm)) {
          throw new InputError(
            `train: the gradients of step ${number} are not finite; the checkpoint before it is kept; start a new run with a lower learning rate`,
          );
        }
        const seconds = (performance.now() - started) / 1000;
        const { learningRate, decay } = scalars;
        const record: Record<string, number> = {
          step: number,
          ...Object.fromEntries(Object.entries(watched).map(([name, sum]) => [name, sum * share])),
          gradientNorm,
          learningRate,
          decay,
          clipsPerSecond: perStep / seconds,
        };
        const synced = exchange !== undefined && (number % syncEvery === 0 || number === steps);
        if (synced) await exchange.average(number, state);
        const stopping = options.stopped?.() === true && number < steps;
        // Where a run happens to be stopped leaves no trace in its log.
        const due = number === steps || number % saveEvery === 0;
        if (due && options.probe) Object.assign(record, await options.probe(state));
        if (due || number % logEvery === 0) store.log(record);
        options.onStep?.(state, record);
        if (due || stopping || synced) store.save(state);
        if (stopping) return { state, reason: 'stopped' };
      }
      return { state, reason: 'finished' };
    } finally {
      await stream.return?.();
    }
  } finally {
    await programs.release();
  }
}
