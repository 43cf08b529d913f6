import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { writeWav } from '../signal/readers/wav-write.ts';
import { createAlarms } from './alarm/alarms.ts';
import { defaultPolicy } from './alarm/policy.ts';
import { createInlinePool } from './hearing/inline.test-util.ts';
import type { HearingPool } from './hearing/types.ts';
import { audioKey, createIngest, hashBytes, type Ingested } from './ingest.ts';
import { createMemoryBlobs } from './store/memory-blobs.test-util.ts';
import { openStore } from './store/open.node.ts';
import { detectorOf } from './store/store.test-util.ts';
import type { Store } from './store/types.ts';
import type { Heard } from './types.ts';

const wav = (value: number): Uint8Array =>
  writeWav({ channels: [new Float32Array(100).fill(value)], sampleRate: 100, name: '' });

/** Says of every recording what the test wants. */
const heard = (changes: Partial<Heard>): Heard => ({
  ...{ startMs: 0, durationSeconds: 1, sampleRate: 100, constant: false, score: 1, pValue: 0.5, threshold: 2 },
  ...{ anomalous: false, bands: [], places: [], nearest: { file: 'n.wav', startSeconds: 0, durationSeconds: 1 } },
  ...changes,
});

let store: Store;
let blobs: ReturnType<typeof createMemoryBlobs>;
let results: Ingested[];
let says: Partial<Heard>;
let calls: number;
const inline = createInlinePool();
const pool: Pick<HearingPool, 'hear' | 'inspect'> = {
  inspect: inline.inspect,
  async hear({ startMs }) {
    calls++;
    return [heard({ ...says, startMs })];
  },
};
const policy = { ...defaultPolicy, k: 2, n: 2 };
const create = (given: Store = store) =>
  createIngest({
    ...{ store: given, blobs, pool, createAlarms, policy, now: () => 5000 },
    onResult: (result) => results.push(result),
  });
const fitted = async () => {
  await blobs.put('detectors/rig', Uint8Array.of(1));
  await store.addDetector(detectorOf('rig'));
  await create().editMachine('pump', (machine) => ({ ...machine, detector: 'rig' }));
};

beforeEach(async () => {
  store = await openStore(':memory:');
  blobs = createMemoryBlobs();
  results = [];
  says = {};
  calls = 0;
});
afterEach(() => store.close());

describe('hashBytes', () => {
  it('is SHA-256, in pieces too', async () => {
    for (const length of [0, 1, 2 ** 20, 2 ** 20 + 3]) {
      const bytes = new Uint8Array(length).map((_, i) => i * 7);
      expect(await hashBytes(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });
});

describe('createIngest', () => {
  it('keeps recordings of a machine without a detector, once', async () => {
    const { ingest } = create();
    const input = { machine: 'pump', name: 'a.wav', startMs: 1000, bytes: wav(0.5) };
    const [first, second] = [await ingest(input), await ingest({ ...input, startMs: 2000 })];
    expect(first).toMatchObject({ known: false, scores: [], recording: { durationSeconds: 1, startMs: 1000 } });
    expect(second).toMatchObject({ known: true, recording: { startMs: 1000 } });
    expect(blobs.keys()).toEqual([audioKey('pump', first.recording.hash)]);
    expect(results).toHaveLength(1);
    expect(await store.machine('pump')).toMatchObject({ policy, createdMs: 5000 });
  });

  it('stores nothing of what cannot be read', async () => {
    const { ingest } = create();
    const input = { machine: 'pump', name: 'a.wav', bytes: wav(0.5).subarray(0, 50) };
    await expect(ingest(input)).rejects.toThrow(InputError);
    await expect(ingest({ ...input, bytes: new Uint8Array() })).rejects.toThrow(/found no bytes \(a\.wav\)/);
    expect(blobs.keys()).toEqual([]);
    expect(await store.recordings({})).toEqual([]);
  });

  it('keeps the bytes before it says that it has them', async () => {
    const refusing = { ...blobs, put: () => Promise.reject(new Error('the disk is full')) };
    const { ingest } = createIngest({ store, blobs: refusing, pool, createAlarms, policy });
    await expect(ingest({ machine: 'pump', name: 'a.wav', bytes: wav(0.5) })).rejects.toThrow('the disk is full');
    expect(await store.recordings({})).toEqual([]);
  });

  it('raises alarms once, however many come at a time', async () => {
    await fitted();
    says = { score: 9, anomalous: true };
    const { ingest } = create();
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        ingest({ machine: 'pump', name: `${i}.wav`, startMs: i * 1000, bytes: wav(i / 20) }),
      ),
    );
    expect(await store.alarms({ machine: 'pump' })).toHaveLength(1);
    expect(results.flatMap(({ changes }) => changes)).toHaveLength(1);
    expect(await store.scores({ machine: 'pump' })).toHaveLength(12);
  });

  it('decides again where another process was quicker', async () => {
    await fitted();
    says = { score: 9, anomalous: true };
    const two = [create(), create()];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        two[i % 2].ingest({ machine: 'pump', name: `${i}.wav`, startMs: i * 1000, bytes: wav(i / 40) }),
      ),
    );
    expect(await store.scores({ machine: 'pump' })).toHaveLength(20);
    expect((await store.alarmState('pump')).revision).toBe(20);
    expect(await store.alarms({ machine: 'pump' })).toHaveLength(1);
  });

  it('gives up where it never gets its turn', async () => {
    await fitted();
    const { ingest } = create({ ...store, record: async () => 'conflict' });
    await expect(ingest({ machine: 'pump', name: 'a.wav', bytes: wav(0.5) })).rejects.toThrow(/quicker 50 times/);
  });

  it('scores again with a new version, without a second alarm for what is long known', async () => {
    await fitted();
    const { ingest } = create();
    says = { score: 9, anomalous: true };
    const input = { machine: 'pump', name: 'a.wav', startMs: 1000, bytes: wav(0.5) };
    await ingest(input);
    const { revision } = await store.alarmState('pump');
    await store.addDetector(detectorOf('rig'));
    const again = await ingest(input);
    expect(again).toMatchObject({ known: true, changes: [], scores: [{ version: 2 }] });
    expect((await store.alarmState('pump')).revision).toBe(revision);
    expect(calls).toBe(2);
    await ingest(input);
    expect(calls).toBe(2);
  });

  it('hears of a dead sensor though it sends the same bytes over and over', async () => {
    await fitted();
    says = { constant: true };
    const { ingest } = create();
    const send = (startMs?: number) => ingest({ machine: 'pump', name: 'dead.wav', startMs, bytes: wav(0) });
    const hashes = [];
    for (const startMs of [1000, 2000, 2000, undefined, 3000]) hashes.push((await send(startMs)).recording.hash);
    expect(new Set(hashes).size).toBe(3);
    expect(hashes[2]).toBe(hashes[1]);
    expect(hashes[3]).toBe(hashes[0]);
    expect(await store.alarms({ machine: 'pump' })).toMatchObject([{ kind: 'sensor' }]);
  });
});
