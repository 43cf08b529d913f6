// Machines at a glance, a page of them in one statement: each looks up its last scores, its open alarms and its counts.
import type { AlarmKind } from '../alarm/types.ts';
import { healthOf, RECENT } from '../health.ts';
import { limitOf, NEWEST_SCORE } from './pages.ts';
import { scoreText } from './row-text.ts';
import { createConditions, type Query, type Row, type Sql } from './sql.ts';
import type { MachineStatus, MachinesPage, Store } from './types.ts';

const newest = (what: string): string =>
  `select ${what} from scores where scores.machine = machines.name order by ${NEWEST_SCORE} limit 1`;

/** SQLite knows no lateral joins; PostgreSQL finds no row by its number in a join. */
const LAST: Record<Sql['dialect'], string> = {
  sqlite: `left join scores as last on last.rowid = (${newest('rowid')})`,
  postgres: `left join lateral (${newest('*')}) as last on true`,
};

const LEAST: Record<Sql['dialect'], string> = { sqlite: 'min', postgres: 'least' };

/** Rows of machines and their last scores, by name. */
export function readStatuses(query: Query, dialect: Sql['dialect'], page: Omit<MachinesPage, 'nowMs'>): Promise<Row[]> {
  const { values, and, place, where } = createConditions();
  and('machines.name =', page.machine);
  and('machines.name >', page.after);
  const limit = place(limitOf('machines', page));
  return query(
    `select last.*, machines.name, machines.detector as own_detector, machines.policy, machines.created_ms,
      coalesce(machine_counts.recordings, 0) as recordings,
      (select string_agg(kind, ',') from alarms
        where alarms.machine = machines.name and cleared_ms is null) as open_kinds,
      (select string_agg(cast(end_ms as text), ',') from (
        select ${LEAST[dialect]}(start_ms + 1000 * duration_seconds, received_ms) as end_ms from recordings
        where recordings.machine = machines.name order by start_ms desc, hash desc limit ${RECENT}) as latest) as ends
    from machines left join machine_counts on machine_counts.machine = machines.name ${LAST[dialect]}
    ${where()} order by machines.name limit ${limit}`,
    values,
  );
}

const listed = (value: unknown): string[] => (value === null ? [] : (value as string).split(','));

function glance(row: Row, nowMs: number) {
  const open = listed(row.open_kinds) as AlarmKind[];
  const facts = { fitted: row.own_detector !== null, open, ends: listed(row.ends).map(Number) };
  return { ...healthOf(facts, nowMs), openAlarms: open.length };
}

/** A MachineStatus in JSON. */
export function statusText(row: Row, nowMs: number): string {
  const { health, silentSinceMs, openAlarms } = glance(row, nowMs);
  const detector = row.own_detector === null ? '' : `,"detector":${JSON.stringify(row.own_detector)}`;
  const silent = silentSinceMs === undefined ? '' : `,"silentSinceMs":${silentSinceMs}`;
  const last = row.hash === null ? '' : `,"lastScore":${scoreText(row)}`;
  return (
    `{"name":${JSON.stringify(row.name)}${detector},"policy":${row.policy},"createdMs":${row.created_ms},` +
    `"health":"${health}"${silent}${last},"openAlarms":${openAlarms},"recordings":${row.recordings}}`
  );
}

export function createStatusMethods({ query, dialect }: Sql): Pick<Store, 'machineStatus'> {
  return {
    async machineStatus(machine, nowMs) {
      const [row] = await readStatuses(query, dialect, { machine });
      return row && (JSON.parse(statusText(row, nowMs)) as MachineStatus);
    },
  };
}
