import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import type { Readiness } from './readiness.ts';
import { ask, type Service, startService } from './service.test-util.ts';

type Operation = {
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean }[];
  responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>;
  requestBody?: { content: Record<string, { schema: object }> };
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: object };
};

let service: Service;
let document: Document;
beforeAll(async () => {
  service = await startService();
  document = (await ask<Document>(`${service.url}/api/openapi.json`)).body;
});
afterAll(() => service.close());

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );

/** Values of a key anywhere in a document. */
const all = (value: unknown, key: string): unknown[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => (name === key ? [child] : []).concat(all(child, key) as []));
};

describe('the description of the API', () => {
  it('holds every route that is answered, and no other', () => {
    // Guards, health, the page and the description itself are no part of the API.
    const own = createApp(service.parts)
      .routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = operations().map(([path, method]) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual([...new Set(own)].filter((one) => one !== 'GET /api/openapi.json').sort());
    expect(described.length).toBeGreaterThan(25);
  });

  it('is OpenAPI 3.1: parameters of paths are declared, answers described, references lead somewhere', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'thrum', version: '0' });
    for (const [path, method, operation] of operations()) {
      const where = `${method} ${path}`;
      expect(operation.summary, where).toMatch(/./);
      const declared = (operation.parameters ?? []).filter((one) => one.in === 'path');
      expect(declared.map(({ name }) => `{${name}}`).sort(), where).toEqual((path.match(/\{\w+\}/g) ?? []).sort());
      for (const one of declared) expect(one.required, where).toBe(true);
      expect(Object.keys(operation.responses), where).toContain('default');
      for (const [status, answer] of Object.entries(operation.responses)) {
        expect(status, where).toMatch(/^([1-5]\d\d|default)$/);
        expect(answer.description, where).toMatch(/./);
        for (const { schema } of Object.values(answer.content ?? {})) expect(schema, where).toBeTypeOf('object');
      }
      if (method === 'get' || method === 'delete') expect(operation.requestBody, where).toBe(undefined);
    }
    for (const reference of all(document, '$ref')) {
      const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(String(reference)) ?? [];
      expect(document.components.schemas, String(reference)).toHaveProperty(name ?? '');
    }
    // What 3.0 had, and JSON Schema has not.
    expect(all(document, 'nullable')).toEqual([]);
    for (const limit of all(document, 'exclusiveMinimum')) expect(limit).toBeTypeOf('number');
    for (const name of ['Machine', 'Score', 'Alarm', 'Event', 'Error', 'FitRequest'])
      expect(document.components.schemas).toHaveProperty(name);
  });
});

describe('health', () => {
  it('is alive and ready, and ready no more once it stops', async () => {
    const other = await startService();
    expect((await ask(`${other.url}/healthz`)).body).toEqual({ ok: true });
    expect((await ask(`${other.url}/readyz`)).status).toBe(200);
    other.parts.stopTaking();
    expect(await ask(`${other.url}/readyz`)).toMatchObject({ status: 503, body: { ready: false, closing: true } });
    await other.close();
  });

  it('is not ready where the store does not answer', async () => {
    const store = { ...service.parts.store, ping: () => Promise.reject(new Error('gone')) };
    const other = await startService({ store });
    const { status, body } = await ask<Readiness>(`${other.url}/readyz`);
    expect({ status, body }).toMatchObject({ status: 503, body: { ready: false, store: false, threads: true } });
    expect(body.reasons).toEqual(['the store did not answer within 3000 ms']);
    expect((await ask<string>(`${other.url}/metrics`)).body).toMatch(/thrum_failures_total\{part="store"\} 1/);
    await other.parts.close();
  });

  it('is not ready where threads fall silent, is again once they answer, and asks them once for all who ask', async () => {
    let questions = 0;
    let answer: (() => void) | undefined;
    const pool = {
      ...service.parts.pool,
      ping: () =>
        new Promise<void>((resolve) => {
          questions++;
          answer = resolve;
        }),
    };
    const other = await startService({ pool, readiness: { timeoutMs: 50, keptMs: 0 } });
    const asked = await Promise.all([1, 2, 3].map(() => ask<Readiness>(`${other.url}/readyz`)));
    for (const { status, body } of asked) {
      expect(status).toBe(503);
      expect(body.reasons).toEqual(['the threads that hear did not answer within 50 ms']);
    }
    expect(questions).toBeLessThanOrEqual(asked.length);
    const timer = setInterval(() => answer?.(), 1);
    await expect.poll(async () => (await ask(`${other.url}/readyz`)).status).toBe(200);
    clearInterval(timer);
    await other.parts.close();
  });
});
