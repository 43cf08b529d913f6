// Routes: live events, jobs, and what could not be dealt with.
import { createRoute, z } from '@hono/zod-openapi';
import { type AppDeps, createRoutes } from '../context.ts';
import { HttpError, notFound } from '../http-error.ts';
import { answers, file, page } from '../parameters.ts';
import { deadLetterSchema, jobSchema, nameSchema } from '../schemas.ts';

const events = createRoute({
  method: 'get',
  path: '/api/events',
  tags: ['events'],
  summary: 'server-sent events: score, alarm, job, machine, stream (schema Event); who reads too slowly is cut off',
  responses: file('text/event-stream', 'event: TYPE, data: JSON'),
});
const job = createRoute({
  method: 'get',
  path: '/api/jobs/{id}',
  tags: ['jobs'],
  summary: 'how far a job is',
  request: { params: z.object({ id: z.string().uuid() }) },
  responses: answers(jobSchema, 'its state'),
});
const letters = createRoute({
  method: 'get',
  path: '/api/dead-letters',
  tags: ['events'],
  summary: 'what came from streams and could not be dealt with',
  request: { query: z.object({ ...page, machine: nameSchema.optional() }) },
  responses: answers(z.array(deadLetterSchema), 'newest first'),
});

/** Each holds a connection. */
const MAX_CLIENTS = 200;

export function eventRoutes({ store, bus, jobs, auth }: AppDeps) {
  const routes = createRoutes();
  routes.openapi(events, (c) => {
    if (bus.clients() >= MAX_CLIENTS) throw new HttpError(503, `${MAX_CLIENTS} clients listen already`);
    const caller = c.get('caller');
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    return new Response(
      bus.listen(() => auth.stillValid(caller)),
      { headers },
    );
  });
  routes.openapi(job, (c) => {
    const { id } = c.req.valid('param');
    const found = jobs.get(id);
    if (!found) throw notFound('such job; finished ones are forgotten after a while');
    return c.json(found, 200);
  });
  routes.openapi(letters, async (c) => {
    const found = await store.deadLetters(c.req.valid('query'));
    return c.json(
      found.map(({ blob, ...letter }) => ({ ...letter, kept: blob !== undefined })),
      200,
    );
  });
  return routes;
}
