// A worker of the fleet: takes recordings off the queue, hears them, and lets go of each only when its result is stored.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { ObjectStore } from '@nats-io/obj';
import { InputError, oneLine } from '../../signal/errors.ts';
import { systemCode } from '../../signal/system-error.node.ts';
import { connectServers, reasonOf } from '../../training/nats.node.ts';
import { PoolClosedError, QueueFullError } from '../hearing/errors.ts';
import type { HearingPool } from '../hearing/types.ts';
import { createIngest, hashBytes, type IngestParts } from '../ingest.ts';
import { runArchiveLanes } from './archive-worker.node.ts';
import { createAttempts, type Failed } from './attempts.node.ts';
import { endConnection } from './link.node.ts';
import { type Envelope, inputOf, openMessage, withHeartbeat } from './message.node.ts';
import { CONSUMER, IN_STREAM } from './names.ts';
import { ensureStreams, type FleetOptions, openObjects } from './streams.node.ts';
import { sweep } from './sweep.node.ts';
import { createTeller } from './tell.node.ts';
import { createTurns } from './turns.ts';

export type WorkerOptions = Omit<IngestParts, 'pool'> &
  FleetOptions & {
    /** `nats://host:4222`; several: servers of one cluster. */
    servers: readonly string[];
    pool: HearingPool;
    /** Recordings in hand at a time; by default one more than the pool has threads. */
    concurrency?: number;
    /** A recording that has failed so often (its worker died, or an error that is no one's fault) is a dead letter. */
    maxFailures?: number;
    /** Longest recording. */
    maxSeconds?: number;
    /** Folders in which files of archives may be named by their path. */
    archives?: readonly string[];
    /** What runs may take this long to end at a stop; then it is given back. */
    graceSeconds?: number;
    /** One line about what is worth knowing. */
    log?(line: string): void;
  };

export type WorkerCounts = { stored: number; known: number; buried: number; returned: number };

export type Worker = {
  counts(): WorkerCounts;
  /** Ends well: what runs is finished or given back. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects where the servers have turned it away for good. */
  ended: Promise<void>;
};

/** Decoded, of all channels together: a small file may unpack to a huge one. */
const MOST_SAMPLES = 2 ** 26;
const PULL_MS = 3000;
const FLUSH_MS = 2000;
const SWEEP_MS = 30_000;
/** Pauses before the store is asked again, and before a recording comes again. */
const RETRY_MS = { first: 500, most: 30_000 };
const DIED = 'the worker that heard it stopped without a word';

const backoff = (times: number): number =>
  Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(times, 16)) * (0.75 + Math.random() / 2);

/** Not the recording's fault, nor the program's: the next try may go well. */
const isTemporary = (error: unknown): boolean =>
  error instanceof QueueFullError ||
  error instanceof PoolClosedError ||
  (error instanceof Error && error.name === 'StoreError') ||
  systemCode(error) !== undefined;

/**
 * Starts a worker; any number of them share the work. A recording leaves the queue when its result, or its dead letter, is
 * stored; it comes again where a worker dies, and the store takes every result once.
 * @throws InputError where no server can be reached, or they have no JetStream
 */
