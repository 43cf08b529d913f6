// Streams of brokers when the broker stays away for long, and when a clock jumps.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectAsync } from 'mqtt';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMqttSource } from '../src/monitor/stream/mqtt.node.ts';
import { createNatsSource } from '../src/monitor/stream/nats.node.ts';
import type { Arrival, Source } from '../src/monitor/types.ts';
import { freePort } from './free-port.ts';
import { hasNatsServer, startMqttBroker, startNatsServer, throughNats } from './nats-server.ts';
import { hum, mainScript, output, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { at } = scratchFolder();
const detector = at('pump.thrum');
beforeAll(() => {
  writeHums(at('normal'), 24);
  output(thrum(['fit', at('normal'), '--out', detector, '--encoder', 'spectral-shape-10ms']));
});

type Line = { type: string; machine: string; kind?: string; startMs?: number };

/** Arrivals one at a time. */
function listen(source: Source) {
  const iterator = source.arrivals()[Symbol.asyncIterator]();
  return async (wanted: (arrival: Arrival) => boolean): Promise<Arrival> => {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error('the source has ended');
      if (wanted(value)) return value;
    }
  };
}

/** Stands where a broker stood, and ends every connection at once. */
async function refuseAt(port: number): Promise<{ attempts(): number; close(): Promise<void> }> {
  let attempts = 0;
  const server = createServer((socket) => {
    attempts++;
    socket.on('error', () => {});
    socket.destroy();
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    attempts: () => attempts,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe.skipIf(!hasNatsServer)(throughNats('a stream'), () => {
  it('whose clock jumps by an hour, forth and back, is heard without a break in its alarms', async () => {
    mkdirSync(at('clock'));
    const server = await startNatsServer(at('clock'));
    const connection = await connect({ servers: server.url });
    onTestFinished(async () => {
      await connection.close();
      await server.stop();
    });
    await (await jetstreamManager(connection)).streams.add({ name: 'PLANT', subjects: ['plants.>'] });
    const began = Date.UTC(2026, 10, 30, 12);
    const hour = 3_600_000;
    // Half a second each: as it should be, an hour later, and back again.
    const offsets = [0, 0, 0, hour, hour, hour, 0, 0, 0];
    for (const [i, offset] of offsets.entries()) {
      const samples = [...hum(0.5, 8000, 60 + i, 1900)];
      const message = JSON.stringify({ rate: 8000, samples, start: began + 500 * i + offset });
      await jetstream(connection).publish('plants.p7.audio', message);
    }
    const args = [
      '--detector',
      detector,
      '--window',
      '0.5',
      '--workers',
      '1',
      '--json',
      '--alarms',
      at('clock-alarms'),
    ];
    const child = spawn(process.execPath, [mainScript, 'watch', `${server.url}/plants.{machine}.audio`, ...args]);
    const ended = once(child, 'close');
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines: Line[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(JSON.parse(line) as Line);
      if (lines.filter(({ type }) => type === 'score').length === offsets.length) break;
    }
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const scores = lines.filter(({ type }) => type === 'score');
    expect(scores.map(({ startMs }) => startMs)).toEqual(offsets.map((offset, i) => began + 500 * i + offset));
    const events = lines.flatMap(({ type, kind }) => (type === 'event' ? [kind] : []));
    expect(events).toEqual(['gap', 'clock-jump']);
    // One fault, raised once: neither jump clears it or raises it again.
    expect(lines.filter(({ type }) => type === 'alarm')).toMatchObject([{ machine: 'p7', change: 'raised' }]);
  });

  const MANY = 60;

  it('of MQTT goes on when its broker was away for more attempts than a growing pause would ever make', async () => {
    mkdirSync(at('mqtt'));
    const broker = await startMqttBroker(at('mqtt'));
    let isListening = false;
    const source = createMqttSource(`mqtt://127.0.0.1:${broker.mqttPort}/halls/{machine}/audio`, {
      reconnectSeconds: 0.02,
      onListening: () => {
        isListening = true;
      },
    });
    const until = listen(source);
    const lost = until(({ kind }) => kind === 'trouble');
    await vi.waitUntil(() => isListening, { timeout: 60_000 });
    await broker.kill();
    const absent = await refuseAt(broker.mqttPort);
    expect(await lost).toMatchObject({ reason: expect.stringContaining('trying again') });
    const found = until(({ kind }) => kind === 'samples');
    await vi.waitUntil(() => absent.attempts() >= MANY, { timeout: 600_000 });
    await absent.close();
    const back = await startMqttBroker(at('mqtt'), { port: broker.port, mqttPort: broker.mqttPort });
    onTestFinished(async () => {
      await source.close();
      await back.stop();
    });
    const sender = await connectAsync(`mqtt://127.0.0.1:${broker.mqttPort}`);
    const timer = setInterval(() => sender.publish('halls/p7/audio', '{"rate":100,"samples":[1,2]}', { qos: 1 }), 500);
    expect(await found).toMatchObject({ stream: 'p7' });
    clearInterval(timer);
    await sender.endAsync(true);
  });

  it('of NATS goes on when its server was away for more attempts than a growing pause would ever make', async () => {
    mkdirSync(at('nats'));
    const server = await startNatsServer(at('nats'), await freePort());
    const before = await connect({ servers: server.url });
    await (await jetstreamManager(before)).streams.add({ name: 'PLANT', subjects: ['plants.>'] });
    await jetstream(before).publish('plants.p7.audio', '{"rate":100,"samples":[1,2]}');
    await before.close();
    const source = createNatsSource(`${server.url}/plants.{machine}.audio`, { reconnectSeconds: 0.02 });
    const until = listen(source);
    (await until(({ kind }) => kind === 'samples')).done?.();
    const found = until(({ kind }) => kind === 'samples');
    await server.kill();
    const absent = await refuseAt(server.port);
    await vi.waitUntil(() => absent.attempts() >= MANY, { timeout: 600_000 });
    await absent.close();
    const back = await startNatsServer(at('nats'), server.port);
    onTestFinished(async () => {
      await source.close();
      await back.stop();
    });
    const after = await connect({ servers: back.url });
    const timer = setInterval(
      () =>
        void jetstream(after)
          .publish('plants.p8.audio', '{"rate":100,"samples":[3]}')
          .catch(() => {}),
      500,
    );
    expect(await found).toMatchObject({ stream: expect.stringMatching(/p[78]/) });
    clearInterval(timer);
    await after.close();
  });
});
