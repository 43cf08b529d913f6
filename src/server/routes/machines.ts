// Routes: machines, how they are, and how their alarms are decided.
import { createRoute, z } from '@hono/zod-openapi';
import { checkPolicy } from '../../monitor/alarm/policy.ts';
import type { AppDeps } from '../context.ts';
import { createRoutes } from '../context.ts';
import { notFound } from '../http-error.ts';
import { answers, body, byName } from '../parameters.ts';
import { machineRequestSchema, machineSchema, machineStatusSchema } from '../schemas.ts';
import { machineStatus } from '../view.ts';

const list = createRoute({
  method: 'get',
  path: '/api/machines',
  tags: ['machines'],
  summary: 'all machines at a glance',
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

/** Machines whose state is read at the same time. */
const AT_ONCE = 8;

export function machineRoutes(deps: AppDeps) {
  const { store, ingest, bus } = deps;
  const status = (machine: Parameters<typeof machineStatus>[1]) => machineStatus(store, machine, deps.now());
  const routes = createRoutes();
  routes.openapi(list, async (c) => {
    const machines = await store.machines();
    const shown: Awaited<ReturnType<typeof status>>[] = [];
    for (let at = 0; at < machines.length; at += AT_ONCE)
      shown.push(...(await Promise.all(machines.slice(at, at + AT_ONCE).map(status))));
    return c.json(shown, 200);
  });
  routes.openapi(put, async (c) => {
    const { name } = c.req.valid('param');
    const { detector, policy } = c.req.valid('json');
    const machine = await ingest.editMachine(name, (before) => ({
      ...before,
      ...(detector !== undefined && { detector: detector ?? undefined }),
      policy: checkPolicy({ ...before.policy, ...policy }),
    }));
    bus.publish({ type: 'machine', data: await status(machine) });
    return c.json(machine, 200);
  });
  routes.openapi(get, async (c) => {
    const { name } = c.req.valid('param');
    const machine = await store.machine(name);
    if (!machine) throw notFound(`machine ${name}`);
    return c.json(await status(machine), 200);
  });
  routes.openapi(remove, async (c) => {
    const { name } = c.req.valid('param');
    if (!(await store.machine(name))) throw notFound(`machine ${name}`);
    await store.removeMachine(name);
    return c.json({ removed: name }, 200);
  });
  return routes;
}
