// What the tests of the page stand on: a whole service that gives the page, a plain web host, and sounds of a machine.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { createHearingPool } from '../src/monitor/hearing/pool.node.ts';
import type { PartsOptions } from '../src/server/parts.ts';
import { ask, type Service, startService } from '../src/server/service.test-util.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';

export const pageFolder = join(import.meta.dirname, '../dist/web-app');

/** The clock of the service: a day of recordings lies before it. */
export const NOW = Date.UTC(2026, 2, 1, 6, 35);

/** A service with real threads that gives the page. */
export async function startPage(options: Partial<PartsOptions> = {}, port = 0): Promise<Service> {
  const pool = createHearingPool({ threads: 1 });
  const service = await startService({ pool, pageFolder, now: () => NOW, ...options }, { port });
  return {
    ...service,
    async close() {
      await service.close();
      await pool.close();
    },
  };
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** Any web host: files, and nothing else. */
export async function startHost(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    const file = join(pageFolder, path === '/' ? 'index.html' : path);
    if (!existsSync(file)) response.writeHead(404).end();
    else {
      const type = types[extname(file)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type }).end(readFileSync(file));
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * A second of a machine at 8 kHz: a hum with harmonics that drifts a little, and noise (multiplicative congruential, modulus
 * 2^31 - 1). `fault`: strength of a whine at 2.45 kHz in its second half, 20 times a second.
 */
export function soundOf(seed: number, fault = 0): Buffer {
  let state = (seed * 7919 + 1) % 2147483647;
  const noise = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  for (let i = 0; i < 8; i++) noise();
  const hz = 119 + 2 * noise();
  const rate = 8000;
  const samples = Float32Array.from({ length: rate }, (_, i) => {
    const t = i / rate;
    let sum = 0;
    for (let h = 1; h <= 12; h++) sum += (0.16 / h) * Math.sin(2 * Math.PI * hz * h * t + h * h);
    const burst = t > 0.5 && (t * 20) % 1 < 0.4 ? fault * Math.sin(2 * Math.PI * 2450 * t) : 0;
    return sum + burst + 0.08 * noise();
  });
  return Buffer.from(writeWav({ channels: [samples], sampleRate: rate, name: 'sound' }, { bits: 16 }));
}

const two = (value: number): string => String(value).padStart(2, '0');

/** A recording every ten minutes of the day, named by its time. */
export const nameOf = (n: number): string => `pump_2026-03-01T${two(Math.floor(n / 6))}-${two((10 * n) % 60)}-00.wav`;

export const startOf = (n: number): number => Date.UTC(2026, 2, 1) + n * 600_000;

export type GivenFile = { name: string; mimeType: string; buffer: Buffer };

/** Files from the `from`-th on; `faults` are numbers of faulty ones. */
export const filesOf = (from: number, to: number, faults: readonly number[] = [], seed = 0): GivenFile[] =>
  Array.from({ length: to - from }, (_, i) => ({
    name: nameOf(from + i),
    mimeType: 'audio/wav',
    buffer: soundOf(seed + from + i, faults.includes(from + i) ? 0.12 : 0),
  }));

/** Uploads recordings as a sensor would. */
export async function upload(url: string, machine: string, files: readonly GivenFile[], more = ''): Promise<void> {
  for (const { name, buffer } of files) {
    const n = /T(\d\d)-(\d\d)/.exec(name);
    const startMs = Date.UTC(2026, 2, 1, Number(n?.[1]), Number(n?.[2]));
    const { status, body } = await ask(
      `${url}/api/machines/${machine}/recordings?name=${encodeURIComponent(name)}&startMs=${startMs}${more}`,
      { method: 'POST', bytes: buffer },
    );
    if (status >= 300) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
  }
}

/** Fits a machine to its recordings and waits for it. */
export async function fit(url: string, machine: string): Promise<void> {
  const job = await ask<{ id: string }>(`${url}/api/detectors/${machine}/fit`, {
    method: 'POST',
    json: { machine, encoder: 'spectral-shape-10ms' },
  });
  for (;;) {
    const { body } = await ask<{ state: string; error?: string }>(`${url}/api/jobs/${job.body.id}`);
    if (body.state === 'failed') throw new Error(body.error);
    if (body.state === 'done') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
