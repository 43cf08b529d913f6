// Figures for Prometheus, in a registry of their own.
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Store } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';

export type Metrics = {
  request(method: string, route: string, status: number, seconds: number): void;
  recording(outcome: 'stored' | 'known' | 'queued' | 'refused'): void;
  scores(anomalous: boolean, count?: number): void;
  alarm(kind: string, change: string): void;
  failure(part: 'store' | 'blobs' | 'pool' | 'webhook'): void;
  clients(count: number): void;
  cutOff(): void;
  /** A figure that is read when Prometheus asks; it is left out where it is not known. */
  gauge(name: string, help: string, read: () => number | undefined): void;
  /** The text that Prometheus reads, and its content type. */
  text(): Promise<{ text: string; type: string }>;
  close(): void;
};

/** Milliseconds between two looks at the event loop; as finely is its delay known. */
const LOOK_MS = 2;

/** How late timers fire, in seconds: what the event loop is kept from. */
function loopDelay(registry: Registry): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MS });
  histogram.enable();
  const gauge = new Gauge({
    name: 'thrum_event_loop_delay_seconds',
    help: 'how late timers fire since the last reading',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      // The histogram has the times between two looks.
      const read = (quantile: string, nanoseconds: number) =>
        gauge.set({ quantile }, Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LOOK_MS / 1000) : 0);
      read('0.5', histogram.percentile(50));
      read('0.99', histogram.percentile(99));
      read('1', histogram.max);
      histogram.reset();
    },
  });
  return histogram;
}

function totalsGauges(registry: Registry, store: Pick<Store, 'totals'>): void {
  const names = {
    recordings: 'thrum_stored_recordings',
    scores: 'thrum_stored_scores',
    openAlarms: 'thrum_open_alarms',
    audioBytes: 'thrum_audio_bytes',
    deadLetters: 'thrum_dead_letters',
  } as const;
  let totals: ReturnType<Store['totals']> | undefined;
  for (const [field, name] of Object.entries(names)) {
    const gauge = new Gauge({
      name,
      help: `${name.slice(6).replaceAll('_', ' ')} in the store`,
      registers: [registry],
      async collect() {
        // One question for all of them; a store that does not answer leaves the rest to be read.
        totals ??= store.totals();
        const current = totals;
        try {
          gauge.set((await current)[field as keyof typeof names]);
        } catch {
          gauge.reset();
        } finally {
          if (totals === current) totals = undefined;
        }
      },
    });
  }
}

function poolGauges(registry: Registry, pool: Pick<HearingPool, 'load'>): void {
  for (const part of ['waiting', 'running', 'threads'] as const) {
    const gauge: Gauge = new Gauge({
      name: `thrum_pool_${part}`,
      help: part === 'threads' ? 'threads that hear' : `jobs that are ${part}`,
      registers: [registry],
      collect: () => gauge.set(pool.load()[part]),
    });
  }
}

export function createMetrics(store: Pick<Store, 'totals'>, pool: Pick<HearingPool, 'load'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const seconds = new Histogram({
    name: 'thrum_http_request_seconds',
    help: 'time from the headers of a request to those of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30],
    registers,
  });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const recordings = counter('thrum_recordings_total', 'recordings that came in', ['outcome']);
  const scores = counter('thrum_scores_total', 'scores, by verdict', ['verdict']);
  const alarms = counter('thrum_alarms_total', 'alarms raised and cleared', ['kind', 'change']);
  const failures = counter('thrum_failures_total', 'failures of what the service stands on', ['part']);
  const cutOff = counter('thrum_event_clients_cut_off_total', 'listeners to events that were too slow', []);
  const clients = new Gauge({ name: 'thrum_event_clients', help: 'listeners to events', registers });
  const histogram = loopDelay(registry);
  totalsGauges(registry, store);
  poolGauges(registry, pool);
  return {
    request: (method, route, status, took) => seconds.observe({ method, route, status }, took),
    recording: (outcome) => recordings.inc({ outcome }),
    scores: (anomalous, count = 1) => scores.inc({ verdict: anomalous ? 'anomalous' : 'normal' }, count),
    alarm: (kind, change) => alarms.inc({ kind, change }),
    failure: (part) => failures.inc({ part }),
    clients: (count) => clients.set(count),
    cutOff: () => cutOff.inc(),
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({
        ...{ name, help, registers },
        collect() {
          const value = read();
          if (value === undefined) gauge.remove();
          else gauge.set(value);
        },
      });
    },
    text: async () => ({ text: await registry.metrics(), type: registry.contentType }),
    close: () => histogram.disable(),
  };
}

/** The same functions; `onError` hears of every failure that is not the caller's own fault. */
export function watched<T extends object>(parts: T, onError: () => void): T {
  const wrap = (call: unknown): unknown => {
    if (typeof call !== 'function') return call;
    return (...args: unknown[]) => {
      const result: unknown = call(...args);
      if (result instanceof Promise)
        result.catch((error: unknown) => {
          if (!(error instanceof InputError)) onError();
        });
      return result;
    };
  };
  return Object.fromEntries(Object.entries(parts).map(([name, call]) => [name, wrap(call)])) as T;
}
