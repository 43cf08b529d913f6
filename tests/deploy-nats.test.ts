// The settings of deploy/nats on real servers: who may do what, over NATS and over MQTT, and three servers as one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sweep } from '../src/monitor/queue/sweep.node.ts';
import { pathOf } from './deploy-files.ts';
import { freePort } from './free-port.ts';
import { afterCrash, hasNatsServer, throughNats } from './nats-server.ts';
import { scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
const users = ['service', 'worker', 'sensor', 'alarms', 'system'] as const;
type Ports = { client: number; mqtt: number; monitor: number; route: number };
const children: ChildProcess[] = [];

/** The settings as they are, but for addresses and the folder of the store. */
async function start(name: string, file: string, ports: Ports, env: Record<string, string> = {}): Promise<void> {
  const folder = at(name);
  mkdirSync(folder, { recursive: true });
  const replaced: [string, string][] = [
    ['0.0.0.0:4222', `127.0.0.1:${ports.client}`],
    ['0.0.0.0:8222', `127.0.0.1:${ports.monitor}`],
    ['0.0.0.0:6222', `127.0.0.1:${ports.route}`],
    ['port: 1883', `host: 127.0.0.1\n  port: ${ports.mqtt}`],
    ['store_dir: /data', `store_dir: ${JSON.stringify(join(folder, 'data'))}`],
    ['max_file_store: 50GB', 'max_file_store: 1GB'],
  ];
  for (const part of ['accounts.conf', 'common.conf', file]) {
    const text = readFileSync(pathOf(`nats/${part}`), 'utf8');
    writeFileSync(
      join(folder, part),
      replaced.reduce((changed, [from, to]) => changed.replace(from, to), text),
    );
  }
  const passwords = Object.fromEntries(users.map((user) => [`NATS_${user.toUpperCase()}_PASSWORD`, `p${user}`]));
  const child = spawn('nats-server', ['-c', join(folder, file)], {
    env: { ...process.env, ...passwords, NATS_ROUTE_PASSWORD: 'proute', NATS_NAME: name, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.on('close', () => reject(new Error(`nats-server ended: ${said}`)));
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes('Listening for client connections')) resolve();
    });
  });
}

const freePorts = async (): Promise<Ports> => ({
  client: await freePort(),
  mqtt: await freePort(),
  monitor: await freePort(),
  route: await freePort(),
});

const connections: NatsConnection[] = [];
async function as(user: (typeof users)[number], port: number, options: { inboxPrefix?: string } = {}) {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user, pass: `p${user}`, ...options });
  connections.push(connection);
  return connection;
}

afterAll(async () => {
  for (const connection of connections) await connection.close();
  for (const child of children) {
    if (child.exitCode !== null) continue;
    const ended = once(child, 'close');
    child.kill();
    await ended;
  }
});

/** Whether a subscription is refused. */
async function isDeaf(connection: NatsConnection, subject: string): Promise<boolean> {
  const subscription = connection.subscribe(subject);
  const refused = await Promise.race([
    subscription.closed.then(() => true),
    connection
      .flush()
      .then(() => connection.flush())
      .then(() => subscription.isClosed()),
  ]);
  if (!subscription.isClosed()) subscription.unsubscribe();
  return refused;
}

