// Routes: what people say of recordings, what is learned from it, and how it is taken back.
import { createRoute, z } from '@hono/zod-openapi';
import { type AppDeps, createRoutes } from '../context.ts';
import { notFound } from '../http-error.ts';
import { answers, body, byId, page } from '../parameters.ts';
import { labelledSchema, labelRequestSchema, labelSchema, nameSchema } from '../schemas.ts';
import { labelView } from '../view.ts';

const list = createRoute({
  method: 'get',
  path: '/api/labels',
  tags: ['labels'],
  summary: 'labels of one machine or of all',
  request: { query: z.object({ ...page, machine: nameSchema.optional() }) },
  responses: answers(z.array(labelSchema), 'newest first'),
});
const add = createRoute({
  method: 'post',
  path: '/api/labels',
  tags: ['labels'],
  summary: 'say what a recording is; the detector of its machine learns it as a new version',
  request: { body: body(labelRequestSchema) },
  responses: answers(labelledSchema, 'the label, and the job that learns it'),
});
const undo = createRoute({
  method: 'post',
  path: '/api/labels/{id}/undo',
  tags: ['labels'],
  summary: 'take a label back; the detector forgets it in a new version',
  request: { params: byId },
  responses: answers(labelledSchema, 'the label, and the job that forgets it'),
});

export function labelRoutes({ store, jobs, feedback, now }: AppDeps) {
  const routes = createRoutes();
  routes.openapi(list, async (c) => c.json((await store.labels(c.req.valid('query'))).map(labelView), 200));
  routes.openapi(add, async (c) => {
    const { machine, hash, label, learn } = c.req.valid('json');
    if (!(await store.recording({ machine, hash }))) throw notFound('such recording of this machine');
    const added = await store.addLabel({ machine, hash, label, by: c.get('caller').name, createdMs: now() });
    const detector = learn ? (await store.machine(machine))?.detector : undefined;
    const job = detector && jobs.start('feedback', () => feedback.learn(added, detector));
    return c.json({ label: labelView(added), ...(job && { job }) }, 200);
  });
  routes.openapi(undo, async (c) => {
    const { id } = c.req.valid('param');
    const done = await store.undoLabel(id);
    // Read now: a detector that was learning it meanwhile has either done so before, or does not any more.
    const undone = done ? await store.label(id) : undefined;
    if (!undone) throw notFound(`label ${id} that can be undone`);
    const detector =
      undone.version === undefined ? undefined : (undone.detector ?? (await store.machine(undone.machine))?.detector);
    const job = detector && jobs.start('feedback', () => feedback.forget(undone, detector));
    return c.json({ label: labelView(undone), ...(job && { job }) }, 200);
  });
  return routes;
}
