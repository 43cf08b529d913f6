// Alarms of many machines that go on after a restart: a file for each machine, written before anyone is told.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { oneLine } from '../../signal/errors.ts';
import { notWritten, readAll, removeTemporaries, writeDurably } from '../../training/durable-file.node.ts';
import { type Alarms, createAlarms } from './alarms.ts';
import { checkPolicy } from './policy.ts';
import type { AlarmChange, AlarmPolicy, AlarmState, Observation } from './types.ts';

export type AlarmFilesOptions = {
  /** Hears of what could not be read or written, in one line. */
  warn(message: string): void;
  /** Machines that are remembered; the one heard longest ago is forgotten for a new one. 1024 by default. */
  maxMachines?: number;
};

export type AlarmFiles = {
  /**
   * Takes one score, and says what it changes; on the disk when it returns. Where the disk refuses, `warn` hears of it
   * and the alarms go on in memory.
   * @throws InputError for a time or a score that is no finite number; nothing changes then
   */
  observe(machine: string, observation: Observation): AlarmChange[];
  /** The change was handed on, or never will be. */
  settled(change: AlarmChange): void;
  /** Changes that are decided and not settled, the oldest of each machine first: after a crash they are to be handed on. */
  unsettled(): AlarmChange[];
};

/** Changes of one machine that may wait to be handed on; the oldest are given up beyond. */
const MOST_UNSETTLED = 100;

const changeSchema = z.looseObject({
  machine: z.string(),
  kind: z.enum(['fault', 'drift', 'sensor']),
  change: z.enum(['raised', 'cleared']),
  atMs: z.number(),
  sinceMs: z.number(),
  reason: z.looseObject({ text: z.string() }),
});
const fileSchema = z.object({
  thrum: z.literal('alarms'),
  version: z.literal(1),
  machine: z.string(),
  state: z.looseObject({ version: z.literal(1) }),
  unsettled: z.array(changeSchema),
});

type Kept = { alarms: Alarms; unsettled: AlarmChange[] };

/** Names of machines come from outside: none becomes a path. */
const fileOf = (machine: string): string => `${createHash('sha256').update(machine).digest('hex').slice(0, 32)}.json`;
const isOurs = (name: string): boolean => /^[0-9a-f]{32}\.json$/.test(name);
const messageOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error));
const isSame = (a: AlarmChange, b: AlarmChange): boolean =>
  a.machine === b.machine && a.kind === b.kind && a.change === b.change && a.atMs === b.atMs;

/**
 * Opens the alarms that stand in `folder`, or begins them. Open alarms stay open, counts, drift and what was told go on; a
 * score that comes again is no second score. A file that cannot be read is said, and its machine begins anew. Bounded:
 * a few kilobytes for each of `maxMachines`.
 * @throws InputError where the folder cannot be made or read, and for a policy that makes no sense
 */
export function openAlarmFiles(folder: string, policy: AlarmPolicy, options: AlarmFilesOptions): AlarmFiles {
  const { warn, maxMachines = 1024 } = options;
  checkPolicy(policy);
  /** The machine heard last is last. */
  const machines = new Map<string, Kept>();
  let isFailing = false;

  function read(name: string): void {
    try {
      const bytes = readAll(join(folder, name));
      const { machine, state, unsettled } = fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      if (fileOf(machine) !== name) throw new Error(`it is of ${machine}`);
      const alarms = createAlarms(machine, policy, state as AlarmState);
      machines.set(machine, { alarms, unsettled: unsettled as unknown as AlarmChange[] });
    } catch (error) {
      const why = error instanceof z.ZodError ? error.issues[0].message : messageOf(error);
      warn(
        `openAlarmFiles: expected alarms of version 1 in ${join(folder, name)}, got ${why}; its machine begins anew`,
      );
    }
  }

  function write(machine: string, { alarms, unsettled }: Kept): void {
    const content = { thrum: 'alarms', version: 1, machine, state: alarms.state(), unsettled };
    const path = join(folder, fileOf(machine));
    try {
      writeDurably(path, Buffer.from(JSON.stringify(content)));
      isFailing = false;
    } catch (error) {
      // Once per trouble: a full disk stays full for many windows.
      const known = notWritten('openAlarmFiles', path, error, 'alarms are kept again; until then a restart forgets');
      if (!isFailing) warn(messageOf(known));
      isFailing = true;
    }
  }

  function remove(machine: string): void {
    machines.delete(machine);
    rmSync(join(folder, fileOf(machine)), { force: true });
  }

  /** Moves the machine to the end, and makes room for a new one. */
  function keptOf(machine: string): Kept {
    const kept = machines.get(machine) ?? { alarms: createAlarms(machine, policy), unsettled: [] };
    machines.delete(machine);
    machines.set(machine, kept);
    for (const [oldest] of machines) {
      if (machines.size <= maxMachines) break;
      remove(oldest);
      warn(`alarms of ${oldest} are forgotten: more than ${maxMachines} machines came, it was heard longest ago`);
    }
    return kept;
  }

  try {
    mkdirSync(folder, { recursive: true });
    removeTemporaries(folder);
    const changed = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const names = readdirSync(folder).filter(isOurs);
    const byTime = names.map((name) => ({ name, at: changed(name) })).sort((a, b) => a.at - b.at);
    for (const { name } of byTime.splice(0, Math.max(0, names.length - maxMachines))) rmSync(join(folder, name));
    for (const { name } of byTime) read(name);
  } catch (error) {
    throw notWritten('openAlarmFiles', folder, error, 'start again, or name another folder');
  }

  return {
    observe(machine, observation) {
      const kept = keptOf(machine);
      const changes = kept.alarms.observe(observation);
      kept.unsettled = [...kept.unsettled, ...changes].slice(-MOST_UNSETTLED);
      write(machine, kept);
      return changes;
    },
    settled(change) {
      const kept = machines.get(change.machine);
      if (!kept?.unsettled.some((one) => isSame(one, change))) return;
      kept.unsettled = kept.unsettled.filter((one) => !isSame(one, change));
      write(change.machine, kept);
    },
    unsettled: () => [...machines.values()].flatMap(({ unsettled }) => unsettled),
  };
}
