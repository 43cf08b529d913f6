// A NATS server of one's own, on a free port of this machine.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JetStreamManager } from '@nats-io/jetstream';
import { freePort } from './free-port.ts';

export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;

/** `several processes through NATS`, and why its tests are skipped where they are. */
export const throughNats = (what: string): string =>
  `${what} through NATS${hasNatsServer ? '' : ' (skipped: no nats-server; Debian has it as a package)'}`;

export type NatsServer = {
  url: string;
  port: number;
  stop(): Promise<void>;
  /** As a failure of power would: nothing is said, nothing is put in order. */
  kill(): Promise<void>;
};

/** A server that speaks MQTT too keeps sessions, so it needs a folder; only a file of settings can say so. */
function mqttSettings(folder: string, port: number, password?: string): string[] {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'mqtt.conf');
  const access =
    password === undefined ? '' : `authorization { user: sensor, password: ${JSON.stringify(password)} }\n`;
  writeFileSync(file, `server_name: test\nmqtt { host: 127.0.0.1, port: ${port} }\n${access}`);
  return ['-c', file];
}

/** Keeps what is stored in `folder`; without one it has no JetStream, and no MQTT. */
export async function startNatsServer(folder?: string, port?: number, mqttPort?: number): Promise<NatsServer> {
  const storage = folder === undefined ? [] : ['-js', '-sd', folder];
  if (folder !== undefined && mqttPort !== undefined) storage.push(...mqttSettings(folder, mqttPort));
  return spawnServer(port ?? (await freePort()), storage);
}

/** A broker for MQTT, on a free port where none is given; with a password for the user `sensor` if one is. */
export async function startMqttBroker(
  folder: string,
  { port, mqttPort, password }: { port?: number; mqttPort?: number; password?: string } = {},
): Promise<NatsServer & { mqttPort: number }> {
  const mqtt = mqttPort ?? (await freePort());
  const settings = mqttSettings(folder, mqtt, password);
  const server = await spawnServer(port ?? (await freePort()), ['-js', '-sd', folder, ...settings]);
  return { ...server, mqttPort: mqtt };
}

/** Runs until it says that it is ready; a member of a cluster is so before the cluster is. */
async function spawnServer(port: number, args: readonly string[]): Promise<NatsServer> {
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => reject(new Error(`nats-server ended: ${said}`)));
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes('Server is ready')) resolve();
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  return { url: `nats://127.0.0.1:${port}`, port, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/** With a listener for MQTT, which needs a file of settings in `folder`. */
export async function startMqttServer(folder: string): Promise<NatsServer & { mqttPort: number }> {
  const mqttPort = await freePort();
  const settings = join(folder, 'server.conf');
  writeFileSync(settings, `server_name: one\nmqtt { host: "127.0.0.1", port: ${mqttPort} }\n`);
  const server = await spawnServer(await freePort(), ['-js', '-sd', join(folder, 'data'), '-c', settings]);
  return { ...server, mqttPort };
}

/** With TLS for both: `cert` and `key` are paths of PEM files. */
export async function startTlsServer(
  folder: string,
  { cert, key }: { cert: string; key: string },
): Promise<NatsServer & { mqttPort: number }> {
  const mqttPort = await freePort();
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, 'server.conf');
  const tls = `tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }`;
  writeFileSync(settings, `server_name: one\n${tls}\nmqtt { host: "127.0.0.1", port: ${mqttPort}, ${tls} }\n`);
  const server = await spawnServer(await freePort(), ['-js', '-sd', join(folder, 'data'), '-c', settings]);
  return { ...server, url: server.url.replace('nats:', 'tls:'), mqttPort };
}

export type NatsCluster = { servers: NatsServer[]; restart(index: number): Promise<void>; stop(): Promise<void> };

/** Servers that replicate to each other, each with a folder of its own below `folder`. */
export async function startNatsCluster(folder: string, size = 3): Promise<NatsCluster> {
  const ports: number[] = [];
  for (let i = 0; i < 2 * size; i++) ports.push(await freePort());
  const [clients, members] = [ports.slice(0, size), ports.slice(size)];
  const routes = members.map((port) => `nats://127.0.0.1:${port}`);
  const start = (i: number) =>
    spawnServer(clients[i], [
      ...['-js', '-sd', join(folder, `server-${i}`), '-n', `server-${i}`],
      ...['--cluster_name', 'thrum', '-cluster', routes[i], '-routes', routes.join(',')],
    ]);
  const servers = await Promise.all(clients.map((_, i) => start(i)));
  return {
    servers,
    async restart(index) {
      servers[index] = await start(index);
    },
    async stop() {
      await Promise.all(servers.map((server) => server.kill()));
    },
  };
}

/** A manager as after a crash of its server: messages up to a number lie there, and the consumer believes that they were dealt with. */
export async function afterCrash(manager: JetStreamManager, upTo: number): Promise<JetStreamManager> {
  const info = await manager.consumers.info('THRUM_IN', 'workers');
  const believing = { ...info, ack_floor: { ...info.ack_floor, stream_seq: upTo } };
  const consumers = Object.assign(Object.create(manager.consumers), { info: async () => believing });
  return Object.assign(Object.create(manager), { consumers, streams: manager.streams });
}
