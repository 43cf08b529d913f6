// The HTTP application: guards, routes, errors. It listens nowhere; `serve` does.

import { randomUUID } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { routePath } from 'hono/route';
import { PoolClosedError, QueueFullError } from '../monitor/hearing/errors.ts';
import { StoreError } from '../monitor/store/store-error.ts';
import type { Scope } from '../monitor/store/types.ts';
import { InputError, oneLine } from '../signal/errors.ts';
import { demand, LOCAL } from './auth.ts';
import { type AppDeps, addressOf, createRoutes, type Env } from './context.ts';
import { checkHost, checkSite } from './guard.ts';
import { HttpError, tooMany } from './http-error.ts';
import { securityHeaders } from './pages.ts';
import { createReadiness } from './readiness.ts';
import { alarmRoutes } from './routes/alarms.ts';
import { detectorRoutes } from './routes/detectors.ts';
import { eventRoutes } from './routes/events.ts';
import { keyRoutes } from './routes/keys.ts';
import { labelRoutes } from './routes/labels.ts';
import { machineRoutes } from './routes/machines.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { scoreRoutes } from './routes/scores.ts';
import { eventSchema } from './schemas.ts';

/** JSON that people and programs send; recordings are read by their own routes, with their own limit. */
const MAX_JSON_BYTES = 2 ** 21;
const RAW = /^\/api\/(machines\/[^/]+\/recordings|detectors\/[^/]+\/file|score)$/;

/** What a request needs; undefined: nothing, it shows nothing of the plant. */
function scopeOf(method: string, path: string): Scope | undefined {
  if (path === '/metrics') return 'read';
  if (!path.startsWith('/api/') || path === '/api/openapi.json') return undefined;
  if (path === '/api/keys' || path.startsWith('/api/keys/')) return 'admin';
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'admin' : 'write';
}

/** Any error as what the client is told. Paths, stacks and names of internals stay here. */
function asHttpError(error: unknown, deps: AppDeps, requestId: string): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof HTTPException)
    return new HttpError(error.status as 400, oneLine(error.message || 'bad request'));
  if (error instanceof QueueFullError) return tooMany('too many recordings wait to be heard', 1 + error.waiting / 10);
  if (error instanceof PoolClosedError) return new HttpError(503, 'the service is stopping', { 'retry-after': '5' });
  if (error instanceof InputError) return new HttpError(422, oneLine(error.message));
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  deps.log('error', 'request failed', { requestId, reason });
  if (error instanceof StoreError && /disk (is full|quota)/.test(error.message))
    return new HttpError(507, 'there is no room left to store it', { 'retry-after': '60' });
  if (error instanceof StoreError)
    return new HttpError(503, 'the store does not answer; send it again later', { 'retry-after': '5' });
  return new HttpError(500, `something failed on this side; the log says what, under ${requestId}`);
}

function answerError(c: Context<Env>, error: unknown, deps: AppDeps): Response {
  const requestId = c.get('requestId') ?? 'none';
  const { status, message, headers } = asHttpError(error, deps, requestId);
  return c.json({ error: message, requestId }, status, { ...headers });
}

/** JSON is read in one go, so its length has to be known. @throws HttpError 411, 413 */
function checkJsonLength(headers: Record<string, string>): void {
  if (headers['transfer-encoding'] !== undefined)
    throw new HttpError(411, 'expected JSON with a Content-Length, not in chunks', { connection: 'close' });
  if (Number(headers['content-length'] ?? 0) > MAX_JSON_BYTES)
    throw new HttpError(413, `expected at most ${MAX_JSON_BYTES} bytes of JSON`, { connection: 'close' });
}

function addGuards(app: OpenAPIHono<Env>, deps: AppDeps): void {
  app.use(async (c, next) => {
    const started = performance.now();
    const requestId = randomUUID();
    c.set('requestId', requestId);
    c.set('caller', LOCAL);
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.res.headers.set(name, value);
    c.res.headers.set('x-request-id', requestId);
    if (c.req.path.startsWith('/api/') && !c.res.headers.has('cache-control'))
      c.res.headers.set('cache-control', 'no-store');
    const seconds = (performance.now() - started) / 1000;
    const { method } = c.req;
    const { status } = c.res;
    // Patterns, not paths: names that a client makes up must not become series.
    const route = status === 404 && !c.req.path.startsWith('/api/') ? 'none' : routePath(c, -1);
    deps.metrics.request(method, route, status, seconds);
    deps.log(status >= 500 ? 'error' : 'info', 'request', {
      ...{ requestId, method, path: c.req.path, status, ms: Math.round(seconds * 1000), by: c.get('caller').name },
    });
  });
  app.use(async (c, next) => {
    checkHost(c.req.header('host'), deps.allowedHosts);
    const scope = scopeOf(c.req.method, c.req.path);
    if (scope !== undefined) {
      const { host, origin, 'sec-fetch-site': site } = c.req.header();
      checkSite({ host, origin, site });
      const caller = await deps.auth.identify(c.req.header('authorization'), addressOf(c));
      c.set('caller', caller);
      demand(caller, scope);
    }
    await next();
  });
  app.use('/api/*', async (c, next) => {
    if (!RAW.test(c.req.path)) checkJsonLength(c.req.header());
    await next();
  });
}

function addHealth(app: OpenAPIHono<Env>, deps: AppDeps): void {
  app.get('/healthz', (c) => c.json({ ok: true }));
  const readiness = createReadiness({ ...deps, ...deps.readiness });
  app.get('/readyz', async (c) => {
    const found = await readiness();
    // Without its fleet the service is ready all the same: page, uploads and what is stored do not need it.
    const fleet = deps.fleet && { fleet: deps.fleet.state() };
    return c.json({ ...found, ...fleet }, found.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    const { text, type } = await deps.metrics.text();
    return c.body(text, 200, { 'content-type': type });
  });
}

/** The description of the API, made of the schemas that its requests are checked by. */
export const describeApi = (app: OpenAPIHono<Env>, version: string) =>
  app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'thrum',
      version,
      description: 'Machines that are listened to: recordings, scores, alarms, detectors. Times are UTC.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }, {}],
  });

/** The application: every route, behind its guards. */
export function createApp(deps: AppDeps): OpenAPIHono<Env> {
  const app = createRoutes();
  addGuards(app, deps);
  addHealth(app, deps);
  for (const routes of [
    machineRoutes,
    recordingRoutes,
    scoreRoutes,
    detectorRoutes,
    alarmRoutes,
    labelRoutes,
    eventRoutes,
    keyRoutes,
  ])
    app.route('/', routes(deps));
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.register('Event', eventSchema);
  let description: ReturnType<typeof describeApi> | undefined;
  app.get('/api/openapi.json', (c) => {
    description ??= describeApi(app, deps.version);
    return c.json(description);
  });
  app.get('*', async (c) => {
    const page = c.req.path.startsWith('/api/') ? undefined : deps.pages.find(c.req.path);
    if (!page) throw new HttpError(404, 'there is nothing here');
    const headers = { 'content-type': page.type, etag: page.etag, 'cache-control': page.cacheControl };
    if (c.req.header('if-none-match') === page.etag) return new Response(null, { status: 304, headers });
    return deps.answers.bytes(await page.read(), { headers });
  });
  app.notFound((c) => answerError(c, new HttpError(404, 'there is nothing here'), deps));
  app.onError((error, c) => answerError(c, error, deps));
  return app;
}