describe.skipIf(!hasNatsServer)(throughNats('one box'), () => {
  let ports: Ports;
  beforeAll(async () => {
    ports = await freePorts();
    await start('box', 'box.conf', ports);
    const manager = await jetstreamManager(await as('service', ports.client));
    await manager.streams.add({ name: 'THRUM_IN', subjects: ['thrum.in.>'], retention: 'workqueue' });
  });

  it('refuses whoever has no password, or a wrong one', async () => {
    const servers = `127.0.0.1:${ports.client}`;
    await expect(connect({ servers })).rejects.toThrow(/authorization/i);
    await expect(connect({ servers, user: 'sensor', pass: 'x' })).rejects.toThrow(/authorization/i);
  });

  it('a sensor sends recordings, is told that they arrived, and does nothing else', async () => {
    const sensor = await as('sensor', ports.client, { inboxPrefix: '_INBOX_SENSOR' });
    const stored = await jetstream(sensor).publish('thrum.in.pump-7', new Uint8Array(1_500_000));
    expect(stored.stream).toBe('THRUM_IN');
    const refused: string[] = [];
    void (async () => {
      for await (const status of sensor.status()) if (status.type === 'error') refused.push(String(status.error));
    })();
    for (const subject of [
      'thrum.alarms.pump-7.fault',
      'thrum.news.pump-7',
      '$JS.API.STREAM.DELETE.THRUM_IN',
      'thrum.attempt.1',
      '$SYS.REQ.x',
    ])
      sensor.publish(subject, 'x');
    await sensor.flush();
    await vi.waitFor(() => expect(refused.filter((one) => one.includes('thrum.alarms'))).toHaveLength(1));
    expect(refused).toHaveLength(5);
    for (const subject of ['thrum.in.>', 'thrum.news.>', '>', '_INBOX.>', '$O.>'])
      expect(await isDeaf(sensor, subject), subject).toBe(true);
  });

  it('a worker takes them, keeps large ones, and tells of alarms; it sends none in', async () => {
    const worker = await as('worker', ports.client);
    const manager = await jetstreamManager(worker);
    await manager.consumers.add('THRUM_IN', { durable_name: 'workers', ack_policy: 'explicit' });
    const sensor = await as('sensor', ports.client, { inboxPrefix: '_INBOX_SENSOR' });
    await jetstream(sensor).publish('thrum.in.fan', 'x');
    const consumer = await jetstream(worker).consumers.get('THRUM_IN', 'workers');
    for (let found = ''; found !== 'thrum.in.fan'; ) {
      const message = await consumer.next();
      found = message?.subject ?? '';
      expect(await message?.ackAck()).toBe(true);
    }
    const bucket = await new Objm(worker).create('thrum-audio');
    await bucket.putBlob({ name: 'audio/a' }, new Uint8Array(300_000));
    expect((await bucket.getBlob('audio/a'))?.length).toBe(300_000);
    await bucket.delete('audio/a');
    const listener = await as('alarms', ports.client);
    const heard = listener.subscribe('thrum.alarms.>', { max: 1 });
    await listener.flush();
    worker.publish('thrum.alarms.fan.fault', 'loud');
    for await (const message of heard) expect(message.string()).toBe('loud');
    const service = await as('service', ports.client);
    const news = service.subscribe('thrum.news.>', { max: 1 });
    await service.flush();
    worker.publish('thrum.news.fan', 'new');
    for await (const message of news) expect(message.string()).toBe('new');
    await expect(jetstream(worker).publish('thrum.in.fan', 'x', { timeout: 500 })).rejects.toThrow();
  });

  it('the service hands out again what its servers have forgotten', async () => {
    const service = await as('service', ports.client);
    const manager = await jetstreamManager(service);
    await manager.streams.purge('THRUM_IN');
    await manager.consumers.add('THRUM_IN', { durable_name: 'workers', ack_policy: 'explicit' });
    const { seq } = await jetstream(service).publish('thrum.in.fan', 'sound');
    const crashed = await afterCrash(manager, seq);
    expect(await sweep(crashed, jetstream(service))).toBe(1);
    const again = await manager.streams.getMessage('THRUM_IN', { last_by_subj: 'thrum.in.fan' });
    expect([again?.string(), again?.seq]).toEqual(['sound', seq + 1]);
    expect((await manager.streams.info('THRUM_IN')).state.messages).toBe(1);
  });

  it('a listener to alarms says nothing, and hears nothing else', async () => {
    const listener = await as('alarms', ports.client);
    expect(await isDeaf(listener, 'thrum.in.>')).toBe(true);
    expect(await isDeaf(listener, '_INBOX.>')).toBe(true);
    expect(await isDeaf(listener, 'thrum.alarms.>')).toBe(false);
  });

  it('a sensor with MQTT sends what a worker hears, and hears nothing', async () => {
    const service = await as('service', ports.client);
    const manager = await jetstreamManager(service);
    await manager.streams.purge('THRUM_IN');
    const login = { username: 'sensor', password: 'psensor', reconnectPeriod: 0 };
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, login);
    await client.publishAsync('thrum/in/pump-7', Buffer.from('sound'), { qos: 1 });
    await vi.waitFor(async () => expect((await manager.streams.info('THRUM_IN')).state.messages).toBe(1));
    const message = await manager.streams.getMessage('THRUM_IN', { last_by_subj: 'thrum.in.pump-7' });
    expect(message?.string()).toBe('sound');
    const granted = await client.subscribeAsync('thrum/in/#', { qos: 0 }).catch(() => []);
    expect(granted.filter(({ qos }) => qos < 128)).toEqual([]);
    await client.endAsync(true);
    await expect(
      mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { ...login, username: 'worker', password: 'pworker' }),
    ).rejects.toThrow();
  });
});

describe.skipIf(!hasNatsServer)(throughNats('three servers'), () => {
  it('find each other with their password, and store each recording three times', async () => {
    const all = [await freePorts(), await freePorts(), await freePorts()];
    const routes = Object.fromEntries(
      all.map(({ route }, n) => [`NATS_ROUTE_${n}`, `nats-route://route:proute@127.0.0.1:${route}`]),
    );
    await Promise.all(all.map((ports, n) => start(`nats-${n}`, 'cluster.conf', ports, routes)));
    const connection = await as('service', all[0].client);
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await vi.waitFor(() => manager.streams.add({ name: 'THRUM_IN', subjects: ['thrum.in.>'], num_replicas: 3 }), {
      timeout: 60_000,
      interval: 500,
    });
    await jetstream(connection).publish('thrum.in.pump-7', 'sound');
    const elsewhere = await jetstreamManager(await as('worker', all[2].client));
    const { state, cluster } = await elsewhere.streams.info('THRUM_IN');
    expect(state.messages).toBe(1);
    expect(cluster?.replicas).toHaveLength(2);
  });
});
