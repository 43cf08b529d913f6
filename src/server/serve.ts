// The service: opens what it stands on, listens, and ends without losing what runs.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AlarmChange } from '../monitor/alarm/types.ts';
import { createHearingPool } from '../monitor/hearing/pool.node.ts';
import { createMqttNotifier } from '../monitor/notify/mqtt.node.ts';
import { combineNotifiers, type Notifier } from '../monitor/notify/notifier.ts';
import { openOutboxes } from '../monitor/notify/outbox.ts';
import { createWebhook } from '../monitor/notify/webhook.node.ts';
import { openStore } from '../monitor/store/open.node.ts';
import { openBlobs } from '../monitor/store/open-blobs.node.ts';
import { createRetention } from '../monitor/store/retention.ts';
import type { Scope, Store } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import { systemCode, systemReason } from '../signal/system-error.node.ts';
import { createApp } from './app.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { isLoopback } from './guard.ts';
import { makeKey } from './keys.ts';
import { type Listening, listen } from './listen.ts';
import { createLog, type Log } from './log.ts';
import { pageFolder } from './pages.ts';
import { createParts, usualLimits } from './parts.ts';
import { type Silence, startSilence } from './silence.ts';

export type ServeOptions = {
  /** `127.0.0.1` by default. On any address that others reach, keys are required. */
  host?: string;
  /** 8470 by default; 0: any that is free. */
  port?: number;
  /** Where the store and blobs lie that are not named: `store.sqlite` and `blobs` in this folder. */
  data?: string;
  store?: string;
  blobs?: string;
  /** Threads that hear; one for each processor by default. */
  threads?: number;
  /** Recordings that may wait for a thread. */
  queue?: number;
  maxBodyBytes?: number;
  maxSeconds?: number;
  maxAgeDays?: number;
  maxBytes?: number;
  scoreDays?: number;
  /** Names by which clients may call this machine beside those of the loopback. */
  allowHosts?: readonly string[];
  /** Ask for keys on the loopback too. */
  requireKey?: boolean;
  logFormat?: 'text' | 'json';
  log?: Log;
  version?: string;
  /** Alarms are posted there. The secret signs them. */
  webhook?: { url: string; secret?: string };
  /** Alarms are published there: `mqtt://host:1883`. */
  mqtt?: string;
  notifiers?: readonly Notifier[];
  /** Servers of a fleet, `nats://host:4222`: what its workers store is told and shown here too. */
  nats?: readonly string[];
};

export type Serving = {
  url: string;
  /** Takes nothing new, waits for what runs (`deadlineMs`, 10 s by default), and closes everything. */
  close(deadlineMs?: number): Promise<void>;
};

export const DEFAULT_DATA = 'thrum-data';
export const DEFAULT_PORT = 8470;
const DEADLINE_MS = 10_000;
const SWEEP_EVERY_MS = 600_000;

async function dataFolder(options: Pick<ServeOptions, 'data'>): Promise<string> {
  const folder = resolve(options.data ?? DEFAULT_DATA);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new InputError(`serve: cannot use ${folder}: ${systemReason(error)}; give another folder with --data`);
  }
  return folder;
}

