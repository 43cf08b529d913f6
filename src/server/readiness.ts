// Whether the service can do its work: its store and its threads are asked, and have to answer in time.
import type { HearingPool } from '../monitor/hearing/types.ts';
import type { Store } from '../monitor/store/types.ts';

export type Readiness = {
  ready: boolean;
  store: boolean;
  threads: boolean;
  closing: boolean;
  /** One line for each that is not. */
  reasons: string[];
};

export type ReadinessOptions = {
  store: Pick<Store, 'ping'>;
  pool: Pick<HearingPool, 'ping' | 'load'>;
  isClosing(): boolean;
  /** The store, and a thread that has started, answer at once where they are well. */
  timeoutMs?: number;
  /** An answer stands for so long: anybody may ask, and so often. */
  keptMs?: number;
};

const SECOND = 1000;

/** Whether it answers well and in time; a later answer is nobody's concern. */
function answers(question: () => Promise<void> | undefined, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    Promise.resolve()
      .then(question)
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(() => clearTimeout(timer));
  });
}

/** However many ask at once, one question is on its way. */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  const { store, pool, isClosing, timeoutMs = 3 * SECOND, keptMs = SECOND } = options;
  let asked: Promise<[boolean, boolean]> | undefined;

  const ask = (): Promise<[boolean, boolean]> => {
    if (asked) return asked;
    const fresh = Promise.all([
      answers(() => store.ping(), timeoutMs),
      answers(() => {
        if (pool.load().threads === 0) throw new Error('no threads');
        return pool.ping?.();
      }, timeoutMs),
    ]);
    asked = fresh;
    void fresh.then(() => {
      const timer = setTimeout(() => {
        asked = undefined;
      }, keptMs);
      timer.unref();
    });
    return fresh;
  };

  return async () => {
    const [answered, threads] = await ask();
    const closing = isClosing();
    const reasons = [
      ...(answered ? [] : [`the store did not answer within ${timeoutMs} ms`]),
      ...(threads ? [] : [`the threads that hear did not answer within ${timeoutMs} ms`]),
      ...(closing ? ['the service is stopping'] : []),
    ];
    return { ready: reasons.length === 0, store: answered, threads, closing, reasons };
  };
}
