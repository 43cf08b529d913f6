// Threads that take one job after the other: a bounded queue, deadlines, and replacement of those that die.
import { startThread, type Thread } from '../../graph/thread.node.ts';
import { InputError, oneLine } from '../../signal/errors.ts';
import { PoolClosedError, QueueFullError } from './errors.ts';

/** What a thread says: once that it is ready, then an answer to each job. `badInput`: becomes an InputError. */
export type ThreadReply = { ready: true } | { result: unknown } | { error: string; badInput: boolean };

export type ThreadMessage = { content: unknown; transfer?: readonly ArrayBuffer[] };

export type ThreadJob = {
  /** What it is about, for messages: `hear: pump.wav`. */
  name: string;
  /** Made when its turn comes, and again for a second try: buffers in `transfer` change hands. */
  message(): ThreadMessage | Promise<ThreadMessage>;
  /** A thread that takes longer is ended, and the job refused. */
  seconds?: number;
  signal?: AbortSignal;
  /** A part of a job that was let in before: no limit holds it up. */
  part?: boolean;
};

export type ThreadsOptions = { path: string; data?: unknown; threads: number; capacity: number };

export type Threads = {
  run(job: ThreadJob): Promise<unknown>;
  /** @throws QueueFullError where no more jobs may wait, PoolClosedError after `close` */
  admit(): void;
  load(): { waiting: number; running: number; threads: number };
  /**
   * Rejects where a thread that is free does not answer, or none can be started. Threads that are busy are not disturbed:
   * their jobs have deadlines.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** What a thread answers at once, with any result. */
export const PING = { ping: true } as const;
const PING_SECONDS = 30;

type Entry = {
  job: ThreadJob;
  tries: number;
  settled: boolean;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};

type Hand = Thread & { ready: boolean; entry?: Entry; timer?: NodeJS.Timeout };

/** A job is given to a second thread where the first one died under it; it may not have been its fault. */
const TRIES = 2;

/** Where a thread did not even start, the job is not to blame. */
const deathOf = ({ job, tries }: Entry, ready: boolean, reason: string): Error =>
  ready
    ? new InputError(
        `${job.name} ended the thread that worked on it ${tries} times (${reason}); leave it out, or make it shorter`,
      )
    : new Error(`${job.name}: no thread could be started (${reason})`);

/**
 * Starts threads as jobs come, at most `threads`; each takes one job at a time, in the order they came. A job whose thread
 * dies is tried once more. An aborted job leaves the queue at once; one that runs is left to its end, unheard.
 */
export function createThreads({ path, data, threads: count, capacity }: ThreadsOptions): Threads {
  const threads = new Set<Hand>();
  const queue: Entry[] = [];
  let closed = false;
  let idle: (() => void) | undefined;
  const running = () => [...threads].filter(({ entry }) => entry !== undefined).length;
  const waiting = () => queue.filter(({ job }) => !job.part).length;

  const free = (thread: Hand): Entry | undefined => {
    clearTimeout(thread.timer);
    const { entry } = thread;
    thread.entry = undefined;
    return entry;
  };

  const next = (): void => {
    while (queue.length > 0) {
      const thread =
        [...threads].find(({ entry }) => entry === undefined) ?? (threads.size < count ? start() : undefined);
      if (!thread) return;
      give(thread, queue.shift() as Entry);
    }
    if (running() === 0) idle?.();
  };

  /** What a job ends in when its thread is gone. */
  const lost = (thread: Hand, reason: string): void => {
    if (!threads.delete(thread)) return;
    const entry = free(thread);
    if (entry && !entry.settled) {
      if (closed) entry.reject(new PoolClosedError());
      else if (entry.tries < TRIES) queue.unshift(entry);
      else entry.reject(deathOf(entry, thread.ready, oneLine(reason)));
    }
    next();
  };

  const start = (): Hand => {
    const thread: Hand = { ...startThread(path, { workerData: data }), ready: false };
    threads.add(thread);
    thread.worker.on('message', (reply: ThreadReply) => {
      if ('ready' in reply) {
        thread.ready = true;
        return;
      }
      const entry = free(thread);
      if (entry && 'result' in reply) entry.resolve(reply.result);
      else if (entry && 'error' in reply)
        entry.reject(reply.badInput ? new InputError(reply.error) : new Error(reply.error));
      next();
    });
    thread.worker.on('error', (error) => lost(thread, error instanceof Error ? error.message : String(error)));
    thread.worker.on('exit', (code) => lost(thread, `it stopped with code ${code}`));
    return thread;
  };

  const send = async (thread: Hand, entry: Entry): Promise<void> => {
    try {
      const { content, transfer = [] } = await entry.job.message();
      // The thread may be gone by now, and the job with another one.
      if (thread.entry === entry) thread.worker.postMessage(content, [...transfer]);
    } catch (error) {
      if (thread.entry !== entry) return;
      // Nothing was sent: the thread is as free as before.
      free(thread)?.reject(error);
      next();
    }
  };

  const give = (thread: Hand, entry: Entry): void => {
    const { job } = entry;
    thread.entry = entry;
    entry.tries++;
    void send(thread, entry);
    if (job.seconds === undefined) return;
    thread.timer = setTimeout(() => {
      entry.reject(
        new InputError(
          `${job.name} took longer than ${job.seconds} s and was stopped; make it shorter, or allow more time for one`,
        ),
      );
      void thread.end();
      lost(thread, 'too slow');
    }, job.seconds * 1000);
  };

  const admit = (): void => {
    if (closed) throw new PoolClosedError();
    const busy = threads.size >= count && running() === threads.size;
    if (busy && waiting() >= capacity) throw new QueueFullError(waiting());
  };

  return {
    admit,
    async run(job) {
      job.signal?.throwIfAborted();
      if (closed) throw new PoolClosedError();
      if (!job.part) admit();
      let abort: (() => void) | undefined;
      try {
        return await new Promise<unknown>((resolve, reject) => {
          const entry: Entry = {
            job,
            tries: 0,
            settled: false,
            resolve,
            reject: (error) => {
              entry.settled = true;
              reject(error);
            },
          };
          abort = () => {
            const at = queue.indexOf(entry);
            if (at >= 0) queue.splice(at, 1);
            entry.reject(job.signal?.reason);
          };
          job.signal?.addEventListener('abort', abort, { once: true });
          queue.push(entry);
          next();
        });
      } finally {
        if (abort) job.signal?.removeEventListener('abort', abort);
      }
    },
    load: () => ({ waiting: waiting(), running: running(), threads: count }),
    async ping() {
      if (closed) throw new PoolClosedError();
      const unused = threads.size === 0 && queue.length === 0 ? [start()] : [];
      const free = [...unused, ...[...threads].filter(({ entry }) => entry === undefined)];
      await Promise.all(
        [...new Set(free)].map((thread) => {
          const job = { name: 'ping', seconds: PING_SECONDS, message: () => ({ content: PING }) };
          return new Promise<unknown>((resolve, reject) => {
            const entry: Entry = { job, tries: TRIES - 1, settled: false, resolve, reject };
            give(thread, entry);
          });
        }),
      );
    },
    async close() {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(new PoolClosedError());
      if (running() > 0) await new Promise<void>((resolve) => (idle = resolve));
      const ending = [...threads];
      threads.clear();
      await Promise.all(ending.map(({ end }) => end()));
    },
  };
}
