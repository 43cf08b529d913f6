// Routes: alarms, and who has seen them.
import { createRoute, z } from '@hono/zod-openapi';
import { jsonBytes } from '../answer.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { notFound } from '../http-error.ts';
import { answers, byId, page, queryFlag } from '../parameters.ts';
import { type ApiAlarm, alarmSchema, nameSchema } from '../schemas.ts';
import { alarmView } from '../view.ts';

const list = createRoute({
  method: 'get',
  path: '/api/alarms',
  tags: ['alarms'],
  summary: 'alarms of one machine or of all',
  request: {
    query: z.object({
      ...page,
      machine: nameSchema.optional(),
      open: queryFlag.optional().openapi({ type: 'boolean' }),
    }),
  },
  responses: answers(z.array(alarmSchema), 'newest first'),
});
const acknowledge = createRoute({
  method: 'post',
  path: '/api/alarms/{id}/acknowledge',
  tags: ['alarms'],
  summary: 'say that somebody has seen it',
  request: { params: byId },
  responses: answers(alarmSchema, 'as it is now'),
});

export function alarmRoutes({ store, bus, answers: sent }: AppDeps) {
  const routes = createRoutes();
  routes.openapi(list, async (c) =>
    jsonBytes<ApiAlarm[]>(sent, await store.json({ ...c.req.valid('query'), of: 'alarms' })),
  );
  routes.openapi(acknowledge, async (c) => {
    const { id } = c.req.valid('param');
    const known = await store.acknowledge(id, c.get('caller').name);
    const found = known ? await store.alarm(id) : undefined;
    if (!found) throw notFound(`alarm ${id}`);
    bus.publish({ type: 'alarm', data: alarmView(found) });
    return c.json(alarmView(found), 200);
  });
  return routes;
}
