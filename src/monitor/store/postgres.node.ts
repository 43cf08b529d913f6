// PostgreSQL by a pool of connections, which connect again by themselves.
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { InputError, oneLine } from '../../signal/errors.ts';
import { type Query, type Row, type Sql, storable } from './sql.ts';
import { StoreError } from './store-error.ts';

const CONNECT_SECONDS = 10;
/** After a connection has failed, the next one waits for so long. */
const RECONNECT_SECONDS = 0.5;
const ANSWER_SECONDS = 60;
/** What the server ends by itself says more than a line that falls silent. */
const SILENT_SECONDS = 10;
const TRIES = 6;

/** Two wrote the same rows at once: serialization, deadlock, a row that the other has added or removed meanwhile. */
const AGAIN = new Set(['40001', '40P01', '23505', '23503']);
const GONE = /^(E[A-Z]+|CONNECT.*|57P0[123]|08...)$/;
const REASONS: [code: RegExp, reason: string][] = [
  [/^CONNECTION_ENDED$/, 'it was closed'],
  [/^(28P01|28000)$/, 'it refuses the user or the password; see that both are right'],
  [/^3D000$/, 'it has no database of that name; create it'],
  [/^53100$/, 'its disk is full; free some space there'],
  [/^53300$/, 'it has too many connections; let it have more, or let others have fewer'],
  [/^(25006|55000)$/, 'it takes no writes; name the server that does'],
  [/^42501$/, 'the user may not do that there; give it the right to'],
  [/^57014$/, `it needed more than ${ANSWER_SECONDS} s; see what it is busy with`],
];

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Never the error itself: it holds the statement and its values. */
function storeError(name: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === '' || error instanceof StoreError) return error;
  const { message } = error as Error;
  const known = REASONS.find(([pattern]) => pattern.test(code));
  if (known) return new StoreError(`store ${name}: ${known[1]}`);
  if (GONE.test(code)) {
    return new StoreError(
      `store ${name}: cannot reach it (${oneLine(message) || code}); see that PostgreSQL runs there and can be reached`,
    );
  }
  // The client's own faults are the program's.
  return /^[0-9A-Z]{5}$/.test(code) ? new StoreError(`store ${name}: ${oneLine(message)}`) : error;
}

/** Where it lies, without user and password. */
function nameOf(url: string): string {
  if (!URL.canParse(url) || new URL(url).hostname === '') {
    throw new InputError('openStore: expected an address such as postgres://USER:PASSWORD@HOST:5432/DATABASE');
  }
  const { host, pathname } = new URL(url);
  return `postgres://${host}${pathname}`;
}

/**
 * Connects when it is first used. `answerSeconds`: how long a statement may take; a transaction that is silent for longer
 * fails, though the server may have done it.
 * @throws InputError for an address that is none
 */
export function openPostgres(url: string, answerSeconds = ANSWER_SECONDS): Sql {
  const name = nameOf(url);
  const milliseconds = answerSeconds * 1000;
  const connect = () =>
    postgres(url, {
      connect_timeout: CONNECT_SECONDS,
      backoff: () => RECONNECT_SECONDS,
      // Poolers between us and the server may know no prepared statements.
      prepare: false,
      fetch_types: false,
      onnotice: () => {},
      types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
      connection: {
        application_name: 'thrum',
        statement_timeout: milliseconds,
        idle_in_transaction_session_timeout: milliseconds,
      },
    });
  type Pool = ReturnType<typeof connect>;
  let pool = connect();
  let closed = false;

  /** Gives up a pool whose server no longer answers, and takes a new one. */
  const replace = (silent: Pool): StoreError => {
    if (pool === silent && !closed) pool = connect();
    silent.end({ timeout: 0 }).catch(() => {});
    return new StoreError(`store ${name}: no answer for ${answerSeconds} s; see that PostgreSQL is well`);
  };
  const guarded = async <T>(work: (pool: Pool) => Promise<T>): Promise<T> => {
    const used = pool;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(replace(used)), milliseconds + SILENT_SECONDS * 1000);
    });
    try {
      return await Promise.race([work(used), late]);
    } catch (error) {
      throw storeError(name, error);
    } finally {
      clearTimeout(timer);
    }
  };
  /** Runs what lost against another once more, after a while that differs between them. */
  const insisting = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (tries === TRIES || !AGAIN.has(codeOf(error))) throw error;
        await sleep(Math.random() * 20 * tries);
      }
    }
  };
  const queryIn =
    (where: Pick<Pool, 'unsafe'>): Query =>
    async (text, values = []) =>
      [...(await where.unsafe(text, storable(values)))] as Row[];

  return {
    dialect: 'postgres',
    name,
    query: (text, values) => guarded((used) => insisting(() => queryIn(used)(text, values))),
    transaction: <T>(work: (query: Query) => Promise<T>) =>
      guarded((used) => insisting(() => used.begin((connection) => work(queryIn(connection))) as Promise<T>)),
    async close() {
      closed = true;
      await pool.end({ timeout: 5 });
    },
  };
}
