// Detectors in versions, and the machines that they hear.
import { InputError } from '../../signal/errors.ts';
import { leaveBlobs, strayAmong } from './expire.ts';
import { detectorOf, machineOf, places } from './rows.ts';
import { createConditions, type Query, type Sql } from './sql.ts';
import type { DetectorVersion, NewVersion, Store } from './types.ts';

async function checkVersion(query: Query, what: string, name: string, version?: number): Promise<void> {
  const which = version === undefined ? '' : ' and version = $2';
  const values = version === undefined ? [name] : [name, version];
  const [found] = await query(`select 1 as found from detectors where name = $1${which} limit 1`, values);
  if (!found) {
    const version_ = version === undefined ? '' : `version ${version} of `;
    throw new InputError(`${what}: expected ${version_}a detector ${name}, found none; add it first`);
  }
}

/** Ends a transaction without an error, and undoes all of it. */
const CONFLICT = Symbol('conflict');

/** Undefined where another version than `current` is in use, or a label to be learned was taken back. */
async function insertVersion(run: Query, added: NewVersion, current?: number): Promise<DetectorVersion | undefined> {
  const { name, use = true } = added;
  if (added.parent !== undefined) await checkVersion(run, 'addDetector', name, added.parent);
  const [{ newest, used }] = await run(
    `select coalesce(max(version), 0) as newest, coalesce(max(case when current = 1 then version end), 0) as used
    from detectors where name = $1`,
    [name],
  );
  if (current !== undefined && used !== current) return undefined;
  const version = (newest as number) + 1;
  const inUse = use || used === 0;
  if (inUse) await run('update detectors set current = 0 where name = $1 and current = 1', [name]);
  const values = [
    ...[name, version, added.createdMs, added.parent, added.origin, added.note, added.blob, added.bytes],
    ...[added.encoder, added.fingerprint, added.sampleRate, added.threshold, added.falseAlarmRate],
    ...[added.segments, JSON.stringify(added.labels), Number(inUse)],
  ];
  const [row] = await run(
    `insert into detectors (name, version, created_ms, parent, origin, note, blob, bytes, encoder, fingerprint,
      sample_rate, threshold, false_alarm_rate, segments, labels, current)
    values (${places(values)}) returning *`,
    values,
  );
  for (const { machine, hash } of added.learned ?? []) {
    const [found] = await run('select 1 as found from recordings where machine = $1 and hash = $2', [machine, hash]);
    if (!found) {
      throw new InputError(`addDetector: expected stored recordings as learned, found no ${hash} of ${machine}`);
    }
    await run('insert into learned values ($1, $2, $3, $4) on conflict do nothing', [name, version, machine, hash]);
  }
  for (const id of added.learnedLabels ?? []) {
    const stands = await run(
      'update labels set version = $2, detector = $3 where id = $1 and undone = 0 returning id',
      [id, version, name],
    );
    if (stands.length === 0 && current !== undefined) return undefined;
  }
  return detectorOf(row);
}

type DetectorMethods = Pick<
  Store,
  'addDetector' | 'addDetectorOn' | 'detectors' | 'detectorVersions' | 'detector' | 'useVersion' | 'removeDetector'
>;

export function createDetectorMethods({ query, transaction }: Sql): DetectorMethods {
  return {
    // Two that add at once would take the same number: the second violates an index, and is run again.
    addDetector: (added) => transaction(async (run) => (await insertVersion(run, added)) as DetectorVersion),

    async addDetectorOn(current, added) {
      try {
        return await transaction(async (run) => {
          const version = await insertVersion(run, added, current);
          if (!version) throw CONFLICT;
          return version;
        });
      } catch (error) {
        if (error === CONFLICT) return 'conflict';
        throw error;
      }
    },

    detectors: async () => (await query('select * from detectors where current = 1 order by name')).map(detectorOf),

    detectorVersions: async (name) =>
      (await query('select * from detectors where name = $1 order by version desc', [name])).map(detectorOf),

    async detector(name, version) {
      const which = version === undefined ? 'current = 1' : 'version = $2';
      const values = version === undefined ? [name] : [name, version];
      const [row] = await query(`select * from detectors where name = $1 and ${which}`, values);
      return row && detectorOf(row);
    },

    useVersion: (name, version) =>
      transaction(async (run) => {
        await checkVersion(run, 'useVersion', name, version);
        await run('update detectors set current = 0 where name = $1 and current = 1', [name]);
        await run('update detectors set current = 1 where name = $1 and version = $2', [name, version]);
      }),

    removeDetector: (name) =>
      transaction(async (run) => {
        const users = await run('select name from machines where detector = $1 order by name', [name]);
        if (users.length > 0) {
          const them = users.map((user) => user.name).join(', ');
          throw new InputError(
            `removeDetector: expected a detector that hears no machine, but ${name} hears ${them}; give it another one first`,
          );
        }
        await run('delete from learned where detector = $1', [name]);
        const rows = await run('delete from detectors where name = $1 returning blob', [name]);
        const blobs = rows.map(({ blob }) => blob as string);
        await leaveBlobs(run, blobs);
        return strayAmong(run, blobs);
      }),
  };
}

type MachineMethods = Pick<Store, 'putMachine' | 'machines' | 'machineNames' | 'machine' | 'removeMachine'>;

/** Tables with rows of a machine: first those that refer to the others. */
const OF_MACHINE = [
  'machine_counts',
  'learned',
  'scores',
  'labels',
  'recordings',
  'alarms',
  'alarm_changes',
  'alarm_states',
  'dead_letters',
];

export function createMachineMethods({ query, transaction }: Sql): MachineMethods {
  return {
    putMachine: ({ name, detector, policy, createdMs }) =>
      transaction(async (run) => {
        if (detector !== undefined) await checkVersion(run, 'putMachine', detector);
        await run(
          `insert into machines (name, detector, policy, created_ms) values ($1, $2, $3, $4)
          on conflict (name) do update set detector = excluded.detector, policy = excluded.policy`,
          [name, detector, JSON.stringify(policy), createdMs],
        );
      }),

    machines: async () => (await query('select * from machines order by name')).map(machineOf),

    async machineNames(detector) {
      const { values, and, where } = createConditions();
      and('detector =', detector);
      return (await query(`select name from machines ${where()} order by name`, values)).map(
        ({ name }) => name as string,
      );
    },

    async machine(name) {
      const [row] = await query('select * from machines where name = $1', [name]);
      return row && machineOf(row);
    },

    removeMachine: (name) =>
      transaction(async (run) => {
        for (const table of ['recordings', 'dead_letters']) {
          const rows = await run(`select blob from ${table} where machine = $1 and blob is not null`, [name]);
          await leaveBlobs(
            run,
            rows.map(({ blob }) => blob as string),
          );
        }
        for (const table of OF_MACHINE) await run(`delete from ${table} where machine = $1`, [name]);
        await run('delete from machines where name = $1', [name]);
      }),
  };
}
