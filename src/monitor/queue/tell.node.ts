// A worker tells others: services of what is new in the store, whoever waits for alarms of those it has stored, and that it lives.
import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { reasonOf } from '../../training/nats.node.ts';
import type { AlarmChange } from '../alarm/types.ts';
import type { Ingested } from '../ingest.ts';
import { topicPart } from '../notify/message.node.ts';
import { createNatsNotifier } from '../notify/nats.node.ts';
import { storedChange } from '../notify/stored.ts';
import type { Store, StoredAlarm } from '../store/types.ts';
import { watchConnection } from './link.node.ts';
import { NEWS_PREFIX, WORKERS_SUBJECT } from './names.ts';
import { BEAT_MS, type Beat, buriedNews, type News, newsOf } from './news.ts';

export type TellerOptions = {
  /** Stays open: it belongs to whoever made it. */
  connection: NatsConnection;
  store: Pick<Store, 'alarms'>;
  log(line: string): void;
};

export type Teller = {
  /** Of a result that this process has stored. */
  stored(result: Ingested): void;
  /** Of one that another has stored, which may have died before it told anybody. Receivers know repeats by their id. */
  repeat(result: Ingested): Promise<void>;
  buried(machine: string): void;
  close(): Promise<void>;
};

/** Alarms of a machine among which those of one recording are found. */
const RECENT_ALARMS = 20;
/** Results of which this process knows that it has told others. */
const REMEMBERED = 1000;

/** Says what is new on a connection; where that is interrupted, nobody listens, and nothing is kept to be said later. */
export function createNewsPublisher(connection: NatsConnection): (news: News) => void {
  const isUp = watchConnection(connection);
  return (news) => {
    if (isUp()) connection.publish(`${NEWS_PREFIX}${topicPart(news.machine)}`, JSON.stringify(news));
  };
}

/** The changes of alarms that a recording brought about: those that it decided, by hash or by its end. */
function changesOf(alarms: readonly StoredAlarm[], { recording, scores }: Ingested): AlarmChange[] {
  const ends = new Set(scores.map(({ startMs, durationSeconds }) => startMs + durationSeconds * 1000));
  return alarms.flatMap((alarm): AlarmChange[] => {
    const { kind, raisedMs, clearedMs, reason } = alarm;
    const raised =
      reason.recording === recording.hash && storedChange([alarm], { kind, change: 'raised', atMs: raisedMs });
    const cleared =
      clearedMs !== undefined &&
      ends.has(clearedMs) &&
      storedChange([alarm], { kind, change: 'cleared', atMs: clearedMs });
    return [raised, cleared].filter((change) => change !== false && change !== undefined);
  });
}

export function createTeller({ connection, store, log }: TellerOptions): Teller {
  const nats = createNatsNotifier({ connection, warn: log, delivery: { longestPauseMs: 10_000 } });
  const say = createNewsPublisher(connection);
  const isUp = watchConnection(connection);
  const id = randomUUID();
  const beat = (left: boolean): void => {
    const content: Beat = { version: 1, id, left };
    if (isUp()) connection.publish(WORKERS_SUBJECT, JSON.stringify(content));
  };
  const timer = setInterval(() => beat(false), BEAT_MS);
  timer.unref();
  beat(false);

  const own = new Set<string>();
  const keyOf = ({ recording }: Ingested): string => `${recording.machine} ${recording.hash}`;
  const tell = (result: Ingested): void => {
    own.add(keyOf(result));
    if (own.size > REMEMBERED) own.delete(own.keys().next().value as string);
    for (const change of result.changes) void nats.notify(change);
    say(newsOf(result));
  };

  return {
    stored: tell,
    async repeat(result) {
      if (own.has(keyOf(result))) return;
      try {
        const alarms = await store.alarms({ machine: result.recording.machine, limit: RECENT_ALARMS });
        tell({ ...result, changes: changesOf(alarms, result) });
      } catch (error) {
        log(`${result.recording.name}: nobody could be told of it again: ${reasonOf(error)}`);
      }
    },
    buried: (machine) => say(buriedNews(machine)),
    async close() {
      clearInterval(timer);
      beat(true);
      await nats.close();
    },
  };
}
