// What the routes stand on, and what a request carries along.
import type { HttpBindings } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Ingest } from '../monitor/ingest.ts';
import type { Blobs, Store } from '../monitor/store/types.ts';
import { oneLine } from '../signal/errors.ts';
import type { Answers } from './answer.ts';
import type { Auth, Caller } from './auth.ts';
import type { Detectors } from './detectors.ts';
import type { EventBus } from './events.ts';
import type { Fleet } from './fleet.ts';
import { HttpError } from './http-error.ts';
import type { Jobs } from './jobs.ts';
import type { Learning } from './learning.ts';
import type { Budget } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Pages } from './pages.ts';

export type Limits = {
  /** Of an upload. */
  maxBodyBytes: number;
  /** Of a recording. */
  maxSeconds: number;
  /** Decoded, of all channels of a file together: a small file may unpack to a huge one. */
  maxSamples: number;
};

export type AppDeps = {
  store: Store;
  blobs: Blobs;
  pool: HearingPool;
  ingest: Ingest;
  detectors: Detectors;
  jobs: Jobs;
  feedback: Learning;
  bus: EventBus;
  auth: Auth;
  metrics: Metrics;
  log: Log;
  pages: Pages;
  budget: Budget;
  answers: Answers;
  limits: Limits;
  /** Where there are workers beside this service. */
  fleet?: Pick<Fleet, 'state' | 'send'>;
  /** Names in the Host header beside those of the loopback; undefined: any. */
  allowedHosts?: readonly string[];
  /** A folder for files that a fit reads, and removes again. */
  scratch: string;
  /** How long store and threads may take to say that they are there, and how long that stands. */
  readiness?: { timeoutMs?: number; keptMs?: number };
  version: string;
  isClosing(): boolean;
  now(): number;
};

export type Env = { Bindings: HttpBindings; Variables: { requestId: string; caller: Caller } };

/** The first thing that is wrong with a request, in one line: `limit: Too big: expected number to be <=2000`. */
function firstIssue(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  const [{ path, message }] = issues;
  return oneLine(path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message);
}

/** A part of the API: requests that do not fit their schemas are answered with 400 and one line. */
export const createRoutes = (): OpenAPIHono<Env> =>
  new OpenAPIHono<Env>({
    defaultHook(result) {
      if (!result.success) throw new HttpError(400, firstIssue(result.error.issues));
    },
  });

/** Where a request comes from, for the limit on wrong keys. */
export const addressOf = (c: Context<Env>): string => c.env?.incoming?.socket.remoteAddress ?? 'unknown';
