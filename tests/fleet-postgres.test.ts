// Processes of a fleet on a real PostgreSQL: each recording is stored once, or a dead letter, whatever is killed meanwhile.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultPolicy } from '../src/monitor/alarm/policy.ts';
import { publishRecording } from '../src/monitor/queue/publish.node.ts';
import type { Store } from '../src/monitor/store/types.ts';
import { createFleet, soundOf, until } from './fleet.ts';
import { hasNatsServer, startNatsServer, throughNats } from './nats-server.ts';
import { hasPostgres, inPostgres, type PostgresServer, startPostgres } from './postgres-server.ts';
import { type Spawned, spawnThrum } from './spawn-thrum.ts';

/** Several processes share what processors there are. */
vi.setConfig({ testTimeout: 600_000 });

type Fleet = Awaited<ReturnType<typeof createFleet>>;
let database: PostgresServer;
beforeAll(async () => {
  if (hasPostgres && hasNatsServer) database = await startPostgres();
});
afterAll(() => database?.stop());
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Workers as processes of their own, and all that they stand on. */
async function plant(...more: string[]) {
  const url = await database.newDatabase();
  const fleet = await createFleet(['pump', 'press'], { onDisk: true, database: url });
  endings.push(fleet.end);
  let server = await startNatsServer(join(fleet.folder, 'nats'));
  endings.push(() => server.kill());
  const places = ['--nats', server.url, '--store', url, '--blobs', join(fleet.folder, 'blobs')];
  const args = ['worker', ...places, '--threads', '1', '--ack-seconds', '1', ...more];
  return {
    ...fleet,
    url: server.url,
    async restartQueue() {
      await server.kill();
      server = await startNatsServer(join(fleet.folder, 'nats'), server.port);
    },
    spawn: () => spawnThrum(args, endings, 'thrum worker is ready'),
  };
}
const publication = (i: number, machine = 'pump') => ({
  ...{ machine, name: `${i}.wav`, bytes: soundOf(i), startMs: 1_700_000_000_000 + 1000 * i },
});
/** How many are stored; while the database is away, nobody knows. */
const count = (store: Store): Promise<number> =>
  store.totals().then(
    ({ recordings }) => recordings,
    () => -1,
  );
const emptyQueue = (fleet: Pick<Fleet, 'sender'> & { url: string }) => async (): Promise<boolean> => {
  const manager = await jetstreamManager(await fleet.sender(fleet.url));
  return (await manager.streams.info('THRUM_IN')).state.messages === 0;
};

describe.runIf(hasNatsServer && hasPostgres)(throughNats(inPostgres('a fleet')), () => {
  it('scores each recording once though workers and the database are killed under load', async () => {
    const fleet = await plant();
    const { store } = fleet;
    let workers = [await fleet.spawn(), await fleet.spawn()];
    const sender = await fleet.sender(fleet.url);
    const all = 60;
    const sending = (async () => {
      for (let i = 0; i < all; i++) {
        await publishRecording(sender, publication(i));
        if (i % 20 === 10)
          await publishRecording(sender, { ...publication(i), name: `bad ${i}`, bytes: Buffer.from(`no sound ${i}`) });
      }
    })();
    for (const [share, what] of [
      [8, 'worker'],
      [16, 'database'],
      [24, 'worker'],
      [30, 'queue'],
      [36, 'database'],
    ] as const) {
      await until(`${share} recordings`, async () => (await count(store)) >= share);
      if (what === 'worker') {
        await workers[0].end('SIGKILL');
        workers = [workers[1], await fleet.spawn()];
      } else if (what === 'queue') await fleet.restartQueue();
      else {
        await database.kill();
        await database.start();
      }
    }
    await sending;
    await until('all recordings', async () => (await count(store)) >= all);
    await until('an empty queue', emptyQueue(fleet));
    const recordings = await store.recordings({ limit: 1000 });
    const scores = await store.scores({ limit: 1000 });
    expect(recordings.map(({ name }) => name).sort()).toEqual(Array.from({ length: all }, (_, i) => `${i}.wav`).sort());
    expect(scores.map(({ hash }) => hash).sort()).toEqual(recordings.map(({ hash }) => hash).sort());
    const letters = await store.deadLetters({});
    expect(letters.map(({ reason }) => /bad \d+/.exec(reason)?.[0]).sort()).toEqual(['bad 10', 'bad 30', 'bad 50']);
  });

  it.runIf(process.platform === 'linux')(
    'buries a message that takes every worker with it, and hears those that were beside it',
    async () => {
      const fleet = await plant('--max-failures', '2');
      const { store, folder } = fleet;
      // Whoever hears the press reads its detector first: a pipe, which tells this test who that is.
      const [bearing] = await store.detectors();
      await store.addDetector({ ...bearing, name: 'press', blob: 'detectors/press-1' });
      await store.putMachine({ name: 'press', detector: 'press', policy: defaultPolicy, createdMs: 0 });
      const pipe = join(folder, 'blobs', 'detectors', 'press-1');
      expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
      endings.push(async () => rmSync(pipe, { force: true }));
      let workers = [await fleet.spawn(), await fleet.spawn()];
      const reads = ({ child: { pid } }: Spawned): boolean =>
        readdirSync(`/proc/${pid}/fd`).some((fd) => {
          try {
            return readlinkSync(`/proc/${pid}/fd/${fd}`) === pipe;
          } catch {
            return false;
          }
        });
      const opened = (): number | undefined => {
        try {
          return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
        } catch {
          return undefined;
        }
      };
      const sender = await fleet.sender(fleet.url);
      let sent = 0;
      const send = async (many: number) => {
        for (let i = 0; i < many; i++) await publishRecording(sender, publication(sent++));
      };
      await publishRecording(sender, { ...publication(999, 'press'), name: 'killer.wav' });
      await send(10);
      let killed = 0;
      await until('a dead letter', async () => {
        const held = opened();
        if (held === undefined) return (await store.totals()).deadLetters > 0;
        await until('whoever hears it', () => workers.some(reads));
        const victim = workers.find(reads) as Spawned;
        await victim.end('SIGKILL');
        closeSync(held);
        killed++;
        workers = [...workers.filter((one) => one !== victim), await fleet.spawn()];
        await send(5);
        return false;
      });
      // The first death is noticed by nobody; after it each one counts. (A machine that stands still for a second counts too.)
      expect(killed).toBeGreaterThan(0);
      expect(killed).toBeLessThanOrEqual(3);
      await until('all others', async () => (await count(store)) >= sent);
      await until('an empty queue', emptyQueue(fleet));
      const letters = await store.deadLetters({});
      expect(letters).toMatchObject([{ machine: 'press', attempts: 2 }]);
      expect(letters[0].reason).toMatch(/failed 2 times; the last: the worker that heard it stopped without a word/);
      expect((await store.recordings({ limit: 1000 })).map(({ machine }) => machine)).toEqual(Array(sent).fill('pump'));
      expect((await store.scores({ limit: 1000 })).length).toBe(sent);
    },
  );
});
