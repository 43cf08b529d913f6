// Workers of a fleet, against real servers of NATS: each recording is stored once, whatever dies meanwhile.
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import mqtt from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FleetFullError, publishRecording } from '../src/monitor/queue/publish.node.ts';
import { ensureStreams, openObjects } from '../src/monitor/queue/streams.node.ts';
import { sweep } from '../src/monitor/queue/sweep.node.ts';
import type { Store } from '../src/monitor/store/types.ts';
import { InputError } from '../src/signal/errors.ts';
import { createFleet, soundOf, until } from './fleet.ts';
import {
  afterCrash,
  hasNatsServer,
  startMqttServer,
  startNatsCluster,
  startNatsServer,
  throughNats,
} from './nats-server.ts';
import { spawnThrum } from './spawn-thrum.ts';

/** Several processes share what processors there are. */
vi.setConfig({ testTimeout: 600_000 });

type Fleet = Awaited<ReturnType<typeof createFleet>>;
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
const fleetOf = async (...given: Parameters<typeof createFleet>): Promise<Fleet> => {
  const fleet = await createFleet(...given);
  endings.push(fleet.end);
  return fleet;
};
const serverIn = async (fleet: Fleet) => {
  let server = await startNatsServer(join(fleet.folder, 'nats'));
  endings.push(() => server.kill());
  return {
    url: server.url,
    kill: () => server.kill(),
    async start() {
      server = await startNatsServer(join(fleet.folder, 'nats'), server.port);
    },
  };
};

