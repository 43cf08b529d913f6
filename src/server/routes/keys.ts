// Routes: keys of the API, for those who may give and take them.
import { createRoute, z } from '@hono/zod-openapi';
import type { ApiKey } from '../../monitor/store/types.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { notFound } from '../http-error.ts';
import { makeKey } from '../keys.ts';
import { answers, body, byId, created } from '../parameters.ts';
import { keySchema, nameSchema, scopeSchema } from '../schemas.ts';

const list = createRoute({
  method: 'get',
  path: '/api/keys',
  tags: ['keys'],
  summary: 'keys, without the keys themselves',
  responses: answers(z.array(keySchema), 'revoked ones too'),
});
const make = createRoute({
  method: 'post',
  path: '/api/keys',
  tags: ['keys'],
  summary: 'make a key; it is shown this once',
  request: { body: body(z.object({ name: nameSchema, scope: scopeSchema })) },
  responses: created(keySchema.extend({ key: z.string() }).openapi('NewApiKey'), 'with the key'),
});
const revoke = createRoute({
  method: 'delete',
  path: '/api/keys/{id}',
  tags: ['keys'],
  summary: 'a key is worth nothing from now on',
  request: { params: byId },
  responses: answers(z.object({ revoked: z.number() }), 'its number'),
});

const view = ({ hash: _, ...key }: ApiKey): z.infer<typeof keySchema> => key;

export function keyRoutes({ store, now, log }: AppDeps) {
  const routes = createRoutes();
  routes.openapi(list, async (c) => c.json((await store.keys()).map(view), 200));
  routes.openapi(make, async (c) => {
    const { key, stored } = await makeKey(store, c.req.valid('json'), now);
    log('info', 'key made', { key: stored.id, name: stored.name, scope: stored.scope, by: c.get('caller').name });
    c.header('cache-control', 'no-store');
    return c.json({ ...view(stored), key }, 201);
  });
  routes.openapi(revoke, async (c) => {
    const { id } = c.req.valid('param');
    if (!(await store.revokeKey(id))) throw notFound(`key ${id} that is valid`);
    log('info', 'key revoked', { key: id, by: c.get('caller').name });
    return c.json({ revoked: id }, 200);
  });
  return routes;
}
