// Between store and notifier: what the store has written down to be told is told, whichever process dies meanwhile.
import { oneLine } from '../../signal/errors.ts';
import type { Store, Untold } from '../store/types.ts';
import { combineNotifiers, type Notifier, type Warn } from './notifier.ts';

export type OutboxOptions = {
  store: Pick<Store, 'openChannel' | 'takeUntold' | 'holdUntold' | 'endUntold'>;
  /** `webhook`, `mqtt`: processes with the same one share what there is to tell. */
  channel: string;
  /** Has to say when a change is delivered, or refused for good. Closed with the outbox. */
  notifier: Notifier;
  warn: Warn;
  /** Looks this often for what others have left behind, or decided without a word. */
  everyMs?: number;
  now?(): number;
};

export type Outbox = {
  /** There is something new to tell. Never waits, and never fails. */
  wake(): void;
  /** Tells for a few seconds more; the rest is others', or stays until the next start. */
  close(): Promise<void>;
};

/** Changes that one process has in hand. */
const MOST = 200;
/** What a process has not told after so many looks, it has died over. */
const LOOKS = 3;

/**
 * Opens the way out. Each change is told at least once, with the same identity (`alarmMessage`) however often; twice only
 * where a process dies between telling and striking it out.
 * @throws StoreError where the store does not answer
 */
export async function openOutbox(options: OutboxOptions): Promise<Outbox> {
  const { store, channel, notifier, warn, everyMs = 10_000, now = Date.now } = options;
  await store.openChannel(channel);
  const sending = new Set<number>();
  const ended = new Set<number>();
  let running: Promise<void> | undefined;
  let again = false;
  let failing = false;
  let closed = false;

  const strikeOut = async (): Promise<void> => {
    const ids = [...ended];
    if (ids.length === 0) return;
    await store.endUntold(channel, ids);
    for (const id of ids) ended.delete(id);
  };
  const send = async ({ id, change }: Untold): Promise<void> => {
    sending.add(id);
    await notifier.notify(change, () => {
      sending.delete(id);
      ended.add(id);
      wake();
    });
  };
  const round = async (): Promise<void> => {
    await strikeOut();
    while (!closed && sending.size < MOST) {
      const nowMs = now();
      const page = { nowMs, untilMs: nowMs + LOOKS * everyMs, limit: MOST - sending.size };
      const taken = await store.takeUntold({ channel, ...page });
      for (const one of taken) await send(one);
      if (taken.length < page.limit) break;
    }
  };
  const work = async (): Promise<void> => {
    try {
      while (again && !closed) {
        again = false;
        await round();
      }
      if (failing) warn(`${channel}: the store answers again`);
      failing = false;
    } catch (error) {
      if (!failing)
        warn(oneLine(`${channel}: alarms wait for the store: ${error instanceof Error ? error.message : error}`));
      failing = true;
    }
  };
  const wake = (): void => {
    again = true;
    running ??= work().finally(() => {
      running = undefined;
      // What came after the last look of this run.
      if (again && !failing && !closed) wake();
    });
  };
  const look = async (): Promise<void> => {
    if (sending.size > 0) await store.holdUntold(channel, [...sending], now() + LOOKS * everyMs);
  };

  const timer = setInterval(() => {
    // A store that is away is asked again with the next look.
    look().then(wake, wake);
  }, everyMs);
  timer.unref();
  wake();
  return {
    wake,
    async close() {
      clearInterval(timer);
      closed = true;
      await running;
      await notifier.close();
      try {
        await strikeOut();
        if (sending.size > 0) await store.holdUntold(channel, [...sending], now());
      } catch (error) {
        warn(oneLine(`${channel}: ${error instanceof Error ? error.message : error}`));
      }
    },
  };
}

/** One for each notifier, by the name of its channel; all notifiers are closed where one cannot be opened. */
export async function openOutboxes(
  store: OutboxOptions['store'],
  { notifiers, warn }: { notifiers: Readonly<Record<string, Notifier>>; warn: Warn },
): Promise<Outbox> {
  const opening = Object.entries(notifiers).map(([channel, notifier]) =>
    openOutbox({ store, channel, notifier, warn }),
  );
  const all = await Promise.all(opening).catch(async (error: unknown) => {
    await combineNotifiers(Object.values(notifiers), warn).close();
    throw error;
  });
  return {
    wake() {
      for (const { wake } of all) wake();
    },
    async close() {
      await Promise.all(all.map(({ close }) => close()));
    },
  };
}
