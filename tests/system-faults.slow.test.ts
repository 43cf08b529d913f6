// The whole system when its surroundings fail: full disks, poisoned files, slow readers.
// Kills are in serve.test.ts (uploads), watch.test.ts (alarms), store-crash.test.ts and fleet.test.ts;
// brokers in broker-faults.slow.test.ts.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ApiRecording, ApiScore, ApiUploaded } from '../src/server/schemas.ts';
import { ask, hum as humBytes } from '../src/server/service.test-util.ts';
import { hum, mainScript, output, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { at } = scratchFolder();
const detector = at('pump.thrum');
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});
beforeAll(() => {
  writeHums(at('normal'), 24);
  output(thrum(['fit', at('normal'), '--out', detector, '--encoder', 'spectral-shape-10ms']));
});

/** A small disk of its own; only root may have one. */
function mountDisk(name: string, megabytes: number): string | undefined {
  const path = at(name);
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]).status !== 0) return undefined;
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return path;
}

/** Takes all the room that is left. */
function fillDisk(path: string): void {
  const piece = new Uint8Array(16_384);
  try {
    for (;;) writeFileSync(path, piece, { flag: 'a' });
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  }
}

function start(args: readonly string[]): {
  child: ChildProcess;
  said(): string;
  end(signal: NodeJS.Signals): Promise<void>;
} {
  const child = spawn(process.execPath, [mainScript, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const ended = once(child, 'close');
  return {
    child,
    said: () => said,
    async end(signal) {
      child.kill(signal);
      await ended;
      running.delete(child);
    },
  };
}

async function serve(data: string, ...more: string[]) {
  const service = start(['serve', '--port', '0', '--data', data, '--threads', '1', '--log', 'json', ...more]);
  const lines = createInterface({ input: service.child.stdout as NodeJS.ReadableStream });
  const [line] = await once(lines, 'line');
  const url = /^thrum listens at (\S+)/.exec(String(line))?.[1];
  if (!url) throw new Error(`thrum serve said ${line} ${service.said()}`);
  return { ...service, url };
}
const upload = (url: string, seed: number, hz?: number) =>
  ask<ApiUploaded & { error?: string }>(
    `${url}/api/machines/pump/recordings?name=${seed}.wav&startMs=${1_700_000_000_000 + seed * 1000}`,
    { method: 'POST', bytes: humBytes(seed, hz) },
  );
async function fitted(url: string): Promise<void> {
  for (let seed = 1; seed <= 8; seed++) expect((await upload(url, seed)).status).toBe(201);
  const order = { method: 'POST', json: { machine: 'pump', encoder: 'spectral' } };
  const { body: job } = await ask<{ id: string }>(`${url}/api/detectors/pump/fit`, order);
  await vi.waitUntil(async () => (await ask<{ state: string }>(`${url}/api/jobs/${job.id}`)).body.state === 'done', {
    timeout: 600_000,
  });
}

type Line = { type: string; machine: string; kind?: string; text?: string; startMs?: number; anomalous?: boolean };
const parse = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe('a full disk', () => {
  it('makes the service refuse uploads in words, lose none it has answered, and take more when there is room', async ({
    skip,
  }) => {
    const disk = mountDisk('full', 8);
    if (!disk) return skip('only root may mount a disk');
    const service = await serve(join(disk, 'data'));
    await fitted(service.url);
    const answered: string[] = [];
    const send = async (seed: number) => {
      const reply = await upload(service.url, seed);
      if (reply.status === 201) answered.push(reply.body.recording.hash);
      return reply;
    };
    expect((await send(100)).status).toBe(201);
    fillDisk(join(disk, 'ballast'));
    const refused: number[] = [];
    for (let seed = 101; refused.length < 5 && seed < 2000; seed++) {
      const { status, body } = await send(seed);
      if (status === 201) continue;
      refused.push(seed);
      expect([503, 507]).toContain(status);
      expect(body.error).toMatch(/room|store|full|space/);
      expect(body.error).not.toContain(disk);
    }
    expect(refused).toHaveLength(5);
    expect((await ask(`${service.url}/healthz`)).status).toBe(200);
    rmSync(join(disk, 'ballast'));
    for (const seed of refused)
      await vi.waitUntil(async () => (await upload(service.url, seed)).status < 300, {
        timeout: 120_000,
        interval: 500,
      });
    await service.end('SIGKILL');
    const again = await serve(join(disk, 'data'));
    const { body: kept } = await ask<ApiRecording[]>(`${again.url}/api/machines/pump/recordings?limit=2000`);
    const hashes = kept.map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of answered) {
      expect(hashes).toContain(hash);
      const { body } = await ask<ApiScore[]>(`${again.url}/api/machines/pump/scores?hash=${hash}`);
      expect(body).toHaveLength(1);
    }
    await again.end('SIGTERM');
  });

  it('does not stop thrum watch: it hears on, says so, and writes down what is done when there is room', async ({
    skip,
  }) => {
    const disk = mountDisk('full-watch', 4);
    if (!disk) return skip('only root may mount a disk');
    writeHums(join(disk, 'hall/pump'), 3, 50);
    const state = join(disk, 'state');
    mkdirSync(state);
    const args = ['watch', join(disk, 'hall'), '--detector', detector, '--ledger', join(state, 'ledger'), '--json'];
    const quick = ['--settle', '0.1', '--workers', '1'];
    const watching = start([...args, ...quick]);
    let printed = '';
    watching.child.stdout?.on('data', (text) => {
      printed += text;
    });
    const scores = () => parse(printed.slice(0, printed.lastIndexOf('\n') + 1)).filter(({ type }) => type === 'score');
    await vi.waitUntil(() => scores().length === 3, { timeout: 600_000 });
    // All of the room that the ledger and the alarms have, but for the new recordings.
    writeHums(join(disk, 'next'), 3, 60);
    fillDisk(join(disk, 'ballast'));
    for (let i = 0; i < 3; i++)
      execFileSync('mv', [join(disk, `next/hum0${i}.wav`), join(disk, `hall/pump/next${i}.wav`)]);
    await vi.waitUntil(() => scores().length === 6, { timeout: 600_000 });
    await vi.waitUntil(() => /the disk is full/.test(printed + watching.said()), { timeout: 600_000 });
    rmSync(join(disk, 'ballast'));
    await watching.end('SIGKILL');
    // What could not be written down is heard again, and nothing else is lost.
    const rest = parse(output(thrum([...args, ...quick, '--once'])));
    expect(rest.filter(({ type }) => type === 'score').length).toBeLessThanOrEqual(3);
    expect(output(thrum([...args, ...quick, '--once']))).toBe('');
  });
});

describe('among many files', () => {
  it('poisoned ones are named, each once, and all others are heard once', () => {
    const count = 60;
    writeHums(at('many/pump'), count, 100);
    const good = readFileSync(at('many/pump/hum00.wav'));
    const claims = Buffer.from(good);
    claims.writeUInt32LE(0xfffffff0, 40);
    const rate = Buffer.from(good);
    rate.writeUInt32LE(0, 24);
    const nan = Buffer.from(good);
    for (let i = nan.length - 4000; i < nan.length; i += 4) nan.writeFloatLE(Number.NaN, i);
    const poison: Record<string, Buffer> = {
      'empty.wav': Buffer.alloc(0),
      'cut.wav': good.subarray(0, 30),
      'rate.wav': rate,
      'nan.wav': nan,
      'noise.flac': Buffer.from(hum(1, 8000, 1).buffer),
      'bomb.mat': Buffer.concat([Buffer.from('MATLAB 5.0'.padEnd(124)), gzipSync(Buffer.alloc(2 ** 24))]),
      'huge.npy': Buffer.from(
        `\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }`.padEnd(128),
      ),
      'text.csv': Buffer.from('a,b\n"\n'.repeat(1000)),
    };
    for (const [name, bytes] of Object.entries(poison)) writeFileSync(at('many/pump', name), bytes);
    // Whether a WAV file that claims to be longer is cut off or still being written is the reader's to say.
    writeFileSync(at('many/pump/claims.wav'), claims);
    const run = thrum([
      'watch',
      at('many'),
      '--detector',
      detector,
      '--once',
      '--settle',
      '0.1',
      '--workers',
      '1',
      '--json',
    ]);
    expect(run.status, run.stderr).toBe(1);
    const lines = parse(run.stdout);
    const scores = lines.filter(({ type }) => type === 'score').length;
    expect(scores).toBeGreaterThanOrEqual(count);
    expect(scores).toBeLessThanOrEqual(count + 1);
    const troubles = lines.flatMap(({ type, text = '' }) => (type === 'event' ? [text] : []));
    for (const name of Object.keys(poison))
      expect(
        troubles.filter((text) => text.includes(name)),
        name,
      ).toHaveLength(1);
    const again = thrum(['watch', at('many'), '--detector', detector, '--once', '--settle', '0.1', '--workers', '1']);
    expect(again).toMatchObject({ stdout: '', status: 0 });
  });
});

describe('a slow reader of events', () => {
  it('is cut off; others hear everything, and uploads are answered meanwhile', async () => {
    const service = await serve(at('slow'));
    await fitted(service.url);
    const { hostname, port } = new URL(service.url);
    // Asks for events, and never reads them: what the system holds for it fills up.
    const slow = connectTcp(Number(port), hostname);
    slow.on('error', () => {});
    slow.write(`GET /api/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    slow.pause();
    const heard = new Set<string>();
    const control = new AbortController();
    const events = await fetch(`${service.url}/api/events`, { signal: control.signal });
    const reading = (async () => {
      const decoder = new TextDecoder();
      let rest = '';
      for await (const bytes of events.body as unknown as AsyncIterable<Uint8Array>) {
        const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
          if (type === 'score') heard.add((JSON.parse(data) as ApiScore).hash);
        }
      }
    })().catch(() => {});
    const sent: string[] = [];
    const cutOff = async (): Promise<number> => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return Number(/^thrum_event_clients_cut_off_total (\d+)/m.exec(text)?.[1] ?? 0);
    };
    let seed = 1000;
    // A buffer of the system is a few megabytes, an event a few kilobytes.
    while ((await cutOff()) === 0 && seed < 20_000) {
      for (const { status, body } of await Promise.all(
        Array.from({ length: 20 }, () => upload(service.url, seed++, 900)),
      )) {
        expect(status).toBe(201);
        sent.push(body.recording.hash);
      }
    }
    expect(await cutOff()).toBe(1);
    await vi.waitUntil(() => sent.every((hash) => heard.has(hash)), { timeout: 120_000 });
    slow.destroy();
    control.abort();
    await reading;
    await service.end('SIGTERM');
  });
});

describe('a webhook that is away', () => {
  it('is told of an alarm though the service is killed meanwhile', async () => {
    const heard: { id: string; kind: string; change: string }[] = [];
    let refused = 0;
    let away = true;
    const receiver = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        if (away) refused++;
        else heard.push(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(away ? 503 : 204).end();
      });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void receiver.close());
    await once(receiver, 'listening');
    const webhook = ['--webhook', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alarms`];
    const service = await serve(at('told'), ...webhook);
    await fitted(service.url);
    for (let seed = 200; refused === 0; seed++) {
      expect(seed).toBeLessThan(230);
      expect((await upload(service.url, seed, 1234)).status).toBe(201);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await service.end('SIGKILL');
    away = false;
    const again = await serve(at('told'), ...webhook);
    await vi.waitUntil(() => heard.length > 0, { timeout: 90_000 });
    expect(heard).toMatchObject([{ kind: 'fault', change: 'raised' }]);
    // Taken once is enough.
    await again.end('SIGKILL');
    const third = await serve(at('told'), ...webhook);
    await new Promise((resolve) => setTimeout(resolve, 45_000));
    expect(heard).toHaveLength(1);
    await third.end('SIGTERM');
  });
});
