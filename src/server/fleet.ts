// The service of a fleet: it hears of what workers store, hands them recordings, tells of its own alarms over NATS, and
// knows how much waits. Servers that are away stop nothing of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AlarmChange } from '../monitor/alarm/types.ts';
import type { Ingested } from '../monitor/ingest.ts';
import { createNatsNotifier } from '../monitor/notify/nats.node.ts';
import type { Notifier } from '../monitor/notify/notifier.ts';
import { keepLink } from '../monitor/queue/link.node.ts';
import { CONSUMER, IN_STREAM, NEWS_PREFIX, WORKERS_SUBJECT } from '../monitor/queue/names.ts';
import { BEAT_MS, newsOf, readBeat, readNews } from '../monitor/queue/news.ts';
import { FleetFullError, type Publication, publishRecording } from '../monitor/queue/publish.node.ts';
import { sweep } from '../monitor/queue/sweep.node.ts';
import { createNewsPublisher } from '../monitor/queue/tell.node.ts';
import type { Store } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import { reasonOf } from '../training/nats.node.ts';
import type { EventBus } from './events.ts';
import { createNewsDesk } from './fleet-news.ts';
import { HttpError, tooMany } from './http-error.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Numbers are missing where they are not known: servers or store are away, or no worker has made the queue yet. */
export type FleetState = {
  connected: boolean;
  /** Recordings that wait for a worker, and those that workers have in hand. */
  waiting?: number;
  running?: number;
  workers?: number;
  /** Counted up to 1000. */
  deadLetters?: number;
};

export type Fleet = {
  state(): FleetState;
  /** Hands a recording to the workers; it is safe once this resolves. @throws HttpError 429 where they take no more, 503 */
  send(publication: Publication): Promise<{ known: boolean }>;
  /** Alarms of this service, under `thrum.alarms.MACHINE.KIND` like those of workers. */
  alarms: Notifier;
  /** Other services hear of what this one has stored. */
  tell(result: Ingested): void;
  close(): Promise<void>;
};

export type FleetOptions = {
  servers: readonly string[];
  parts: { store: Store; bus: EventBus; metrics: Metrics; log: Log; now(): number };
  onAlarm(change: AlarmChange): void;
  onHeard(machine: string): void;
};

const POLL_MS = 5000;
/** Of six polls, one looks for what the servers have forgotten, and counts dead letters. */
const RARELY = 6;
const SEND_SECONDS = 10;
const MOST_LETTERS = 1000;
const MOST_WORKERS = 10_000;

type Held = {
  connection: NatsConnection;
  manager: Promise<JetStreamManager>;
  js: JetStreamClient;
  say: ReturnType<typeof createNewsPublisher>;
};

/** @throws InputError for addresses that are none */
export function startFleet({ servers, parts, onAlarm, onHeard }: FleetOptions): Fleet {
  const { store, bus, metrics, log, now } = parts;
  const stopping = new AbortController();
  /** When each worker was last heard of, on a clock that is never set. */
  const workers = new Map<string, number>();
  let queue: { waiting: number; running: number } | undefined;
  let deadLetters: number | undefined;
  let lettersAreNew = true;
  let answers = false;
  let held: Held | undefined;
  let wake = (): void => {};

  const desk = createNewsDesk({ store, bus, metrics, log, now, onAlarm, onHeard });
  const hear = (subject: string, connection: NatsConnection, take: (text: string) => void): void => {
    connection.subscribe(subject, {
      callback(error, message) {
        if (!error) take(message.string());
        else log('warn', 'fleet', { reason: reasonOf(error) });
      },
    });
  };
  const takeBeat = (text: string): void => {
    const beat = readBeat(text);
    if (beat?.left) workers.delete(beat.id);
    else if (beat && (workers.has(beat.id) || workers.size < MOST_WORKERS)) workers.set(beat.id, performance.now());
  };
  const link = keepLink({
    ...{ servers, name: 'thrum serve', caller: 'serve', log: (line) => log('info', 'fleet', { text: line }) },
    onConnect(connection) {
      hear(`${NEWS_PREFIX}>`, connection, (text) => {
        const news = readNews(text);
        if (news) desk.take(news);
        if (news?.buried) lettersAreNew = true;
      });
      hear(WORKERS_SUBJECT, connection, takeBeat);
      const manager = jetstreamManager(connection, { checkAPI: false });
      manager.catch(() => {});
      held = { connection, manager, js: jetstream(connection), say: createNewsPublisher(connection) };
      wake();
    },
  });
  const current = (): Held | undefined => (held && link.connection() === held.connection ? held : undefined);

  const poll = async (turn: number): Promise<void> => {
    if (turn % RARELY === 0 || lettersAreNew) {
      lettersAreNew = false;
      deadLetters = await store.deadLetters({ limit: MOST_LETTERS }).then(
        ({ length }) => length,
        () => undefined,
      );
    }
    const late = performance.now() - 3.2 * BEAT_MS;
    for (const [id, atMs] of workers) if (atMs < late) workers.delete(id);
    let answered = false;
    try {
      const one = current();
      if (!one) throw new Error('no connection');
      const manager = await one.manager;
      // The account is asked first: it answers also where no worker has made the queue yet.
      await manager.getAccountInfo();
      answered = true;
      const { num_pending: waiting, num_ack_pending: running } = await manager.consumers.info(IN_STREAM, CONSUMER);
      queue = { waiting, running };
      if (turn % RARELY === 1) {
        const found = await sweep(manager, one.js);
        if (found > 0) log('warn', 'fleet', { text: `${found} recordings that the servers had forgotten wait again` });
      }
    } catch {
      queue = undefined;
    }
    answers = answered;
  };
  const polling = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await poll(turn);
      const pause = sleep(POLL_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      await Promise.race([woken, pause]);
    }
  })();

  const state = (): FleetState => {
    const connected = answers && link.connection() !== undefined;
    return {
      connected,
      ...(connected && { ...queue, workers: workers.size }),
      ...(deadLetters !== undefined && { deadLetters }),
    };
  };
  metrics.gauge('thrum_fleet_connected', 'whether the queue of the fleet answers', () => Number(state().connected));
  metrics.gauge('thrum_fleet_waiting', 'recordings that wait for a worker', () => state().waiting);
  metrics.gauge('thrum_fleet_running', 'recordings that workers have in hand', () => state().running);
  metrics.gauge('thrum_fleet_workers', 'workers that live', () => state().workers);

  return {
    state,
    async send(publication) {
      const one = current();
      const away = (): HttpError =>
        new HttpError(503, 'the queue of the fleet does not answer; send it again later', { 'retry-after': '5' });
      if (!one) throw away();
      try {
        return await publishRecording(one.connection, publication, { patienceSeconds: SEND_SECONDS });
      } catch (error) {
        if (error instanceof FleetFullError) throw tooMany('the queue of the fleet takes no more', 30);
        if (error instanceof InputError) throw error;
        log('warn', 'fleet', { text: `a recording could not be queued: ${reasonOf(error)}` });
        throw away();
      }
    },
    alarms: createNatsNotifier({
      connection: {
        isClosed: () => current() === undefined,
        publish: (...given) => current()?.connection.publish(...given),
        flush: async () => current()?.connection.flush(),
      },
      warn: (line) => log('warn', line),
      delivery: { longestPauseMs: 10_000 },
    }),
    tell: (result) => current()?.say(newsOf(result)),
    async close() {
      stopping.abort();
      await desk.close();
      await link.close();
      await polling;
    },
  };
}
