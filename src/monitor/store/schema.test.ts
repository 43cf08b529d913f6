// Tables: made by any number of processes at once, from any older version; and queries that read no more than they need.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasPostgres, inPostgres, type PostgresServer, startPostgres } from '../../../tests/postgres-server.ts';
import { createStore } from './create-store.ts';
import { openStore } from './open.node.ts';
import { openPostgres } from './postgres.node.ts';
import { detailsOf, places } from './rows.ts';
import { MIGRATIONS, migrate } from './schema.ts';
import type { Row, Sql, SqlValue } from './sql.ts';
import { openSqlite } from './sqlite.node.ts';
import { policy, recordingOf, scoreOf } from './store.test-util.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-schema-'));
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (hasPostgres) server = await startPostgres();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server?.stop();
});
let files = 0;

const databases = [
  {
    ...{ name: 'a store in a file', missing: false, newUrl: async () => join(folder, `${files++}.db`) },
    open: (url: string) => openSqlite(url),
    tables: 'select type, name, sql from sqlite_master order by name',
    explain: 'explain query plan',
    scan: /SCAN (?!CONSTANT)/,
    sorted: /SEARCH scores USING INDEX scores_time \(machine=\? AND start_ms>\? AND start_ms<\?\)/,
  },
  {
    ...{ name: inPostgres('a store'), missing: !hasPostgres, newUrl: async () => server!.newDatabase() },
    open: (url: string) => openPostgres(url),
    tables: `select table_name, column_name, data_type, is_nullable, indexdef from information_schema.columns
      left join pg_indexes on table_name = tablename where table_schema = 'public' order by 1, 2, 5`,
    explain: 'explain',
    scan: /Seq Scan/,
    sorted: /Index Scan using scores_time/,
  },
];

