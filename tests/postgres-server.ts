// A PostgreSQL server of one's own, on a free port of this machine, in a folder of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { freePort } from './free-port.ts';

const DEBIAN = '/usr/lib/postgresql';
const newestFirst = (a: string, b: string): number => Number(b) - Number(a);
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...(existsSync(DEBIAN) ? readdirSync(DEBIAN).sort(newestFirst) : []).map((version) => join(DEBIAN, version, 'bin')),
];
const programs = folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));

/** The server refuses to run as root. */
function otherUser(): { uid: number; gid: number } | undefined {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = ['postgres', 'nobody'].map((name) => users.find((user) => user.startsWith(`${name}:`))).find(Boolean);
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
const isRoot = process.getuid?.() === 0;
const user: { uid?: number; gid?: number } | undefined = isRoot ? otherUser() : {};

export const hasPostgres = programs !== undefined && user !== undefined;

/** `the store in PostgreSQL`, and why its tests are skipped where they are. */
export const inPostgres = (what: string): string =>
  `${what} in PostgreSQL${hasPostgres ? '' : ' (skipped: no PostgreSQL; Debian has it as the package postgresql)'}`;

export const PASSWORD = 'sesam-open';

export type PostgresServer = {
  port: number;
  /** Address of a new, empty database. */
  newDatabase(): Promise<string>;
  disconnectAll(): Promise<void>;
  /** Ends it at once, as a power cut would, and all of its children. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
};

function initialise(folder: string): string {
  if (user?.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  writeFileSync(password, PASSWORD, { mode: 0o644 });
  const options = ['-D', data, '-U', 'thrum', '-A', 'scram-sha-256', `--pwfile=${password}`, '-E', 'UTF8'];
  const made = spawnSync(join(programs ?? '', 'initdb'), [...options, '--locale=C', '--no-sync'], {
    ...{ ...user, cwd: folder, encoding: 'utf8' },
  });
  if (made.status !== 0) throw new Error(`initdb ended: ${made.stdout}${made.stderr}`);
  return data;
}

/** One try to start; what it said where it ended. */
async function launch(folder: string, data: string, port: number): Promise<ChildProcess | string> {
  const options = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-c', 'fsync=off'];
  const child = spawn(join(programs ?? '', 'postgres'), options, {
    ...{ ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  });
  let said = '';
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(said));
    child.stderr?.on('data', (text) => {
      said += text;
      if (said.includes('ready to accept connections')) resolve(child);
    });
  });
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-postgres-'));
  const data = initialise(folder);
  const port = await freePort();
  let child: ChildProcess | undefined;
  let databases = 0;
  const end = async (signal: 'SIGKILL' | 'SIGINT') => {
    const ended = child && once(child, 'close');
    child?.kill(signal);
    await ended;
    child = undefined;
  };
  const address = (database: string) => `postgres://thrum:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const command = async (text: string): Promise<void> => {
    const sql = postgres(address('postgres'), { max: 1, fetch_types: false });
    await sql.unsafe(text);
    await sql.end();
  };
  const server: PostgresServer = {
    port,
    async newDatabase() {
      const name = `test_${databases++}`;
      await command(`create database ${name}`);
      return address(name);
    },
    disconnectAll: () =>
      command(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'
        and pid <> pg_backend_pid()`),
    kill: () => end('SIGKILL'),
    async start() {
      // Children of one that was killed need a moment to find that out.
      for (let tries = 0; ; tries++) {
        const started = await launch(folder, data, port);
        if (typeof started !== 'string') {
          child = started;
          return;
        }
        if (tries === 50) throw new Error(`postgres ended: ${started}`);
        await sleep(200);
      }
    },
    async stop() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}
