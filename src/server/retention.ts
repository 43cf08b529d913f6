// Forgets what is too old or too much, from time to time.
import type { Blobs, Store } from '../monitor/store/types.ts';
import type { Log } from './log.ts';

export type RetentionOptions = {
  store: Store;
  blobs: Blobs;
  log: Log;
  /** Sound older than this goes, unless a label or a detector holds it. */
  maxAgeMs?: number;
  /** Bytes of sound that are kept at most, the newest. */
  maxBytes?: number;
  everyMs?: number;
  now?(): number;
};

export type Retention = { sweep(): Promise<number>; close(): Promise<void> };

/** Blobs that are deleted before the store hears of it. */
const PIECE = 200;

/** Sweeps once at the start, then every ten minutes. A sweep that fails is done again with the next. */
export function startRetention(options: RetentionOptions): Retention {
  const { store, blobs, log, maxAgeMs, maxBytes, everyMs = 600_000, now = Date.now } = options;
  const sweep = async (): Promise<number> => {
    const beforeMs = maxAgeMs === undefined ? undefined : now() - maxAgeMs;
    // Also without limits: blobs of machines that were removed wait to be deleted.
    const stray = await store.expire({ beforeMs, maxBytes });
    for (let at = 0; at < stray.length; at += PIECE) {
      const piece = stray.slice(at, at + PIECE);
      for (const blob of piece) await blobs.remove(blob);
      await store.forgetBlobs(piece);
    }
    return stray.length;
  };
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    running = running.then(sweep).then(
      (removed) => {
        if (removed > 0) log('info', 'sound forgotten', { blobs: removed });
      },
      (error: unknown) => log('error', 'sweep failed', { reason: String(error) }),
    );
  };
  run();
  const timer = setInterval(run, everyMs);
  timer.unref();
  return {
    sweep,
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
