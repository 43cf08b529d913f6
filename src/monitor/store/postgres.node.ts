// PostgreSQL by a pool of connections, which are replaced when they are lost.
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { InputError, oneLine } from '../../signal/errors.ts';
import { type Connection, createPool } from './pool.ts';
import { type Query, type Row, type Sql, storable } from './sql.ts';
import { StoreError } from './store-error.ts';

const CONNECT_SECONDS = 10;
const ANSWER_SECONDS = 60;
/** What the server ends by itself says more than a line that falls silent. */
const SILENT_SECONDS = 10;
const TRIES = 6;
const CONNECTIONS = 10;

/** Two wrote the same rows at once: serialization, deadlock, a row that the other has added or removed meanwhile. */
const AGAIN = new Set(['40001', '40P01', '23505', '23503']);
const GONE = /^(E[A-Z]+|CONNECT.*|57P0[123]|08...)$/;
const REASONS: [code: RegExp, reason: string][] = [
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

/** Where it lies, without user and password; how many connections it may have. */
function placeOf(url: string): { name: string; most: number } {
  const most = Number((URL.canParse(url) && new URL(url).searchParams.get('max')) || CONNECTIONS);
  if (!URL.canParse(url) || new URL(url).hostname === '' || !(Number.isSafeInteger(most) && most > 0)) {
    throw new InputError('openStore: expected an address such as postgres://USER:PASSWORD@HOST:5432/DATABASE?max=10');
  }
  const { host, pathname } = new URL(url);
  return { name: `postgres://${host}${pathname}`, most };
}

/**
 * One connection. The client would connect again by itself, but in the middle of a transaction the rest of it would then
 * stand alone, and what it writes to a connection that is gone ends the process (porsager/postgres issue 1154).
 */
function connect(url: string, answerSeconds: number): Connection {
  let lost = false;
  const client = postgres(url, {
    max: 1,
    onclose: () => {
      lost = true;
    },
    max_lifetime: null,
    connect_timeout: CONNECT_SECONDS,
    // Poolers between us and the server may know no prepared statements.
    prepare: false,
    fetch_types: false,
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: 'thrum',
      statement_timeout: answerSeconds * 1000,
      idle_in_transaction_session_timeout: answerSeconds * 1000,
    },
  });
  return {
    async query(text, values = []) {
      if (lost) throw Object.assign(new Error('the connection was lost'), { code: 'CONNECTION_CLOSED' });
      return [...(await client.unsafe(text, storable(values)))] as Row[];
    },
    isLost: () => lost,
    end() {
      lost = true;
      return client.end({ timeout: 0 });
    },
  };
}

async function inTransaction<T>(connection: Connection, work: (query: Query) => Promise<T>): Promise<T> {
  await connection.query('begin');
  try {
    const result = await work(connection.query);
    await connection.query('commit');
    return result;
  } catch (error) {
    // Without a connection there is no transaction either.
    if (!connection.isLost()) await connection.query('rollback').catch(() => connection.end());
    throw error;
  }
}

/** Runs what lost against another once more, after a while that differs between them. */
async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !AGAIN.has(codeOf(error))) throw error;
      await sleep(Math.random() * 20 * tries);
    }
  }
}

/**
 * Connects when it is first used, and again after a connection was lost. `answerSeconds`: how long a statement may take;
 * what is silent for longer fails, though the server may have done it.
 * @throws InputError for an address that is none
 */
export function openPostgres(url: string, answerSeconds = ANSWER_SECONDS): Sql {
  const { name, most } = placeOf(url);
  const pool = createPool(() => connect(url, answerSeconds), most);
  let closed = false;

  const guarded = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    if (closed) throw new StoreError(`store ${name}: it was closed`);
    let late = false;
    try {
      return await pool.use(async (connection) => {
        const giveUp = () => {
          late = true;
          connection.end().catch(() => {});
        };
        const timer = setTimeout(giveUp, (answerSeconds + SILENT_SECONDS) * 1000);
        try {
          return await insisting(() => work(connection));
        } finally {
          clearTimeout(timer);
        }
      });
    } catch (error) {
      if (late) throw new StoreError(`store ${name}: no answer for ${answerSeconds} s; see that PostgreSQL is well`);
      throw storeError(name, error);
    }
  };

  return {
    dialect: 'postgres',
    name,
    query: (text, values) => guarded(({ query }) => query(text, values)),
    transaction: (work) => guarded((connection) => inTransaction(connection, work)),
    async close() {
      closed = true;
      await pool.close();
    },
  };
}
