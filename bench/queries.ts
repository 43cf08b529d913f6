// npm run bench:queries: milliseconds of the store's thread and of the event loop that a query takes, with ROWS scores
// (1,000,000 by default) of 100 machines in SQLite, one query after the other.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { defaultPolicy } from '../src/monitor/alarm/policy.ts';
import { createHearingPool } from '../src/monitor/hearing/pool.node.ts';
import { createStore } from '../src/monitor/store/create-store.ts';
import { openStore } from '../src/monitor/store/open.node.ts';
import { openBlobs } from '../src/monitor/store/open-blobs.node.ts';
import { migrate } from '../src/monitor/store/schema.ts';
import { openSqlite } from '../src/monitor/store/sqlite.node.ts';
import { createApp } from '../src/server/app.ts';
import { listen } from '../src/server/listen.ts';
import { createLog } from '../src/server/log.ts';
import { createParts } from '../src/server/parts.ts';

const ROWS = Number(process.env.ROWS ?? 1e6);
const TIMES = Number(process.env.TIMES ?? 200);
const MACHINES = 100;
const BANDS = 24;

const bands = Array.from({ length: BANDS }, (_, i) => ({
  ...{ lowHz: (i * 8000) / BANDS, highHz: ((i + 1) * 8000) / BANDS, share: 1 / BANDS, deviations: Math.sin(i) },
}));
const details = JSON.stringify({
  ...{ bands, places: [], nearest: { file: 'normal.wav', startSeconds: 0, durationSeconds: 10 } },
});

const line = (name: string, ...values: number[]) =>
  process.stdout.write(`${name.padEnd(64)}${values.map((value) => value.toFixed(2).padStart(9)).join('')}\n`);

const folder = mkdtempSync(join(tmpdir(), 'thrum-queries-'));
try {
  const path = join(folder, 'store.sqlite');
  const sql = openSqlite(path);
  await migrate(sql);
  const store = createStore(sql);
  for (let m = 0; m < MACHINES; m++) await store.putMachine({ name: `fan-${m}`, policy: defaultPolicy, createdMs: 1 });
  const numbers = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})`;
  const rows = `select 'fan-' || (i % ${MACHINES}), printf('%064x', i)`;
  await sql.query(`insert into recordings (machine, hash, name, start_ms, duration_seconds, sample_rate, bytes,
    received_ms, blob) ${numbers} ${rows}, 'load.wav', 10000.0 * i, 10, 16000, 320044, 10000.0 * i, 'x' from n where true`);
  await sql.query(
    `insert into scores (machine, hash, detector, version, idx, start_ms, duration_seconds, sample_rate, constant, score,
    p_value, threshold, anomalous, details) ${numbers} ${rows}, 'fan', 1, 0, 10000.0 * i, 10, 16000, 0, 1.2345678901234567,
    0.3, 2.5, 0, $1 from n where true`,
    [details],
  );
  // The store's thread, without the thread: what its statements and its JSON take.
  const busy = async (work: () => Promise<unknown>): Promise<number> => {
    await work();
    // Of the processor, so that others on the machine count less.
    const before = process.cpuUsage();
    for (let i = 0; i < TIMES; i++) await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / TIMES;
  };
  const fan = () => `fan-${Math.floor(Math.random() * MACHINES)}`;
  const queries = [
    ['100 scores', () => store.json({ of: 'scores', machine: fan(), limit: 100 }), 'machines/MACHINE/scores?limit=100'],
    [
      '1000 scores',
      () => store.json({ of: 'scores', machine: fan(), limit: 1000 }),
      'machines/MACHINE/scores?limit=1000',
    ],
    [
      '500 recordings',
      () => store.json({ of: 'recordings', machine: fan(), limit: 500 }),
      'machines/MACHINE/recordings',
    ],
    ['open alarms', () => store.json({ of: 'alarms', open: true, limit: 500 }), 'alarms?open=true'],
    ['all machines', () => store.json({ of: 'machines', nowMs: 0, limit: 500 }), 'machines'],
    ['one machine', () => store.machineStatus(fan(), 0), 'machines/MACHINE'],
    ['totals', () => store.totals(), '../metrics'],
  ] as const;
  const threadMs = [];
  for (const [, work] of queries) threadMs.push(await busy(work));
  await store.close();

  const threaded = await openStore(path);
  const blobs = await openBlobs(join(folder, 'blobs'));
  const pool = createHearingPool({ threads: 1 });
  const log = createLog({ format: 'text', write: () => {} });
  const parts = createParts({ store: threaded, blobs, pool, log, scratch: folder, version: '0', allowedHosts: [] });
  const server = await listen(createApp(parts).fetch, { host: '127.0.0.1', port: 0 });
  const { Worker } = await import('node:worker_threads');
  // Asks from a thread of its own: what is measured here is the loop that answers.
  const asker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    const { Agent, get } = require('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    parentPort.on('message', async ({ url, times }) => {
      for (let i = 0; i < times; i++) {
        await new Promise((resolve, reject) =>
          get(url.replace('MACHINE', 'fan-' + (i % ${MACHINES})), { agent }, (answer) => {
            if (answer.statusCode !== 200) reject(new Error(url + ' ' + answer.statusCode));
            answer.resume();
            answer.on('end', resolve);
          }).on('error', reject));
      }
      parentPort.postMessage('done');
    });`,
    { eval: true },
  );
  process.stdout.write(`${ROWS} scores, ${cpus()[0].model.trim()}, Node ${process.versions.node}\n`);
  process.stdout.write(`${'milliseconds per query'.padEnd(64)}   thread     loop    whole\n`);
  const ask = (path: string, times: number) =>
    new Promise<void>((resolve, reject) => {
      asker
        .removeAllListeners()
        .once('message', () => resolve())
        .once('error', reject);
      asker.postMessage({ url: new URL(path, `${server.url}/api/`).href, times });
    });
  for (const [i, [name, , path]] of queries.entries()) {
    await ask(path, 5);
    const [utilisation, before] = [performance.eventLoopUtilization(), performance.now()];
    await ask(path, TIMES);
    const { active } = performance.eventLoopUtilization(utilisation);
    line(name, threadMs[i], active / TIMES, (performance.now() - before) / TIMES);
  }
  await asker.terminate();
  parts.stopTaking();
  await server.close(1000);
  await parts.close();
  await pool.close();
  await threaded.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
