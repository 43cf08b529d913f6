// Batches of numbered clips, made ahead of a run: whatever makes a clip from its number does so on other threads.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { InputError, oneLine } from '../../signal/errors.ts';
import { createMaker, type Job, type Jobs } from './makers.node.ts';
import type { Seed } from './sampler.ts';
import type { Made, Maker } from './types.ts';

export type ClipStreamOptions = {
  seed: Seed;
  /** Number of the first clip, to go on where a run stopped; 0 by default. */
  from?: number;
  /** Clips per batch. */
  batch: number;
  /** From the first clip of a batch to that of the next; `batch` by default. Clips between batches are not made. */
  stride?: number;
  /** Batches that worker threads make before they are asked for; 2 by default. */
  ahead?: number;
  /** Worker threads; 1 by default. 0: clips are made on this thread when they are asked for. */
  workers?: number;
};

/** Clips `first`, `first` + 1, … of a run. */
export type Batch<C> = { first: number; clips: C[] };

export type BatchStream<C> = AsyncIterable<Batch<C>> & {
  /** One line for every file that gave no clip; grows as batches are taken. */
  readonly warnings: string[];
  /** Stops the threads and deletes what was unpacked. Leaving a loop over the stream does so too. */
  close(): Promise<void>;
};

/** What a worker is told, and what it answers. */
export type ClipRequest = { n: number };
export type ClipReply<C> = { n: number; made: Made<C> } | { n: number; error: string; badInput: boolean };

/**
 * Clips handed to a worker ahead of the one it works on: as many as it may need while a step of training blocks the
 * thread that hands them out.
 */
const AHEAD = 32;

export type Places = Required<Omit<ClipStreamOptions, 'seed'>>;

/**
 * Options with their defaults.
 * @param name the public function that got them
 * @throws InputError where one is not a whole number, or too small.
 */
export function checkPlaces(
  name: string,
  { from = 0, batch, stride = batch, ahead = 2, workers = 1 }: ClipStreamOptions,
): Places {
  for (const [option, value, least] of [
    ['from', from, 0],
    ['batch', batch, 1],
    ['stride', stride, 1],
    ['ahead', ahead, 0],
    ['workers', workers, 0],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least)) {
      throw new InputError(`${name}: expected ${option} to be a whole number from ${least} on, got ${value}`);
    }
  }
  return { from, batch, stride, ahead, workers };
}

/** Clips by their number. `prepare` says which ones may be made; they are taken in the same order. */
type Clips<C> = { prepare(numbers: readonly number[]): void; take: Maker<C>; close(): Promise<void> };

const clipsInline = <C>(make: Maker<C>): Clips<C> => ({ prepare: () => {}, take: make, close: async () => {} });

type Waiting<C> = { resolve: (made: Made<C>) => void; reject: (error: Error) => void };
type Thread<C> = { worker: Worker; waiting: Map<number, Waiting<C>> };

/** `free` is called when a clip is done and the thread can take another. */
function startThread<C>(job: Job, free: () => void, fail: (error: Error) => void): Thread<C> {
  const path = createRequire(import.meta.url).resolve('#worker/clips');
  const worker = new Worker(path, { workerData: job });
  const waiting = new Map<number, Waiting<C>>();
  worker.on('message', (reply: ClipReply<C>) => {
    // Nobody waits any more when another thread has failed.
    const asked = waiting.get(reply.n);
    waiting.delete(reply.n);
    if ('made' in reply) asked?.resolve(reply.made);
    else asked?.reject(reply.badInput ? new InputError(reply.error) : new Error(reply.error));
    free();
  });
  worker.on('error', (error) => fail(error as Error));
  worker.on('exit', (code) => fail(new Error(`clip worker stopped with code ${code}`)));
  return { worker, waiting };
}

function clipsOnThreads<C>(job: Job, count: number): Clips<C> {
  const ready = new Map<number, Promise<Made<C>>>();
  const queue: number[] = [];
  let failure: Error | undefined;
  const assign = ({ worker, waiting }: Thread<C>, n: number) => {
    const made = new Promise<Made<C>>((resolve, reject) => waiting.set(n, { resolve, reject }));
    // The consumer may be behind: a rejection must not count as unhandled until it gets there.
    made.catch(() => {});
    ready.set(n, made);
    worker.postMessage({ n } satisfies ClipRequest);
  };
  const fill = () => {
    while (queue.length > 0 && failure === undefined) {
      const idlest = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
      if (idlest.waiting.size > AHEAD) return;
      assign(idlest, queue.shift() as number);
    }
  };
  const fail = (error: Error) => {
    failure ??= error;
    for (const { waiting } of threads) {
      for (const { reject } of waiting.values()) reject(failure);
      waiting.clear();
    }
  };
  const threads = Array.from({ length: count }, () => startThread<C>(job, fill, fail));
  return {
    prepare: (numbers) => {
      queue.push(...numbers);
      fill();
    },
    take: async (n) => {
      const made = ready.get(n);
      ready.delete(n);
      // Not handed out: only when a thread has failed, as clips are taken in order.
      if (!made) throw failure ?? new Error(`clip ${n} was never asked for`);
      return made;
    },
    close: async () => {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

/** Files are named once, however often they fail. */
export function createWarnings() {
  const lines: string[] = [];
  const named = new Set<string>();
  const warn = (file: string, message: string) => {
    if (named.has(file)) return;
    named.add(file);
    lines.push(oneLine(message.includes(file) ? message : `${file}: ${message}`));
  };
  return { lines, warn };
}

export type Warnings = ReturnType<typeof createWarnings>;

/**
 * An endless stream of batches of what a job makes, from `places.from` on; gone through once.
 * `release` is called once, when the threads have stopped.
 */
export function batchStream<K extends keyof Jobs>(
  job: Job<K>,
  { from, batch, stride, ahead, workers }: Places,
  { lines, warn }: Warnings,
  release: () => Promise<void> = async () => {},
): BatchStream<Jobs[K]['clip']> {
  type C = Jobs[K]['clip'];
  const clips: Clips<C> = workers === 0 ? clipsInline(createMaker(job)) : clipsOnThreads(job, workers);
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await clips.close();
    await release();
  };
  async function* batches({ prepare, take }: Clips<C>): AsyncGenerator<Batch<C>> {
    try {
      const prepareBatch = (first: number) => prepare(Array.from({ length: batch }, (_, i) => first + i));
      for (let i = 0; i < ahead; i++) prepareBatch(from + i * stride);
      for (let first = from; !closed; first += stride) {
        prepareBatch(first + ahead * stride);
        const taken: C[] = [];
        for (let n = first; n < first + batch; n++) {
          const { clip, refused } = await take(n);
          for (const { file, message } of refused) warn(file, message);
          taken.push(clip);
        }
        yield { first, clips: taken };
      }
    } catch (error) {
      // Threads that were stopped on purpose are no failure.
      if (!closed) throw error;
    } finally {
      await close();
    }
  }
  const iterator = batches(clips);
  return { warnings: lines, close, [Symbol.asyncIterator]: () => iterator };
}
