// The training loop of the baselines: epochs over windows in memory, in an order drawn from the seed.
import type { Feeds, RuntimeOptions } from '../../graph/runtime.ts';
import { InputError } from '../../signal/errors.ts';
import { createRandom, type Random } from '../../signal/simulate/random.ts';
import { initialParameters } from '../initialise.ts';
import type { AdamWConfig } from '../optimiser.ts';
import { compileStep, initialState, type Trainable } from '../step.ts';

/** Where the training is, after an epoch; `loss` is the mean over the epoch's windows. */
export type EpochProgress = { epoch: number; epochs: number; loss: number };

/** What both baselines let the caller choose; defaults are the baseline's own. */
export type EpochOptions = {
  epochs?: number;
  /** Windows of one step. */
  batch?: number;
  learningRate?: number;
  seed?: number;
  onEpoch?(progress: EpochProgress): void;
  runtime?: RuntimeOptions;
};

export type EpochSettings = Required<Omit<EpochOptions, 'onEpoch' | 'runtime'>> &
  Pick<EpochOptions, 'onEpoch' | 'runtime'>;

/** @throws InputError naming the first setting that is out of range. */
export function checkSettings(caller: string, { epochs, batch, learningRate }: EpochSettings): void {
  const whole = (name: string, value: number, least: number) => {
    if (Number.isInteger(value) && value >= least) return;
    throw new InputError(`${caller}: expected ${name} as a whole number from ${least} on, got ${value}`);
  };
  whole('epochs', epochs, 1);
  whole('batch', batch, 2);
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new InputError(`${caller}: expected a learning rate above 0, got ${learningRate}`);
  }
}

/**
 * The numbers 0 to count - 1 in random order, cut into batches. A last batch of one is left out: a single window has no
 * variance, which batch normalisation asks for.
 */
export function shuffledBatches(count: number, batch: number, random: Random): Int32Array[] {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const batches: Int32Array[] = [];
  for (let from = 0; from < count; from += batch) batches.push(order.subarray(from, from + batch));
  return batches.filter((numbers) => numbers.length > 1);
}

/** Random numbers of an epoch, from 1; they do not depend on those before. */
export const epochRandom = (seed: number, epoch: number): Random => createRandom(seed).fork(`epoch ${epoch}`);

export type EpochTask = {
  /** Public function, for messages. */
  caller: string;
  graph: Trainable;
  /** Number of windows. */
  count: number;
  adam: AdamWConfig;
  /** Inputs of the graph for the windows of these numbers. */
  feeds(numbers: Int32Array): Feeds;
};

/**
 * Trains with Adam (AdamW without decay), no clipping; weights begin as `initialParameters` has them (Glorot). The same
 * seed and windows give the same values.
 * @returns parameters and running statistics, by name
 * @throws InputError where the loss or the gradients are no longer finite numbers
 */
export async function trainEpochs(task: EpochTask, settings: EpochSettings): Promise<Map<string, Float32Array>> {
  const { caller, graph, count, adam, feeds } = task;
  const { epochs, batch, learningRate, seed, onEpoch, runtime } = settings;
  const step = await compileStep(graph, adam, runtime);
  try {
    const state = initialState(step, initialParameters(step.shapes, seed, 0, 'glorot'));
    const scalars = { learningRate, weightDecay: 0, clipNorm: Number.POSITIVE_INFINITY, decay: 0 };
    for (let epoch = 1; epoch <= epochs; epoch++) {
      let [sum, seen] = [0, 0];
      for (const numbers of shuffledBatches(count, batch, epochRandom(seed, epoch))) {
        const { watched, gradients, buffers } = await step.gradients(state, feeds(numbers));
        const norm = await step.update(state, [gradients], scalars);
        if (!(Number.isFinite(watched.loss) && Number.isFinite(norm))) {
          throw new InputError(
            `${caller}: expected a finite loss, got ${watched.loss} (gradient norm ${norm}) at step ${state.step}; train with a lower learning rate`,
          );
        }
        for (const [name, values] of buffers) state.parameters.set(name, values);
        sum += watched.loss * numbers.length;
        seen += numbers.length;
      }
      onEpoch?.({ epoch, epochs, loss: sum / seen });
    }
    return state.parameters;
  } finally {
    await step.release();
  }
}
