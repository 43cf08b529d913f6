// Routes: recordings come in, are listed, heard again and shown.
import { createRoute, z } from '@hono/zod-openapi';
import type { StoredRecording } from '../../monitor/store/types.ts';
import { InputError } from '../../signal/errors.ts';
import { isTooLong } from '../../signal/readers/too-long.ts';
import { jsonBytes } from '../answer.ts';
import { type AppDeps, createRoutes } from '../context.ts';
import { HttpError, notFound } from '../http-error.ts';
import { readBody } from '../limits.ts';
import { answers, byName, bytesBody, file, fileName, page, queryFlag, queryTime } from '../parameters.ts';
import { pictureView } from '../picture-view.ts';
import { ranged } from '../ranged.ts';
import {
  type ApiRecording,
  errorSchema,
  hashSchema,
  nameSchema,
  pictureSchema,
  queuedSchema,
  recordingSchema,
  uploadedSchema,
} from '../schemas.ts';
import { recordingView, scoreView } from '../view.ts';

/** How the bytes of a file are to be read. */
export const readQuery = {
  rate: z.coerce.number().positive().max(1e9).optional().openapi({ description: 'Hz, for files that carry none' }),
  variable: z.string().max(200).optional().openapi({ description: 'array, column or channel to take' }),
};

const uploaded = (description: string) => ({
  description,
  content: { 'application/json': { schema: uploadedSchema } },
});
const upload = createRoute({
  method: 'post',
  path: '/api/machines/{name}/recordings',
  tags: ['recordings'],
  summary: 'hear a recording: stored once, scored by the detector of the machine, alarms decided',
  request: {
    params: byName,
    query: z.object({
      name: fileName.default('recording'),
      startMs: queryTime.optional(),
      ...readQuery,
      score: queryFlag.optional().openapi({ type: 'boolean', description: 'false: keep it without a score' }),
      wait: queryFlag.optional().openapi({
        type: 'boolean',
        description:
          'false: in a fleet, leave it to the workers and answer at once; heard as usual where there are none',
      }),
    }),
    body: bytesBody('a WAV, FLAC, Ogg, MP3, MATLAB, HDF5, NumPy, TDMS or CSV file'),
  },
  responses: {
    201: uploaded('it is stored'),
    200: uploaded('it was there before'),
    202: {
      description: 'it waits for a worker (wait=false)',
      content: { 'application/json': { schema: queuedSchema } },
    },
    default: {
      description: '413 too large or too long, 422 no recording, 429 too busy',
      content: { 'application/json': { schema: errorSchema } },
    },
  },
});
const list = createRoute({
  method: 'get',
  path: '/api/machines/{name}/recordings',
  tags: ['recordings'],
  summary: 'recordings of a machine',
  request: { params: byName, query: z.object(page) },
  responses: answers(z.array(recordingSchema), 'newest first'),
});
const one = z.object({ name: nameSchema, hash: hashSchema });
const audio = createRoute({
  method: 'get',
  path: '/api/machines/{name}/recordings/{hash}/audio',
  tags: ['recordings'],
  summary: 'the sound, as a WAV file that browsers play; ranges are answered',
  request: { params: one },
  responses: file('audio/wav', 'WAV'),
});
const picture = createRoute({
  method: 'get',
  path: '/api/machines/{name}/recordings/{hash}/picture',
  tags: ['recordings'],
  summary: 'spectrogram, waveform and deviation of a moment',
  request: {
    params: one,
    query: z.object({ at: z.coerce.number().min(0).max(1e9).default(0).openapi({ description: 'seconds' }) }),
  },
  responses: answers(pictureSchema, 'bytes in base64'),
});

/** Bytes of sounds that are kept, those asked for last: players ask for one in pieces. */
const KEPT_BYTES = 2 ** 26;

export function recordingRoutes(deps: AppDeps) {
  const { store, blobs, pool, ingest, limits, budget, metrics, answers: sent } = deps;
  const routes = createRoutes();
  const sounds = new Map<string, { bytes: Promise<Uint8Array>; length: number }>();

  const soundOf = async ({ name, blob, sampleRate, variable }: StoredRecording) => {
    const bytes = blob && (await blobs.get(blob));
    if (!bytes) throw notFound('sound of this recording: it was not kept, or has expired');
    const read = { sampleRate, variable, maxSamples: limits.maxSamples };
    return { kind: 'bytes' as const, bytes, name, read };
  };
  const find = async ({ name, hash }: z.infer<typeof one>): Promise<StoredRecording> => {
    const found = await store.recording({ machine: name, hash });
    if (!found) throw notFound('such recording of this machine');
    return found;
  };
  /** The one asked for last is kept in any case: it is being read. */
  const forgetSounds = () => {
    let total = [...sounds.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [key, { length }] of sounds) {
      if (total <= KEPT_BYTES || sounds.size === 1) return;
      sounds.delete(key);
      total -= length;
    }
  };
  const playable = (recording: StoredRecording): Promise<Uint8Array> => {
    const key = `${recording.machine} ${recording.hash}`;
    const found = sounds.get(key) ?? { bytes: soundOf(recording).then((sound) => pool.playable(sound)), length: 0 };
    sounds.delete(key);
    sounds.set(key, found);
    found.bytes.then(
      ({ length }) => {
        found.length = length;
        forgetSounds();
      },
      () => sounds.delete(key),
    );
    return found.bytes;
  };

  routes.openapi(upload, async (c) => {
    const { name: machine } = c.req.valid('param');
    const { name, startMs, rate, variable, score, wait } = c.req.valid('query');
    const { bytes, hash, release } = await readBody(c.req.raw, limits.maxBodyBytes, budget);
    try {
      if (wait === false && score !== false && deps.fleet) {
        const { known } = await deps.fleet.send({ machine, name, startMs, bytes, sampleRate: rate, variable });
        metrics.recording('queued');
        return c.json({ queued: true as const, known }, 202);
      }
      const read = { sampleRate: rate, variable, maxSamples: limits.maxSamples, maxSeconds: limits.maxSeconds };
      const { recording, known, scores } = await ingest.ingest({ machine, name, startMs, bytes, hash, read, score });
      metrics.recording(known ? 'known' : 'stored');
      const shown = { recording: recordingView(recording), known, scores: scores.map(scoreView) };
      return known ? c.json(shown, 200) : c.json(shown, 201);
    } catch (error) {
      metrics.recording('refused');
      if (error instanceof InputError && isTooLong(error)) throw new HttpError(413, error.message);
      throw error;
    } finally {
      release();
    }
  });
  routes.openapi(list, async (c) => {
    const { name: machine } = c.req.valid('param');
    return jsonBytes<ApiRecording[]>(sent, await store.json({ ...c.req.valid('query'), of: 'recordings', machine }));
  });
  routes.openapi(audio, async (c) => {
    const recording = await find(c.req.valid('param'));
    return ranged(sent, await playable(recording), {
      ...{ type: 'audio/wav', range: c.req.header('range'), etag: recording.hash },
    });
  });
  routes.openapi(picture, async (c) => {
    const recording = await find(c.req.valid('param'));
    const machine = await store.machine(recording.machine);
    const version = machine?.detector ? await store.detector(machine.detector) : undefined;
    const detector = version && { key: version.blob, bytes: await deps.detectors.file(version) };
    const shown = await pool.picture(await soundOf(recording), detector, c.req.valid('query').at);
    return c.json(pictureView(shown), 200);
  });
  return routes;
}
