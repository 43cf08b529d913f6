// The service of a fleet: what workers store is shown and told, once, and servers that are away stop nothing of it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultPolicy } from '../src/monitor/alarm/policy.ts';
import { alarmMessage } from '../src/monitor/notify/message.node.ts';
import { openOutboxes } from '../src/monitor/notify/outbox.ts';
import { createWebhook } from '../src/monitor/notify/webhook.node.ts';
import { publishRecording } from '../src/monitor/queue/publish.node.ts';
import { ensureStreams } from '../src/monitor/queue/streams.node.ts';
import type { Store } from '../src/monitor/store/types.ts';
import type { ApiEvent, ApiMachineStatus, ApiUploaded } from '../src/server/schemas.ts';
import { type ServeOptions, serve } from '../src/server/serve.ts';
import { ask } from '../src/server/service.test-util.ts';
import { InputError } from '../src/signal/errors.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { createFleet, soundOf, until } from './fleet.ts';
import { freePort } from './free-port.ts';
import { hasNatsServer, startNatsServer, throughNats } from './nats-server.ts';

/** Several processes share what processors there are. */
vi.setConfig({ testTimeout: 600_000 });

type Fleet = Awaited<ReturnType<typeof createFleet>>;
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** One score is enough for an alarm, and one for its end. */
const quick = { ...defaultPolicy, k: 1, n: 1, minimumSeconds: 0 };
const START = 1_700_000_000_000;

async function plant(machines: readonly string[]): Promise<Fleet> {
  const fleet = await createFleet(machines, { onDisk: true });
  endings.push(fleet.end);
  for (const name of machines) await fleet.store.putMachine({ name, detector: 'bearing', policy: quick, createdMs: 0 });
  return fleet;
}
async function broker(fleet: Fleet, port?: number) {
  let server = await startNatsServer(join(fleet.folder, 'nats'), port);
  endings.push(() => server.kill());
  return {
    url: server.url,
    kill: () => server.kill(),
    async start() {
      server = await startNatsServer(join(fleet.folder, 'nats'), server.port);
    },
  };
}

type State = {
  ready: boolean;
  fleet: { connected: boolean; waiting?: number; workers?: number; deadLetters?: number };
};

type DataOf<K extends ApiEvent['type']> = Extract<ApiEvent, { type: K }>['data'];

/** The service on a free port, and all events that it tells of. */
async function service(fleet: Fleet, nats: string, options: Partial<ServeOptions> = {}) {
  const { folder } = fleet;
  const places = { data: join(folder, 'data'), store: join(folder, 'thrum.db'), blobs: join(folder, 'blobs') };
  const lines: string[] = [];
  const log = (_level: string, message: string, fields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const serving = await serve({ ...places, port: 0, threads: 1, nats: [nats], log, ...options });
  endings.push(() => serving.close());
  const events: ApiEvent[] = [];
  const { body } = await fetch(`${serving.url}/api/events`);
  const reading = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const part of body as ReadableStream<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const one of parts) {
        const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(one) ?? [];
        if (type) events.push({ type, data: JSON.parse(data) } as ApiEvent);
      }
    }
  })();
  reading.catch(() => {});
  const state = async (): Promise<State> => (await ask<State>(`${serving.url}/readyz`)).body;
  return {
    ...{ url: serving.url, events, lines, state },
    connected: (holds: boolean) =>
      until(`a broker that is ${holds ? 'there' : 'away'}`, async () => (await state()).fleet.connected === holds),
    of: <K extends ApiEvent['type']>(type: K): DataOf<K>[] =>
      events.filter((event) => event.type === type).map(({ data }) => data as DataOf<K>),
  };
}

