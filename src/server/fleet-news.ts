// What workers have stored goes on to whoever listens to this service: read in the store again, a machine at a time.
import type { AlarmChange } from '../monitor/alarm/types.ts';
import { storedChange } from '../monitor/notify/stored.ts';
import type { News } from '../monitor/queue/news.ts';
import type { Store } from '../monitor/store/types.ts';
import type { EventBus } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { alarmView, scoreView } from './view.ts';

export type NewsDeskOptions = {
  store: Store;
  bus: EventBus;
  metrics: Metrics;
  log: Log;
  now(): number;
  /** An alarm that a worker has stored. */
  onAlarm(change: AlarmChange): void;
  /** Something came from a machine. */
  onHeard(machine: string): void;
};

export type NewsDesk = {
  /** Never waits, and never fails. */
  take(news: News): void;
  close(): Promise<void>;
};

type Waiting = {
  hashes: Map<string, News['by']>;
  changes: News['changes'];
  buried: boolean;
};

/** News of one machine within this time are passed on together. */
const GATHER_MS = 200;
/** Recordings of one machine that wait; the oldest are left out, the page finds them when it is loaded again. */
const MOST_HASHES = 20;
const MOST_MACHINES = 10_000;
/** Machines that are read at the same time. */
const AT_ONCE = 4;
const RECENT_ALARMS = 20;
const MOST_SCORES = 100;

export function createNewsDesk({ store, bus, metrics, log, now, onAlarm, onHeard }: NewsDeskOptions): NewsDesk {
  const waiting = new Map<string, Waiting>();
  /** Machines that listeners know to be normal: a score changes nothing of that. */
  const normal = new Set<string>();
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const passScores = async (machine: string, hashes: Waiting['hashes']): Promise<void> => {
    for (const [hash, by] of hashes) {
      const scores = await store.scores({ machine, hash, limit: MOST_SCORES });
      for (const score of scores)
        if (score.detector === by?.name && score.version === by.version)
          bus.publish({ type: 'score', data: scoreView(score) });
    }
  };
  const passAlarms = async (machine: string, changes: Waiting['changes']): Promise<void> => {
    const alarms = await store.alarms({ machine, limit: RECENT_ALARMS });
    for (const change of changes) {
      const found = storedChange(alarms, change);
      if (!found) continue;
      metrics.alarm(found.kind, found.change);
      log('warn', 'alarm', { machine, kind: found.kind, change: found.change, text: found.reason.text });
      const alarm = alarms.find(
        ({ kind, raisedMs, clearedMs }) => kind === change.kind && [raisedMs, clearedMs].includes(change.atMs),
      );
      if (alarm) bus.publish({ type: 'alarm', data: alarmView(alarm) });
      onAlarm(found);
    }
  };
  const passOn = async (name: string, { hashes, changes, buried }: Waiting): Promise<void> => {
    if (changes.length > 0) await passAlarms(name, changes);
    if (bus.clients() === 0) {
      normal.delete(name);
      return;
    }
    if (buried) {
      const [letter] = await store.deadLetters({ machine: name, limit: 1 });
      const data = letter && { stream: name, atMs: letter.atMs, kind: 'dead-letter', text: letter.reason };
      if (data) bus.publish({ type: 'stream', data });
    }
    // A machine that the page does not know yet comes before its scores.
    const status = changes.length === 0 && normal.has(name) ? undefined : await store.machineStatus(name, now());
    if (status) {
      bus.publish({ type: 'machine', data: status });
      if (status.health === 'normal') normal.add(name);
      else normal.delete(name);
    }
    await passScores(name, hashes);
  };

  const work = (): void => {
    timer = undefined;
    for (const [name, one] of waiting) {
      if (running.size >= AT_ONCE) break;
      waiting.delete(name);
      const job: Promise<void> = passOn(name, one)
        .catch((error: unknown) => log('warn', 'event lost', { machine: name, reason: String(error) }))
        .finally(() => {
          running.delete(job);
          schedule();
        });
      running.add(job);
    }
  };
  const schedule = (): void => {
    if (waiting.size > 0 && !closed) timer ??= setTimeout(work, GATHER_MS);
  };

  return {
    take({ machine, hash, by, scores, anomalous, changes, buried }) {
      metrics.scores(true, Math.min(anomalous, scores));
      metrics.scores(false, Math.max(0, scores - anomalous));
      if (!buried) onHeard(machine);
      const one: Waiting = waiting.get(machine) ?? { hashes: new Map(), changes: [], buried: false };
      if (!waiting.has(machine) && waiting.size >= MOST_MACHINES) return;
      waiting.set(machine, one);
      if (hash !== undefined) one.hashes.set(hash, by);
      if (one.hashes.size > MOST_HASHES) one.hashes.delete(one.hashes.keys().next().value as string);
      one.changes.push(...changes);
      one.buried ||= buried;
      schedule();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await Promise.all(running);
    },
  };
}
