// SQLite by libsql, on the thread that calls: a file, or memory.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type Database from 'libsql';
import { oneLine } from '../../signal/errors.ts';
import { type Query, type Row, type Sql, type SqlValue, storable } from './sql.ts';
import { StoreError } from './store-error.ts';

const BUSY_SECONDS = 15;

const REASONS: [code: RegExp, reason: string][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'another process keeps it locked; see what uses it'],
  [/^SQLITE_FULL/, 'the disk is full; free some space'],
  [
    /^SQLITE_(READONLY|PERM|AUTH)/,
    'it is read-only; give this process the permission to write the file and its folder',
  ],
  [/^SQLITE_CANTOPEN/, 'it cannot be opened; see that its folder exists and may be written'],
  [/^SQLITE_NOTADB/, 'it is not an SQLite database; name another file'],
  [/^SQLITE_CORRUPT/, 'it is damaged; restore a copy of it'],
  [/^SQLITE_IOERR/, 'the disk fails, or is full; see to it'],
];

type LibsqlError = Error & { code?: string };

function storeError(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const { code = '', message } = error as LibsqlError;
  // Opening a file reports the number alone.
  const known = REASONS.find(([pattern]) => pattern.test(/: 14"\)$/.test(message) ? 'SQLITE_CANTOPEN' : code));
  if (!known && !code.startsWith('SQLITE_')) return error;
  return new StoreError(`store ${name}: ${known ? known[1] : oneLine(message)}`);
}

/** One after the other. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}

function openDatabase(path: string, busySeconds: number, readOnly: boolean): Database.Database {
  const Libsql = createRequire(import.meta.url)('libsql') as new (path: string) => Database.Database;
  const database = new Libsql(path === ':memory:' ? path : resolve(path));
  try {
    for (const pragma of [
      `busy_timeout = ${busySeconds * 1000}`,
      'journal_mode = wal',
      // What was confirmed outlives the power too: a broker has forgotten it. Where only the process dies, less would do.
      'synchronous = full',
      'foreign_keys = on',
      ...(readOnly ? ['query_only = on'] : []),
    ]) {
      database.exec(`pragma ${pragma}`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens a database file, or `:memory:`, and creates the file where there is none. `busySeconds`: how long to wait for
 * another process that writes. With `readOnly`, statements that write are refused.
 * @throws StoreError where it cannot be opened
 */
export function openSqlite(path: string, busySeconds = BUSY_SECONDS, readOnly = false): Sql {
  let database: Database.Database;
  try {
    database = openDatabase(path, busySeconds, readOnly);
  } catch (error) {
    throw storeError(path, error);
  }
  const inTurn = createQueue();
  const prepared = new Map<string, Database.Statement>();
  let closed = false;

  const run = (text: string, values: readonly SqlValue[] = []): Row[] => {
    let statement = prepared.get(text);
    if (!statement) {
      statement = database.prepare(text.replace(/\$(\d+)/g, '?$1'));
      prepared.set(text, statement);
    }
    try {
      if (statement.reader) return statement.all(storable(values)) as Row[];
      statement.run(storable(values));
      return [];
    } catch (error) {
      // A statement that has failed may still hold what it has locked; a new one does not.
      prepared.delete(text);
      throw error;
    }
  };
  const query: Query = async (text, values) => run(text, values);
  const guarded = <T>(work: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      if (closed) throw new StoreError(`store ${path}: it was closed`);
      try {
        return await work();
      } catch (error) {
        throw storeError(path, error);
      }
    });
  const inTransaction = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    // Takes the lock for writing at once: to get it later can fail, and then waiting does not help.
    database.exec('begin immediate');
    try {
      const result = await work(query);
      database.exec('commit');
      return result;
    } catch (error) {
      // A full disk has already ended it.
      if (database.inTransaction) database.exec('rollback');
      throw error;
    }
  };

  return {
    dialect: 'sqlite',
    name: path,
    // libsql leaves a lock behind where a write outside of a transaction finds the database busy.
    query: (text, values) =>
      guarded(() =>
        /^\s*(select|explain)\b/i.test(text) ? query(text, values) : inTransaction((q) => q(text, values)),
      ),
    transaction: (work) => guarded(() => inTransaction(work)),
    close: () =>
      inTurn(async () => {
        closed = true;
        prepared.clear();
        database.close();
      }),
  };
}
