import { request } from 'node:http';
import { connect } from 'node:net';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeNpy } from '../signal/readers/npy-write.ts';
import { writeWav } from '../signal/readers/wav-write.ts';
import { makeKey } from './keys.ts';
import { ask, hum, type Service, startService } from './service.test-util.ts';

type Raw = { status: number; text: string };

/** A request as no browser and no `fetch` would send it. */
const raw = (service: Service, path: string, headers: Record<string, string>, method = 'GET', body?: Uint8Array) =>
  new Promise<Raw>((resolve, reject) => {
    const { hostname, port } = new URL(service.url);
    const sent = request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    if (body) sent.write(body);
    sent.end();
  });

/** Bytes on a connection, and all that comes back until it is closed. */
const onSocket = (service: Service, send: (write: (text: string) => void) => void): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => {});
    send((part) => socket.write(part));
  });

describe('on the loopback', () => {
  let service: Service;
  const at = (path: string) => `${service.url}${path}`;
  let bomb: Uint8Array;
  beforeAll(async () => {
    // It takes a while, in which no connection may be waiting.
    bomb = zipSync({ 'x.npy': writeNpy({ shape: [2_000_000], data: new Float64Array(2_000_000) }) }, { level: 9 });
    service = await startService({
      ...{ limits: { maxBodyBytes: 20_000, maxSeconds: 1, maxSamples: 50_000 }, allowedHosts: ['plant.local'] },
    });
  });
  afterAll(() => service.close());

  it.each([
    ['evil.example', 421],
    ['evil.example:80', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['[::1]:9', 200],
    ['plant.local', 200],
    ['a b', 400],
    ['localhost@evil.example', 400],
  ])('asked as %s, it answers %i', async (host, status) => {
    expect((await raw(service, '/api/machines', { host })).status).toBe(status);
    expect((await raw(service, '/', { host })).status).toBe(status);
  });

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://127.0.0.1:1' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{}, 200],
  ] as [Record<string, string>, number][])('a write with %j gets %i', async (headers, status) => {
    const given = await ask(at('/api/machines/pump'), { method: 'PUT', json: {}, headers });
    expect(given.status).toBe(status);
  });

  it('takes requests of its own page', async () => {
    const { status } = await ask(at('/api/machines/pump'), {
      method: 'PUT',
      json: {},
      headers: { origin: service.url },
    });
    expect(status).toBe(200);
  });

  it.each([
    ['with a length', { 'content-length': '20001' }],
    ['without one', { 'transfer-encoding': 'chunked' }],
    ['with a length beyond all numbers', { 'content-length': '999999999999999' }],
  ])('refuses a body that is too large, %s', async (_, headers) => {
    const body = new Uint8Array(20_001);
    const sent = raw(service, '/api/machines/pump/recordings', headers, 'POST', body);
    const answer = await sent.catch(() => undefined);
    // A client that still sends may find the connection closed before it reads why.
    if (answer) expect(answer.status).toBe(413);
    expect(service.parts.budget.taken()).toBe(0);
    expect(await service.parts.store.recordings({})).toEqual([]);
  });

  it('tells a client that reads that its body is too large', async () => {
    const text = await onSocket(service, (write) => {
      write('POST /api/machines/pump/recordings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20001\r\n\r\n');
    });
    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(text).toMatch(/expected a body of at most 20000 bytes/);
  });

  it('does not wait for slow headers, nor for a slow body', async () => {
    const service = await startService({}, { headersTimeoutMs: 400, requestTimeoutMs: 400 });
    onTestFinished(() => service.close());
    const headers = await onSocket(service, (write) => write('GET /api/machines HTTP/1.1\r\nhost: loc'));
    expect(headers).toMatch(/^HTTP\/1.1 408 /);
    const body = await onSocket(service, (write) => {
      write('POST /api/machines/pump/recordings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\nRIFF');
    });
    expect(body).not.toMatch(/ 20[01] /);
    await expect.poll(() => service.parts.budget.taken()).toBe(0);
  });

  it('answers what is no HTTP with 400', async () => {
    expect(await onSocket(service, (write) => write('\u0016\u0003\u0001\r\n\r\n'))).toMatch(/^HTTP\/1.1 400 /);
  });

  it('refuses files that unpack to too much, and recordings that last too long', async () => {
    const post = (name: string, bytes: Uint8Array) =>
      ask(at(`/api/machines/pump/recordings?name=${name}&rate=4000`), { method: 'POST', bytes });
    expect(bomb.length).toBeLessThan(20_000);
    const unpacked = await post('bomb.npz', bomb);
    expect(unpacked).toMatchObject({
      status: 413,
      body: { error: expect.stringMatching(/at most 50000 samples, found/) },
    });
    const long = await post('long.wav', writeWav({ channels: [new Float32Array(4800)], sampleRate: 4000, name: '' }));
    expect(long).toMatchObject({ status: 413, body: { error: expect.stringMatching(/at most 1 s, found 1.2 s/) } });
  });

  it.each([
    ['no recording', new TextEncoder().encode('PK\u0003\u0004 is no sound'), 422],
    ['nothing', new Uint8Array(0), 422],
    ['half a file', hum(1).subarray(0, 40), 422],
  ])('answers %s with one line', async (_, bytes, status) => {
    const answer = await ask(at('/api/machines/pump/recordings?name=..%2F..%2Fetc%2Fpasswd'), {
      method: 'POST',
      bytes,
    });
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(/\(passwd\)|input|passwd/);
    expect(answer.body.error).not.toMatch(/\n|\.ts|node_modules|\.\.\//);
    expect(service.blobs.keys()).toEqual([]);
  });

  it.each([
    ['PUT', '/api/machines/pump', '{"policy":', 400],
    ['PUT', '/api/machines/pump', '{"policy":{"k":-1}}', 400],
    ['PUT', '/api/machines/pump', '{"policy":{"k":5,"n":4}}', 422],
    ['PUT', '/api/machines/pump', '{"detector":"none"}', 422],
    ['PUT', '/api/machines/..', '{}', 404],
    ['PUT', '/api/machines/.hidden', '{}', 400],
    ['PUT', '/api/machines/%2e%2e%2fx', '{}', 400],
    ['PUT', '/api/machines/a%00b', '{}', 400],
    ['PUT', '/api/machines/%ff', '{}', 400],
    ['POST', '/api/detectors/d/fit', '{"machine":"pump","encoder":"/etc/passwd"}', 400],
    ['POST', '/api/detectors/d/fit', '{"machine":"pump","encoder":"../x"}', 400],
    ['POST', '/api/labels', '[]', 400],
    ['POST', '/api/labels', `{"machine":"pump","hash":"${'0'.repeat(64)}","label":"x"}`, 404],
    ['GET', '/api/machines/pump/scores?limit=1e9', undefined, 400],
    ['GET', '/api/machines/pump/scores?fromMs=x', undefined, 400],
    ['GET', `/api/machines/pump/recordings/${'0'.repeat(64)}/audio`, undefined, 404],
    ['GET', '/api/machines/pump/recordings/..%2f..%2fstore/audio', undefined, 400],
    ['GET', '/api/jobs/1', undefined, 400],
    ['GET', '/api/nothing', undefined, 404],
    ['PATCH', '/api/machines', undefined, 404],
    ['POST', '/api/alarms/1/acknowledge', undefined, 404],
  ])('%s %s with %s gets %i and one line', async (method, path, body, status) => {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? undefined : new TextEncoder().encode(body);
    const answer = await raw(
      service,
      path,
      { ...headers, ...(sent && { 'content-length': String(sent.length) }) },
      method,
      sent,
    );
    expect(answer.status, answer.text).toBe(status);
    const { error, requestId } = JSON.parse(answer.text);
    expect(error).toMatch(/^[^\n]+$/);
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('asks for JSON of a known length, and not for too much of it', async () => {
    const text = new TextEncoder().encode('{}');
    const json = { 'content-type': 'application/json' };
    const chunked = { ...json, 'transfer-encoding': 'chunked' };
    expect((await raw(service, '/api/machines/pump', chunked, 'PUT', text)).status).toBe(411);
    const long = await onSocket(service, (write) =>
      write('PUT /api/machines/pump HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3000000\r\n\r\n'),
    );
    expect(long).toMatch(/^HTTP\/1.1 413 /);
  });

  it('holds no more bodies than there is memory for', async () => {
    const held = [1, 2, 3, 4, 5, 6, 7, 8].map(() => service.parts.budget.take(20_000));
    const answer = await ask(at('/api/machines/pump/recordings'), { method: 'POST', bytes: hum(1) });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('2');
    for (const release of held) release();
  });

  it('says what the page may do, in every answer', async () => {
    for (const path of ['/', '/api/machines', '/api/nothing', '/healthz']) {
      const { headers } = await ask(at(path));
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'self'; .*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBe(null);
    }
  });
});

describe('with keys', () => {
  let service: Service;
  const keys: Record<string, string> = {};
  const at = (path: string) => `${service.url}${path}`;
  beforeAll(async () => {
    service = await startService({ requireKey: true, events: { heartbeatMs: 50 } });
    for (const scope of ['read', 'write', 'admin'] as const)
      keys[scope] = (await makeKey(service.parts.store, { name: `for-${scope}`, scope })).key;
  });
  afterAll(() => service.close());

  it('lets nobody in without one, but for what shows nothing', async () => {
    for (const path of ['/api/machines', '/api/events', '/api/keys', '/metrics', '/api/detectors']) {
      const { status, headers } = await ask(at(path));
      expect(status, path).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    for (const path of ['/', '/healthz', '/readyz', '/api/openapi.json'])
      expect((await ask(at(path))).status, path).toBe(200);
  });

  it.each([
    ['read', 'GET', '/api/machines', 200],
    ['read', 'PUT', '/api/machines/a', 403],
    ['read', 'GET', '/metrics', 200],
    ['read', 'GET', '/api/keys', 403],
    ['write', 'PUT', '/api/machines/a', 200],
    ['write', 'DELETE', '/api/machines/a', 403],
    ['write', 'GET', '/api/keys', 403],
    ['admin', 'GET', '/api/keys', 200],
    ['admin', 'DELETE', '/api/machines/a', 200],
  ])('a key for %s: %s %s gets %i', async (scope, method, path, status) => {
    const answer = await ask(at(path), { method, key: keys[scope], ...(method === 'PUT' && { json: {} }) });
    expect(answer.status).toBe(status);
  });

  it('makes keys that are shown once, and takes them back at once, open streams too', async () => {
    const made = await ask<{ key: string; id: number }>(at('/api/keys'), {
      method: 'POST',
      key: keys.admin,
      json: { name: 'short', scope: 'read' },
    });
    expect(made.status).toBe(201);
    const { key, id } = made.body;
    const listed = await ask<unknown>(at('/api/keys'), { key: keys.admin });
    expect(JSON.stringify(listed.body)).not.toContain(key);
    expect(JSON.stringify(listed.body)).not.toContain('hash');
    const stream = await fetch(at('/api/events'), { headers: { authorization: `Bearer ${key}` } });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).done).toBe(false);
    await ask(at(`/api/keys/${id}`), { method: 'DELETE', key: keys.admin });
    expect((await ask(at('/api/machines'), { key })).status).toBe(401);
    // The stream ends with its next heartbeat.
    while (!(await reader.read()).done);
    expect((await ask(at(`/api/keys/${id}`), { method: 'DELETE', key: keys.admin })).status).toBe(404);
  });

  it('stops to look at wrong keys after some, but not at right ones', async () => {
    const wrong = (i: number) => ask(at('/api/machines'), { key: `thrum_${String(i).padStart(43, 'x')}` });
    const statuses: number[] = [];
    for (let i = 0; i < 14; i++) statuses.push((await wrong(i)).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect(Number((await wrong(99)).headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(at('/api/machines'), { key: keys.read })).status).toBe(200);
  });

  it('writes no key into its log', async () => {
    await ask(at(`/api/machines?key=${keys.read}`), { key: keys.read });
    await ask(at(`/api/machines/${keys.read}`), { key: keys.read });
    await ask(at('/api/machines'), { headers: { authorization: `Basic ${keys.admin}` } });
    const log = service.lines.join('');
    expect(log).toMatch(/"path":"\/api\/machines"/);
    for (const key of Object.values(keys)) expect(log).not.toContain(key.slice(6));
  });
});
