// The service as it is run: its own process, real threads and files; killed, stopped, and asked from outside.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../src/monitor/store/open.node.ts';
import { openBlobs } from '../src/monitor/store/open-blobs.node.ts';
import type { ApiJob, ApiRecording, ApiScore, ApiUploaded } from '../src/server/schemas.ts';
import { ask, hum } from '../src/server/service.test-util.ts';
import { mainScript, output, refusal, scratchFolder, thrum } from './run-cli.ts';

const { at } = scratchFolder();
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

type Served = {
  url: string;
  child: ChildProcess;
  errors(): string;
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** `thrum serve` on a free port; resolves when it says where it listens. */
async function served(data: string, ...args: string[]): Promise<Served> {
  const child = spawn(
    process.execPath,
    [mainScript, 'serve', '--port', '0', '--data', data, '--threads', '1', '--log', 'json', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.add(child);
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const ended = once(child, 'close');
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      const [, found] = /^thrum listens at (\S+)\n/.exec(said) ?? [];
      if (found) resolve(found);
    });
    child.on('close', (code) => reject(new Error(`thrum serve ended with ${code}: ${errors}`)));
  });
  return {
    url,
    child,
    errors: () => errors,
    async end(signal) {
      child.kill(signal);
      const [code] = await ended;
      running.delete(child);
      return code;
    },
  };
}

const upload = (url: string, seed: number, hz?: number) =>
  ask<ApiUploaded>(`${url}/api/machines/pump/recordings?name=${seed}.wav&startMs=${1_700_000_000_000 + seed * 1000}`, {
    method: 'POST',
    bytes: hum(seed, hz),
  });

async function fitted(url: string): Promise<ApiJob> {
  for (let seed = 1; seed <= 8; seed++) expect((await upload(url, seed)).status).toBe(201);
  const order = { method: 'POST', json: { machine: 'pump', encoder: 'spectral' } };
  const { body: job } = await ask<ApiJob>(`${url}/api/detectors/pump/fit`, order);
  for (;;) {
    const { body } = await ask<ApiJob>(`${url}/api/jobs/${job.id}`);
    if (body.state === 'done' || body.state === 'failed') return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('thrum serve', () => {
  it('keeps every recording it has answered for, exactly once, through kill -9', async () => {
    const data = at('killed');
    let service = await served(data);
    expect(await fitted(service.url)).toMatchObject({ state: 'done', detector: { segments: 8 } });
    const answered = new Map<string, ApiScore[]>();
    let seed = 100;
    for (let round = 0; round < 3; round++) {
      let dead = false;
      const { url } = service;
      const send = async (): Promise<void> => {
        while (!dead) {
          const own = seed++;
          const reply = await upload(url, own, own % 2 ? 300 : 900).catch(() => undefined);
          if (reply?.status === 201) answered.set(reply.body.recording.hash, reply.body.scores);
        }
      };
      const before = answered.size;
      const senders = [send(), send(), send()];
      while (answered.size < before + 10) await new Promise((resolve) => setTimeout(resolve, 10));
      await service.end('SIGKILL');
      dead = true;
      await Promise.all(senders);
      service = await served(data);
    }
    expect(answered.size).toBeGreaterThanOrEqual(30);
    const { body: kept } = await ask<ApiRecording[]>(`${service.url}/api/machines/pump/recordings?limit=2000`);
    const hashes = kept.map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const [hash, scores] of answered) {
      expect(hashes).toContain(hash);
      const { body: stored } = await ask<ApiScore[]>(`${service.url}/api/machines/pump/scores?hash=${hash}`);
      expect(stored).toEqual(scores);
    }
    expect(await service.end('SIGTERM')).toBe(0);
    const [store, blobs] = [await openStore(join(data, 'store.sqlite')), await openBlobs(join(data, 'blobs'))];
    for (const { blob } of await store.recordings({ limit: 2000 })) {
      expect(await blobs.get(blob as string)).toBeInstanceOf(Uint8Array);
    }
    await store.close();
    await blobs.close();
  });

  it('ends what runs at a signal, tells listeners, and leaves nothing behind', async () => {
    const data = at('stopped');
    const service = await served(data);
    const events = await fetch(`${service.url}/api/events`);
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const uploads = [1, 2, 3].map((seed) => upload(service.url, seed).catch(() => undefined));
    // Those that have begun are answered; all that are answered well are kept.
    await uploads[0];
    expect(await service.end('SIGINT')).toBe(0);
    while (!(await reader.read()).done);
    const done = (await Promise.all(uploads)).filter((reply) => reply?.status === 201);
    const again = await served(data);
    const { body: kept } = await ask<ApiRecording[]>(`${again.url}/api/machines/pump/recordings`);
    for (const reply of done) expect(kept.map(({ hash }) => hash)).toContain(reply?.body.recording.hash);
    await again.end('SIGTERM');
    for (const { errors } of [service, again]) expect(errors()).not.toMatch(/"level":"error"/);
  });

  it('asks for keys where others can reach it, and for one to be made first', async () => {
    const data = at('keys');
    const alone = thrum(['serve', '--host', '0.0.0.0', '--port', '0', '--data', data]);
    expect(refusal(alone, 1)).toMatch(/expected a key before others can reach 0\.0\.0\.0.*--make-key/);
    const key = output(thrum(['serve', '--data', data, '--make-key', 'plant:write'])).trim();
    expect(key).toMatch(/^thrum_[\w-]{43}$/);
    const service = await served(data, '--host', '0.0.0.0');
    expect((await ask(`${service.url}/api/machines`)).status).toBe(401);
    expect(await ask(`${service.url}/api/machines`, { key })).toMatchObject({ status: 200, body: [] });
    await service.end('SIGTERM');
    expect(service.errors()).not.toContain(key);
  });

  it('shows the page where it was built', async () => {
    const service = await served(at('page'));
    const page = await fetch(service.url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await page.text();
    const built = existsSync(join(mainScript, '..', '..', 'web-app', 'index.html'));
    expect(html).toMatch(built ? /<script type="module"/ : /not built/);
    for (const [, path] of html.matchAll(/(?:src|href)="\.\/([^"]+)"/g))
      expect((await fetch(`${service.url}/${path}`)).status, path).toBe(200);
    await service.end('SIGTERM');
  });

  it('says what is wrong in one line', async () => {
    const service = await served(at('port'));
    const { port } = new URL(service.url);
    const twice = thrum(['serve', '--port', port, '--data', at('other')]);
    expect(refusal(twice, 1)).toMatch(/cannot listen on 127\.0\.0\.1 port \d+: another program listens there/);
    await service.end('SIGTERM');
    expect(refusal(thrum(['serve', '--port', '70000']), 2)).toMatch(/--port/);
    expect(refusal(thrum(['serve', '--make-key', 'a:root', '--data', at('other')]), 1)).toMatch(/read, write, admin/);
    expect(refusal(thrum(['serve', 'folder']), 2)).toMatch(/takes no files/);
    expect(refusal(thrum(['serve', '--data', '/dev/null/x']), 1)).toMatch(/--data/);
  });
});
