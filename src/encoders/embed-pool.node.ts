// Many files, all cores: every worker thread reads, transforms and encodes one file at a time, with one thread each.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { startThread, type Thread } from '../graph/thread.node.ts';
import { InputError } from '../signal/errors.ts';
import { type EmbedJob, type EmbedResult, embedFile } from './embed-file.node.ts';
import { type EncoderSpec, loadEncoder } from './load.node.ts';

export type PoolOptions = {
  /** Worker threads; by default as many as there are cores, and none for a few files. */
  workers?: number;
};

/** What a worker is told, and what it answers. */
export type WorkerRequest = { id: number; job: EmbedJob };
export type WorkerReply = { id: number; result: EmbedResult } | { id: number; error: string; badInput: boolean };

/** Up to this many files are not worth the start of worker threads. */
const FEW_FILES = 4;

/** Files handed to a worker ahead of the one it works on. */
const AHEAD = 1;

/** Embeds on this thread; the encoder uses all cores for each file. */
async function* embedInline(spec: EncoderSpec, jobs: readonly EmbedJob[]): AsyncGenerator<EmbedResult> {
  const encoder = await loadEncoder(spec);
  try {
    for (const job of jobs) yield await embedFile(encoder, job);
  } finally {
    await encoder.release();
  }
}

type Pending = { resolve: (result: EmbedResult) => void; reject: (error: Error) => void };

function startWorker(spec: EncoderSpec, pending: Map<number, Pending>): Thread {
  const path = createRequire(import.meta.url).resolve('#worker/embed');
  const thread = startThread(path, { workerData: { spec: { ...spec, threads: 1 } } });
  const { worker } = thread;
  const failAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.on('message', (reply: WorkerReply) => {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if ('result' in reply) waiting?.resolve(reply.result);
    else waiting?.reject(reply.badInput ? new InputError(reply.error) : new Error(reply.error));
  });
  worker.on('error', (error) => failAll(error as Error));
  worker.on('exit', (code) => failAll(new Error(`embed worker stopped with code ${code}`)));
  return thread;
}

async function* embedOnWorkers(
  spec: EncoderSpec,
  jobs: readonly EmbedJob[],
  count: number,
): AsyncGenerator<EmbedResult> {
  const pending = Array.from({ length: count }, () => new Map<number, Pending>());
  const workers = pending.map((waiting) => startWorker(spec, waiting));
  const results: Promise<EmbedResult>[] = [];
  let next = 0;
  const assign = (w: number) => {
    if (next >= jobs.length) return;
    const id = next++;
    const result = new Promise<EmbedResult>((resolve, reject) => pending[w].set(id, { resolve, reject }));
    // The consumer may be behind: a rejection must not count as unhandled until it gets there.
    result.catch(() => {});
    results[id] = result;
    workers[w].worker.postMessage({ id, job: jobs[id] } satisfies WorkerRequest);
    result.then(
      () => throttle(w),
      () => {},
    );
  };
  // Results wait in memory until they are taken: work stops when too many do.
  let taken = 0;
  const parked: number[] = [];
  const throttle = (w: number) => {
    if (next - taken > count * 8) parked.push(w);
    else assign(w);
  };
  try {
    for (let w = 0; w < count; w++) for (let i = 0; i <= AHEAD; i++) assign(w);
    for (let i = 0; i < jobs.length; i++) {
      yield await results[i];
      delete results[i];
      taken++;
      while (parked.length > 0 && next - taken <= count * 8) assign(parked.shift() as number);
    }
  } finally {
    await Promise.all(workers.map(({ end }) => end()));
  }
}

/**
 * Embeds files in order, in bounded memory, with all cores busy. Bad files come back as failures.
 * Stopping the iteration stops the workers.
 */
export function embedFiles(
  spec: EncoderSpec,
  jobs: readonly EmbedJob[],
  options: PoolOptions = {},
): AsyncGenerator<EmbedResult> {
  const cores = availableParallelism();
  const workers = options.workers ?? (jobs.length <= FEW_FILES ? 0 : Math.min(cores, jobs.length));
  return workers === 0 ? embedInline(spec, jobs) : embedOnWorkers(spec, jobs, workers);
}