/** Names of what is stored, sorted; each of them once in recordings and in scores. */
async function storedNames(store: Store): Promise<string[]> {
  const recordings = await store.recordings({ limit: 10_000 });
  const scores = await store.scores({ limit: 10_000 });
  expect(scores.map(({ hash }) => hash).sort()).toEqual(recordings.map(({ hash }) => hash).sort());
  return recordings.map(({ name }) => name).sort();
}
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}.wav`).sort();
const publication = (i: number, machine = 'pump') => ({
  machine,
  name: `${i}.wav`,
  bytes: soundOf(i),
  startMs: 1_700_000_000_000 + 1000 * i,
});
const all = async (store: Store, count: number): Promise<boolean> => (await store.totals()).recordings >= count;

/** A process of its own that works for the fleet. */
function spawnWorker(fleet: Fleet, url: string, ...more: string[]) {
  const folders = ['--store', join(fleet.folder, 'thrum.db'), '--blobs', join(fleet.folder, 'blobs')];
  const args = ['worker', '--nats', url, ...folders, '--threads', '1', '--ack-seconds', '1', ...more];
  return spawnThrum(args, endings, 'thrum worker is ready');
}

describe.runIf(hasNatsServer)(throughNats('a fleet'), () => {
  it('stores each recording once though workers and the server are killed, one after the other', async () => {
    const fleet = await fleetOf(['pump'], { onDisk: true });
    const server = await serverIn(fleet);
    const sender = await fleet.sender(server.url);
    let workers = [await spawnWorker(fleet, server.url), await spawnWorker(fleet, server.url)];
    const count = 60;
    const sending = (async () => {
      for (let i = 0; i < count; i++) await publishRecording(sender, publication(i));
    })();
    for (const share of [5, 15, 25, 35]) {
      await until(`${share} recordings`, () => all(fleet.store, share));
      const [first, ...others] = workers;
      await first.end('SIGKILL');
      if (share === 25) {
        await server.kill();
        await server.start();
      }
      workers = [...others, await spawnWorker(fleet, server.url)];
    }
    await sending;
    await until('all recordings', () => all(fleet.store, count));
    expect(await storedNames(fleet.store)).toEqual(namesOf(count));
    expect((await fleet.store.totals()).deadLetters).toBe(0);
    const jsm = await jetstreamManager(sender);
    await until('an empty queue', async () => (await jsm.streams.info('THRUM_IN')).state.messages === 0);
    const [status, said] = [await workers[0].end('SIGTERM'), workers[0].said()];
    expect(status).toBe(0);
    expect(said).toMatch(/recordings heard, \d+ known before, 0 dead letters, 0 given back/);
  });

  it('stores each recording once, whoever sends it twice, and leaves nothing behind', async () => {
    const fleet = await fleetOf(['pump', 'fan.2']);
    const { url } = await serverIn(fleet);
    const [one, two] = [await fleet.work([url]), await fleet.work([url])];
    const sender = await fleet.sender(url);
    for (let i = 0; i < 10; i++) {
      const sent = publication(i, i % 2 ? 'fan.2' : 'pump');
      expect(await publishRecording(sender, sent)).toEqual({ known: false });
      expect(await publishRecording(sender, sent)).toEqual({ known: true });
    }
    await until('ten recordings', () => all(fleet.store, 10));
    const jsm = await jetstreamManager(sender);
    await until('an empty queue', async () => (await jsm.streams.info('THRUM_IN')).state.messages === 0);
    expect(await storedNames(fleet.store)).toEqual(namesOf(10));
    const [first] = await fleet.store.recordings({ machine: 'fan.2' });
    expect(first).toMatchObject({ name: '9.wav', startMs: 1_700_000_009_000, sampleRate: 2000 });
    expect(one.counts().stored + two.counts().stored).toBe(10);
    await one.stop();
    await two.stop();
  });

  it('takes raw samples, and recordings larger than a message', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    await fleet.work([url]);
    const sender = await fleet.sender(url);
    const samples = Int16Array.from({ length: 500 }, (_, i) => 8000 * Math.sin(i));
    const bytes = new Uint8Array(samples.buffer);
    const pcm = { format: 's16le', sampleRate: 2000 } as const;
    await publishRecording(sender, { machine: 'pump', name: 'raw', bytes, startMs: 5, pcm });
    const large = new Int16Array(700_000).map((_, i) => 8000 * Math.sin(i));
    await publishRecording(sender, { machine: 'pump', name: 'large', bytes: new Uint8Array(large.buffer), pcm });
    await until('two recordings', () => all(fleet.store, 2));
    const stored = await fleet.store.recordings({});
    expect(stored.map(({ name, durationSeconds }) => [name, durationSeconds])).toEqual([
      ['large', 350],
      ['raw', 0.25],
    ]);
    const jsm = await jetstreamManager(sender);
    await until('no object', async () => (await jsm.streams.info('OBJ_THRUM_LARGE')).state.bytes < 10_000);
    await expect(publishRecording(sender, { machine: 'no/name', name: 'x', bytes })).rejects.toThrow(InputError);
  });

  it('takes recordings over MQTT', async () => {
    const fleet = await fleetOf();
    const server = await startMqttServer(fleet.folder);
    endings.push(() => server.kill());
    await fleet.work([server.url]);
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { clientId: 'sensor' });
    await client.publishAsync('thrum/in/pump', Buffer.from(soundOf(1)), { qos: 1 });
    await until('a recording', () => all(fleet.store, 1));
    expect((await fleet.store.scores({})).map(({ machine }) => machine)).toEqual(['pump']);
    await client.endAsync();
  });

  it('buries what cannot be heard, with the reason and the bytes', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    const worker = await fleet.work([url]);
    const sender = await fleet.sender(url);
    const poison = Buffer.from('no recording at all\nreally');
    await publishRecording(sender, { machine: 'pump', name: 'bad\u0007 name.wav', bytes: poison });
    await publishRecording(sender, { ...publication(1), pcm: { format: 's16le', sampleRate: 2000, channels: 5 } });
    await publishRecording(sender, publication(2));
    sender.publish('thrum.in.b!ad', 'x');
    sender.publish('thrum.in.pump', '');
    await until('dead letters', async () => (await fleet.store.totals()).deadLetters === 4);
    await until('the good one', () => all(fleet.store, 1));
    const letters = await fleet.store.deadLetters({});
    const found = letters.find(({ reason }) => reason.includes('bad'));
    expect(found?.machine).toBe('pump');
    expect(found?.reason).toMatch(/^[^\n]*bad {2}name\.wav[^\n]*$/);
    expect(Buffer.from((await fleet.blobs.get(found?.blob ?? '')) ?? []).equals(poison)).toBe(true);
    expect(letters.map(({ machine }) => machine).sort()).toEqual(['pump', 'pump', 'pump', 'unknown']);
    expect(worker.counts()).toMatchObject({ stored: 1, buried: 4, returned: 0 });
  });

  it('hears again what a killed server has forgotten to hand out', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    const sender = await fleet.sender(url);
    const jsm = await jetstreamManager(sender);
    await ensureStreams(jsm);
    await publishRecording(sender, publication(1));
    await publishRecording(sender, { ...publication(2), bytes: new Uint8Array(2 ** 21) });
    const objects = await openObjects(sender);
    for (const { name } of await objects.list()) await objects.delete(name);
    const crashed = await afterCrash(jsm, 2);
    expect(await sweep(crashed, jetstream(sender))).toBe(2);
    expect(await sweep(crashed, jetstream(sender))).toBe(0);
    await fleet.work([url]);
    await until('the one that can be heard', () => all(fleet.store, 1));
    await until('an empty queue', async () => (await jsm.streams.info('THRUM_IN')).state.messages === 0);
    expect(await storedNames(fleet.store)).toEqual(['1.wav']);
    // The bytes of the large one are deleted only when it is dealt with.
    expect((await fleet.store.totals()).deadLetters).toBe(0);
  });

  it('buries what fails again and again without being anyone’s fault', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    const pool = { ...fleet.pool, hear: () => Promise.reject(new TypeError('cannot read properties of undefined')) };
    const worker = await fleet.work([url], { pool, maxFailures: 2 });
    await publishRecording(await fleet.sender(url), publication(1));
    await until('a dead letter', async () => (await fleet.store.totals()).deadLetters === 1);
    const [letter] = await fleet.store.deadLetters({});
    expect(letter).toMatchObject({
      machine: 'pump',
      attempts: 2,
      reason: 'failed 2 times; the last: cannot read properties of undefined',
    });
    expect(worker.counts()).toMatchObject({ buried: 1, returned: 2 });
  });

  it('waits for a store that is away, and buries nothing', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    let away = true;
    const gone = async (): Promise<never> => {
      throw new Error('connection refused');
    };
    const store = new Proxy(fleet.store, {
      get: (target, key: keyof Store) => (away ? gone : target[key]),
    });
    const said: string[] = [];
    const worker = await fleet.work([url], { store, maxFailures: 1, log: (line) => said.push(line) });
    const sender = await fleet.sender(url);
    for (let i = 0; i < 5; i++) await publishRecording(sender, publication(i));
    await until('recordings given back', () => worker.counts().returned >= 2);
    away = false;
    await until('all recordings', () => all(fleet.store, 5));
    expect(await storedNames(fleet.store)).toEqual(namesOf(5));
    expect((await fleet.store.totals()).deadLetters).toBe(0);
    expect(said.some((line) => line.startsWith('waiting for the store'))).toBe(true);
  });

  it('refuses senders when too much waits, and keeps what it has', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    const sender = await fleet.sender(url);
    await ensureStreams(await jetstreamManager(sender), { maxMessages: 3 });
    for (let i = 0; i < 3; i++) await publishRecording(sender, publication(i));
    await expect(publishRecording(sender, publication(3))).rejects.toThrow(FleetFullError);
    await fleet.work([url]);
    await until('three recordings', () => all(fleet.store, 3));
    await until('room', () =>
      publishRecording(sender, publication(3)).then(
        () => true,
        () => false,
      ),
    );
    await until('all', () => all(fleet.store, 4));
    expect(await storedNames(fleet.store)).toEqual(namesOf(4));
  });

  it('gives back what it has not finished when it stops, and another worker goes on', async () => {
    const fleet = await fleetOf();
    const { url } = await serverIn(fleet);
    const sender = await fleet.sender(url);
    let taken = 0;
    // Hears nothing until it is told to stop.
    const pool = {
      ...fleet.pool,
      hear: (_job: unknown, { signal }: { signal?: AbortSignal } = {}) =>
        new Promise<never>((_, reject) => {
          taken++;
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const slow = await fleet.work([url], { pool, concurrency: 2, graceSeconds: 0.1, ackSeconds: 30 });
    for (let i = 0; i < 2; i++) await publishRecording(sender, publication(i));
    await until('both in hand', () => taken === 2);
    await slow.stop();
    expect(slow.counts()).toEqual({ stored: 0, known: 0, buried: 0, returned: 2 });
    await fleet.work([url], { ackSeconds: 30 });
    // Far sooner than the servers would have missed the first worker.
    await until('both recordings', () => all(fleet.store, 2), 15);
    expect(await storedNames(fleet.store)).toEqual(namesOf(2));
  });

  it('loses nothing when the server is killed while recordings flow, and comes back', async () => {
    const fleet = await fleetOf();
    const server = await serverIn(fleet);
    const workers = [await fleet.work([server.url]), await fleet.work([server.url])];
    const sender = await fleet.sender(server.url);
    const count = 40;
    const sending = (async () => {
      for (let i = 0; i < count; i++) await publishRecording(sender, publication(i));
    })();
    for (const share of [8, 20]) {
      await until(`${share} recordings`, () => all(fleet.store, share));
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.start();
    }
    await sending;
    await until('all recordings', () => all(fleet.store, count));
    expect(await storedNames(fleet.store)).toEqual(namesOf(count));
    expect((await fleet.store.totals()).deadLetters).toBe(0);
    expect(workers.reduce((sum, worker) => sum + worker.counts().stored, 0)).toBe(count);
  });

  it('loses nothing when a server of three is killed while recordings flow', async () => {
    const fleet = await fleetOf();
    const cluster = await startNatsCluster(fleet.folder);
    endings.push(cluster.stop);
    const urls = cluster.servers.map(({ url }) => url);
    const sender = await fleet.sender(...urls);
    const jsm = await jetstreamManager(sender, { checkAPI: false });
    // A cluster chooses its leader first.
    await until('a cluster', () =>
      ensureStreams(jsm, { replicas: 3, ackSeconds: 2 }).then(
        () => true,
        () => false,
      ),
    );
    await fleet.work(urls, { replicas: 3 });
    await fleet.work([...urls].reverse(), { replicas: 3 });
    const count = 30;
    const sending = (async () => {
      for (let i = 0; i < count; i++) await publishRecording(sender, publication(i));
    })();
    await until('some recordings', () => all(fleet.store, 8));
    const leader = (await jsm.streams.info('THRUM_IN')).cluster?.leader;
    const index = Number(leader?.slice('server-'.length));
    await cluster.servers[index].kill();
    await sending;
    await until('all recordings', () => all(fleet.store, count));
    expect(await storedNames(fleet.store)).toEqual(namesOf(count));
    await cluster.restart(index);
    await publishRecording(sender, publication(count));
    await until('one more', () => all(fleet.store, count + 1));
  });
});
