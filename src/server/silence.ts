// Tells of machines that fall silent, and of those that are heard again.
import { endOf, RECENT, silentFromMs } from '../monitor/health.ts';
import type { Store } from '../monitor/store/types.ts';
import type { EventBus } from './events.ts';
import type { Log } from './log.ts';

export type SilenceOptions = {
  store: Store;
  bus: EventBus;
  log: Log;
  everyMs?: number;
  now?(): number;
};

export type Silence = {
  /** Something came from a machine. */
  heard(machine: string): void;
  /** Looks at all machines, and tells of those that have changed; the first look tells nothing. */
  sweep(): Promise<void>;
  close(): Promise<void>;
};

type Known = { silent: boolean; fromMs: number };

/** Looks every minute; a machine is read again when it would be silent by then, or while it is. */
export function startSilence({ store, bus, log, everyMs = 60_000, now = Date.now }: SilenceOptions): Silence {
  const known = new Map<string, Known>();

  const tell = async (name: string, { silent }: Known, lastMs: number): Promise<void> => {
    const last = new Date(lastMs).toISOString();
    const text = silent ? `nothing has come since ${last}` : 'it is heard again';
    log(silent ? 'warn' : 'info', silent ? 'machine is silent' : 'machine is heard again', { machine: name, last });
    const kind = silent ? 'silent' : 'heard-again';
    bus.publish({ type: 'stream', data: { stream: name, atMs: now(), kind, text } });
    const machine = await store.machineStatus(name, now());
    if (machine) bus.publish({ type: 'machine', data: machine });
  };
  const look = async (name: string): Promise<void> => {
    const found = silentFromMs((await store.recordings({ machine: name, limit: RECENT })).map(endOf));
    if (!found) return;
    const before = known.get(name);
    const after = { silent: now() > found.fromMs, fromMs: found.fromMs };
    known.set(name, after);
    if (before && before.silent !== after.silent) await tell(name, after, found.lastMs);
  };
  const sweep = async (): Promise<void> => {
    const machines = new Set(await store.machineNames());
    for (const name of known.keys()) if (!machines.has(name)) known.delete(name);
    for (const name of machines) {
      const before = known.get(name);
      if (!before || before.silent || now() > before.fromMs) await look(name);
    }
  };

  const failed = (error: unknown): void => log('warn', 'silence not looked for', { reason: String(error) });
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  const run = (): void => {
    if (busy) return;
    busy = true;
    running = sweep()
      .catch(failed)
      .finally(() => {
        busy = false;
      });
  };
  run();
  const timer = setInterval(run, everyMs);
  timer.unref();
  return {
    heard(machine) {
      if (known.get(machine)?.silent) running = Promise.all([running, look(machine).catch(failed)]).then(() => {});
    },
    sweep,
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
