// A store in SQLite on a thread of its own: the caller's event loop never waits for the disk.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { InputError } from '../../signal/errors.ts';
import { createStore } from './create-store.ts';
import type { Sql } from './sql.ts';
import { StoreError } from './store-error.ts';
import type { Store } from './types.ts';

/** What the thread is told, and what it answers. `opened` comes first. */
export type StoreThreadData = { path: string };
export type StoreRequest = { id: number; method: keyof Store; values: unknown[] };
export type StoreReply = { id: number } & (
  | { result: unknown }
  | { error: string; kind: 'input' | 'store' | 'program' }
);

/** The reply to opening the file. */
export const OPENED = 0;

type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

const never = (): never => {
  throw new Error('has no database');
};
const NOTHING: Sql = { dialect: 'sqlite', name: '', query: never, transaction: never, close: never };
const METHODS = Object.keys(createStore(NOTHING)) as (keyof Store)[];

function errorOf(reply: Extract<StoreReply, { error: string }>): Error {
  if (reply.kind === 'input') return new InputError(reply.error);
  return reply.kind === 'store' ? new StoreError(reply.error) : new Error(reply.error);
}

/**
 * Opens the file and brings it up to date. The thread keeps a process alive only while it has something to do.
 * @throws StoreError where the file cannot be used
 */
export async function openSqliteThread(path: string): Promise<Store> {
  const script = createRequire(import.meta.url).resolve('#worker/store');
  const worker = new Worker(script, { workerData: { path } satisfies StoreThreadData });
  const waiting = new Map<number, Waiting>();
  let ended: Error | undefined;
  const endWith = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on('message', (reply: StoreReply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if ('error' in reply) asked?.reject(errorOf(reply));
    else asked?.resolve(reply.result);
  });
  worker.on('error', (error: Error) => endWith(new StoreError(`store ${path}: its thread failed: ${error.message}`)));
  worker.on('exit', () => endWith(new StoreError(`store ${path}: it was closed`)));

  const expectReply = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.set(id, { resolve, reject });
      worker.ref();
    });
  try {
    await expectReply(OPENED);
  } catch (error) {
    await worker.terminate();
    throw error;
  }

  let next = OPENED + 1;
  const ask = (method: keyof Store, values: unknown[]): Promise<unknown> => {
    const id = next++;
    const reply = expectReply(id);
    if (!ended) worker.postMessage({ id, method, values } satisfies StoreRequest);
    return reply;
  };
  const methods = Object.fromEntries(METHODS.map((method) => [method, (...values: unknown[]) => ask(method, values)]));
  return {
    ...(methods as unknown as Store),
    async close() {
      if (!ended) await ask('close', []);
      await worker.terminate();
    },
  };
}
