// thrum watch of brokers behind TLS, with certificates made here: one that is trusted, and ones that are not.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startTlsServer, throughNats } from './nats-server.ts';
import { mainScript, output, refusal, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { at } = scratchFolder();
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const detector = at('pump.thrum');
const [cert, key] = [at('cert.pem'), at('key.pem')];

/** A certificate for `localhost` that signs itself: it is its own authority. */
function makeCertificate(): void {
  const made = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
}

const title = `${throughNats('thrum watch of brokers with TLS')}${hasOpenssl ? '' : ' (skipped: no openssl)'}`;
describe.skipIf(!hasNatsServer || !hasOpenssl)(title, { timeout: 600_000 }, () => {
  let broker: NatsServer & { mqttPort: number };
  let sound: Buffer;

  beforeAll(async () => {
    writeHums(at('normal'), 24);
    output(thrum(['fit', at('normal'), '--out', detector, '--encoder', 'spectral-shape-10ms']));
    sound = readFileSync(at('normal/hum00.wav'));
    makeCertificate();
    mkdirSync(at('broker'));
    broker = await startTlsServer(at('broker'), { cert, key });
    const connection = await connect({ servers: `localhost:${broker.port}`, tls: { caFile: cert } });
    await (await jetstreamManager(connection)).streams.add({ name: 'PLANT', subjects: ['plants.>'] });
    await jetstream(connection).publish('plants.p8.audio', sound);
    await connection.close();
  }, 600_000);
  afterAll(() => broker?.stop());

  const watching = (url: string): string[] => ['watch', url, '--detector', detector, '--json', '--workers', '1'];
  const trusted = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
  /** The first line of a run, which is then ended; `started` is called when something stands on standard error. */
  async function firstLine(url: string, started: () => Promise<void> = async () => {}): Promise<unknown> {
    const child = spawn(process.execPath, [mainScript, ...watching(url)], { env: trusted });
    const ended = once(child, 'close');
    try {
      child.stderr.once('data', () => void started());
      for await (const line of createInterface({ input: child.stdout })) {
        child.kill('SIGTERM');
        return JSON.parse(line);
      }
      throw new Error(`thrum watch ended by itself: ${String(await ended)}`);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  }

  it('hears MQTT behind a certificate that it was told to trust', async () => {
    const url = `mqtts://localhost:${broker.mqttPort}`;
    const heard = await firstLine(`${url}/halls/{machine}/audio`, async () => {
      const client = await connectAsync(url, { ca: readFileSync(cert) });
      await client.publishAsync('halls/p7/audio', sound, { qos: 1 });
      await client.endAsync();
    });
    expect(heard).toMatchObject({ type: 'score', machine: 'p7', anomalous: false });
  });

  it('hears NATS behind a certificate that it was told to trust', async () => {
    const heard = await firstLine(`tls://localhost:${broker.port}/plants.{machine}.audio`);
    expect(heard).toMatchObject({ type: 'score', machine: 'p8', anomalous: false });
  });

  it.each(['mqtts', 'tls'])('says in one line what is wrong with a certificate, %s', (protocol) => {
    const [port, subject] = protocol === 'tls' ? [broker.port, 'plants.x'] : [broker.mqttPort, 'halls/x'];
    const tried = (host: string, env?: NodeJS.ProcessEnv): string => {
      const args = watching(`${protocol}://me:secret@${host}:${port}/${subject}`);
      const options = { encoding: 'utf8', timeout: 240_000, ...(env && { env }) } as const;
      const run = spawnSync(process.execPath, [mainScript, ...args], options);
      const line = refusal(run, 1);
      expect(line).not.toContain('secret');
      return line;
    };
    expect(tried('localhost')).toMatch(/certificate.*authority that is not known here.*NODE_EXTRA_CA_CERTS=FILE/);
    expect(tried('127.0.0.1', trusted)).toMatch(/certificate is of another host/);
  });
});
