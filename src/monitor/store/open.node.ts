// Opening a store by where it lies.
import { fileURLToPath } from 'node:url';
import { InputError } from '../../signal/errors.ts';
import { createStore } from './create-store.ts';
import { openPostgres } from './postgres.node.ts';
import { migrate } from './schema.ts';
import { openSqlite } from './sqlite.node.ts';
import { openSqliteThread } from './sqlite-thread.node.ts';
import type { Store } from './types.ts';

async function openMemory(): Promise<Store> {
  const sql = openSqlite(':memory:');
  await migrate(sql);
  return createStore(sql);
}

/** Far more than any step takes that changes the tables. */
const MIGRATION_SECONDS = 3600;

async function openServer(url: string): Promise<Store> {
  const patient = openPostgres(url, MIGRATION_SECONDS);
  try {
    await migrate(patient);
  } finally {
    await patient.close();
  }
  return createStore(openPostgres(url));
}

function pathOf(url: string): string {
  if (url.startsWith('file://')) {
    try {
      return fileURLToPath(url);
    } catch {
      throw new InputError('openStore: expected an address of a file such as file:///var/lib/thrum/thrum.db');
    }
  }
  return url.replace(/^file:/, '');
}

/**
 * Opens a store, and brings its tables up to date: a path or `file:` address is an SQLite file (created where there is
 * none), `:memory:` an SQLite database that ends with the process, `postgres://USER:PASSWORD@HOST:PORT/DATABASE` a
 * PostgreSQL server, whose connections come back by themselves.
 * @throws InputError for an address that is none, StoreError where the database cannot be used
 * @example const store = await openStore('thrum.db');
 */
export async function openStore(url: string): Promise<Store> {
  if (url === ':memory:') return openMemory();
  if (/^postgres(ql)?:\/\//.test(url)) return openServer(url);
  const path = pathOf(url);
  if (path === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    const scheme = path === '' ? 'nothing' : path.replace(/:.*$/s, '://…');
    throw new InputError(`openStore: expected a path, file:PATH or postgres://HOST/DATABASE, got ${scheme}`);
  }
  return openSqliteThread(path);
}
