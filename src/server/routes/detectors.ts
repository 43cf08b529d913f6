// Routes: detectors, their versions, their files and thresholds.
import { createRoute, z } from '@hono/zod-openapi';
import type { StoredScore } from '../../monitor/store/types.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { fitStored, namesIn } from '../fit.ts';
import { notFound } from '../http-error.ts';
import { readBody } from '../limits.ts';
import { answers, body, byName, bytesBody, file, queryVersion } from '../parameters.ts';
import { rescoreStored } from '../rescore.ts';
import {
  calibrationSchema,
  detectorSchema,
  errorSchema,
  fitRequestSchema,
  jobSchema,
  nearestRecordingSchema,
  thresholdRequestSchema,
} from '../schemas.ts';
import { detectorView, scoreView } from '../view.ts';

const tags = ['detectors'];
const list = createRoute({
  method: 'get',
  path: '/api/detectors',
  tags,
  summary: 'the version in use of every detector',
  responses: answers(z.array(detectorSchema), 'by name'),
});
const versions = createRoute({
  method: 'get',
  path: '/api/detectors/{name}/versions',
  tags,
  summary: 'all versions of a detector',
  request: { params: byName },
  responses: answers(z.array(detectorSchema), 'newest first'),
});
const byVersion = z.object({ version: queryVersion });
const calibration = createRoute({
  method: 'get',
  path: '/api/detectors/{name}/calibration',
  tags,
  summary: 'scores of normal segments, to see what a threshold does',
  request: { params: byName, query: byVersion },
  responses: answers(calibrationSchema, 'sorted'),
});
const download = createRoute({
  method: 'get',
  path: '/api/detectors/{name}/file',
  tags,
  summary: 'the detector file, as thrum score takes it',
  request: { params: byName, query: byVersion },
  responses: file('application/octet-stream', '.thrum'),
});
const upload = createRoute({
  method: 'put',
  path: '/api/detectors/{name}/file',
  tags,
  summary: 'a detector file becomes a new version',
  request: { params: byName, body: bytesBody('a .thrum file made by thrum fit') },
  responses: answers(detectorSchema, 'the new version'),
});
const nearest = createRoute({
  method: 'get',
  path: '/api/detectors/{name}/nearest',
  tags,
  summary: 'the stored recording that a file in the bank is, to hear both',
  request: {
    params: byName,
    query: z.object({ file: z.string().min(1).max(300), startSeconds: z.coerce.number().min(0).default(0) }),
  },
  responses: answers(nearestRecordingSchema, 'where it is'),
});
const fit = createRoute({
  method: 'post',
  path: '/api/detectors/{name}/fit',
  tags,
  summary: 'fit a new version to stored recordings',
  request: { params: byName, body: body(fitRequestSchema) },
  responses: {
    202: { description: 'see the job', content: { 'application/json': { schema: jobSchema } } },
    default: { description: 'what is wrong', content: { 'application/json': { schema: errorSchema } } },
  },
});
const threshold = createRoute({
  method: 'put',
  path: '/api/detectors/{name}/threshold',
  tags,
  summary: 'a new version with another threshold, given as it is or by its false-alarm rate',
  request: { params: byName, body: body(thresholdRequestSchema) },
  responses: answers(detectorSchema, 'the new version'),
});
const use = createRoute({
  method: 'post',
  path: '/api/detectors/{name}/use',
  tags,
  summary: 'go back, or on, to a version',
  request: { params: byName, body: body(z.object({ version: z.number().int().min(1) })) },
  responses: answers(detectorSchema, 'the version in use'),
});
const remove = createRoute({
  method: 'delete',
  path: '/api/detectors/{name}',
  tags,
  summary: 'remove a detector that hears no machine, with all versions',
  request: { params: byName },
  responses: answers(z.object({ removed: z.string() }), 'its name'),
});

export function detectorRoutes(deps: AppDeps) {
  const { store, detectors, jobs, limits, budget, answers: sent } = deps;
  const routes = createRoutes();
  const onScores = (scores: readonly StoredScore[]) => {
    for (const score of scores) deps.bus.publish({ type: 'score', data: scoreView(score) });
  };
  routes.openapi(list, async (c) => c.json((await store.detectors()).map(detectorView), 200));
  routes.openapi(versions, async (c) => {
    const { name } = c.req.valid('param');
    const found = await store.detectorVersions(name);
    if (found.length === 0) throw notFound(`detector ${name}`);
    return c.json(found.map(detectorView), 200);
  });
  routes.openapi(calibration, async (c) => {
    const version = await detectors.version(c.req.valid('param').name, c.req.valid('query').version);
    const { calibration: scores, threshold: limit, falseAlarmRate } = await detectors.describe(version);
    if (!scores || limit === undefined) throw notFound('calibration: this detector knows no normal recordings');
    return c.json({ scores: [...scores], threshold: limit, falseAlarmRate }, 200);
  });
  routes.openapi(download, async (c) => {
    const version = await detectors.version(c.req.valid('param').name, c.req.valid('query').version);
    const bytes = await detectors.file(version);
    const name = `${version.name}-${version.version}.thrum`;
    return sent.bytes(bytes, {
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${name}"`,
      },
    });
  });
  routes.openapi(upload, async (c) => {
    const { bytes, release } = await readBody(c.req.raw, limits.maxBodyBytes, budget);
    try {
      const version = await detectors.add(c.req.valid('param').name, bytes, { origin: 'uploaded', note: '' });
      return c.json(detectorView(version), 200);
    } finally {
      release();
    }
  });
  routes.openapi(nearest, async (c) => {
    const { name } = c.req.valid('param');
    const { file: wanted, startSeconds } = c.req.valid('query');
    await detectors.version(name);
    for (const machine of await store.machineNames(name)) {
      for (const one of namesIn(wanted)) {
        const found = await store.recordingNamed({ machine, ...one });
        if (found) return c.json({ machine: found.machine, hash: found.hash, startSeconds }, 200);
      }
    }
    throw notFound('recording of this name that is still kept');
  });
  routes.openapi(fit, (c) => {
    const { name } = c.req.valid('param');
    const order = c.req.valid('json');
    const parts = { ...deps, maxSamples: limits.maxSamples };
    const job = jobs.start('fit', async (progress) => {
      const { version, learned, ...result } = await fitStored(parts, name, order, progress);
      if (order.use) {
        const past = { machine: order.machine, version, learned };
        jobs.start('rescore', (step) => rescoreStored({ ...parts, onScores }, past, step));
      }
      return result;
    });
    return c.json(job, 202);
  });
  routes.openapi(threshold, async (c) => {
    const { name } = c.req.valid('param');
    return c.json(detectorView(await detectors.withThreshold(name, c.req.valid('json'))), 200);
  });
  routes.openapi(use, async (c) => {
    const { name } = c.req.valid('param');
    const { version } = c.req.valid('json');
    await detectors.version(name, version);
    await store.useVersion(name, version);
    return c.json(detectorView(await detectors.version(name)), 200);
  });
  routes.openapi(remove, async (c) => {
    const { name } = c.req.valid('param');
    await detectors.remove(name);
    return c.json({ removed: name }, 200);
  });
  return routes;
}
