// A service on a free port, with a store and blobs in memory, and recordings to send it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInlinePool } from '../monitor/hearing/inline.test-util.ts';
import { createMemoryBlobs } from '../monitor/store/memory-blobs.test-util.ts';
import { openStore } from '../monitor/store/open.node.ts';
import { writeWav } from '../signal/readers/wav-write.ts';
import { createApp } from './app.ts';
import { type Listening, type ListenOptions, listen } from './listen.ts';
import { createLog } from './log.ts';
import { createParts, type Parts, type PartsOptions } from './parts.ts';

export type Service = {
  url: string;
  parts: Parts;
  blobs: ReturnType<typeof createMemoryBlobs>;
  /** Lines of the log so far. */
  lines: string[];
  close(): Promise<void>;
};

/** Starts it; `close` ends it and removes what it wrote. */
export async function startService(
  options: Partial<PartsOptions> = {},
  listening: Partial<ListenOptions> = {},
): Promise<Service> {
  const scratch = mkdtempSync(join(tmpdir(), 'thrum-service-'));
  const lines: string[] = [];
  const log = createLog({ format: 'json', write: (line) => lines.push(line) });
  const blobs = createMemoryBlobs();
  const store = options.store ?? (await openStore(':memory:'));
  const pool = createInlinePool();
  const parts = createParts({ store, blobs, pool, log, scratch, version: '0', allowedHosts: [], ...options });
  const app = createApp(parts);
  const server: Listening = await listen(app.fetch, { host: '127.0.0.1', port: 0, ...listening });
  return {
    ...{ url: server.url, parts, blobs, lines },
    async close() {
      parts.stopTaking();
      await server.close(2000);
      await parts.close();
      await pool.close();
      await store.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

export const RATE = 4000;

/** Half a second of a machine that hums at `hz`, with noise from a seed (multiplicative congruential, modulus 2^31 - 1). */
export function hum(seed: number, hz = 300, seconds = 0.5): Uint8Array {
  let state = seed * 7919 + 1;
  const samples = Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    state = (state * 48271) % 2147483647;
    return 0.3 * Math.sin((2 * Math.PI * hz * i) / RATE) + 0.1 * (state / 2147483647 - 0.5);
  });
  return writeWav({ channels: [samples], sampleRate: RATE, name: '' }, { bits: 16 });
}

export type Reply<T> = { status: number; body: T; headers: Headers };

/** A request with JSON, or with bytes as they are; the answer read as JSON. */
export async function ask<T = { error: string }>(
  url: string,
  { method = 'GET', json, bytes, key, headers = {} }: AskOptions = {},
): Promise<Reply<T>> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...(bytes && { body: new Uint8Array(bytes) }),
  });
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: response.status, body: body as T, headers: response.headers };
}

export type AskOptions = {
  method?: string;
  json?: unknown;
  bytes?: Uint8Array;
  key?: string;
  headers?: Record<string, string>;
};
