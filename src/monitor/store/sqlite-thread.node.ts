// A store in SQLite on threads of its own: the caller's event loop never waits for the disk, and who reads never waits for
// those who write.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { InputError } from '../../signal/errors.ts';
import { createStore } from './create-store.ts';
import type { Sql } from './sql.ts';
import { StoreError } from './store-error.ts';
import type { Store } from './types.ts';

/** What a thread is told, and what it answers. `opened` comes first. One that only reads leaves the tables as they are. */
export type StoreThreadData = { path: string; readOnly: boolean };
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

/** Methods that change nothing. */
const READS: ReadonlySet<keyof Store> = new Set([
  ...([
    'detectors',
    'detectorVersions',
    'detector',
    'machines',
    'machineNames',
    'machine',
    'machineStatus',
    'alarmState',
  ] as const),
  ...([
    'isKnown',
    'recordings',
    'recording',
    'recordingNamed',
    'scores',
    'alarms',
    'alarm',
    'labels',
    'label',
  ] as const),
  ...(['json', 'deadLetters', 'keys', 'keyByHash', 'totals', 'ping'] as const),
]);

type StoreThread = { ask(method: keyof Store, values: unknown[]): Promise<unknown>; close(): Promise<void> };

/** Keeps the process alive only while it has something to do. */
async function startThread(data: StoreThreadData): Promise<StoreThread> {
  const script = createRequire(import.meta.url).resolve('#worker/store');
  // Options of the program that runs, such as --input-type, are none of the thread's.
  const worker = new Worker(script, { workerData: data, execArgv: [] });
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
  const { path } = data;
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
  return {
    ask,
    async close() {
      if (!ended) await ask('close', []);
      await worker.terminate();
    },
  };
}

/**
 * Opens the file and brings it up to date; one thread writes, another one reads. What a method has stored when it resolves,
 * later ones read.
 * @throws StoreError where the file cannot be used
 */
export async function openSqliteThread(path: string): Promise<Store> {
  const writer = await startThread({ path, readOnly: false });
  let reader: StoreThread;
  try {
    reader = await startThread({ path, readOnly: true });
  } catch (error) {
    await writer.close();
    throw error;
  }
  const methods = Object.fromEntries(
    METHODS.map((method) => {
      const { ask } = READS.has(method) ? reader : writer;
      return [method, (...values: unknown[]) => ask(method, values)];
    }),
  );
  return {
    ...(methods as unknown as Store),
    async ping() {
      await Promise.all([reader, writer].map(({ ask }) => ask('ping', [])));
    },
    async close() {
      await reader.close();
      await writer.close();
    },
  };
}
