// Programs on a thread of their own: a run blocks its thread, and servers must not block.
import { createRequire } from 'node:module';
import { InputError } from '../signal/errors.ts';
import type { Feeds, Program, RuntimeOptions, Value } from './runtime.ts';
import { startThread } from './thread.node.ts';

/** What the worker is told: the model first, then runs; and what it answers. */
export type ExecutorRequest = { id: number; feeds: Feeds; into?: Feeds };
export type ExecutorReply =
  | { id: number; outputs: Record<string, Value> }
  | { id: number; error: string; badInput: boolean };
export type ExecutorData = { model: Uint8Array; options: RuntimeOptions };

/** The reply to loading the model. */
export const LOADED = 0;

type Waiting = { resolve: (outputs: Record<string, Value>) => void; reject: (error: Error) => void };

/**
 * Like `loadProgram`, but every run happens on a worker thread: the caller's event loop stays free. Feeds are copied,
 * results change hands without a copy; runs queue up in order.
 * @throws InputError if the provider is not there or the model is not valid.
 */
export async function loadProgramInWorker(model: Uint8Array, options: RuntimeOptions = {}): Promise<Program> {
  const path = createRequire(import.meta.url).resolve('#worker/graph');
  const { worker, end } = startThread(path, { workerData: { model, options } satisfies ExecutorData });
  const waiting = new Map<number, Waiting>();
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', (reply: ExecutorReply) => {
    const found = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('outputs' in reply) found?.resolve(reply.outputs);
    else found?.reject(reply.badInput ? new InputError(reply.error) : new Error(reply.error));
  });
  worker.on('error', (error) => failAll(error as Error));
  worker.on('exit', () => failAll(new Error('the program was released, or its thread stopped')));
  const expectReply = (id: number) =>
    new Promise<Record<string, Value>>((resolve, reject) => waiting.set(id, { resolve, reject }));

  try {
    await expectReply(LOADED);
  } catch (error) {
    await end();
    throw error;
  }
  let next = LOADED + 1;
  return {
    async run(feeds, into) {
      for (const [name, { data }] of Object.entries(into ?? {})) {
        if (!(data.buffer instanceof SharedArrayBuffer)) throw new TypeError(`run: ${name} has to be shared memory`);
      }
      const id = next++;
      const reply = expectReply(id);
      worker.postMessage({ id, feeds, into } satisfies ExecutorRequest);
      return reply;
    },
    release: end,
  };
}
