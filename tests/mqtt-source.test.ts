// The MQTT source against a broker: the listener for MQTT that a NATS server has.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { createMqttSource, type MqttSourceOptions } from '../src/monitor/stream/mqtt.node.ts';
import type { Arrival, Source } from '../src/monitor/types.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { hasNatsServer, startMqttBroker, throughNats } from './nats-server.ts';
import { scratchFolder } from './run-cli.ts';

const scratch = scratchFolder();
let cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

let folders = 0;
async function broker(settings: Parameters<typeof startMqttBroker>[1] = {}, folder?: string) {
  const { mkdirSync } = await import('node:fs');
  const at = folder ?? scratch.at(`broker${folders++}`);
  mkdirSync(at, { recursive: true });
  const server = await startMqttBroker(at, settings);
  let isUp = true;
  const stop = async () => {
    if (isUp) await server.stop();
    isUp = false;
  };
  cleanups.push(stop);
  return { ...server, stop, folder: at };
}

async function sender(port: number, password?: string): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    ...(password !== undefined && { username: 'sensor', password }),
  });
  client.on('error', () => {});
  cleanups.push(() => client.endAsync(true));
  return client;
}

/** Arrivals one at a time. */
function listen(url: string, options: MqttSourceOptions = {}) {
  let heard = (): void => {};
  const isListening = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const source = createMqttSource(url, { ...options, onListening: () => heard() });
  cleanups.push(() => source.close());
  const iterator = source.arrivals()[Symbol.asyncIterator]();
  let pending = iterator.next();
  return {
    source,
    isListening,
    async next(): Promise<Arrival> {
      const { value, done } = await pending;
      if (done) throw new Error('the source has ended');
      pending = iterator.next();
      return value;
    },
    /** Whether something came within a while. */
    isQuiet: async (ms: number) => (await Promise.race([pending.then(() => false), sleep(ms, true)])) as boolean,
  };
}
const wav = writeWav({ channels: [Float32Array.of(0, 0.5, -0.5)], sampleRate: 8000, name: '' });
const json = (value: unknown): string => JSON.stringify(value);
const reasonOf = (arrival: Arrival): string => (arrival.kind === 'trouble' ? arrival.reason : '');

