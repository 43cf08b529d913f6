// What hostile and slow clients may do to the service: they are told no, and nobody else waits for them.
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { policy, recordingOf, resultOf } from '../monitor/store/store.test-util.ts';
import { createAnswers } from './answer.ts';
import type { ApiMachineStatus } from './schemas.ts';
import { ask, hum, type Service, startService } from './service.test-util.ts';

const UPLOAD = 100_000;
const UPLOADS_AT_ONCE = 4;
/** Two of the largest answers here, and a bit: each is more than the buffers of a connection take in. */
const ANSWERS = 32 * 2 ** 20;
const WIDE = 1000;
const SCORES = 200;

let service: Service;
const at = (path: string) => `${service.url}${path}`;
beforeAll(async () => {
  service = await startService({
    limits: { maxBodyBytes: UPLOAD },
    maxHeldBytes: UPLOADS_AT_ONCE * UPLOAD,
    answers: { maxBytes: ANSWERS },
  });
  const { store } = service.parts;
  await store.putMachine({ name: 'pump', policy, createdMs: 1 });
  const bands = Array.from({ length: WIDE }, (_, i) => ({
    lowHz: i,
    highHz: i + 1,
    share: 1 / WIDE,
    deviations: Math.PI,
  }));
  for (let i = 0; i < SCORES; i++) await store.record(resultOf(recordingOf(`${i}`, { startMs: i }), { bands }));
});
afterAll(() => service.close());

/** A connection that sends, and does not read. */
function deaf(text: string): Socket {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.pause();
  socket.write(text);
  onTestFinished(() => void socket.destroy());
  return socket;
}
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
const alive = async () => expect((await ask(at('/healthz'))).status).toBe(200);

describe('under hostile load', () => {
  it('holds no more of large answers than memory is there for, and forgets those whose readers leave', async () => {
    const path = `/api/machines/pump/scores?limit=${SCORES}`;
    const length = (await (await fetch(at(path))).arrayBuffer()).byteLength;
    expect(length).toBeGreaterThan(13 * 2 ** 20);
    const held = () => service.parts.answers.held();
    const sockets: Socket[] = [];
    for (let n = 1; n <= 2; n++) {
      sockets.push(deaf(get(path)));
      await expect.poll(held, { timeout: 60_000 }).toBe(n * length);
    }
    const refused = await ask(at(path));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('2');
    await alive();
    expect((await ask<object[]>(at('/api/machines/pump/scores?limit=5'))).body).toHaveLength(5);
    for (const socket of sockets) socket.destroy();
    await expect.poll(held, { timeout: 60_000 }).toBe(0);
    expect((await ask(at(path))).status).toBe(200);
  });

  it('answers HEAD without holding anything', async () => {
    for (let i = 0; i < 3; i++) {
      const { status } = await ask(at('/api/machines/pump/scores?limit=20'), { method: 'HEAD' });
      expect(status).toBe(200);
    }
    expect(service.parts.answers.held()).toBe(0);
  });

  it('has listeners to events up to a number, says 503 to more, and still works', async () => {
    const listeners = Array.from({ length: 200 }, () => deaf(get('/api/events')));
    await expect.poll(() => service.parts.bus.clients(), { timeout: 60_000 }).toBe(200);
    expect((await ask(at('/api/events'))).status).toBe(503);
    for (let i = 0; i < 50; i++) await ask(at('/api/machines/pump'), { method: 'PUT', json: {} });
    await alive();
    for (const socket of listeners) socket.destroy();
    await expect.poll(() => service.parts.bus.clients(), { timeout: 60_000 }).toBe(0);
  });

  it('says 429 to uploads beyond the memory for them, takes the others, and gives all of it back', async () => {
    const { hostname, port } = new URL(service.url);
    const bytes = hum(1, 300, 10);
    expect(bytes.length).toBeLessThan(UPLOAD);
    const begin = (n: number) => {
      const path = `/api/machines/pump/recordings?name=${n}.wav&startMs=${1000 + n}`;
      const headers = { 'content-length': String(UPLOAD) };
      const sent = request({ hostname, port, path, method: 'POST', headers, agent: false });
      const status = new Promise<number>((resolve) => {
        sent.on('response', (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        sent.on('error', () => resolve(0));
      });
      sent.write(Buffer.from(bytes));
      return { sent, status };
    };
    const first = Array.from({ length: UPLOADS_AT_ONCE }, (_, n) => begin(n));
    await expect.poll(() => service.parts.budget.taken()).toBe(UPLOADS_AT_ONCE * UPLOAD);
    const more = Array.from({ length: 30 }, (_, n) => begin(100 + n));
    for (const { status, sent } of more) {
      expect(await status).toBe(429);
      sent.destroy();
    }
    await alive();
    // WAV files may have something behind their samples.
    for (const { sent } of first) sent.end(Buffer.alloc(UPLOAD - bytes.length));
    for (const { status } of first) expect([200, 201]).toContain(await status);
    expect(service.parts.budget.taken()).toBe(0);
  });

  it('gives machines in pages', async () => {
    const { store } = service.parts;
    for (let i = 0; i < 25; i++)
      await store.putMachine({ name: `m-${String(i).padStart(2, '0')}`, policy, createdMs: 1 });
    const names: string[] = [];
    for (;;) {
      const after = names.length > 0 ? `&after=${names.at(-1)}` : '';
      const { body } = await ask<ApiMachineStatus[]>(at(`/api/machines?limit=10${after}`));
      names.push(...body.map(({ name }) => name));
      if (body.length < 10) break;
    }
    expect(names).toEqual([...Array.from({ length: 25 }, (_, i) => `m-${String(i).padStart(2, '0')}`), 'pump']);
    expect((await ask(at('/api/machines?after=../x'))).status).toBe(400);
  });
});

describe('createAnswers', () => {
  it('cuts off who reads too slowly, and counts to nothing again', async () => {
    const answers = createAnswers({ maxMs: 20 });
    const reader = (answers.bytes(new Uint8Array(300_000)).body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).value?.length).toBe(2 ** 16);
    expect(answers.held()).toBe(300_000);
    await expect.poll(() => answers.held()).toBe(0);
    await expect(reader.read()).rejects.toThrow('too slow');
  });

  it('sends all bytes, of any length', async () => {
    const answers = createAnswers();
    for (const length of [0, 1, 2 ** 16, 2 ** 16 + 1, 2 ** 17, 200_001]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
      const answer = answers.bytes(bytes);
      expect(answer.headers.get('content-length')).toBe(String(length));
      expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes)).toBe(0);
      expect(answers.held()).toBe(0);
    }
  });
});
