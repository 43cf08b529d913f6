// Watching: from a source through windows, hearing and alarms to whoever is told. All parts are given.
import { InputError, oneLine } from '../signal/errors.ts';
import type { AlarmChange } from './alarm/types.ts';
import { createLanes } from './lanes.ts';
import type { Cut, Windower } from './stream/windows.ts';
import type { Arrival, Heard, Source, StreamEvent, StreamWindow, TimeMs } from './types.ts';

/** One thing to tell. Of one stream they come in order of time; only windows that wait in a queue may be told behind events. */
export type WatchNews =
  | { kind: 'heard'; stream: string; heard: Heard }
  | { kind: 'alarm'; change: AlarmChange }
  | { kind: 'event'; event: StreamEvent }
  | { kind: 'failed'; stream: string; atMs: TimeMs; reason: string }
  | { kind: 'dropped'; stream: string; fromMs: TimeMs; toMs: TimeMs; count: number };

export type WatchParts = {
  source: Source;
  windower: Windower;
  hear(window: StreamWindow): Promise<Heard[]>;
  /** What a score changes, for one machine in order of time. */
  decide(stream: string, heard: Heard): AlarmChange[];
  /** Hands an alarm on. It is not waited for until the end, and trouble of it stops nothing. */
  notify?(change: AlarmChange): Promise<void>;
  report(news: WatchNews): void;
  /** Aborting ends: nothing more is taken, what is being heard is finished, what waits is not done. */
  signal: AbortSignal;
  /** Windows that are heard at once; 1 by default. */
  ahead?: number;
  /**
   * For sources that cannot wait: so many windows may wait to be heard, the oldest are dropped beyond. Without it the source
   * waits until it is asked for more.
   */
  mostWaiting?: number;
};

export type WatchTotals = { heard: number; anomalous: number; alarms: number; failed: number; dropped: number };

const reasonOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error));

/**
 * Watches until the source ends or `signal` aborts, and closes the source. A window is done when its scores are reported and
 * alarms are decided; one that is bad input is reported and done; one that failed for other reasons is reported and not
 * done, so that a broker sends it again.
 * @throws what the source throws, after what was taken is finished
 */
export async function watch(parts: WatchParts): Promise<WatchTotals> {
  const { source, windower, hear, decide, notify, report, signal, ahead = 1, mostWaiting } = parts;
  const totals: WatchTotals = { heard: 0, anomalous: 0, alarms: 0, failed: 0, dropped: 0 };
  const lanes = createLanes();
  const waiting: StreamWindow[] = [];
  const dropped = new Map<string, { fromMs: TimeMs; toMs: TimeMs; count: number }>();
  const notifying = new Set<Promise<void>>();
  let running = 0;
  let wake = (): void => {};

  function fail(stream: string, atMs: TimeMs, error: unknown): void {
    totals.failed++;
    report({ kind: 'failed', stream, atMs, reason: reasonOf(error) });
  }

  function tell(change: AlarmChange): void {
    totals.alarms++;
    report({ kind: 'alarm', change });
    if (!notify) return;
    const told = notify(change)
      .catch((error: unknown) => fail(change.machine, change.atMs, error))
      .finally(() => notifying.delete(told));
    notifying.add(told);
  }

  function settle({ stream, startMs, done }: StreamWindow, outcome: PromiseSettledResult<Heard[]>): void {
    if (outcome.status === 'rejected') {
      fail(stream, startMs, outcome.reason);
      if (outcome.reason instanceof InputError) done?.();
      return;
    }
    for (const heard of outcome.value) {
      totals.heard++;
      if (heard.anomalous) totals.anomalous++;
      report({ kind: 'heard', stream, heard });
      for (const change of decide(stream, heard)) tell(change);
    }
    done?.();
  }

  function reportDropped(): void {
    for (const [stream, lost] of dropped) report({ kind: 'dropped', stream, ...lost });
    dropped.clear();
  }

  /** Starts what waits, as far as there is room. */
  function start(): void {
    while (running < ahead && waiting.length > 0 && !signal.aborted) {
      const window = waiting.shift() as StreamWindow;
      reportDropped();
      running++;
      const hearing = hear(window);
      // It is settled in its turn, which may come later.
      hearing.catch(() => {});
      lanes(window.stream, async () => {
        const [outcome] = await Promise.allSettled([hearing]);
        try {
          settle(window, outcome);
        } catch (error) {
          fail(window.stream, window.startMs, error);
        }
      }).finally(() => {
        running--;
        start();
        wake();
      });
    }
  }

  function drop(): void {
    const { stream, startMs, recording, done } = waiting.shift() as StreamWindow;
    const toMs = startMs + ((recording.channels[0]?.length ?? 0) * 1000) / recording.sampleRate;
    const before = dropped.get(stream);
    dropped.set(stream, { fromMs: before?.fromMs ?? startMs, toMs, count: (before?.count ?? 0) + 1 });
    totals.dropped++;
    done?.();
  }

  /** Resolves when one more window has been heard, or at the end. */
  const room = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  async function take(cut: Cut): Promise<void> {
    if (cut.kind === 'event') {
      // Behind the windows that came before it.
      const { event } = cut;
      if (event.kind === 'trouble') totals.failed++;
      await lanes(event.stream, async () => report({ kind: 'event', event }));
      return;
    }
    waiting.push(cut.window);
    start();
    if (mostWaiting !== undefined) {
      while (waiting.length > mostWaiting) drop();
    } else {
      while (waiting.length > 0 && !signal.aborted) await room();
    }
  }

  async function finish(): Promise<void> {
    while (running > 0 || (waiting.length > 0 && !signal.aborted)) await room();
    reportDropped();
    await Promise.allSettled(notifying);
  }

  const stopped = new Promise<undefined>((resolve) => {
    const stop = (): void => {
      resolve(undefined);
      wake();
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    const iterator = source.arrivals()[Symbol.asyncIterator]();
    while (!signal.aborted) {
      const pending: Promise<IteratorResult<Arrival>> = iterator.next();
      // A source that is closed while it is asked may reject; then nobody listens.
      pending.catch(() => {});
      const found = await Promise.race([pending, stopped]);
      if (!found || found.done) break;
      for (const cut of windower.push(found.value)) {
        await take(cut);
        if (signal.aborted) break;
      }
    }
    // What was interrupted is not done: a broker sends it again.
    if (!signal.aborted) for (const cut of windower.end()) await take(cut);
  } finally {
    await finish();
    await source.close();
  }
  return totals;
}
