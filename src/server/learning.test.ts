import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasPostgres, inPostgres, type PostgresServer, startPostgres } from '../../tests/postgres-server.ts';
import { createInlinePool } from '../monitor/hearing/inline.test-util.ts';
import { openStore } from '../monitor/store/open.node.ts';
import type { Store } from '../monitor/store/types.ts';
import type { ApiDetector, ApiJob, ApiLabel, ApiUploaded } from './schemas.ts';
import { ask, hum, type Service, startService } from './service.test-util.ts';

type Said = { label: ApiLabel; job?: ApiJob };

/** Two services on one store, as a fleet has them; the pool of the first can be made to wait. */
let services: Service[];
let gate: Promise<void>;
let open: () => void;
let extending: number;
async function start(stores: readonly [Store, Store]): Promise<void> {
  gate = Promise.resolve();
  open = () => {};
  extending = 0;
  const inline = createInlinePool();
  const slow = {
    ...inline,
    extend: async (...call: Parameters<typeof inline.extend>) => {
      extending++;
      const made = await inline.extend(...call);
      await gate;
      return made;
    },
  };
  const first = await startService({ store: stores[0], pool: slow });
  services = [first, await startService({ store: stores[1], blobs: first.blobs })];
  for (let seed = 1; seed <= 6; seed++) await upload(seed);
  const { body } = await ask<ApiJob>(at('detectors/pump/fit'), {
    method: 'POST',
    json: { machine: 'pump', encoder: 'spectral' },
  });
  expect(await ended(body)).toMatchObject({ state: 'done' });
}
afterEach(async () => {
  open();
  for (const service of services.reverse()) await service.close();
});

const at = (path: string, service = services[0]) => `${service.url}/api/${path}`;
const upload = async (seed: number, hz = 300) =>
  (
    await ask<ApiUploaded>(at(`machines/pump/recordings?name=hum${seed}.wav&startMs=${seed * 1000}`), {
      method: 'POST',
      bytes: hum(seed, hz),
    })
  ).body.recording.hash;
const say = async (hash: string, service = services[0]) =>
  (await ask<Said>(at('labels', service), { method: 'POST', json: { machine: 'pump', hash, label: 'normal' } })).body;
const undo = async (id: number, service = services[0]) =>
  (await ask<Said>(at(`labels/${id}/undo`, service), { method: 'POST' })).body;
const ended = async (job: ApiJob | undefined, service = services[0]): Promise<ApiJob> => {
  for (;;) {
    const { body } = await ask<ApiJob>(at(`jobs/${job?.id}`, service));
    if (body.state === 'done' || body.state === 'failed') return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const current = async () => (await ask<ApiDetector[]>(at('detectors'))).body[0];
const shut = () => {
  gate = new Promise((resolve) => {
    open = resolve;
  });
};

let server: PostgresServer | undefined;
beforeAll(async () => {
  if (hasPostgres) server = await startPostgres();
});
afterAll(() => server?.stop());

const databases = [
  {
    ...{ name: 'learning from labels', missing: false },
    newStores: async (): Promise<[Store, Store]> => {
      const store = await openStore(':memory:');
      return [store, { ...store, close: async () => {} }];
    },
  },
  {
    ...{ name: inPostgres('learning from labels'), missing: !hasPostgres },
    newStores: async (): Promise<[Store, Store]> => {
      const url = await (server as PostgresServer).newDatabase();
      return [await openStore(url), await openStore(url)];
    },
  },
];

describe.each(databases)('$name', ({ missing, newStores }) => {
  if (missing) return void it.skip('is not here');
  beforeEach(async () => start(await newStores()));

  it('loses none of those that are learned at once, in one service and in two', async () => {
    const hashes: string[] = [];
    for (let seed = 20; seed < 26; seed++) hashes.push(await upload(seed, 900));
    const said = await Promise.all(hashes.map((hash, i) => say(hash, services[i % 2])));
    const jobs = await Promise.all(said.map(({ job }, i) => ended(job, services[i % 2])));
    for (const job of jobs) expect(job, JSON.stringify(job)).toMatchObject({ state: 'done' });
    expect(await current()).toMatchObject({ segments: 12, origin: 'feedback' });
    // And forgets them, all at once, from both sides.
    const undone = await Promise.all(said.map(({ label }, i) => undo(label.id, services[(i + 1) % 2])));
    for (const [i, { job }] of undone.entries()) await ended(job, services[(i + 1) % 2]);
    expect(await current()).toMatchObject({ segments: 6, origin: 'undo' });
  });

  it('is done again where the threshold is changed meanwhile', async () => {
    const hash = await upload(20, 900);
    shut();
    const { job } = await say(hash);
    await expect.poll(() => extending).toBe(1);
    const changed = await ask<ApiDetector>(at('detectors/pump/threshold', services[1]), {
      method: 'PUT',
      json: { falseAlarmRate: 0.2 },
    });
    expect(changed.body).toMatchObject({ version: 2 });
    open();
    expect(await ended(job)).toMatchObject({
      state: 'done',
      detector: { parent: 2, falseAlarmRate: 0.2, segments: 7 },
    });
  });

  it('keeps a threshold set by hand, before a label is learned or since', async () => {
    const set = async (json: { threshold: number } | { falseAlarmRate: number }) =>
      (await ask<ApiDetector>(at('detectors/pump/threshold'), { method: 'PUT', json })).body;
    await set({ threshold: 7.5 });
    const { label, job } = await say(await upload(20, 900));
    expect(await ended(job)).toMatchObject({ state: 'done', detector: { segments: 7, threshold: 7.5 } });
    await set({ threshold: 8.5 });
    const undone = await ended((await undo(label.id)).job);
    expect(undone).toMatchObject({ state: 'done', detector: { origin: 'undo', segments: 6, threshold: 8.5 } });
    // Given up for a rate, it does not come back.
    const other = await say(await upload(21, 900));
    await ended(other.job);
    const { threshold } = await set({ falseAlarmRate: 0.2 });
    expect(threshold).not.toBe(8.5);
    const last = (await ended((await undo(other.label.id)).job)).detector;
    expect(last).toMatchObject({ segments: 6, falseAlarmRate: 0.2 });
    expect(last?.threshold).not.toBe(8.5);
  });

  it('does not learn a label that is taken back before it is learned', async () => {
    const hash = await upload(20, 900);
    shut();
    const { label, job } = await say(hash);
    await expect.poll(() => extending).toBe(1);
    expect(await undo(label.id, services[1])).toEqual({ label: { ...label, undone: true } });
    open();
    expect(await ended(job)).toMatchObject({ state: 'done', warnings: ['the label was taken back before'] });
    expect(await current()).toMatchObject({ version: 1, segments: 6 });
  });

  it('leaves alone a detector that was not made from what is to be forgotten', async () => {
    const { label, job } = await say(await upload(20, 900));
    expect(await ended(job)).toMatchObject({ state: 'done', detector: { version: 2, segments: 7 } });
    const fit = await ask<ApiJob>(at('detectors/pump/fit'), {
      method: 'POST',
      json: { machine: 'pump', encoder: 'spectral' },
    });
    expect(await ended(fit.body)).toMatchObject({ detector: { version: 3, segments: 7 } });
    const undone = await ended((await undo(label.id)).job);
    expect(undone.warnings).toEqual(['version 3, which is in use, was not made from version 2']);
    expect(await current()).toMatchObject({ version: 3 });
  });
});
