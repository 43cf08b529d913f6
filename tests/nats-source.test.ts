// The JetStream source against a NATS server.
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import { createNatsSource, type NatsSourceOptions } from '../src/monitor/stream/nats.node.ts';
import type { Arrival } from '../src/monitor/types.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { hasNatsServer, startNatsServer, throughNats } from './nats-server.ts';
import { scratchFolder } from './run-cli.ts';

const scratch = scratchFolder();
let cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

let folders = 0;
async function plant() {
  const folder = scratch.at(`nats${folders++}`);
  mkdirSync(folder);
  const server = await startNatsServer(folder);
  let { stop } = server;
  cleanups.push(() => stop());
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1 });
  cleanups.push(() => connection.close());
  await (await jetstreamManager(connection)).streams.add({ name: 'PLANT', subjects: ['plants.>'] });
  const restart = async () => {
    await stop();
    return async () => {
      stop = (await startNatsServer(folder, server.port)).stop;
    };
  };
  return { url: `${server.url}/plants.{machine}.audio`, client: jetstream(connection), restart };
}

function listen(url: string, options: NatsSourceOptions = {}) {
  const source = createNatsSource(url, options);
  cleanups.push(() => source.close());
  const iterator = source.arrivals()[Symbol.asyncIterator]();
  let pending = iterator.next();
  return {
    source,
    async next(): Promise<Arrival> {
      const { value, done } = await pending;
      if (done) throw new Error('the source has ended');
      pending = iterator.next();
      return value;
    },
    isQuiet: async (ms: number) => (await Promise.race([pending.then(() => false), sleep(ms, true)])) as boolean,
  };
}

const burst = (client: JetStreamClient, id: string, value = 1) =>
  client.publish('plants.pump.audio', JSON.stringify({ rate: 10, samples: [value], id, start: 1 }));
const firstOf = (arrival: Arrival): number =>
  arrival.kind === 'trouble' ? Number.NaN : arrival.recording.channels[0][0];
const wav = writeWav({ channels: [Float32Array.of(0, 0.5, -0.5)], sampleRate: 8000, name: '' });

describe.skipIf(!hasNatsServer)(throughNats('the JetStream source'), () => {
  it('hears what the stream holds: files, JSON, raw samples with headers', async () => {
    const { url, client } = await plant();
    await client.publish('plants.pump.audio', wav);
    await client.publish('plants.fan.audio', JSON.stringify({ rate: 100, samples: [1, 2], start: 5 }));
    const said = headers();
    for (const [key, value] of Object.entries({ Rate: '200', Format: 'f32le', Start: '7' })) {
      said.set(`Thrum-${key}`, value);
    }
    await client.publish('plants.fan.audio', new Uint8Array(Float32Array.of(1, 2).buffer), { headers: said });
    await client.publish('plants.fan.audio', 'noise');
    const source = listen(url);
    expect(await source.next()).toMatchObject({ kind: 'recording', stream: 'pump' });
    expect(await source.next()).toMatchObject({ kind: 'samples', stream: 'fan', atMs: 5 });
    expect(await source.next()).toMatchObject({ kind: 'samples', atMs: 7, recording: { sampleRate: 200 } });
    expect(await source.next()).toMatchObject({ kind: 'trouble', stream: 'fan' });
  });

  it('goes on where it was: what was not done comes again, what was done does not', async () => {
    const { url, client } = await plant();
    for (const [i, id] of ['a', 'b', 'c'].entries()) await burst(client, id, i);
    const first = listen(url, { ackWaitSeconds: 1 });
    const arrivals = [await first.next(), await first.next(), await first.next()];
    arrivals[0].done?.();
    arrivals[2].done?.();
    await first.source.close();
    const second = listen(url);
    const again = await second.next();
    expect(firstOf(again)).toBe(1);
    again.done?.();
    expect(await second.isQuiet(1500)).toBe(true);
    await second.source.close();
    expect(await listen(url).isQuiet(1500)).toBe(true);
  });

  it('keeps a message that takes long from being sent again', async () => {
    const { url, client } = await plant();
    await client.publish('plants.pump.audio', wav);
    const source = listen(url, { ackWaitSeconds: 1 });
    const arrival = await source.next();
    expect(await source.isQuiet(3000)).toBe(true);
    arrival.done?.();
    expect(await source.isQuiet(1500)).toBe(true);
  });

  it('says that the server has gone, and goes on when it is back', async () => {
    const { url, client, restart } = await plant();
    await burst(client, 'a', 1);
    const source = listen(url);
    (await source.next()).done?.();
    await sleep(300);
    const start = await restart();
    const reasonOf = (arrival: Arrival) => (arrival.kind === 'trouble' ? arrival.reason : '');
    expect(reasonOf(await source.next())).toContain('lost');
    await start();
    expect(reasonOf(await source.next())).toContain('again');
    await burst(client, 'b', 2);
    expect(firstOf(await source.next())).toBe(2);
  });

  it('needs a stream that holds the subject, and a consumer of the same', async () => {
    const { url } = await plant();
    const none = createNatsSource(url.replace('/plants.', '/elsewhere.'));
    cleanups.push(() => none.close());
    await expect(none.arrivals()[Symbol.asyncIterator]().next()).rejects.toThrow(
      /^createNatsSource: cannot listen at nats.*stream add/,
    );
    const source = listen(url, { consumer: 'mine' });
    expect(await source.isQuiet(500)).toBe(true);
    const other = createNatsSource(url.replace('.audio', '.>'), { consumer: 'mine' });
    cleanups.push(() => other.close());
    await expect(other.arrivals()[Symbol.asyncIterator]().next()).rejects.toThrow('name another consumer');
  });
});

describe('an address of NATS', () => {
  it('that nobody answers is bad input, without the password', async () => {
    const source = createNatsSource('nats://user:geheim@127.0.0.1:9/plants.>');
    expect(source.name).toBe('nats://127.0.0.1:9/plants.>');
    const message = await source
      .arrivals()
      [Symbol.asyncIterator]()
      .next()
      .catch((error: Error) => error.message);
    expect(message).toMatch(/^createNatsSource: cannot reach nats:\/\/127/);
    expect(message).not.toContain('geheim');
  });

  it.each(['nats://', 'http://host/x', 'nats://u:p@ho st/x', 'nats://host'])('is not %s', (url) => {
    expect(() => createNatsSource(url)).toThrow(/expected(?!.*u:p)/);
  });
});
