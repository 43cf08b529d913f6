// Batches of clips for a training run, made ahead of it: files are decoded and machines simulated on other threads.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { InputError, oneLine } from '../../signal/errors.ts';
import { createClipMaker, type MadeClip, type MakerData } from './clip-maker.node.ts';
import { type OpenedSource, openSource } from './clip-source.node.ts';
import { type Response, readResponses } from './responses.node.ts';
import { clipPlan, type Seed } from './sampler.ts';
import type { Clip, DataSpec } from './types.ts';

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
export type ClipBatch = { first: number; clips: Clip[] };

export type ClipStream = AsyncIterable<ClipBatch> & {
  /** One line for every file that gave no clip; grows as batches are taken. */
  readonly warnings: string[];
  /** Stops the threads and deletes what was unpacked. Leaving a loop over the stream does so too. */
  close(): Promise<void>;
};

/** What a worker is told, and what it answers. */
export type ClipRequest = { n: number };
export type ClipReply = { n: number; made: MadeClip } | { n: number; error: string; badInput: boolean };

/**
 * Clips handed to a worker ahead of the one it works on: as many as it may need while a step of training blocks the
 * thread that hands them out.
 */
const AHEAD = 32;

function checkSpec(spec: DataSpec): void {
  const { clipSeconds, gainDecibels, speedFactor, responses, views = 1 } = spec;
  const expect = (fine: boolean, what: string, got: number) => {
    if (!fine) throw new InputError(`openClipStream: expected ${what}, got ${got}`);
  };
  expect(clipSeconds > 0 && Number.isFinite(clipSeconds), 'clipSeconds above 0', clipSeconds);
  expect(gainDecibels >= 0 && gainDecibels <= 120, 'gainDecibels from 0 to 120', gainDecibels);
  expect(speedFactor >= 1 && speedFactor <= 10, 'speedFactor from 1 to 10', speedFactor);
  expect(Number.isInteger(views) && views >= 1, 'a whole number of views', views);
  const probability = responses?.probability ?? 0;
  expect(probability >= 0 && probability <= 1, 'a probability of responses from 0 to 1', probability);
}

function checkOptions({ from = 0, batch, stride = batch, ahead = 2, workers = 1 }: ClipStreamOptions) {
  for (const [name, value, least] of [
    ['from', from, 0],
    ['batch', batch, 1],
    ['stride', stride, 1],
    ['ahead', ahead, 0],
    ['workers', workers, 0],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least)) {
      throw new InputError(`openClipStream: expected ${name} to be a whole number from ${least} on, got ${value}`);
    }
  }
  return { from, batch, stride, ahead, workers };
}

/** Clips by their number. `prepare` says which ones may be made; they are taken in the same order. */
type Clips = { prepare(numbers: readonly number[]): void; take(n: number): Promise<MadeClip>; close(): Promise<void> };

function clipsInline(data: MakerData): Clips {
  const make = createClipMaker(data);
  return { prepare: () => {}, take: make, close: async () => {} };
}

type Waiting = { resolve: (made: MadeClip) => void; reject: (error: Error) => void };
type Thread = { worker: Worker; waiting: Map<number, Waiting> };

/** `free` is called when a clip is done and the thread can take another. */
function startThread(data: MakerData, free: () => void, fail: (error: Error) => void): Thread {
  const path = createRequire(import.meta.url).resolve('#worker/clips');
  const worker = new Worker(path, { workerData: data });
  const waiting = new Map<number, Waiting>();
  worker.on('message', (reply: ClipReply) => {
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

function clipsOnThreads(data: MakerData, count: number): Clips {
  const ready = new Map<number, Promise<MadeClip>>();
  const queue: number[] = [];
  let failure: Error | undefined;
  const assign = ({ worker, waiting }: Thread, n: number) => {
    const made = new Promise<MadeClip>((resolve, reject) => waiting.set(n, { resolve, reject }));
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
  const threads = Array.from({ length: count }, () => startThread(data, fill, fail));
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

async function openSources(spec: DataSpec): Promise<OpenedSource[]> {
  const opened: OpenedSource[] = [];
  try {
    for (const source of spec.sources) opened.push(await openSource(source));
    return opened;
  } catch (error) {
    for (const { close } of opened) await close();
    throw error;
  }
}

/** Files are named once, however often they fail. */
function createWarnings() {
  const lines: string[] = [];
  const named = new Set<string>();
  const warn = (file: string, message: string) => {
    if (named.has(file)) return;
    named.add(file);
    lines.push(oneLine(message.includes(file) ? message : `${file}: ${message}`));
  };
  return { lines, warn };
}

/**
 * Opens an endless stream of batches: clips `from`, `from` + 1, … of the run that data and seed make, or, with a `stride`
 * above `batch`, a part of them, where several processes share a run. Clips do not depend on the number of threads, on
 * `ahead`, or on where the stream began. At most `ahead` + 1 batches are in memory, besides what each thread keeps of the
 * files it read last (64 MiB). The stream is gone through once.
 * @throws InputError for settings out of range, a source that is not there or has no recordings, and (the iteration) a
 * source of which no file gives a clip. Single bad files are left out, with a warning each.
 */
export async function openClipStream(spec: DataSpec, options: ClipStreamOptions): Promise<ClipStream> {
  checkSpec(spec);
  const { from, batch, stride, ahead, workers } = checkOptions(options);
  const { lines, warn } = createWarnings();
  const recorded: Response[] =
    spec.responses === undefined ? [] : await readResponses(spec.responses.path, (message) => warn(message, message));
  const opened = await openSources(spec);
  for (const { remark } of opened) if (remark) warn(remark, remark);
  const data: MakerData = {
    settings: {
      clipSeconds: spec.clipSeconds,
      gainDecibels: spec.gainDecibels,
      speedFactor: spec.speedFactor,
      ...(spec.views !== undefined && { views: spec.views }),
    },
    seed: options.seed,
    sources: opened.map(({ listed }) => listed),
    responses: { recorded, probability: spec.responses?.probability ?? 0 },
  };
  let clips: Clips | undefined;
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await clips?.close();
    for (const source of opened) await source.close();
  };
  try {
    // Weights and their number are checked before any thread is started.
    clipPlan(
      from,
      options.seed,
      data.sources.map(({ weight, items }) => ({ weight, count: items?.length ?? null })),
    );
    clips = workers === 0 ? clipsInline(data) : clipsOnThreads(data, workers);
  } catch (error) {
    await close();
    throw error;
  }
  async function* batches({ prepare, take }: Clips): AsyncGenerator<ClipBatch> {
    try {
      const prepareBatch = (first: number) => prepare(Array.from({ length: batch }, (_, i) => first + i));
      for (let i = 0; i < ahead; i++) prepareBatch(from + i * stride);
      for (let first = from; !closed; first += stride) {
        prepareBatch(first + ahead * stride);
        const taken: Clip[] = [];
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
