// Routes: machines, how they are, and how their alarms are decided.
import { createRoute, z } from '@hono/zod-openapi';
import { checkPolicy } from '../../monitor/alarm/policy.ts';
import { jsonBytes } from '../answer.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { notFound } from '../http-error.ts';
import { answers, body, byName, limit } from '../parameters.ts';
import {
  type ApiMachineStatus,
  machineRequestSchema,
  machineSchema,
  machineStatusSchema,
  nameSchema,
} from '../schemas.ts';

const list = createRoute({
  method: 'get',
  path: '/api/machines',
  tags: ['machines'],
  summary: 'machines at a glance, a page of them: more come behind the last name where there are as many as the limit',
  request: {
    query: z.object({ after: nameSchema.optional().openapi({ description: 'a name: those behind it' }), limit }),
  },
  responses: answers(z.array(machineStatusSchema), 'by name'),
});
const put = createRoute({
  method: 'put',
  path: '/api/machines/{name}',
  tags: ['machines'],
  summary: 'make a machine, or change its detector or policy; what is left out stays',
  request: { params: byName, body: body(machineRequestSchema) },
  responses: answers(machineSchema, 'as it is now'),
});
const get = createRoute({
  method: 'get',
  path: '/api/machines/{name}',
  tags: ['machines'],
  summary: 'one machine at a glance',
  request: { params: byName },
  responses: answers(machineStatusSchema, 'its state'),
});
const remove = createRoute({
  method: 'delete',
  path: '/api/machines/{name}',
  tags: ['machines'],
  summary: 'forget a machine and all that is known of it',
  request: { params: byName },
  responses: answers(z.object({ removed: z.string() }), 'its name'),
});

export function machineRoutes(deps: AppDeps) {
  const { store, ingest, bus, now } = deps;
  const routes = createRoutes();
  routes.openapi(list, async (c) => {
    const page = await store.json({ ...c.req.valid('query'), of: 'machines', nowMs: now() });
    return jsonBytes<ApiMachineStatus[]>(deps.answers, page);
  });
  routes.openapi(put, async (c) => {
    const { name } = c.req.valid('param');
    const { detector, policy } = c.req.valid('json');
    const machine = await ingest.editMachine(name, (before) => ({
      ...before,
      ...(detector !== undefined && { detector: detector ?? undefined }),
      policy: checkPolicy({ ...before.policy, ...policy }),
    }));
    const shown = await store.machineStatus(name, now());
    if (shown) bus.publish({ type: 'machine', data: shown });
    return c.json(machine, 200);
  });
  routes.openapi(get, async (c) => {
    const { name } = c.req.valid('param');
    const machine = await store.machineStatus(name, now());
    if (!machine) throw notFound(`machine ${name}`);
    return c.json(machine, 200);
  });
  routes.openapi(remove, async (c) => {
    const { name } = c.req.valid('param');
    if (!(await store.machine(name))) throw notFound(`machine ${name}`);
    await store.removeMachine(name);
    return c.json({ removed: name }, 200);
  });
  return routes;
}
