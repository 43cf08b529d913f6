// Routes: scores of a machine, and scores of bytes that are not kept.
import { createRoute, z } from '@hono/zod-openapi';
import { jsonBytes } from '../answer.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { readBody } from '../limits.ts';
import { answers, byName, bytesBody, fileName, page, queryVersion } from '../parameters.ts';
import { type ApiScore, hashSchema, heardSchema, nameSchema, scoreSchema } from '../schemas.ts';
import { readQuery } from './recordings.ts';

const list = createRoute({
  method: 'get',
  path: '/api/machines/{name}/scores',
  tags: ['scores'],
  summary: 'scores of a machine: from a time on, or else the newest',
  request: { params: byName, query: z.object({ ...page, hash: hashSchema.optional() }) },
  responses: answers(z.array(scoreSchema), 'oldest first'),
});
const score = createRoute({
  method: 'post',
  path: '/api/score',
  tags: ['scores'],
  summary: 'what a detector says of a recording; nothing is stored',
  request: {
    query: z.object({ detector: nameSchema, version: queryVersion, name: fileName.default('recording'), ...readQuery }),
    body: bytesBody('a recording'),
  },
  responses: answers(z.array(heardSchema), 'one for each recording in the file'),
});

export function scoreRoutes({ store, pool, detectors, limits, budget, answers: sent, now }: AppDeps) {
  const routes = createRoutes();
  routes.openapi(list, async (c) => {
    const { name: machine } = c.req.valid('param');
    return jsonBytes<ApiScore[]>(sent, await store.json({ ...c.req.valid('query'), of: 'scores', machine }));
  });
  routes.openapi(score, async (c) => {
    const { detector, version: number, name, rate, variable } = c.req.valid('query');
    const version = await detectors.version(detector, number);
    const { bytes, release } = await readBody(c.req.raw, limits.maxBodyBytes, budget);
    try {
      const read = { sampleRate: rate, variable, maxSamples: limits.maxSamples, maxSeconds: limits.maxSeconds };
      const heard = await pool.hear({
        sound: { kind: 'bytes', bytes, name, read },
        detector: { key: version.blob, bytes: await detectors.file(version) },
        startMs: now(),
      });
      return c.json(heard, 200);
    } finally {
      release();
    }
  });
  return routes;
}
