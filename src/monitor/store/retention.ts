// Forgetting in time: old audio, old scores, and the blobs that are left over.
import { InputError } from '../../signal/errors.ts';
import type { Blobs, Store } from './types.ts';

export type RetentionOptions = {
  store: Store;
  blobs: Blobs;
  /** Audio and dead letters older than so many days go; those with a label stay, and what a detector has learned. */
  maxAgeDays?: number;
  /** The oldest audio goes until all of it takes at most so many bytes. */
  maxBytes?: number;
  /** Scores older than so many days go. */
  scoreDays?: number;
  /** Time between two sweeps; an hour by default. */
  everyMs?: number;
  /** Hears, in one line, why a sweep was left out or failed; the next one makes up for it. */
  note?(line: string): void;
  /** The time of day and the time that has passed, in milliseconds; for tests. */
  clock?: { now(): number; passed(): number };
};

export type Retention = {
  /** Forgets what is due now, and returns how many blobs it deleted. Of two at once, the second waits for the first. */
  sweep(): Promise<number>;
  /** Waits for what is being done. */
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A clock that differs by more from the time that has passed was set, and may be set back. */
const JUMP_MS = HOUR_MS;
const HOLD_MS = HOUR_MS;
const MOST_FAILURES = 3;
/** Blobs that are deleted before the store hears of it. */
const PIECE = 200;

const lineOf = (error: unknown): string => `retention: ${error instanceof Error ? error.message : error}`;

/**
 * Sweeps at once and then every `everyMs`. A sweep first lets the store forget, which writes down the blobs that no row
 * names any longer, then deletes these, then lets the store forget them too. So a blob may outlive its row until the next
 * sweep, wherever a crash comes, and no row names a blob that was deleted. (One exception: bytes that come a second time
 * are put just before they are recorded; where exactly then a sweep deletes them as old, they are like expired ones.)
 *
 * After a jump of the clock sweeps are left out for an hour: a wrong year must not delete everything.
 * @throws InputError for limits that are not above 0
 */
export function createRetention(options: RetentionOptions): Retention {
  const { store, blobs, maxAgeDays, maxBytes, scoreDays, everyMs = HOUR_MS, note } = options;
  const clock = options.clock ?? { now: Date.now, passed: () => performance.now() };
  for (const [name, limit] of Object.entries({ maxAgeDays, maxBytes, scoreDays, everyMs })) {
    if (limit !== undefined && !(limit > 0)) {
      throw new InputError(`createRetention: expected ${name} above 0, got ${limit}; leave it out to keep everything`);
    }
  }
  const ago = (days: number | undefined): number | undefined =>
    days === undefined ? undefined : clock.now() - days * DAY_MS;

  let closed = false;
  let offset = clock.now() - clock.passed();
  let heldUntil = Number.NEGATIVE_INFINITY;
  const isHeld = (): boolean => {
    const passed = clock.passed();
    const before = offset;
    offset = clock.now() - passed;
    if (Math.abs(offset - before) > JUMP_MS) heldUntil = passed + HOLD_MS;
    return passed < heldUntil;
  };

  const sweepNow = async (): Promise<number> => {
    if (isHeld()) {
      note?.('retention: the clock was set by more than an hour; nothing is forgotten until it has kept for an hour');
      return 0;
    }
    const strays = await store.expire({ beforeMs: ago(maxAgeDays), maxBytes, scoresBeforeMs: ago(scoreDays) });
    let deleted = 0;
    let failures = 0;
    let gone: string[] = [];
    const forget = async (): Promise<void> => {
      await store.forgetBlobs(gone);
      deleted += gone.length;
      gone = [];
    };
    for (const blob of strays) {
      if (closed) break;
      try {
        await blobs.remove(blob);
      } catch (error) {
        // One that cannot be deleted keeps the others for no longer; where several cannot, the store of blobs is not well.
        if (++failures < MOST_FAILURES) {
          note?.(lineOf(error));
          continue;
        }
        await forget();
        throw error;
      }
      if (gone.push(blob) === PIECE) await forget();
    }
    await forget();
    return deleted;
  };

  let last: Promise<unknown> = Promise.resolve();
  const sweep = (): Promise<number> => {
    const done = last.then(sweepNow);
    last = done.catch(() => {});
    return done;
  };
  const sweepQuietly = (): void => {
    sweep().catch((error) => note?.(lineOf(error)));
  };

  sweepQuietly();
  const timer = setInterval(sweepQuietly, Math.min(everyMs, 2 ** 31 - 1));
  // Nothing waits for a sweep: a process that is otherwise done ends.
  timer.unref();
  return {
    sweep,
    async close() {
      closed = true;
      clearInterval(timer);
      await last;
    },
  };
}
