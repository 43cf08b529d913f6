// A queue in front of a receiver that may be slow, or away: bounded, in order, with growing pauses after a failure.
import { oneLine } from '../../signal/errors.ts';
import type { Warn } from './notifier.ts';

/** The receiver will never take this one: it is given up at once. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** The receiver asks to be left alone for a while. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  readonly pauseMs: number;
  constructor(message: string, pauseMs: number) {
    super(message);
    this.pauseMs = pauseMs;
  }
}

export type DeliveryOptions<T> = {
  /** For warnings: `webhook https://host`. */
  name: string;
  /** Hands one over. Rejects with RefusedError where there is no use in trying again. */
  send(item: T, signal: AbortSignal): Promise<void>;
  /** What an item is called in a warning. */
  describe(item: T): string;
  warn: Warn;
  /** Items that may wait; the oldest are dropped. */
  capacity?: number;
  /** First pause after a failure; it doubles up to `longestPauseMs`. */
  pauseMs?: number;
  longestPauseMs?: number;
  /** How long one is tried. */
  patienceMs?: number;
  /** How long `close` waits for what is left. */
  closeMs?: number;
};

export type Delivery<T> = {
  /** `ended` is called when the item is delivered or given up; not for one that is dropped, or left at the end. */
  add(item: T, ended?: () => void): void;
  close(): Promise<void>;
};

type Waiting<T> = { item: T; tries: number; since: number; ended?: () => void };

/** One that fails so often lets the others go first: a single bad one must not hold them up. */
const TRIES_IN_FRONT = 6;

const messageOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error));

/** Delivers items one after the other. `add` never waits and never fails; all trouble goes to `warn`. */
export function createDelivery<T>(options: DeliveryOptions<T>): Delivery<T> {
  const { name, send, describe, warn } = options;
  const { capacity = 1000, pauseMs = 1000, longestPauseMs = 300_000 } = options;
  const { patienceMs = 86_400_000, closeMs = 5000 } = options;
  const queue: Waiting<T>[] = [];
  const stop = new AbortController();
  let dropped = 0;
  let failures = 0;
  let working: Promise<void> | undefined;
  let closing = false;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      stop.signal.addEventListener('abort', done);
      if (stop.signal.aborted) done();
    });

  const giveUp = (one: Waiting<T>, why: string): void => {
    const at = queue.indexOf(one);
    if (at >= 0) queue.splice(at, 1);
    warn(`${name}: gave up ${describe(one.item)}: ${why}`);
    one.ended?.();
  };

  const fail = async (one: Waiting<T>, error: unknown): Promise<void> => {
    if (stop.signal.aborted) return;
    if (error instanceof RefusedError) return giveUp(one, messageOf(error));
    one.tries++;
    if (Date.now() - one.since > patienceMs) return giveUp(one, messageOf(error));
    if (failures++ === 0) warn(`${name}: ${messageOf(error)}; it is tried again, alarms wait`);
    if (one.tries % TRIES_IN_FRONT === 0 && queue[0] === one && queue.length > 1) queue.push(...queue.splice(0, 1));
    const growing = Math.min(longestPauseMs, pauseMs * 2 ** Math.min(failures - 1, 30));
    await pause(error instanceof BusyError ? Math.max(growing, Math.min(error.pauseMs, longestPauseMs)) : growing);
  };

  const work = async (): Promise<void> => {
    while (queue.length > 0 && !stop.signal.aborted) {
      const [one] = queue;
      try {
        await send(one.item, stop.signal);
      } catch (error) {
        await fail(one, error);
        continue;
      }
      const at = queue.indexOf(one);
      if (at >= 0) queue.splice(at, 1);
      one.ended?.();
      if (failures > 0)
        warn(`${name}: delivers again${dropped > 0 ? `; ${dropped} alarms were dropped meanwhile` : ''}`);
      failures = 0;
      dropped = 0;
    }
  };

  const start = (): void => {
    working ??= work().finally(() => {
      working = undefined;
      if (queue.length > 0 && !stop.signal.aborted) start();
    });
  };

  return {
    add(item, ended) {
      if (closing) return warn(`${name}: is closed; ${describe(item)} is not delivered`);
      if (queue.length >= capacity) {
        const [oldest] = queue.splice(0, 1);
        // Once per trouble: a storm of alarms must not become a storm of warnings.
        if (dropped++ === 0)
          warn(`${name}: ${capacity} alarms wait; ${describe(oldest.item)} and later ones are dropped`);
      }
      queue.push({ item, tries: 0, since: Date.now(), ...(ended && { ended }) });
      start();
    },
    async close() {
      closing = true;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeMs);
      });
      await Promise.race([working ?? Promise.resolve(), late]);
      clearTimeout(timer);
      stop.abort();
      await working;
      if (queue.length > 0) warn(`${name}: closed with ${queue.length} alarms that were not delivered`);
      queue.length = 0;
    },
  };
}
