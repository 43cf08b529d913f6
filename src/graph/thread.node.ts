// Worker threads that run native code, and their end. Node ends a thread wherever it is; ONNX Runtime then finds that it can
// no longer make its results, and takes the whole process with it. So a thread says when it is in native code, and its end
// waits until it is not; that of the process too.
import { getEnvironmentData, setEnvironmentData, Worker, type WorkerOptions } from 'node:worker_threads';

/** Where a thread finds the memory that it shares with the one that started it. */
const KEY = 'thrum.native-code';

/** Places in that memory: how many calls of native code have not come back, and whether the thread is to make none any more. */
const [CALLS, ENDING] = [0, 1];

/** How long the end of the process waits for a thread, in ms. */
const PATIENCE = 10_000;

export type Thread = {
  worker: Worker;
  /** Ends the thread as soon as it is not in native code. */
  end(): Promise<void>;
};

/** This thread's own, where it was started by `startThread`. */
const own = getEnvironmentData(KEY) as Int32Array | undefined;

/** Those of the threads that this one has started. */
const running = new Set<Int32Array>();

/** Nothing but memory can be waited for when a process exits. */
function waitForAll(): void {
  for (const state of running) Atomics.store(state, ENDING, 1);
  for (const state of running) {
    for (let calls = Atomics.load(state, CALLS); calls > 0; calls = Atomics.load(state, CALLS)) {
      if (Atomics.wait(state, CALLS, calls, PATIENCE) === 'timed-out') break;
    }
  }
}

/** Starts a thread. What it calls through `inNativeCode` comes to its end, also when the process exits. */
export function startThread(path: string, options: WorkerOptions = {}): Thread {
  const state = new Int32Array(new SharedArrayBuffer(8));
  setEnvironmentData(KEY, state);
  const worker = new Worker(path, options);
  setEnvironmentData(KEY, undefined);
  if (running.size === 0) process.on('exit', waitForAll);
  running.add(state);
  worker.once('exit', () => {
    running.delete(state);
    // One that died in the middle of a call does not come back from it.
    Atomics.store(state, CALLS, 0);
    Atomics.notify(state, CALLS);
    if (running.size === 0) process.off('exit', waitForAll);
  });
  return {
    worker,
    async end() {
      Atomics.store(state, ENDING, 1);
      for (let calls = Atomics.load(state, CALLS); calls > 0; calls = Atomics.load(state, CALLS)) {
        await Atomics.waitAsync(state, CALLS, calls).value;
      }
      await worker.terminate();
    },
  };
}

/**
 * Does `work`, which calls native code, so that a thread made by `startThread` is not ended meanwhile. In a thread that is
 * about to be ended it does nothing, and never comes back.
 */
export async function inNativeCode<T>(work: () => Promise<T>): Promise<T> {
  if (!own) return work();
  Atomics.add(own, CALLS, 1);
  try {
    // Whoever ends it sees the call, or the call sees that it is to end.
    if (Atomics.load(own, ENDING) === 0) return await work();
  } finally {
    Atomics.sub(own, CALLS, 1);
    Atomics.notify(own, CALLS);
  }
  return new Promise(() => {});
}
