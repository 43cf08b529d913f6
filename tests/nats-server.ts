// A NATS server of one's own, on a free port of this machine.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;

/** `several processes through NATS`, and why its tests are skipped where they are. */
export const throughNats = (what: string): string =>
  `${what} through NATS${hasNatsServer ? '' : ' (skipped: no nats-server; Debian has it as a package)'}`;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export type NatsServer = { url: string; port: number; stop(): Promise<void> };

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
  return start(port ?? (await freePort()), storage);
}

/** A broker for MQTT, on a free port where none is given; with a password for the user `sensor` if one is. */
export async function startMqttBroker(
  folder: string,
  { port, mqttPort, password }: { port?: number; mqttPort?: number; password?: string } = {},
): Promise<NatsServer & { mqttPort: number }> {
  const mqtt = mqttPort ?? (await freePort());
  const settings = mqttSettings(folder, mqtt, password);
  const server = await start(port ?? (await freePort()), ['-js', '-sd', folder, ...settings]);
  return { ...server, mqttPort: mqtt };
}

async function start(at: number, options: readonly string[]): Promise<NatsServer> {
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(at), ...options], {
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
  return {
    url: `nats://127.0.0.1:${at}`,
    port: at,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