describe.each(databases)('$name', ({ missing, newUrl, open, tables, explain, scan, sorted }) => {
  if (missing) return void it.skip('is not here');
  let url: string;
  let sql: Sql;
  beforeEach(async () => {
    url = await newUrl();
    sql = open(url);
    return () => sql.close();
  });

  it('is made once by processes that start at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => openStore(url)));
    await Promise.all(stores.map((store) => store.ping()));
    const versions = await sql.query('select version from thrum_schema order by version');
    expect(versions.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
    await Promise.all(stores.map((store) => store.close()));
  });

  it.each(
    MIGRATIONS.map((_, i) => i + 1),
  )('of version %i becomes what a new one is, and keeps its rows', async (from) => {
    const fresh = open(await newUrl());
    await migrate(fresh);
    await migrate(sql, from);
    const recording = recordingOf('a');
    const insert = (table: string, row: Record<string, SqlValue>) => {
      const values = Object.values(row);
      return sql.query(`insert into ${table} (${Object.keys(row).join(', ')}) values (${places(values)})`, values);
    };
    await insert('machines', { name: 'pump', policy: JSON.stringify(policy), created_ms: 1 });
    const { machine, hash, startMs: start_ms, durationSeconds: duration_seconds, sampleRate } = recording;
    const common = { machine, hash, start_ms, duration_seconds, sample_rate: sampleRate };
    const { name, bytes, receivedMs: received_ms, blob } = recording;
    await insert('recordings', { ...common, name, bytes, received_ms, blob });
    await insert('scores', {
      ...{ ...common, detector: 'rig', version: 1, idx: 0, constant: 0, score: 1 / 3, p_value: 0.01, threshold: 2.5 },
      ...{ anomalous: 1, details: detailsOf(scoreOf(recording)) },
    });
    const store = await openStore(url);
    expect(await store.recordings({})).toEqual([recording]);
    expect(await store.scores({})).toEqual([scoreOf(recording)]);
    expect(await store.totals()).toMatchObject({ recordings: 1, scores: 1, audioBytes: bytes });
    await store.close();
    expect(await sql.query(tables)).toEqual(await fresh.query(tables));
    await fresh.close();
  });

  it('of a newer program is refused in one line, and left as it is', async () => {
    await migrate(sql);
    await sql.query('insert into thrum_schema (version, applied_ms) values (1000, 0)');
    await expect(openStore(url)).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(
        /^openStore: expected a database of version \d+ or older in \S+, found version 1000; use the newer program/,
      ),
    });
    expect(await sql.query('select max(version) as version from thrum_schema')).toEqual([{ version: 1000 }]);
  });

  it('finds a page among 30,000 scores by its index', async () => {
    await migrate(sql);
    const store = createStore(sql);
    for (let i = 0; i < 500; i++) await store.putMachine({ name: `pump-${i}`, policy, createdMs: 1 });
    const rows = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000)
      select 'pump-' || (i % 500), cast(i as text)`;
    await sql.query(`insert into recordings (machine, hash, name, start_ms, duration_seconds, sample_rate, bytes,
      received_ms, blob) ${rows}, '', i, 1, 1, 1, i, cast(i as text) from n where true`);
    await sql.query(`insert into scores (machine, hash, detector, version, idx, start_ms, duration_seconds, sample_rate,
      constant, score, p_value, threshold, anomalous, details) ${rows}, 'rig', 1, 0, i, 1, 1, 0, 1, 1, 1, 0, '{"a":1}'
      from n where true`);
    await sql.query(`insert into alarms (machine, kind, raised_ms, since_ms, cleared_ms, reason) with recursive
      n (i) as (select 1 union all select i + 1 from n where i < 30000) select 'pump-' || (i % 500), 'fault', i, i,
      case when i > 29990 then null else i end, '{}' from n`);
    await sql.query(`insert into labels (machine, hash, label, author, created_ms, undone) select machine, hash, 'normal',
      'Ada', start_ms, 0 from recordings`);
    await sql.query(`insert into dead_letters (machine, hash, source, reason, at_ms, attempts) select machine, hash, '',
      '', start_ms, 1 from recordings`);
    await sql.query('analyze');

    const asked: [string, readonly SqlValue[]][] = [];
    const spied = createStore({
      ...sql,
      query: (text, values = []) => {
        asked.push([text, values]);
        return sql.query(text, values);
      },
    });
    const planOf = async (): Promise<string> => {
      const plans: Row[] = [];
      for (const [text, values] of asked.splice(0)) plans.push(...(await sql.query(`${explain} ${text}`, values)));
      return plans.map((row) => row.detail ?? row['QUERY PLAN']).join('\n');
    };

    const page = { machine: 'pump-0', fromMs: 10_000, toMs: 20_000, limit: 10 };
    expect((await spied.scores(page)).map(({ startMs }) => startMs)).toEqual(
      Array.from({ length: 10 }, (_, i) => 10_000 + 500 * i),
    );
    const plan = await planOf();
    expect(plan).toMatch(sorted);
    expect(plan).not.toMatch(scan);

    await spied.scores({ machine: 'pump-0', limit: 1 });
    await spied.scores({ fromMs: 29_000, limit: 10 });
    await spied.scores({ machine: 'pump-0', hash: '1000' });
    await spied.recordings({ machine: 'pump-0', limit: 10 });
    await spied.recordings({ limit: 10 });
    await spied.isKnown({ machine: 'pump-0', hash: '1000' });
    const pages = await planOf();
    expect(pages.replace(/SCAN \w+ USING INDEX \w+_start/g, '')).not.toMatch(scan);

    for (const of of ['scores', 'recordings', 'alarms'] as const) {
      await spied.json({ of, machine: 'pump-0', limit: 10 });
      await spied.json({ of, machine: 'pump-0', fromMs: 10_000, toMs: 20_000, limit: 10 });
    }
    const before = { startMs: 20_000, hash: 'x' };
    await spied.recordings({ machine: 'pump-0', before, limit: 10 });
    await spied.recordingNamed({ machine: 'pump-0', name: 'x' });
    await spied.recordingNamed({ machine: 'pump-0', name: '', hashStart: '10' });
    await spied.alarms({ open: true, limit: 10 });
    await spied.alarms({ machine: 'pump-0', open: true, limit: 10 });
    await spied.labels({ machine: 'pump-0', limit: 10 });
    await spied.deadLetters({ machine: 'pump-0', limit: 10 });
    for (const id of [1, 2]) await Promise.all([spied.alarm(id), spied.label(id)]);
    await spied.machineStatus('pump-0', 0);
    const others = await planOf();
    // Ten open alarms, and twenty times of one machine.
    expect(others.replace(/SCAN (alarms USING INDEX alarms_open_time|latest)/g, '')).not.toMatch(scan);
    expect(
      JSON.parse(new TextDecoder().decode(await spied.json({ of: 'machines', nowMs: 0, limit: 3 }))) as object[],
    ).toMatchObject([
      { name: 'pump-0', recordings: 60, lastScore: { startMs: 30_000 } },
      { name: 'pump-1', recordings: 60, lastScore: { startMs: 29_501 } },
      { name: 'pump-10', recordings: 60 },
    ]);
    // All rows of the small table of machines may be read, and no others.
    const list = (await planOf())
      .replace(/SCAN machines\b.*|SCAN (latest|\(subquery.*)/g, '')
      .replace(/Seq Scan on machine\w+/g, '');
    expect(list).not.toMatch(scan);
  });
});
