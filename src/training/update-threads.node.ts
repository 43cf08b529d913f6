// The work of an update on several threads: this one, and others that wait for their part of it.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { startThread } from '../graph/thread.node.ts';
import type { AdamWConfig } from './optimiser.ts';
import { doUpdateWork, equalRuns, type ParameterUpdate, type UpdateWork } from './update-work.ts';

export type UpdateThreads = {
  /** Adds the gradients of several batches to the first of them, in place; returns the sums of squares, one for each parameter. */
  sum(gradients: readonly (readonly Float32Array[])[]): Promise<number[]>;
  adamW(updates: readonly ParameterUpdate[], config: AdamWConfig): Promise<void>;
  release(): Promise<void>;
};

/** At most `most` threads, this one among them, and `cores` at most. With several, all arrays lie in shared memory. */
export function startUpdateThreads(most: number, cores = availableParallelism()): UpdateThreads {
  const count = Math.min(most, cores);
  const path = count > 1 ? createRequire(import.meta.url).resolve('#worker/update') : '';
  const others = Array.from({ length: count - 1 }, () => startThread(path));
  /** `works`: one for each thread. */
  const doAll = async ([own, ...rest]: readonly UpdateWork[]): Promise<number[]> => {
    const replies = rest.map(async (work, i): Promise<number[]> => {
      const { worker } = others[i];
      const reply = once(worker, 'message');
      worker.postMessage(work);
      return (await reply)[0];
    });
    const done = doUpdateWork(own);
    return [done, ...(await Promise.all(replies))].flat();
  };
  return {
    sum: (all) => {
      const runs = equalRuns(all, ([{ length }]) => length, count);
      return doAll(runs.map((gradients) => ({ kind: 'sum', gradients })));
    },
    adamW: async (all, config) => {
      const runs = equalRuns(all, ({ gradient }) => gradient.length, count);
      await doAll(runs.map((updates) => ({ kind: 'adamW', updates, config })));
    },
    release: async () => {
      await Promise.all(others.map(({ end }) => end()));
    },
  };
}
