// A NATS server of one's own, on a free port of this machine.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;

/** `several processes through NATS`, and why its tests are skipped where they are. */
export const throughNats = (what: string): string =>
  `${what} through NATS${hasNatsServer ? '' : ' (skipped: no nats-server; Debian has it as a package)'}`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export type NatsServer = { url: string; port: number; stop(): Promise<void> };

/** Keeps what is stored in `folder`; without one it has no JetStream. */
export async function startNatsServer(folder?: string, port?: number): Promise<NatsServer> {
  const storage = folder === undefined ? [] : ['-js', '-sd', folder];
  return start(port ?? (await freePort()), storage);
}

/** A broker for MQTT on `mqttPort`: NATS speaks it too. Sessions and messages are kept in `folder`. */
export async function startMqttBroker(
  folder: string,
  { port, mqttPort, password }: { port?: number; mqttPort?: number; password?: string } = {},
): Promise<NatsServer & { mqttPort: number }> {
  const mqtt = mqttPort ?? (await freePort());
  const settings = [
    'server_name: broker',
    `jetstream { store_dir: ${JSON.stringify(folder)} }`,
    `mqtt { listen: "127.0.0.1:${mqtt}" }`,
    ...(password === undefined ? [] : [`authorization { user: sensor, password: ${JSON.stringify(password)} }`]),
  ];
  const file = join(folder, 'broker.conf');
  writeFileSync(file, settings.join('\n'));
  return { ...(await start(port ?? (await freePort()), ['-c', file])), mqttPort: mqtt };
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
