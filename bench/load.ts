// An open-loop load on an HTTP service: requests start when they are due, whether or not those before are answered, and a
// latency counts from when its request was due. A process of its own: node dist/bench/load.js PLAN.json, answers on stdout.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** What is asked for. Bodies are taken in turn; `{n}` in the path is the number of the request, modulo `machines`. */
export type LoadPlan = {
  port: number;
  method: 'GET' | 'POST';
  path: string;
  machines: number;
  bodies: string[];
  /** Requests per second; 0: as many as `inFlight` allows, one after another. */
  perSecond: number;
  inFlight: number;
  seconds: number;
};

export type LoadResult = {
  sent: number;
  /** Answers by their status; 0: none came. */
  statuses: Record<string, number>;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Runs a plan to its end, the last answer included. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: plan.inFlight });
  const bodies = plan.bodies.map((file) => readFileSync(file));
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  let sent = 0;
  const once = (dueMs: number): Promise<void> => {
    const n = sent++;
    // Every body is another recording: its last sample says which.
    const body = bodies.length > 0 ? Buffer.from(bodies[n % bodies.length]) : undefined;
    body?.writeUInt32LE((process.pid * 65_537 + n) >>> 0, body.length - 4);
    const path = plan.path.replace('{n}', String(n % plan.machines)).replace('{ms}', String(Date.now()));
    return new Promise((resolve) => {
      const done = (status: number) => {
        latencies.push(performance.now() - dueMs);
        statuses[status] = (statuses[status] ?? 0) + 1;
        resolve();
      };
      const headers = body && { 'content-type': 'audio/wav', 'content-length': body.length };
      const asked = request(
        { agent, host: '127.0.0.1', port: plan.port, method: plan.method, path, headers },
        (answer) => {
          answer.resume();
          answer.on('end', () => done(answer.statusCode ?? 0));
        },
      );
      asked.on('error', () => done(0));
      asked.end(body);
    });
  };
  const start = performance.now();
  const end = start + 1000 * plan.seconds;
  if (plan.perSecond === 0) {
    const loop = async () => {
      while (performance.now() < end) await once(performance.now());
    };
    await Promise.all(Array.from({ length: plan.inFlight }, loop));
  } else {
    const running: Promise<void>[] = [];
    for (let due = start; due < end; due += 1000 / plan.perSecond) {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      running.push(once(due));
    }
    await Promise.all(running);
  }
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  return {
    sent,
    statuses,
    perSecond: sent / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: latencies[latencies.length - 1],
  };
}

if (process.argv[2]) {
  const plan = JSON.parse(readFileSync(process.argv[2], 'utf8')) as LoadPlan;
  process.stdout.write(`${JSON.stringify(await runLoad(plan))}\n`);
}
