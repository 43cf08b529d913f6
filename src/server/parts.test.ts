import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../monitor/store/open.node.ts';
import { InputError } from '../signal/errors.ts';
import { createAnswers } from './answer.ts';
import { bankNames, namesIn } from './fit.ts';
import { createJobs } from './jobs.ts';
import { makeKey, parseKeyRequest, redactKeys } from './keys.ts';
import { createBudget, readBody } from './limits.ts';
import { createLog } from './log.ts';
import { createPages } from './pages.ts';
import { ranged } from './ranged.ts';
import type { ApiJob } from './schemas.ts';

const scratch = mkdtempSync(join(tmpdir(), 'thrum-parts-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('createLog', () => {
  const logged = (format: 'text' | 'json', message: string, fields = {}) => {
    const lines: string[] = [];
    createLog({ format, write: (line) => lines.push(line), now: () => 0 })('info', message, fields);
    return lines.join('');
  };

  it('writes one line, whatever it is given', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, fc.constantFrom('text' as const, 'json' as const), (message, value, format) => {
        const line = logged(format, message, { value });
        expect(line.endsWith('\n')).toBe(true);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        if (format === 'json') expect(JSON.parse(line).value).toBe(value);
      }),
    );
  });

  it('strikes out keys', async () => {
    const store = await openStore(':memory:');
    const { key } = await makeKey(store, { name: 'a', scope: 'read' });
    await store.close();
    expect(logged('text', `got ${key}`, { path: `/x/${key}` })).toBe(
      '1970-01-01T00:00:00.000Z info got thrum_*** path=/x/thrum_***\n',
    );
    expect(redactKeys(`${key}${key}`)).toBe('thrum_***thrum_***');
  });
});

describe('parseKeyRequest', () => {
  it('reads names and scopes', () => {
    expect(parseKeyRequest('plant')).toEqual({ name: 'plant', scope: 'write' });
    expect(parseKeyRequest('a.b-c:admin')).toEqual({ name: 'a.b-c', scope: 'admin' });
    for (const wrong of ['', ':read', 'a:root', 'a b', 'a:', 'a:read:x'])
      expect(() => parseKeyRequest(wrong), wrong).toThrow(InputError);
  });
});

describe('readBody', () => {
  const request = (parts: number[], headers = {}) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const length of parts) controller.enqueue(new Uint8Array(length).fill(7));
        controller.close();
      },
    });
    return new Request('http://x/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
  };

  it('joins parts, and gives the memory back', async () => {
    const budget = createBudget(4 * 2 ** 20);
    const { bytes, hash, release } = await readBody(request([3, 0, 5]), 100, budget);
    expect(bytes).toEqual(new Uint8Array(8).fill(7));
    // sha256sum of eight bytes of value 7
    expect(hash).toBe('81dcbecf88d35d828096dfd9f9b24b252f90ea14529d6198734f562b5c56c705');
    expect(budget.taken()).toBe(2 ** 20);
    release();
    release();
    expect(budget.taken()).toBe(0);
  });

  it('stops at the limit, and holds nothing then', async () => {
    const budget = createBudget(4 * 2 ** 20);
    await expect(readBody(request([60, 41]), 100, budget)).rejects.toMatchObject({ status: 413 });
    await expect(readBody(request([1], { 'content-length': '101' }), 100, budget)).rejects.toMatchObject({
      status: 413,
    });
    expect(budget.taken()).toBe(0);
    await expect(readBody(request([8]), 100, createBudget(10))).rejects.toMatchObject({ status: 429 });
  });
});

describe('ranged', () => {
  const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);
  it.each([
    [undefined, 200, [0, 10]],
    ['bytes=0-3', 206, [0, 4]],
    ['bytes=7-', 206, [7, 10]],
    ['bytes=-2', 206, [8, 10]],
    ['bytes=-99', 206, [0, 10]],
    ['bytes=5-99', 206, [5, 10]],
    ['bytes=3-2', 200, [0, 10]],
    ['bytes=0-1,4-5', 200, [0, 10]],
    ['lines=0-1', 200, [0, 10]],
    ['bytes=10-', 416, [0, 0]],
    ['bytes=-0', 416, [0, 0]],
  ] as [string | undefined, number, [number, number]][])('%s', async (header, status, [start, end]) => {
    const answer = ranged(createAnswers(), bytes, { type: 'audio/wav', range: header, etag: 'tag' });
    expect(answer.status).toBe(status);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes.slice(start, end));
  });
});

