// Whatever is killed, what was confirmed is there: a process that writes in a loop, and the database server itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../src/monitor/store/open.node.ts';
import { changeOf, policy, recordingOf, resultOf, stateOf } from '../src/monitor/store/store.test-util.ts';
import type { ScoredResult, Store } from '../src/monitor/store/types.ts';
import { hasPostgres, inPostgres, PASSWORD, type PostgresServer, startPostgres } from './postgres-server.ts';
import { projectRoot, scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (hasPostgres) server = await startPostgres();
});
afterAll(() => server?.stop());

/** Stores results one after the other, and says so of each when it is stored. */
const WRITER = `
  const { openStore } = await import(${JSON.stringify(pathToFileURL(join(projectRoot, 'dist', 'index.js')).href)});
  const { createHash } = await import('node:crypto');
  const [url, text] = process.argv.slice(1);
  const store = await openStore(url);
  const { recording, scores, alarms } = JSON.parse(text);
  for (let n = 0; ; n++) {
    const hash = createHash('sha256').update(String(n)).digest('hex');
    const { revision } = await store.alarmState(recording.machine);
    const stored = await store.record({
      recording: { ...recording, hash, startMs: n },
      scores: scores.map((score) => ({ ...score, hash })),
      alarms: { ...alarms, changes: alarms.changes.slice(n % 2, n % 2 + 1), revision },
    });
    if (stored === 'stored') process.stdout.write(hash + '\\n');
  }`;

const written: ScoredResult = {
  ...resultOf(recordingOf('a')),
  alarms: { changes: [changeOf('raised', 1), changeOf('cleared', 2)], state: stateOf('x'), revision: 0 },
};

function startWriter(url: string): { child: ChildProcess; confirmed: () => string[]; complaint: () => string } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, url, JSON.stringify(written)]);
  let said = '';
  let complaint = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  child.stderr?.on('data', (text) => {
    complaint += text;
  });
  // What is not a whole line may not have been confirmed.
  return { child, confirmed: () => said.split('\n').slice(0, -1), complaint: () => complaint };
}

/** Waits until a writer has confirmed so many. */
async function until({ confirmed, child, complaint }: ReturnType<typeof startWriter>, count: number): Promise<void> {
  while (confirmed().length < count) {
    if (child.exitCode !== null) throw new Error(`the writer ended: ${complaint()}`);
    await sleep(10);
  }
}

/** Every result that was confirmed is there, and none is there in part. */
async function expectWhole(store: Store, confirmed: readonly string[]): Promise<void> {
  const recordings = await store.recordings({ limit: 100_000 });
  const hashes = new Set(recordings.map(({ hash }) => hash));
  expect(confirmed.filter((hash) => !hashes.has(hash))).toEqual([]);
  const scores = await store.scores({ limit: 100_000 });
  expect(scores.map(({ hash }) => hash).sort()).toEqual([...hashes].sort());
  // Every second one raised an alarm, the others cleared it.
  expect((await store.alarmState('pump')).revision).toBe(hashes.size);
  expect(await store.alarms({ open: true })).toHaveLength(hashes.size % 2);
}

const databases = [
  { name: 'a store in a file', missing: false, newUrl: async () => at('killed.db') },
  { name: inPostgres('a store'), missing: !hasPostgres, newUrl: async () => server!.newDatabase() },
];

describe.each(databases)('$name', ({ missing, newUrl }) => {
  if (missing) return void it.skip('is not here');

  it('keeps all that a process had stored before it was killed, three times over', async () => {
    const url = await newUrl();
    const store = await openStore(url);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    const confirmed: string[] = [];
    for (const count of [5, 20, 37]) {
      const writer = startWriter(url);
      await until(writer, count);
      writer.child.kill('SIGKILL');
      await once(writer.child, 'close');
      confirmed.push(...writer.confirmed());
      await expectWhole(store, confirmed);
    }
    await store.close();
    const again = await openStore(url);
    await expectWhole(again, confirmed);
    await again.close();
  });
});

describe.skipIf(!hasPostgres)(inPostgres('a store'), () => {
  it('says so when the server is killed, and goes on when it is back, with all that was confirmed', async () => {
    const url = await server!.newDatabase();
    const store = await openStore(url);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    const writer = startWriter(url);
    await until(writer, 10);
    await server!.kill();
    await once(writer.child, 'close');

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => store.ping()));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'StoreError' } });
      const { message } = (result as PromiseRejectedResult).reason as Error;
      expect(message).toMatch(/^store postgres:\/\/127\.0\.0\.1:\d+\/test_\d+: .*; see that PostgreSQL runs there/);
      expect(message).not.toMatch(/\n/);
      expect(message).not.toContain(PASSWORD);
    }
    await expect(openStore(url)).rejects.toMatchObject({ name: 'StoreError' });

    await server!.start();
    await expectWhole(store, writer.confirmed());
    expect(await store.record(resultOf(recordingOf('after')))).toBe('stored');
    await store.close();
  });

  it('recovers when the server ends all connections in the middle of the work', async () => {
    const url = await server!.newDatabase();
    const [store, other] = [await openStore(url), await openStore(url)];
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    const working = Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => store.record(resultOf(recordingOf(`${n}`)))),
    );
    await server!.disconnectAll();
    const answers = await working;
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ name: 'StoreError' });
    }
    const confirmed = answers.filter(({ status }) => status === 'fulfilled').length;
    expect((await other.recordings({})).length).toBeGreaterThanOrEqual(confirmed);
    // Who stores again what was not confirmed has each of them once.
    for (let n = 0; n < 200; n++) await store.record(resultOf(recordingOf(`${n}`)));
    expect(await store.totals()).toMatchObject({ recordings: 200, scores: 200 });
    for (const each of [store, other]) await each.close();
  });

  it.each([
    ['a wrong password', (url: string) => url.replace(PASSWORD, 'secret'), /refuses the user or the password/],
    ['no database', (url: string) => url.replace(/\/test_\d+$/, '/nowhere'), /no database of that name; create it/],
    ['no server', (url: string) => url.replace(/:\d+\//, ':1/'), /cannot reach it .*; see that PostgreSQL runs there/],
  ])('says in one line what is wrong: %s', async (_, change, message) => {
    const error = await openStore(change(await server!.newDatabase())).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'StoreError', message: expect.stringMatching(message) });
    expect(error.message).not.toMatch(/\n|secret|sesam|thrum:/);
  });

  it('refuses an address without a host', async () => {
    await expect(openStore('postgres://')).rejects.toMatchObject({ name: 'InputError' });
  });
});