/** Takes webhooks, and remembers what they say. */
async function receiver() {
  const heard: { id: string; machine: string; kind: string; change: string; text: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      heard.push(JSON.parse(text));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => server.close());
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarms` };
}

/** A tone, as no bearing sounds. */
function tone(i: number): Uint8Array {
  const samples = Float32Array.from({ length: 500 }, (_, n) => Math.sin(n * (1.1 + i / 100)));
  return writeWav({ channels: [samples], sampleRate: 2000, name: '' }, { bits: 'float32' });
}
const sent = (machine: string, i: number, bytes = soundOf(i)) => ({
  ...{ machine, name: `${i}.wav`, bytes, startMs: START + 1000 * i },
});
/** As a worker with --webhook tells; `end`: as if it had died. */
const telling = async (store: Store, url: string) => {
  const warn = () => {};
  const { wake, close } = await openOutboxes(store, { notifiers: { webhook: createWebhook({ url, warn }) }, warn });
  endings.push(close);
  return { onResult: wake, end: close };
};

describe.runIf(hasNatsServer)(throughNats('the service of a fleet'), () => {
  it('shows scores, alarms and machines of workers, and tells of alarms where they do not', async () => {
    const fleet = await plant(['pump']);
    const { url } = await broker(fleet);
    const { heard, url: webhook } = await receiver();
    const page = await service(fleet, url, { webhook: { url: webhook } });
    await fleet.work([url]);
    await page.connected(true);
    const sender = await fleet.sender(url);
    await publishRecording(sender, sent('pump', 1, tone(1)));
    await until('a score', () => page.of('score').length === 1);
    expect(page.of('score')[0]).toMatchObject({ machine: 'pump', detector: 'bearing', anomalous: true });
    await until('an alarm', () => heard.length === 1);
    expect(page.of('alarm')).toMatchObject([{ machine: 'pump', kind: 'fault', raisedMs: START + 1250 }]);
    expect(page.of('machine').at(-1)).toMatchObject({ name: 'pump', health: 'fault', openAlarms: 1 });
    const { body } = await ask<ApiMachineStatus[]>(`${page.url}/api/machines`);
    expect(body).toMatchObject([{ name: 'pump', health: 'fault' }]);

    await publishRecording(sender, sent('pump', 2));
    await until('its end', () => heard.length === 2);
    expect(page.of('alarm').at(-1)?.clearedMs).toBe(START + 2250);
    expect(heard.map(({ machine, kind, change }) => [machine, kind, change])).toEqual([
      ['pump', 'fault', 'raised'],
      ['pump', 'fault', 'cleared'],
    ]);

    // A machine that nobody knew, and something that is no recording.
    await publishRecording(sender, sent('fan', 3));
    await until('a new machine', () => page.of('machine').some(({ name }) => name === 'fan'));
    await publishRecording(sender, sent('fan', 4, Buffer.from('no recording')));
    await until('a dead letter', () => page.of('stream').some(({ kind }) => kind === 'dead-letter'));
    await until('its count', async () => (await page.state()).fleet.deadLetters === 1);
    const metrics = await (await fetch(`${page.url}/metrics`)).text();
    expect(metrics).toMatch(/^thrum_alarms_total\{kind="fault",change="raised"\} 1$/m);
    expect(metrics).toMatch(/^thrum_scores_total\{verdict="anomalous"\} 1$/m);
    expect(metrics).toMatch(/^thrum_fleet_connected 1$/m);
    expect(metrics).toMatch(/^thrum_fleet_workers 1$/m);
    expect(metrics).toMatch(/^thrum_dead_letters 1$/m);
  });

  it('tells of each alarm once, whoever stores it and however many listen', async () => {
    const machines = ['a', 'b', 'c', 'd', 'e', 'f'];
    const fleet = await plant(machines);
    const { url } = await broker(fleet);
    const { heard, url: webhook } = await receiver();
    const pages = [
      await service(fleet, url, { webhook: { url: webhook } }),
      await service(fleet, url, { webhook: { url: webhook } }),
    ];
    for (const page of pages) await page.connected(true);
    for (let i = 0; i < 2; i++) await fleet.work([url], await telling(fleet.store, webhook));
    const sender = await fleet.sender(url);
    const onNats: string[] = [];
    sender.subscribe('thrum.alarms.>', { callback: (_, message) => void onNats.push(message.subject) });
    await sender.flush();
    for (const [i, machine] of machines.entries()) await publishRecording(sender, sent(machine, i, tone(i)));
    // One that the service hears itself.
    const upload = await ask<ApiUploaded>(`${pages[0].url}/api/machines/own/recordings?startMs=${START}`, {
      ...{ method: 'POST', bytes: soundOf(50) },
    });
    expect(upload.status).toBe(201);
    await fleet.store.putMachine({ name: 'own', detector: 'bearing', policy: quick, createdMs: 0 });
    const { status } = await ask(`${pages[0].url}/api/machines/own/recordings?startMs=${START + 5000}`, {
      ...{ method: 'POST', bytes: tone(51) },
    });
    expect(status).toBe(201);
    const all = [...machines, 'own'];
    await until('all alarms', () => heard.length >= all.length && onNats.length >= all.length);
    for (const page of pages)
      await until('all events', () => new Set(page.of('alarm').map(({ machine }) => machine)).size === all.length);
    // What would be told twice is on its way by now: news go in order, and later ones have come.
    await publishRecording(sender, sent('a', 60));
    await until('a later one', () => heard.some(({ change }) => change === 'cleared'));
    for (const page of pages) await until('the later one', () => page.of('alarm').some(({ clearedMs }) => clearedMs));
    const raised = heard.filter(({ change }) => change === 'raised').map(({ machine }) => machine);
    expect(raised.sort()).toEqual(all);
    expect(onNats.sort()).toEqual([...all.map((name) => `thrum.alarms.${name}.fault`), 'thrum.alarms.a.fault'].sort());
  });

  it('tells of an alarm whose worker has died before it could, under the same id', async () => {
    const fleet = await plant(['pump']);
    const { url } = await broker(fleet);
    const { heard, url: webhook } = await receiver();
    const { end } = await telling(fleet.store, webhook);
    const sender = await fleet.sender(url);
    let recorded = 0;
    let alarmId = '';
    const dying: Store = {
      ...fleet.store,
      async record(result) {
        await fleet.store.record(result);
        recorded++;
        alarmId = result.alarms?.changes.map((change) => alarmMessage(change).id).join() ?? '';
        return new Promise(() => {});
      },
    };
    const dead = await fleet.work([url], { store: dying, ackSeconds: 1, graceSeconds: 0.1 });
    const page = await service(fleet, url);
    await page.connected(true);
    await publishRecording(sender, sent('pump', 1, tone(1)));
    await until('a result that is stored', () => recorded === 1);
    expect((await fleet.store.alarms({})).length).toBe(1);
    // It ends without a word of what it had in hand; the servers give that to another one.
    await dead.stop();
    await end();
    expect([heard, page.of('alarm')]).toEqual([[], []]);
    const other = await fleet.work([url], await telling(fleet.store, webhook));
    await until('the alarm', () => heard.length === 1);
    await until('its event', () => page.of('alarm').length === 1);
    expect(heard[0]).toMatchObject({ id: alarmId, machine: 'pump', kind: 'fault', change: 'raised' });
    await until('its score', () => page.of('score').length === 1);
    expect(other.counts()).toMatchObject({ stored: 0, known: 1 });
  });

  it('says how much waits, and how many workers there are', async () => {
    const fleet = await plant(['pump']);
    const { url } = await broker(fleet);
    const sender = await fleet.sender(url);
    const page = await service(fleet, url);
    await page.connected(true);
    // Before the first worker there is no queue.
    expect((await page.state()).fleet).toEqual({ connected: true, workers: 0, deadLetters: 0 });
    await ensureStreams(await jetstreamManager(sender));
    for (let i = 0; i < 3; i++) await publishRecording(sender, sent('pump', i));
    await until('what waits', async () => (await page.state()).fleet.waiting === 3);
    const workers = [await fleet.work([url]), await fleet.work([url])];
    await until('two workers', async () => (await page.state()).fleet.workers === 2);
    await until('nothing that waits', async () => (await page.state()).fleet.waiting === 0);
    await workers[0].stop();
    await until('one worker', async () => (await page.state()).fleet.workers === 1);
  });

  it('leaves uploads to the workers where it is told to', async () => {
    const fleet = await plant(['pump']);
    const { url } = await broker(fleet);
    const page = await service(fleet, url);
    await page.connected(true);
    const upload = (i: number) =>
      ask(`${page.url}/api/machines/pump/recordings?wait=false&name=${i}.wav&startMs=${START + 1000 * i}`, {
        ...{ method: 'POST', bytes: soundOf(i) },
      });
    await ensureStreams(await jetstreamManager(await fleet.sender(url)), { maxMessages: 2 });
    expect(await upload(1)).toMatchObject({ status: 202, body: { queued: true, known: false } });
    expect(await upload(1)).toMatchObject({ status: 202, body: { queued: true, known: true } });
    expect((await upload(2)).status).toBe(202);
    const refused = await upload(3);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
    expect(await fleet.store.recordings({})).toEqual([]);
    await fleet.work([url]);
    await until('scores', () => page.of('score').length === 2);
    const found = await fleet.store.recordings({});
    expect(found.map(({ name, startMs }) => [name, startMs])).toEqual([
      ['2.wav', START + 2000],
      ['1.wav', START + 1000],
    ]);
  });

  it('goes on without its servers, says so, and finds them again', async () => {
    const fleet = await plant(['pump']);
    const port = await freePort();
    const page = await service(fleet, `nats://user:secret@127.0.0.1:${port}`);
    const works = async (i: number, query = '') => {
      expect((await ask(`${page.url}/`)).status).toBe(200);
      const options = { method: 'POST', bytes: soundOf(i) };
      return (await ask(`${page.url}/api/machines/pump/recordings?startMs=${i}${query}`, options)).status;
    };
    expect(await works(1)).toBe(201);
    expect(await works(2, '&wait=false')).toBe(503);
    expect(await page.state()).toMatchObject({ ready: true, fleet: { connected: false } });
    expect((await fetch(`${page.url}/readyz`)).status).toBe(200);
    const server = await broker(fleet, port);
    await page.connected(true);
    await fleet.work([server.url]);
    const sender = await fleet.sender(server.url);
    for (const turn of [10, 20]) {
      await publishRecording(sender, sent('pump', turn));
      await until('an event', () => page.of('score').some(({ startMs }) => startMs === START + 1000 * turn));
      await server.kill();
      await page.connected(false);
      expect(await works(turn + 1)).toBe(201);
      await server.start();
      await page.connected(true);
    }
    expect(page.lines.filter((line) => line.includes('is away')).length).toBeGreaterThanOrEqual(2);
    expect(page.lines.join()).not.toContain('secret');
  });

  it('does not start with an address that is none', async () => {
    const fleet = await plant([]);
    await expect(service(fleet, 'http://host:4222')).rejects.toThrow(InputError);
  });
});
