// Alarms that leave through a real broker, over NATS and over MQTT.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { changeOf } from '../src/monitor/notify/changes.test-util.ts';
import { createMqttNotifier } from '../src/monitor/notify/mqtt.node.ts';
import { createNatsNotifier } from '../src/monitor/notify/nats.node.ts';
import { freePort } from './free-port.ts';
import { hasNatsServer, type NatsServer, startNatsServer, throughNats } from './nats-server.ts';
import { scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
const quick = { pauseMs: 10, longestPauseMs: 50, closeMs: 5000 };

let server: NatsServer;
let mqttPort: number;
beforeAll(async () => {
  if (!hasNatsServer) return;
  mqttPort = await freePort();
  server = await startNatsServer(at('broker'), undefined, mqttPort);
});
afterAll(() => server?.stop());

describe.skipIf(!hasNatsServer)(throughNats('alarms'), () => {
  it('reach a subject, and a stream keeps each once', async () => {
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'ALARMS', subjects: ['thrum.alarms.>'] });
    const warnings: string[] = [];
    const notifier = createNatsNotifier({ connection, warn: (text) => warnings.push(text), delivery: quick });
    for (const machine of ['pump.7 *>', 'pump.7 *>', 'fan']) await notifier.notify(changeOf(machine));
    await notifier.close();
    const consumer = await jetstream(connection).consumers.get('ALARMS');
    const heard = [await consumer.next(), await consumer.next()];
    expect(heard.map((message) => message?.subject)).toEqual([
      'thrum.alarms.pump_7___.fault',
      'thrum.alarms.fan.fault',
    ]);
    expect(heard[0]?.json()).toMatchObject({ machine: 'pump.7 *>', kind: 'fault', change: 'raised' });
    expect((await manager.streams.info('ALARMS')).state.messages).toBe(2);
    expect(warnings).toEqual([]);
    expect(connection.isClosed()).toBe(false);
    await connection.close();
  });

  it('reach a topic of MQTT', async () => {
    const listener = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
    const heard: { topic: string; machine: string }[] = [];
    listener.on('message', (topic, payload) => heard.push({ topic, machine: JSON.parse(String(payload)).machine }));
    await listener.subscribeAsync('thrum/alarms/#', { qos: 1 });
    const warn = vi.fn();
    const notifier = createMqttNotifier({ url: `mqtt://127.0.0.1:${mqttPort}`, warn, delivery: quick });
    await notifier.notify(changeOf('pump/+#'));
    await notifier.close();
    await vi.waitFor(() => expect(heard).toEqual([{ topic: 'thrum/alarms/pump___/fault', machine: 'pump/+#' }]));
    await listener.endAsync();
  });

  it('wait for a broker that is away, and are lost with a word if it stays away', async () => {
    const warnings: string[] = [];
    const notifier = createMqttNotifier({
      url: `mqtt://user:hunter2@127.0.0.1:${await freePort()}`,
      warn: (text) => warnings.push(text),
      delivery: { ...quick, closeMs: 200 },
    });
    await notifier.notify(changeOf('pump'));
    await notifier.close();
    expect(warnings[0]).toMatch(/^MQTT mqtt:\/\/127\.0\.0\.1:\d+: cannot be reached/);
    expect(warnings.at(-1)).toContain('closed with 1 alarms that were not delivered');
    expect(warnings.join()).not.toContain('hunter2');
  });
});

describe('createMqttNotifier', () => {
  it.each(['http://host', 'mqtt:', 'pump'])('refuses the address %j', (url) => {
    expect(() => createMqttNotifier({ url, warn: () => {} })).toThrow('createMqttNotifier: expected an address');
  });
});