describe.skipIf(!hasNatsServer)(throughNats('the MQTT source'), () => {
  it('hears files, JSON and bursts on topics with wildcards, by the name of the machine', async () => {
    const { mqttPort } = await broker();
    const source = listen(`mqtt://127.0.0.1:${mqttPort}/plants/{machine}/+`);
    await source.isListening;
    const client = await sender(mqttPort);
    await client.publishAsync('plants/pump-7/audio', Buffer.from(wav), { qos: 1 });
    expect(await source.next()).toMatchObject({ kind: 'recording', stream: 'pump-7' });
    await client.publishAsync('plants/fan/vibration', json({ rate: 100, samples: [1, 2] }), { qos: 1 });
    expect(await source.next()).toMatchObject({ kind: 'samples', stream: 'fan', recording: { sampleRate: 100 } });
    for (const part of [3, 1, 2]) {
      await client.publishAsync('plants/fan/b', json({ rate: 10, samples: [part], id: 'b', part, parts: 3 }), {
        qos: 1,
      });
    }
    const burst = await source.next();
    expect(burst.kind === 'recording' && [...burst.recording.channels[0]]).toEqual([1, 2, 3]);
    await client.publishAsync('plants/fan/b', 'noise', { qos: 0 });
    expect(await source.next()).toMatchObject({ kind: 'trouble', stream: 'fan' });
  });

  it('acknowledges when a message is done: what was not is heard again by the next process', async () => {
    const { mqttPort } = await broker();
    const url = `mqtt://127.0.0.1:${mqttPort}/pumps/+`;
    const first = listen(url, { clientId: 'watch' });
    await first.isListening;
    const client = await sender(mqttPort);
    for (const id of ['a', 'b', 'c']) {
      await client.publishAsync('pumps/p', json({ rate: 10, samples: [1], id, start: 1 }), { qos: 1 });
    }
    const arrivals = [await first.next(), await first.next(), await first.next()];
    arrivals[0].done?.();
    arrivals[2].done?.();
    await sleep(300);
    await first.source.close();
    await client.publishAsync('pumps/p', json({ rate: 10, samples: [2], id: 'd', start: 1 }), { qos: 1 });
    const second = listen(url, { clientId: 'watch' });
    const values = [await second.next(), await second.next()].map((arrival) => {
      arrival.done?.();
      return arrival.kind === 'recording' ? arrival.recording.channels[0][0] : 0;
    });
    expect(values.sort()).toEqual([1, 2]);
    expect(await second.isQuiet(1500)).toBe(true);
    await second.source.close();
    const third = listen(url, { clientId: 'watch' });
    expect(await third.isQuiet(2000)).toBe(true);
  });

  it('says that a broker has gone, and goes on when it is back, without hearing anything twice', async () => {
    const before = await broker();
    const { mqttPort, port, folder } = before;
    const source = listen(`mqtt://127.0.0.1:${mqttPort}/pumps/+`, { clientId: 'watch' });
    await source.isListening;
    const client = await sender(mqttPort);
    await client.publishAsync('pumps/p', Buffer.from(wav), { qos: 1 });
    const first = await source.next();
    await before.stop();
    expect(reasonOf(await source.next())).toContain('the connection is lost');
    // Done while nobody is there to hear of it.
    first.done?.();
    await broker({ mqttPort, port }, folder);
    expect(reasonOf(await source.next())).toContain('connected again');
    const again = await sender(mqttPort);
    await again.publishAsync('pumps/q', json({ rate: 10, samples: [1] }), { qos: 1 });
    expect(await source.next()).toMatchObject({ kind: 'samples', stream: 'q' });
    expect(await source.isQuiet(1500)).toBe(true);
  });

  it('does not wait for acknowledgements that a window needs many messages for', async () => {
    const { mqttPort } = await broker();
    const source = listen(`mqtt://127.0.0.1:${mqttPort}/pumps/+`);
    await source.isListening;
    const client = await sender(mqttPort);
    for (let i = 0; i < 1500; i++)
      client.publish('pumps/p', json({ rate: 10, samples: [i], start: i * 100 }), { qos: 1 });
    for (let i = 0; i < 1500; i++) expect(await source.next()).toMatchObject({ kind: 'samples', atMs: i * 100 });
  });

  it('drops the oldest where messages come faster than they are taken, and says how many', async () => {
    const { mqttPort } = await broker();
    const source = listen(`mqtt://127.0.0.1:${mqttPort}/pumps/+`, { maxMessages: 5 });
    await source.isListening;
    const client = await sender(mqttPort);
    await client.publishAsync('pumps/p', json({ rate: 10, samples: [0] }), { qos: 1 });
    // The first is taken at once, and then nobody takes any.
    await sleep(300);
    for (let i = 1; i <= 20; i++) await client.publishAsync('pumps/p', json({ rate: 10, samples: [i] }), { qos: 1 });
    await sleep(300);
    expect((await source.next()).kind).toBe('samples');
    expect(reasonOf(await source.next())).toContain('15 messages were dropped');
    for (let i = 16; i <= 20; i++) {
      const arrival = await source.next();
      expect(arrival.kind === 'samples' && arrival.recording.channels[0][0]).toBe(i);
    }
  });

  it('never says a password', async () => {
    const { mqttPort } = await broker({ password: 'geheim%1' });
    const source = listen(`mqtt://sensor:geheim%251@127.0.0.1:${mqttPort}/pumps/+`);
    expect(source.source.name).toBe(`mqtt://127.0.0.1:${mqttPort}/pumps/+`);
    await source.isListening;
    const client = await sender(mqttPort, 'geheim%1');
    await client.publishAsync('pumps/p', json({ rate: 10, samples: [0] }), { qos: 1 });
    expect((await source.next()).kind).toBe('samples');
    const wrong = createMqttSource(`mqtt://sensor:falsch@127.0.0.1:${mqttPort}/pumps/+`);
    const message = await wrong
      .arrivals()
      [Symbol.asyncIterator]()
      .next()
      .catch((error: Error) => `${error.name}: ${error.message}`);
    expect(message).toMatch(/^InputError: createMqttSource: cannot listen at mqtt:\/\/127/);
    expect(message).not.toContain('falsch');
  });
});

describe('an address of MQTT', () => {
  it('that nobody answers is bad input', async () => {
    const source: Source = createMqttSource('mqtt://127.0.0.1:9/pumps/+');
    const [outcome] = await Promise.allSettled([source.arrivals()[Symbol.asyncIterator]().next()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'InputError' } });
  });

  it.each(['mqtt://', 'http://host/x', 'mqtt://u:p@ho st/x', 'mqtt://host', 'mqtt://host/a#b'])('is not %s', (url) => {
    let message = '';
    try {
      createMqttSource(url);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/expected/);
    expect(message).not.toContain('u:p');
  });
});
