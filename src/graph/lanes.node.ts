// Programs side by side, each on threads of its own: independent runs do not wait for each other, and whoever asked for them
// is free until they are done.
import { loadProgramInWorker } from './executor.node.ts';
import type { Program, RuntimeOptions, Value } from './runtime.ts';

/**
 * `count` programs of one model, each on a worker thread. Runs go to whichever is free, and wait where none is.
 * @throws InputError if the provider is not there or the model is not valid.
 */
export async function loadLanes(model: Uint8Array, options: RuntimeOptions, count: number): Promise<Program> {
  const loading = await Promise.allSettled(Array.from({ length: count }, () => loadProgramInWorker(model, options)));
  const lanes = loading.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  const release = async (): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.release()));
  };
  const failed = loading.find((lane) => lane.status === 'rejected');
  if (failed) {
    await release();
    throw failed.reason;
  }
  const free = [...lanes];
  const waiting: ((lane: Program) => void)[] = [];
  const runOn = async (lane: Program, ...batch: Parameters<Program['run']>): Promise<Record<string, Value>> => {
    try {
      return await lane.run(...batch);
    } finally {
      const next = waiting.shift();
      if (next) next(lane);
      else free.push(lane);
    }
  };
  return {
    // What finds a free lane starts before the caller goes on.
    run(...batch) {
      const lane = free.shift();
      if (lane) return runOn(lane, ...batch);
      return new Promise<Program>((resolve) => waiting.push(resolve)).then((next) => runOn(next, ...batch));
    },
    release,
  };
}
