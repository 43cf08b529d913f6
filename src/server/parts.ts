// Puts the service together: from a store, blobs and a pool to all that the routes stand on.
import { createAlarms } from '../monitor/alarm/alarms.ts';
import { defaultPolicy } from '../monitor/alarm/policy.ts';
import type { AlarmChange } from '../monitor/alarm/types.ts';
import type { HearingPool } from '../monitor/hearing/types.ts';
import { createIngest, type Ingested } from '../monitor/ingest.ts';
import type { Blobs, Store } from '../monitor/store/types.ts';
import { type AnswersOptions, createAnswers } from './answer.ts';
import { createAuth } from './auth.ts';
import type { AppDeps, Limits } from './context.ts';
import { createDetectors } from './detectors.ts';
import { createEventBus, type EventBusOptions } from './events.ts';
import { createJobs } from './jobs.ts';
import { createLearning } from './learning.ts';
import { createBudget } from './limits.ts';
import type { Log } from './log.ts';
import { createMetrics, watched } from './metrics.ts';
import { createPages } from './pages.ts';
import { alarmView, scoreView } from './view.ts';

export type PartsOptions = {
  store: Store;
  blobs: Blobs;
  pool: HearingPool;
  log: Log;
  /** A folder of this process alone. */
  scratch: string;
  version: string;
  requireKey?: boolean;
  allowedHosts?: readonly string[];
  limits?: Partial<Limits>;
  /** Bytes of uploads held in memory at once. */
  maxHeldBytes?: number;
  answers?: AnswersOptions;
  pageFolder?: string;
  readiness?: AppDeps['readiness'];
  events?: EventBusOptions;
  /** Told of alarms that are raised and cleared, after everybody who listens. */
  onAlarm?(change: AlarmChange): void;
  /** Told of every result that this service has stored. */
  onResult?(result: Ingested): void;
  now?(): number;
};

/** 64 MiB a file, an hour, 2^26 samples: 268 MB once decoded. */
export const usualLimits: Limits = { maxBodyBytes: 64 * 2 ** 20, maxSeconds: 3600, maxSamples: 2 ** 26 };

/** Alarms of a machine among which one that has just changed is found. */
const RECENT_ALARMS = 20;

export type Parts = AppDeps & {
  /** No more work is taken. */
  stopTaking(): void;
  /** Ends streams and jobs; store, blobs and pool are their owner's. */
  close(): Promise<void>;
};

export function createParts(options: PartsOptions): Parts {
  const { log, pool, scratch, version, allowedHosts, now = Date.now } = options;
  const metrics = createMetrics(options.store, pool);
  const store = watched(options.store, () => metrics.failure('store'));
  const blobs = watched(options.blobs, () => metrics.failure('blobs'));
  const limits = { ...usualLimits, ...options.limits };
  const bus = createEventBus({
    ...options.events,
    onChange: (clients) => metrics.clients(clients),
    onCutOff: () => metrics.cutOff(),
  });
  let closing = false;

  /** What listeners are told of a result. Nobody waits for it, and it fails alone. */
  const announce = async ({ recording, scores, changes }: Ingested): Promise<void> => {
    for (const score of scores) bus.publish({ type: 'score', data: scoreView(score) });
    if (changes.length === 0) return;
    const { machine: name } = recording;
    const alarms = await store.alarms({ machine: name, limit: RECENT_ALARMS });
    for (const change of changes) {
      metrics.alarm(change.kind, change.change);
      log('warn', 'alarm', { machine: name, kind: change.kind, change: change.change, text: change.reason.text });
      const stored = alarms.find((one) => one.kind === change.kind);
      if (stored) bus.publish({ type: 'alarm', data: alarmView(stored) });
      options.onAlarm?.(change);
    }
    const machine = await store.machineStatus(name, now());
    if (machine) bus.publish({ type: 'machine', data: machine });
  };

  const ingest = createIngest({
    ...{ store, blobs, pool, createAlarms, policy: defaultPolicy, now },
    onResult(result) {
      for (const { anomalous } of result.scores) metrics.scores(anomalous);
      options.onResult?.(result);
      announce(result).catch((error: unknown) => log('error', 'event lost', { reason: String(error) }));
    },
  });
  const detectors = createDetectors({ store, blobs, pool, now });
  const jobs = createJobs({
    onChange: (job) => bus.publish({ type: 'job', data: job }),
    onError(error) {
      log('error', 'job failed', { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  });

  return {
    ...{ store, blobs, pool, ingest, detectors, jobs, bus, metrics, log, limits, allowedHosts, scratch, version, now },
    feedback: createLearning({ store, blobs, pool, detectors }),
    auth: createAuth({ store, required: options.requireKey ?? false, now }),
    pages: createPages(options.pageFolder),
    answers: createAnswers(options.answers),
    readiness: options.readiness,
    budget: createBudget(options.maxHeldBytes ?? 8 * limits.maxBodyBytes),
    isClosing: () => closing,
    stopTaking() {
      closing = true;
      bus.close();
    },
    async close() {
      closing = true;
      bus.close();
      await jobs.close();
      metrics.close();
    },
  };
}
