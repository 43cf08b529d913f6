// A thread of sqlite-thread: a store in a file, or its side for reading.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../signal/errors.ts';
import { createStore } from './create-store.ts';
import { migrate } from './schema.ts';
import { openSqlite } from './sqlite.node.ts';
import { OPENED, type StoreReply, type StoreRequest, type StoreThreadData } from './sqlite-thread.node.ts';
import { StoreError } from './store-error.ts';
import type { Store } from './types.ts';

const port = parentPort;
if (!port) throw new Error('store-worker runs in a worker thread only');

function failure(id: number, error: unknown): StoreReply {
  if (error instanceof InputError) return { id, error: error.message, kind: 'input' };
  if (error instanceof StoreError) return { id, error: error.message, kind: 'store' };
  return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error), kind: 'program' };
}

async function open({ path, readOnly }: StoreThreadData): Promise<Store> {
  const sql = openSqlite(path, undefined, readOnly);
  try {
    if (!readOnly) await migrate(sql);
    return createStore(sql);
  } catch (error) {
    await sql.close();
    throw error;
  }
}

const opening = open(workerData as StoreThreadData);
port.on('message', async ({ id, method, values }: StoreRequest) => {
  try {
    const store = await opening;
    const call = store[method] as (...values: unknown[]) => Promise<unknown>;
    const result = await call(...values);
    // Bytes change hands: they are not copied.
    const transfer = result instanceof Uint8Array ? [result.buffer as ArrayBuffer] : [];
    port.postMessage({ id, result } satisfies StoreReply, transfer);
  } catch (error) {
    port.postMessage(failure(id, error));
  }
});
opening.then(
  () => port.postMessage({ id: OPENED, result: undefined } satisfies StoreReply),
  (error) => port.postMessage(failure(OPENED, error)),
);
