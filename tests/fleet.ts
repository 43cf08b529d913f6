// A fleet for tests: a detector, a store in memory, workers in this process, and recordings to send.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { writeDetector } from '../src/detection/detector-file.ts';
import { createAlarms } from '../src/monitor/alarm/alarms.ts';
import { defaultPolicy } from '../src/monitor/alarm/policy.ts';
import { createInlinePool } from '../src/monitor/hearing/inline.test-util.ts';
import { runWorker, type Worker, type WorkerOptions } from '../src/monitor/queue/worker.node.ts';
import { createMemoryBlobs } from '../src/monitor/store/memory-blobs.test-util.ts';
import { openStore } from '../src/monitor/store/open.node.ts';
import { openBlobs } from '../src/monitor/store/open-blobs.node.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { simulate } from '../src/signal/simulate/index.ts';

/** A quarter of a second of a bearing, another one for every seed. */
export function soundOf(seed: number): Uint8Array {
  const { recording } = simulate({ machine: 'bearing', sampleRate: 2000, seconds: 0.25, seed });
  return writeWav(recording, { bits: 'float32' });
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 300): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Files of a store and of blobs, where other processes shall use them too. */
const filesIn = async (folder: string, database = join(folder, 'thrum.db')) => ({
  store: await openStore(database),
  blobs: await openBlobs(join(folder, 'blobs')),
});

/** A store with a detector for every machine of `machines`, and what workers need beside it. */
export async function createFleet(
  machines: readonly string[] = ['pump'],
  { onDisk = false, database }: { onDisk?: boolean; database?: string } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-fleet-'));
  const { store, blobs } = onDisk
    ? await filesIn(folder, database)
    : { store: await openStore(':memory:'), blobs: createMemoryBlobs() };
  const pool = createInlinePool();
  const seeds = Array.from({ length: 6 }, (_, i) => 1000 + i);
  const { detector } = await pool.fit({
    sounds: seeds.map((seed) => ({ kind: 'bytes', bytes: soundOf(seed), name: `${seed}` })),
    names: seeds.map(String),
    encoder: 'spectral',
    segmentSeconds: null,
    channel: 0,
    settings: { transform: 'standardise' },
  });
  const bytes = await writeDetector(detector);
  await blobs.put('detectors/bearing-1', bytes);
  await store.addDetector({
    name: 'bearing',
    createdMs: 0,
    origin: 'fitted',
    note: '',
    blob: 'detectors/bearing-1',
    bytes: bytes.length,
    encoder: detector.encoder.id,
    fingerprint: detector.encoder.fingerprint,
    sampleRate: 2000,
    threshold: detector.threshold,
    falseAlarmRate: 0.01,
    segments: seeds.length,
    labels: [],
  });
  for (const name of machines) {
    await store.putMachine({ name, detector: 'bearing', policy: defaultPolicy, createdMs: 0 });
  }
  const workers: Worker[] = [];
  const connections: NatsConnection[] = [];
  return {
    folder,
    store,
    blobs,
    pool,
    async work(servers: readonly string[], options: Partial<WorkerOptions> = {}): Promise<Worker> {
      const parts = { store, blobs, pool, createAlarms, policy: defaultPolicy };
      const worker = await runWorker({ ...parts, servers, ackSeconds: 2, graceSeconds: 2, ...options });
      workers.push(worker);
      return worker;
    },
    async sender(...servers: string[]): Promise<NatsConnection> {
      const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
      connections.push(connection);
      return connection;
    },
    async end(): Promise<void> {
      await Promise.all(workers.map((worker) => worker.stop().catch(() => {})));
      await Promise.all(connections.map((connection) => connection.close()));
      await pool.close();
      await store.close();
      await blobs.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
