// A fleet whose queue is encrypted, with a certificate of one's own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../src/server/service.test-util.ts';
import { createFleet, soundOf, until } from './fleet.ts';
import { hasNatsServer, startTlsServer, throughNats } from './nats-server.ts';
import { mainScript, refusal, thrum } from './run-cli.ts';

vi.setConfig({ testTimeout: 600_000 });
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** For one address, signed by itself. */
function makeCertificate(folder: string, address: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${address}.crt`), join(folder, `${address}.key`)];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=IP:${address}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const made = spawnSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert]);
  expect(made.status, String(made.stderr)).toBe(0);
  return { cert, key };
}

/** A command that runs until it is killed; resolves with its first words. */
async function start(env: Record<string, string>, ...args: string[]): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [mainScript, ...args], {
    ...{ env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  const ended = once(child, 'exit');
  endings.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const early = ended.then(() => Promise.reject(new Error(`thrum ${args[0]} ended: ${said}`)));
  early.catch(() => {});
  const [words] = await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), early]);
  return String(words);
}

describe.runIf(hasNatsServer && hasOpenssl)(throughNats('an encrypted fleet'), () => {
  it('trusts the authority that NODE_EXTRA_CA_CERTS names, and no other', async () => {
    const fleet = await createFleet(['pump'], { onDisk: true });
    endings.push(fleet.end);
    const { cert, key } = makeCertificate(fleet.folder, '127.0.0.1');
    const server = await startTlsServer(join(fleet.folder, 'nats'), { cert, key });
    endings.push(() => server.kill());
    const places = [
      '--store',
      join(fleet.folder, 'thrum.db'),
      '--blobs',
      join(fleet.folder, 'blobs'),
      '--nats',
      server.url,
    ];

    const refused = refusal(thrum(['worker', ...places]), 1);
    expect(refused).toMatch(/cannot reach tls:\/\/127\.0\.0\.1:\d+ \(.*certificate/i);

    const env = { NODE_EXTRA_CA_CERTS: cert };
    expect(await start(env, 'worker', ...places, '--threads', '1')).toContain('ready');
    const data = join(fleet.folder, 'data');
    const words = await start(env, 'serve', ...places, '--port', '0', '--data', data, '--threads', '1');
    const [, url] = /listens at (\S+)/.exec(words) ?? [];
    const state = async () => (await ask<{ fleet: { workers?: number } }>(`${url}/readyz`)).body.fleet;
    await until('a worker', async () => (await state()).workers === 1);
    const request = { method: 'POST', bytes: soundOf(1) };
    const { status } = await ask(`${url}/api/machines/pump/recordings?wait=false&startMs=5`, request);
    expect(status).toBe(202);
    await until('its score', async () => (await fleet.store.totals()).scores === 1);
  });

  it('is refused with a certificate of another address', async () => {
    const fleet = await createFleet(['pump'], { onDisk: true });
    endings.push(fleet.end);
    const { cert, key } = makeCertificate(fleet.folder, '10.0.0.1');
    const server = await startTlsServer(join(fleet.folder, 'nats'), { cert, key });
    endings.push(() => server.kill());
    const places = ['--store', join(fleet.folder, 'thrum.db'), '--blobs', join(fleet.folder, 'blobs')];
    const outcome = thrum(['worker', ...places, '--nats', server.url], { env: { NODE_EXTRA_CA_CERTS: cert } });
    expect(refusal(outcome, 1)).toMatch(/cannot reach .*127\.0\.0\.1 is not in the cert/);
  });
});