describe('createPages', () => {
  it('finds the files of the folder, and nothing else', async () => {
    const folder = join(scratch, 'page');
    mkdirSync(join(folder, 'assets'), { recursive: true });
    writeFileSync(join(scratch, 'secret.txt'), 'no');
    writeFileSync(join(folder, 'index.html'), '<p>page');
    writeFileSync(join(folder, 'assets', 'index-a1B2c3D4.js'), '1');
    const { find } = createPages(folder);
    expect(new TextDecoder().decode(await find('/')?.read())).toBe('<p>page');
    expect(find('/')?.cacheControl).toBe('no-cache');
    expect(find('/assets/index-a1B2c3D4.js')).toMatchObject({
      type: 'text/javascript; charset=utf-8',
      cacheControl: 'public, max-age=31536000, immutable',
    });
    for (const path of [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/assets',
      '',
      '//index.html',
      '/%2e%2e/secret.txt',
    ])
      expect(find(path), path).toBe(undefined);
    expect(createPages(undefined).find('/')?.type).toMatch(/html/);
  });
});

describe('createJobs', () => {
  it('runs one after the other, tells of each, and hides what went wrong inside', async () => {
    const seen: ApiJob[] = [];
    const errors: unknown[] = [];
    const jobs = createJobs({
      onChange: (job) => seen.push(job),
      onError: (error) => errors.push(error),
      maxWaiting: 3,
    });
    const order: string[] = [];
    const first = jobs.start('fit', async (progress) => {
      order.push('first');
      progress(1, 2);
      return { warnings: ['careful'] };
    });
    const bad = jobs.start('fit', async () => {
      order.push('bad');
      throw new InputError('no recordings\nat all');
    });
    const broken = jobs.start('feedback', async () => {
      throw new Error('at /secret/path');
    });
    expect(() => jobs.start('fit', async () => ({}))).toThrow(/3 jobs wait/);
    await expect.poll(() => jobs.get(broken.id)?.state).toBe('failed');
    expect(order).toEqual(['first', 'bad']);
    expect(jobs.get(first.id)).toMatchObject({ state: 'done', done: 1, total: 2, warnings: ['careful'] });
    expect(jobs.get(bad.id)).toMatchObject({ state: 'failed', error: 'no recordings at all' });
    expect(jobs.get(broken.id)?.error).toBe('something failed on this side; its log says what');
    expect(errors).toHaveLength(1);
    expect(seen.map(({ state }) => state).slice(0, 3)).toEqual(['running', 'running', 'done']);
  });

  it('lets what runs end when it closes, and nothing else begin', async () => {
    const jobs = createJobs({ onChange: () => {}, onError: () => {} });
    let release = () => {};
    const running = jobs.start('fit', () => new Promise((resolve) => (release = () => resolve({}))));
    const waiting = jobs.start('fit', async () => ({}));
    await expect.poll(() => jobs.get(running.id)?.state).toBe('running');
    const closed = jobs.close();
    release();
    await closed;
    expect(jobs.get(running.id)?.state).toBe('done');
    expect(jobs.get(waiting.id)).toMatchObject({ state: 'failed', error: 'the service was stopped before' });
  });
});

describe('bankNames', () => {
  it('tells recordings of one name apart, and finds them again', () => {
    const one = { name: 'a.wav', hash: `11${'0'.repeat(62)}` };
    const two = { name: 'a.wav', hash: `22${'0'.repeat(62)}` };
    const three = { name: 'b.mat', hash: `33${'0'.repeat(62)}` };
    const names = bankNames([one, two, three]);
    expect(names).toEqual(['a.wav (110000000000)', 'a.wav (220000000000)', 'b.mat']);
    expect(namesIn(names[0])).toEqual([{ name: names[0] }, { name: one.name, hashStart: one.hash.slice(0, 12) }]);
    expect(two.hash.startsWith(one.hash.slice(0, 12))).toBe(false);
    expect(namesIn('b.mat#run{2}')).toEqual([{ name: 'b.mat#run{2}' }, { name: three.name }]);
    expect(namesIn('#'.repeat(300)).length).toBeLessThan(20);
  });
});