export async function runWorker(options: WorkerOptions): Promise<Worker> {
  const { servers, store, blobs, pool, maxFailures = 5, graceSeconds = 20, ackSeconds = 30, log = () => {} } = options;
  const { concurrency = pool.load().threads + 1, maxSeconds = 3600, now = Date.now } = options;
  const { connection, names } = await connectServers(servers, 'thrum worker', 'runWorker');
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const js = jetstream(connection);
  try {
    await ensureStreams(jsm, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const attempts = createAttempts(jsm, js);
  const limits = { maxSeconds, maxSamples: MOST_SAMPLES };
  const teller = createTeller({ connection, store, log });
  const { ingest } = createIngest({
    ...options,
    onResult(result) {
      teller.stored(result);
      options.onResult?.(result);
    },
  });
  const turns = createTurns();
  const counts: WorkerCounts = { stored: 0, known: 0, buried: 0, returned: 0 };
  /** Set at the first word of a stop: nothing new is taken. */
  const stopping = new AbortController();
  /** Set when patience is over: what waits for a thread is given back. */
  const giveUp = new AbortController();
  let objects: Promise<ObjectStore> | undefined;
  const openedObjects = () => {
    objects ??= openObjects(connection, options.replicas);
    objects.catch(() => {
      objects = undefined;
    });
    return objects;
  };

  /** Confirmed by the servers; where it is not, the recording comes again and is known then. */
  const done = async (message: JsMsg, envelope?: Envelope): Promise<void> => {
    if (!(await message.ackAck().catch(() => false))) return;
    if (message.info.deliveryCount > 1) await attempts.forget(message.seq).catch(() => {});
    if (envelope?.object) await (await openedObjects()).delete(envelope.object).catch(() => {});
  };

  const giveBack = (message: JsMsg, delayMs: number): void => {
    counts.returned++;
    message.nak(Math.round(delayMs));
  };

  /** Its bytes are kept where they can be looked at. */
  const bury = async (message: JsMsg, reason: string, failures: number, envelope?: Envelope): Promise<void> => {
    const machine = envelope?.machine ?? 'unknown';
    const bytes = envelope?.bytes ?? message.data;
    const hash = await hashBytes(bytes);
    const source = `${names} ${message.subject.slice(0, 255)} #${message.seq}`;
    const blob = bytes.length > 0 ? `dead/${hash.slice(0, 2)}/${hash}` : undefined;
    if (blob) await blobs.put(blob, bytes);
    const letter = { machine, hash, source, reason: oneLine(reason), atMs: now(), attempts: failures };
    await store.bury({ ...letter, ...(blob && { blob }) });
    counts.buried++;
    teller.buried(machine);
    log(`${machine}: ${envelope?.name ?? 'a message'} is a dead letter: ${oneLine(reason)}`);
    // Acknowledged, not terminated: only of that do the servers say that they have heard it.
    await done(message, envelope);
  };

  const hearOne = async (message: JsMsg): Promise<void> => {
    const again = message.info.deliveryCount > 1;
    let before: Failed = { failures: 0, reason: '' };
    let envelope: Envelope | undefined;
    let end: (() => void) | undefined;
    try {
      if (again) before = await attempts.read(message.seq);
      // Heard alone, so that what else this process has in hand is not suspected of its death.
      end = await turns.take(before.failures > 0 && before.failures < maxFailures);
      if (again) {
        // Taken back where this ends in any way that can be told.
        if (before.failures < maxFailures) {
          await attempts.write(message.seq, { failures: before.failures + 1, reason: DIED });
        }
      }
      envelope = await openMessage(message, openedObjects);
      if (!envelope) return await done(message);
      if (before.failures >= maxFailures) {
        await bury(message, `failed ${before.failures} times; the last: ${before.reason}`, before.failures, envelope);
        return;
      }
      const input = inputOf(message, envelope);
      const result = await ingest({ ...input, read: { ...input.read, ...limits }, signal: giveUp.signal });
      counts[result.known ? 'known' : 'stored']++;
      if (result.known && again) await teller.repeat(result);
      await done(message, envelope);
    } catch (error) {
      await failed(message, error, before, envelope);
    } finally {
      end?.();
    }
  };

  const failed = async (message: JsMsg, error: unknown, before: Failed, envelope?: Envelope): Promise<void> => {
    try {
      const aborted = giveUp.signal.aborted && error === giveUp.signal.reason;
      const mine = error instanceof InputError;
      if (mine) return await bury(message, error.message, before.failures + 1, envelope);
      const temporary = aborted || isTemporary(error) || (await isDown());
      if (!temporary) {
        log(`${envelope?.name ?? message.subject}: ${reasonOf(error)}`);
        await attempts.write(message.seq, { failures: before.failures + 1, reason: reasonOf(error) });
      } else if (message.info.deliveryCount > 1) await attempts.write(message.seq, before);
      giveBack(message, aborted ? 0 : backoff(message.info.deliveryCount));
      if (temporary && !aborted) await untilUp(error);
    } catch (second) {
      // Store or servers are away as well: nothing is lost, it comes again.
      giveBack(message, backoff(message.info.deliveryCount));
      await untilUp(second);
    }
  };

  const isDown = async (): Promise<boolean> => {
    try {
      await store.ping();
      return connection.isClosed();
    } catch {
      return true;
    }
  };

  /** Takes no more recordings while they could not be stored. */
  const untilUp = async (why: unknown): Promise<void> => {
    for (let times = 0; !stopping.signal.aborted && (await isDown()); times++) {
      if (times === 0) log(`waiting for the store: ${reasonOf(why)}`);
      await pause(backoff(times));
    }
  };

  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});

  /** One recording after the other; one is asked for when there are hands for it. */
  const lane = async (): Promise<void> => {
    let consumer: Consumer | undefined;
    for (let failures = 0; !stopping.signal.aborted; ) {
      let message: JsMsg | null;
      try {
        consumer ??= await js.consumers.get(IN_STREAM, CONSUMER);
        message = await consumer.next({ expires: PULL_MS });
        failures = 0;
      } catch (error) {
        if (connection.isClosed())
          throw new InputError(`runWorker: ${names} ended the connection (${reasonOf(error)})`);
        if (failures === 3) log(`waiting for ${names}: ${reasonOf(error)}`);
        consumer = undefined;
        // Streams that were lost with their servers are made again.
        if (failures > 0) await ensureStreams(jsm, options).catch(() => {});
        await pause(backoff(Math.min(2, failures++)));
        continue;
      }
      if (message && stopping.signal.aborted) giveBack(message, 0);
      else if (message) await withHeartbeat(message, ackSeconds, () => hearOne(message));
    }
  };

  /** What was given back is sent; servers that are away hear of it by silence. */
  const leave = async (): Promise<void> => {
    await teller.close();
    await endConnection(connection);
  };
  /** Looks now and then for what the servers have forgotten. */
  const sweeper = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const found = await sweep(jsm, js);
        if (found > 0) log(`${found} recordings that the servers had forgotten are in the queue again`);
      } catch {
        // The servers are away, or take no more: the next time.
      }
      await pause(SWEEP_MS * (0.75 + Math.random() / 2));
    }
  };
  void sweeper();

  const archives = runArchiveLanes({
    ...{ connection, jsm, js, pool, blobs, log, maxFailures, isTemporary, backoff },
    ...{ replicas: options.replicas, ackSeconds, folders: options.archives },
    ...{ stopping: stopping.signal, giveUp: giveUp.signal },
  });
  const lanes = Promise.all([...Array.from({ length: concurrency }, lane), archives]);
  // Where the servers are away, a lane may wait for them for longer than anybody waits for this process.
  const patience = new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => {
      setTimeout(() => giveUp.abort(new Error('the worker is stopping')), 1000 * graceSeconds).unref();
      setTimeout(resolve, 1000 * graceSeconds + PULL_MS + FLUSH_MS).unref();
    });
  });
  const ended = Promise.race([lanes, patience]).then(leave, async (error: unknown) => {
    stopping.abort();
    giveUp.abort(error);
    await teller.close();
    await connection.close();
    throw error;
  });
  ended.catch(() => {});
  return {
    counts: () => ({ ...counts }),
    async stop() {
      stopping.abort();
      await ended;
    },
    ended,
  };
}
