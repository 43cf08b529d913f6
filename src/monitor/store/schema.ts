// The tables, in numbered steps that only go forward; a step that was once released never changes.
import { countingTriggers } from './counts.ts';
import type { Query, Sql } from './sql.ts';
import { StoreError } from './store-error.ts';

/**
 * Times and lengths are doubles, as JavaScript has them. `key` stands for a number that the database gives to a new row.
 * Recordings and scores are looked up by their machine and time; what is true of one row of several only (the version
 * in use, the open alarm of a kind) is kept so by an index over just those rows.
 */
export const MIGRATIONS: readonly ((key: string, dialect: Sql['dialect']) => readonly string[])[] = [
  (key) => [
    `create table detectors (
      name text not null, version integer not null, created_ms double precision not null, parent integer,
      origin text not null, note text not null, blob text not null, bytes bigint not null, encoder text not null,
      fingerprint text not null, sample_rate double precision not null, threshold double precision,
      false_alarm_rate double precision not null, segments integer not null, labels text not null,
      current integer not null, primary key (name, version))`,
    `create unique index detectors_current on detectors (name) where current = 1`,
    `create table machines (
      name text primary key, detector text, policy text not null, created_ms double precision not null)`,
    `create table alarm_states (
      machine text primary key references machines (name), revision bigint not null, state text not null)`,
    `create table recordings (
      machine text not null references machines (name), hash text not null, name text not null,
      start_ms double precision not null, duration_seconds double precision not null,
      sample_rate double precision not null, bytes bigint not null, received_ms double precision not null, blob text,
      primary key (machine, hash))`,
    `create index recordings_time on recordings (machine, start_ms)`,
    `create index recordings_start on recordings (start_ms)`,
    `create index recordings_audio on recordings (start_ms, bytes) where blob is not null`,
    `create index recordings_blob on recordings (blob) where blob is not null`,
    `create table scores (
      machine text not null, hash text not null, detector text not null, version integer not null, idx integer not null,
      start_ms double precision not null, duration_seconds double precision not null,
      sample_rate double precision not null, constant integer not null, score double precision not null,
      p_value double precision not null, threshold double precision not null, anomalous integer not null,
      details text not null, primary key (machine, hash, detector, version, idx),
      foreign key (machine, hash) references recordings (machine, hash))`,
    `create index scores_time on scores (machine, start_ms)`,
    `create index scores_start on scores (start_ms)`,
    `create table alarms (
      id ${key}, machine text not null references machines (name), kind text not null,
      raised_ms double precision not null, since_ms double precision not null, cleared_ms double precision,
      acknowledged_by text, reason text not null)`,
    `create unique index alarms_open on alarms (machine, kind) where cleared_ms is null`,
    `create index alarms_machine on alarms (machine, raised_ms)`,
    `create index alarms_time on alarms (raised_ms)`,
    `create table labels (
      id ${key}, machine text not null, hash text not null, label text not null, author text not null,
      created_ms double precision not null, version integer, undone integer not null,
      foreign key (machine, hash) references recordings (machine, hash))`,
    `create index labels_recording on labels (machine, hash)`,
    `create index labels_time on labels (created_ms)`,
    `create table dead_letters (
      id ${key}, machine text not null, hash text not null, source text not null, reason text not null,
      at_ms double precision not null, attempts integer not null, blob text)`,
    `create index dead_letters_time on dead_letters (at_ms)`,
    `create index dead_letters_blob on dead_letters (blob) where blob is not null`,
    `create table api_keys (
      id ${key}, name text not null, scope text not null, hash text not null unique,
      created_ms double precision not null, revoked_ms double precision)`,
  ],
  () => [
    // Recordings that a version of a detector was made from, and blobs that no row may name any longer.
    `create table learned (
      detector text not null, version integer not null, machine text not null, hash text not null,
      primary key (detector, version, machine, hash),
      foreign key (detector, version) references detectors (name, version),
      foreign key (machine, hash) references recordings (machine, hash))`,
    `create index learned_recording on learned (machine, hash)`,
    `create index detectors_blob on detectors (blob)`,
    `create table stray_blobs (blob text primary key, since_ms double precision not null)`,
  ],
  (_, dialect) => [
    `alter table recordings add column variable text`,
    `alter table scores add column learned integer not null default 0`,
    `alter table labels add column detector text`,
    // With all that pages are ordered by: nothing is left to sort.
    `drop index recordings_time`,
    `create index recordings_time on recordings (machine, start_ms, hash)`,
    `drop index scores_time`,
    `create index scores_time on scores (machine, start_ms, hash, detector, version, idx)`,
    `create index recordings_name on recordings (machine, name, start_ms)`,
    `create index alarms_open_time on alarms (raised_ms) where cleared_ms is null`,
    `create index labels_machine on labels (machine, created_ms)`,
    `create index dead_letters_machine on dead_letters (machine, at_ms)`,
    `delete from dead_letters where hash <> '' and id not in (select max(id) from dead_letters group by machine, hash)`,
    `create unique index dead_letters_once on dead_letters (machine, hash) where hash <> ''`,
    // What would take a walk through all rows of a machine is counted as it comes and goes.
    `create table machine_counts (
      machine text primary key, recordings bigint not null, scores bigint not null,
      audio_bytes double precision not null)`,
    `insert into machine_counts select machines.name,
      (select count(*) from recordings where recordings.machine = machines.name),
      (select count(*) from scores where scores.machine = machines.name),
      (select coalesce(sum(bytes), 0) from recordings where recordings.machine = machines.name and blob is not null)
      from machines`,
    ...countingTriggers[dialect],
  ],
  (key) => [
    // Who has been told of what: a change of an alarm is written with the alarm, and struck out once it is delivered.
    `create table alarm_changes (
      id ${key}, machine text not null references machines (name), decided_ms double precision not null,
      content text not null)`,
    `create index alarm_changes_time on alarm_changes (decided_ms)`,
    `create table channels (name text primary key, first_id bigint not null)`,
    `create table tellings (
      channel text not null, change_id bigint not null references alarm_changes (id) on delete cascade,
      until_ms double precision not null, done integer not null, primary key (change_id, channel))`,
  ],
];

const KEYS = {
  sqlite: 'integer primary key autoincrement',
  postgres: 'bigint generated always as identity primary key',
};

/** Any number will do, as long as all processes take the same. */
const MIGRATION_LOCK = 1_416_130_157;

async function storedVersion(query: Query): Promise<number> {
  await query('create table if not exists thrum_schema (version integer primary key, applied_ms double precision)');
  const [{ version }] = await query('select coalesce(max(version), 0) as version from thrum_schema');
  return Number(version);
}

/**
 * Brings a database to version `target` (default: the newest), in one transaction. Of several processes that start at
 * once one does it, the others wait and find it done.
 * @throws StoreError where a newer program has been there
 */
export async function migrate(sql: Sql, target = MIGRATIONS.length): Promise<void> {
  await sql.transaction(async (query) => {
    if (sql.dialect === 'postgres') await query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const found = await storedVersion(query);
    if (found > MIGRATIONS.length) {
      throw new StoreError(
        `openStore: expected a database of version ${MIGRATIONS.length} or older in ${sql.name}, found version ${found}; use the newer program that made it`,
      );
    }
    for (let version = found + 1; version <= target; version++) {
      for (const statement of MIGRATIONS[version - 1](KEYS[sql.dialect], sql.dialect)) await query(statement);
      await query('insert into thrum_schema (version, applied_ms) values ($1, $2)', [version, Date.now()]);
    }
  });
}