/** Whether a process runs under this number; not this one, which has begun just now. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** A folder of this process alone; those that killed ones have left are removed. */
async function scratchFolder(folder: string): Promise<string> {
  for (const name of await readdir(folder)) {
    const [, pid] = /^scratch-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
  return mkdtemp(join(folder, `scratch-${process.pid}-`));
}

const storeAt = (options: ServeOptions, folder: string): string => options.store ?? join(folder, 'store.sqlite');

async function openedStore(options: ServeOptions, folder: string): Promise<Store> {
  return openStore(storeAt(options, folder));
}

/** Makes a key without a server; one that runs on the same store knows it at once. @returns the key, to be shown once */
export async function makeKeyAt(options: ServeOptions, request: { name: string; scope: Scope }): Promise<string> {
  const store = await openedStore(options, await dataFolder(options));
  try {
    return (await makeKey(store, request)).key;
  } finally {
    await store.close();
  }
}

/** Who is not alone on an address has to ask for keys, and there has to be one to give. */
async function checkKeys(store: Store, host: string): Promise<void> {
  const keys = await store.keys();
  if (!keys.some(({ revokedMs }) => revokedMs === undefined)) {
    throw new InputError(
      `serve: expected a key before others can reach ${host}, found none; make one with thrum serve --make-key NAME:admin`,
    );
  }
}

type Tell = { change(change: AlarmChange): void; close(): Promise<void> };

/** Whoever is told of alarms: webhook and MQTT by what the store has written down, others at once. */
async function startTelling({ webhook, mqtt, notifiers = [] }: ServeOptions, store: Store, log: Log): Promise<Tell> {
  const warn = (message: string): void => log('warn', message);
  const outboxes = await openOutboxes(store, {
    warn,
    notifiers: {
      ...(webhook && { webhook: createWebhook({ ...webhook, warn }) }),
      ...(mqtt !== undefined && { mqtt: createMqttNotifier({ url: mqtt, warn }) }),
    },
  });
  const others = combineNotifiers(notifiers, warn);
  return {
    change(change) {
      outboxes.wake();
      void others.notify(change);
    },
    async close() {
      await Promise.all([outboxes.close(), others.close()]);
    },
  };
}

/** An address to type into a browser: that of all interfaces is none. */
const shownUrl = (url: string): string => url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');

/**
 * Starts the service; in an empty folder nothing has to be configured.
 * @throws InputError for an address that cannot be had, for keys that are missing, and for a store that cannot be opened
 * @example const { url, close } = await serve({ port: 0, data: 'thrum-data' });
 */
export async function serve(options: ServeOptions = {}): Promise<Serving> {
  const { host = '127.0.0.1', port = DEFAULT_PORT, allowHosts = [] } = options;
  const log = options.log ?? createLog({ format: options.logFormat ?? 'text' });
  const folder = await dataFolder(options);
  const open = !isLoopback(host);
  // What is opened is closed again where a later step fails.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        log('error', 'closing failed', { reason: String(error) });
      }
    }
  };
  try {
    const store = await openedStore(options, folder);
    opened.push(() => store.close());
    if (open) await checkKeys(store, host);
    const blobs = await openBlobs(options.blobs ?? join(folder, 'blobs'));
    opened.push(() => blobs.close());
    const scratch = await scratchFolder(folder);
    opened.push(() => rm(scratch, { recursive: true, force: true }));
    const pool = createHearingPool({ threads: options.threads, capacity: options.queue });
    opened.push(() => pool.close());
    const tell = await startTelling(options, store, log);
    opened.push(() => tell.close());
    let fleet: Fleet | undefined;
    let silence: Silence | undefined;
    const limits = {
      ...usualLimits,
      ...(options.maxBodyBytes !== undefined && { maxBodyBytes: options.maxBodyBytes }),
      ...(options.maxSeconds !== undefined && { maxSeconds: options.maxSeconds }),
    };
    const parts = createParts({
      ...{ store, blobs, pool, log, scratch, limits },
      version: options.version ?? 'unknown',
      requireKey: open || options.requireKey === true,
      // Where keys are asked for, a page that is led here by its name has none.
      allowedHosts: open ? undefined : allowHosts.map((name) => name.toLowerCase()),
      pageFolder: pageFolder(),
      onAlarm(change) {
        tell.change(change);
        void fleet?.alarms.notify(change);
      },
      onResult(result) {
        silence?.heard(result.recording.machine);
        fleet?.tell(result);
      },
    });
    opened.push(() => parts.close());
    silence = startSilence(parts);
    opened.push(() => silence?.close() ?? Promise.resolve());
    if (options.nats) {
      const started = startFleet({
        ...{ servers: options.nats, parts, onAlarm: tell.change },
        onHeard: (machine) => silence?.heard(machine),
      });
      fleet = started;
      opened.push(async () => {
        await started.alarms.close();
        await started.close();
      });
    }
    const { maxAgeDays, maxBytes, scoreDays } = options;
    const retention = createRetention({
      ...{ store, blobs, maxAgeDays, maxBytes, scoreDays },
      everyMs: SWEEP_EVERY_MS,
      note: (line) => log('warn', line),
    });
    opened.push(() => retention.close());
    const server: Listening = await listen(createApp({ ...parts, ...(fleet && { fleet }) }).fetch, {
      ...{ host, port },
      onClientError: (code) => log('warn', 'connection refused', { code }),
    });
    const url = shownUrl(server.url);
    let closing: Promise<void> | undefined;
    const end = async (deadlineMs: number): Promise<void> => {
      log('info', 'stopping');
      parts.stopTaking();
      await server.close(deadlineMs);
      await closeAll();
      log('info', 'stopped');
    };
    return {
      url,
      close(deadlineMs = DEADLINE_MS) {
        closing ??= end(deadlineMs);
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
