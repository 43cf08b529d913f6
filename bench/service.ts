// npm run bench:service: what `thrum serve` sustains on this machine: sensors in real time per encoder, latencies of the API
// at rising rates, delays of the event loop, and memory over a soak (SOAK_MINUTES, 2 by default). The load runs on the same cores.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { simulate } from '../src/signal/simulate/index.ts';
import type { LoadPlan, LoadResult } from './load.ts';

const CLI = new URL('../cli/main.js', import.meta.url).pathname;
const LOAD = new URL('./load.js', import.meta.url).pathname;
const ENCODERS = (process.env.ENCODERS ?? 'spectral-shape-10ms,thrum-1').split(',');
const SOAK_MINUTES = Number(process.env.SOAK_MINUTES ?? 2);
const SECONDS = 10;
const RATE = 16_000;
const MACHINES = 8;
/** Of what the service can do at most, in the soak. */
const SOAK_SHARE = 0.8;
/** Questions for 100 scores each second while recordings come. */
const READS_BESIDE = 10;
/** Of sound that is kept: a soak hears more than a disk may hold. */
const MAX_BYTES = 4e9;

type Service = { child: ChildProcess; port: number };

async function startService(data: string): Promise<Service> {
  const child = spawn(
    process.execPath,
    [CLI, 'serve', '--port', '0', '--data', data, '--max-bytes', String(MAX_BYTES)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  const port = await new Promise<number>((resolve, reject) => {
    const hear = (text: Buffer) => {
      said += text.toString();
      const found = /127\.0\.0\.1:(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('exit', (code) => reject(new Error(`bench: thrum serve ended with ${code}: ${said}`)));
  });
  child.removeAllListeners('exit');
  child.stdout?.removeAllListeners('data').resume();
  child.stderr?.removeAllListeners('data').resume();
  return { child, port };
}

const stop = async ({ child }: Service): Promise<void> => {
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await ended;
};

const residentMiB = ({ child }: Service): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

const call = async (service: Service, method: string, path: string, body?: Uint8Array | object) => {
  const raw = body instanceof Uint8Array;
  const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, {
    method,
    ...(body && { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    headers: body && !raw ? { 'content-type': 'application/json' } : {},
  });
  if (!answer.ok) throw new Error(`bench: ${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
};

/** The scores in the store, and the longest that the event loop was kept from its work since the last question, in ms. */
async function metrics(service: Service): Promise<{ scores: number; loopDelayMs: number }> {
  const lines = (await (await call(service, 'GET', '/metrics')).text()).split('\n');
  const value = (name: string) => Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
  const delay = value('thrum_event_loop_delay_seconds{quantile="1"}');
  return { scores: value('thrum_stored_scores'), loopDelayMs: 1000 * delay };
}
const loopDelayMs = async (service: Service): Promise<number> => (await metrics(service)).loopDelayMs;

let plans = 0;
function load(
  folder: string,
  service: Service,
  plan: Partial<LoadPlan> & Pick<LoadPlan, 'path' | 'seconds'>,
): Promise<LoadResult> {
  const file = join(folder, `plan-${plans++}.json`);
  const whole: LoadPlan = {
    ...{ port: service.port, method: 'GET', machines: MACHINES, bodies: [], perSecond: 0, inFlight: 64 },
    ...plan,
  };
  writeFileSync(file, JSON.stringify(whole));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LOAD, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.on('exit', (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`bench: load ended with ${code}`)),
    );
  });
}

const line = (name: string, value: string) => process.stdout.write(`${name.padEnd(44)}${value}\n`);
const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

const folder = mkdtempSync(join(tmpdir(), 'thrum-service-'));
try {
  const bodies = Array.from({ length: 16 }, (_, i) => {
    const file = join(folder, `${i}.wav`);
    writeFileSync(file, writeWav(simulate({ machine: 'fan', seed: i, seconds: SECONDS, sampleRate: RATE }).recording));
    return file;
  });
  const upload = { method: 'POST', path: '/api/machines/fan-{n}/recordings?name=load.wav', bodies } as const;
  const encoders = [];
  for (const encoder of ENCODERS) {
    const service = await startService(join(folder, `data-${encoder}`));
    for (const [i, file] of bodies.slice(0, 12).entries()) {
      await call(service, 'POST', `/api/machines/fan-0/recordings?name=${i}.wav&score=false`, readFileSync(file));
    }
    const job = (await (
      await call(service, 'POST', '/api/detectors/fan/fit', { machine: 'fan-0', encoder })
    ).json()) as { id: string };
    for (;;) {
      const { state, error } = (await (await call(service, 'GET', `/api/jobs/${job.id}`)).json()) as {
        state: string;
        error?: string;
      };
      if (state === 'failed') throw new Error(`bench: fit failed: ${error}`);
      if (state === 'done') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (let m = 0; m < MACHINES; m++) await call(service, 'PUT', `/api/machines/fan-${m}`, { detector: 'fan' });
    await load(folder, service, { ...upload, inFlight: 4, seconds: 5 });
    await loopDelayMs(service);
    const most = await load(folder, service, { ...upload, inFlight: 4, seconds: 30 });
    const sensors = most.perSecond * SECONDS;
    line(
      `${encoder}: recordings of ${SECONDS} s`,
      `${most.perSecond.toFixed(1)} per second: ${sensors.toFixed(0)} sensors`,
    );
    const delayAtMostMs = await loopDelayMs(service);
    const scores = { path: '/api/machines/fan-{n}/scores?limit=100' };
    const [steady, beside] = await Promise.all([
      load(folder, service, { ...upload, perSecond: SOAK_SHARE * most.perSecond, seconds: 30 }),
      load(folder, service, { ...scores, perSecond: READS_BESIDE, seconds: 30 }),
    ]);
    const delayMs = await loopDelayMs(service);
    line(
      `${encoder}: at ${100 * SOAK_SHARE} % of it`,
      `p50 ${steady.p50Ms.toFixed(0)} ms, p99 ${steady.p99Ms.toFixed(0)} ms, event loop at most ${delayMs.toFixed(0)} ms late`,
    );
    line(
      `${encoder}: and 100 scores, ${READS_BESIDE} times a second`,
      `p50 ${beside.p50Ms.toFixed(1)} ms, p99 ${beside.p99Ms.toFixed(1)} ms`,
    );
    const api = [];
    for (const perSecond of [50, 100, 200, 400]) {
      const asked = await load(folder, service, { ...scores, perSecond, seconds: 10 });
      api.push({
        perSecond,
        statuses: asked.statuses,
        p50Ms: rounded(asked.p50Ms),
        p99Ms: rounded(asked.p99Ms),
        loopDelayMs: rounded(await loopDelayMs(service)),
      });
      line(
        `${encoder}: 100 scores, ${perSecond} times a second`,
        `p50 ${asked.p50Ms.toFixed(1)} ms, p99 ${asked.p99Ms.toFixed(1)} ms`,
      );
    }
    const minutes: { p99Ms: number; loopDelayMs: number; memoryMiB: number }[] = [];
    const before = await metrics(service);
    const soakEnd = performance.now() + 60_000 * SOAK_MINUTES;
    const soak = { sent: 0, failed: 0, scored: 0 };
    while (performance.now() < soakEnd) {
      const part = await load(folder, service, { ...upload, perSecond: SOAK_SHARE * most.perSecond, seconds: 60 });
      soak.sent += part.sent;
      soak.failed += part.sent - (part.statuses['201'] ?? 0);
      const now = await metrics(service);
      soak.scored = now.scores - before.scores;
      const minute = {
        p99Ms: Math.round(part.p99Ms),
        loopDelayMs: Math.round(now.loopDelayMs),
        memoryMiB: Math.round(residentMiB(service)),
      };
      minutes.push(minute);
      line(`${encoder}: minute ${minutes.length}`, JSON.stringify({ ...soak, ...minute }));
    }
    encoders.push({
      encoder,
      sensors: Math.floor(sensors),
      atMost: {
        perSecond: rounded(most.perSecond, 2),
        p50Ms: rounded(most.p50Ms),
        p99Ms: rounded(most.p99Ms),
        loopDelayMs: rounded(delayAtMostMs),
      },
      steady: {
        perSecond: rounded(steady.perSecond, 2),
        p50Ms: rounded(steady.p50Ms),
        p99Ms: rounded(steady.p99Ms),
        loopDelayMs: rounded(delayMs),
        statuses: steady.statuses,
        scoresBeside: {
          perSecond: READS_BESIDE,
          p50Ms: rounded(beside.p50Ms),
          p99Ms: rounded(beside.p99Ms),
          statuses: beside.statuses,
        },
      },
      api,
      soak: {
        ...{ minutes: SOAK_MINUTES, perSecond: rounded(SOAK_SHARE * most.perSecond, 2), ...soak },
        // One figure a minute.
        p99Ms: minutes.map(({ p99Ms }) => p99Ms),
        loopDelayMs: minutes.map(({ loopDelayMs }) => loopDelayMs),
        memoryMiB: minutes.map(({ memoryMiB }) => memoryMiB),
      },
    });
    await stop(service);
  }
  const threads = availableParallelism();
  const result = {
    command: `ENCODERS=${ENCODERS.join(',')} SOAK_MINUTES=${SOAK_MINUTES} npm run bench:service`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}; load on the same cores`,
    recording: `${SECONDS} s at ${RATE} Hz, 16 bits`,
    encoders,
  };
  mkdirSync('results', { recursive: true });
  writeFileSync('results/service.json', `${JSON.stringify(result, null, 2)}\n`);
  line('written', 'results/service.json');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
