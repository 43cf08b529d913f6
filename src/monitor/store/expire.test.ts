// What the store forgets and counts.
import { beforeEach, expect, it } from 'vitest';
import { detectorOf, policy, recordingOf, resultOf } from './store.test-util.ts';
import { inEveryStore } from './suites.test-util.ts';
import type { Store } from './types.ts';

inEveryStore('forgetting', ({ store: current }) => {
  let store: Store;
  beforeEach(() => {
    store = current();
  });

  it('forgets old audio, and keeps what is labelled, learned, or new', async () => {
    const old = ['a', 'b', 'c', 'd'].map((text, i) => recordingOf(text, { startMs: 10 + i, bytes: 100 }));
    for (const recording of [...old, recordingOf('new', { startMs: 50, bytes: 100 })]) {
      await store.record(resultOf(recording));
    }
    const [labelled, learned, plain, unlabelled] = old;
    await store.addLabel({ ...labelled, label: 'normal', by: 'Ada', createdMs: 1 });
    const { id } = await store.addLabel({ ...unlabelled, label: 'normal', by: 'Ada', createdMs: 1 });
    await store.undoLabel(id);
    await store.addDetector({ ...detectorOf('rig'), learned: [learned] });
    for (const [atMs, blob] of [
      [49, 'dead/old'],
      [50, 'dead/new'],
    ] as const) {
      await store.bury({ ...{ machine: 'pump', hash: '', source: '', reason: '', attempts: 1 }, atMs, blob });
    }

    const gone = [plain.blob, unlabelled.blob, 'dead/old'].sort();
    expect((await store.expire({ beforeMs: 50 })).sort()).toEqual(gone);
    // Until they are known to be deleted, they are named again.
    expect((await store.expire({})).sort()).toEqual(gone);
    await store.forgetBlobs(gone as string[]);
    expect(await store.expire({ beforeMs: 50 })).toEqual([]);

    const { blob, ...row } = plain;
    expect(await store.recording(plain)).toEqual(row);
    expect(await store.recording(labelled)).toEqual(labelled);
    expect(await store.totals()).toMatchObject({ recordings: 5, scores: 5, audioBytes: 300, deadLetters: 1 });
    // It comes again: known, and its audio is kept again.
    expect(await store.record(resultOf(plain))).toBe('known');
    expect(await store.recording(plain)).toEqual(plain);
  });

  it('forgets the oldest audio until the rest fits, unless it may not go', async () => {
    const starts = [30, 10, 20, 40];
    const recordings = starts.map((startMs) => recordingOf(`${startMs}`, { startMs, bytes: 100 }));
    for (const recording of recordings) await store.record(resultOf(recording));
    await store.addLabel({ ...recordings[1], label: 'normal', by: 'Ada', createdMs: 1 });
    expect(await store.expire({ maxBytes: 400 })).toEqual([]);
    expect(await store.expire({ maxBytes: 350 })).toEqual([recordings[2].blob]);
    expect((await store.expire({ maxBytes: 1 })).length).toBe(3);
    expect((await store.totals()).audioBytes).toBe(100);
    await expect(store.expire({ maxBytes: Number.NaN })).rejects.toThrow('expire: expected a number as maxBytes');
  });

  it('forgets old scores, and recordings of which nothing else is left', async () => {
    const [bare, heard, labelled, recent] = ['a', 'b', 'c', 'd'].map((text, i) =>
      recordingOf(text, { startMs: 10 * i, ...(i !== 1 && { blob: undefined }) }),
    );
    for (const recording of [bare, heard, labelled, recent]) await store.record(resultOf(recording));
    await store.addLabel({ ...labelled, label: 'normal', by: 'Ada', createdMs: 1 });
    expect(await store.expire({ scoresBeforeMs: 30 })).toEqual([]);
    expect((await store.scores({})).map(({ hash }) => hash)).toEqual([recent.hash]);
    expect((await store.recordings({})).map(({ hash }) => hash)).toEqual([recent.hash, labelled.hash, heard.hash]);
    expect(await store.isKnown(labelled)).toBe(false);
  });

  it('names no blob that another row still names', async () => {
    await store.putMachine({ name: 'fan', policy, createdMs: 1 });
    const blob = 'audio/same.wav';
    await store.record(resultOf(recordingOf('a', { startMs: 10, blob })));
    await store.record(resultOf(recordingOf('a', { machine: 'fan', startMs: 90, blob })));
    expect(await store.expire({ beforeMs: 50 })).toEqual([]);
    expect(await store.expire({ beforeMs: 100 })).toEqual([blob]);
  });

  it('counts what comes and goes', async () => {
    await store.putMachine({ name: 'fan', policy, createdMs: 1 });
    const counted = async () => {
      const [recordings, scores] = [await store.recordings({ limit: 1000 }), await store.scores({ limit: 1000 })];
      const kept = recordings.filter(({ blob }) => blob !== undefined);
      const audioBytes = kept.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(await store.totals()).toMatchObject({ recordings: recordings.length, scores: scores.length, audioBytes });
      for (const name of ['pump', 'fan']) {
        const own = recordings.filter(({ machine }) => machine === name).length;
        expect((await store.machineStatus(name, 0))?.recordings ?? 0).toBe(own);
      }
      return recordings.length;
    };
    for (let i = 0; i < 12; i++) {
      const changes = { startMs: i, machine: i % 3 ? 'pump' : 'fan', ...(i % 4 === 0 && { blob: undefined }) };
      const recording = recordingOf(`${i}`, changes);
      await store.record(i % 5 ? resultOf(recording) : { recording, scores: [] });
      await store.record(i % 5 ? resultOf(recording) : { recording, scores: [] });
    }
    expect(await counted()).toBe(12);
    await store.expire({ beforeMs: 6 });
    await counted();
    await store.record({ recording: recordingOf('5', { startMs: 5 }), scores: [] });
    await counted();
    await store.expire({ maxBytes: 48_044 * 2 });
    await counted();
    await store.expire({ scoresBeforeMs: 8 });
    expect(await counted()).toBeLessThan(12);
    await store.removeMachine('fan');
    expect(await counted()).toBeGreaterThan(0);
    await store.removeMachine('pump');
    expect(await counted()).toBe(0);
  });
});
