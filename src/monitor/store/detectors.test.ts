// Detectors in versions, machines, labels, dead letters and keys.
import { beforeEach, expect, it } from 'vitest';
import { changeOf, detectorOf, hashOf, policy, recordingOf, resultOf, stateOf } from './store.test-util.ts';
import { inEveryStore } from './suites.test-util.ts';
import type { Store } from './types.ts';

inEveryStore('detectors and notes', ({ open, shared, store: current }) => {
  let store: Store;
  beforeEach(() => {
    store = current();
  });

  it('counts the versions of a detector, and uses the newest until told otherwise', async () => {
    const first = await store.addDetector(detectorOf('rig'));
    expect(first).toEqual({ ...detectorOf('rig'), version: 1, current: true });
    const { threshold, ...rest } = detectorOf('rig', { parent: 1, origin: 'feedback', blob: 'detectors/2' });
    const second = await store.addDetector(rest);
    expect(second).toEqual({ ...rest, version: 2, current: true });
    await store.addDetector(detectorOf('other'));
    expect(await store.detector('rig')).toEqual(second);
    expect(await store.detector('rig', 1)).toEqual({ ...first, current: false });
    await store.useVersion('rig', 1);
    expect(await store.detector('rig')).toEqual(first);
    expect((await store.detectors()).map(({ name, version }) => [name, version])).toEqual([
      ['other', 1],
      ['rig', 1],
    ]);
    expect((await store.detectorVersions('rig')).map(({ version }) => version)).toEqual([2, 1]);
    expect((await store.addDetector(rest)).version).toBe(3);
    expect(await store.detector('nothing')).toBeUndefined();
    await expect(store.useVersion('rig', 9)).rejects.toThrow(
      'useVersion: expected version 9 of a detector rig, found none; add it first',
    );
    await expect(store.addDetector(detectorOf('rig', { parent: 9 }))).rejects.toThrow('version 9');
  });

  it('hears a machine by a detector that is there, and keeps one that hears', async () => {
    await expect(store.putMachine({ name: 'fan', detector: 'rig', policy, createdMs: 1 })).rejects.toThrow(
      'putMachine: expected a detector rig, found none; add it first',
    );
    await store.addDetector(detectorOf('rig', { blob: 'detectors/shared' }));
    await store.addDetector(detectorOf('rig'));
    await store.addDetector(detectorOf('other', { blob: 'detectors/shared' }));
    await store.putMachine({ name: 'pump', detector: 'rig', policy: { ...policy, k: 4 }, createdMs: 99 });
    expect(await store.machine('pump')).toEqual({
      ...{ name: 'pump', detector: 'rig', policy: { ...policy, k: 4 }, createdMs: 1 },
    });
    await store.putMachine({ name: 'a', policy, createdMs: 1 });
    expect([await store.machineNames(), await store.machineNames('rig')]).toEqual([['a', 'pump'], ['pump']]);
    await expect(store.removeDetector('rig')).rejects.toThrow('rig hears pump');
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    expect(await store.removeDetector('rig')).toEqual(['detectors/rig']);
    expect(await store.removeDetector('rig')).toEqual([]);
    expect((await store.machines()).map(({ name }) => name)).toEqual(['a', 'pump']);
    expect(await store.machine('fan')).toBeUndefined();
  });

  it('forgets a machine with all that is known of it', async () => {
    const recording = recordingOf('a');
    const alarms = { changes: [changeOf('raised', 100)], state: stateOf('up'), revision: 0 };
    await store.record({ ...resultOf(recording), alarms });
    await store.addLabel({ ...recording, label: 'normal', by: 'Ada', createdMs: 1 });
    await store.addDetector({ ...detectorOf('rig'), learned: [recording] });
    await store.bury({ machine: 'pump', hash: '', source: 's', reason: 'r', atMs: 1, attempts: 1, blob: 'dead/1' });
    await store.removeMachine('pump');
    expect(await store.totals()).toEqual({ recordings: 0, scores: 0, openAlarms: 0, audioBytes: 0, deadLetters: 0 });
    expect(await store.labels({})).toEqual([]);
    expect((await store.expire({})).sort()).toEqual([recording.blob, 'dead/1']);
    await store.removeMachine('pump');
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    expect(await store.alarmState('pump')).toEqual({ revision: 0 });
    expect(await store.record(resultOf(recording))).toBe('stored');
    // The same bytes have come again: they stay.
    expect(await store.expire({})).toEqual(['dead/1']);
  });

  it('keeps labels, and says which version has learned them', async () => {
    const recording = recordingOf('a');
    const { machine, hash } = recording;
    const label = { machine, hash, label: 'bearing', by: 'Ada', createdMs: 5 };
    await expect(store.addLabel(label)).rejects.toThrow('addLabel: expected a recording that is stored');
    await store.record({ recording, scores: [] });
    const added = await store.addLabel(label);
    expect(added).toEqual({ ...label, id: added.id, undone: false });
    await store.addDetector({ ...detectorOf('rig'), learned: [recording], learnedLabels: [added.id] });
    expect(await store.labels({ machine: 'pump' })).toEqual([{ ...added, version: 1, detector: 'rig' }]);
    expect(await store.label(added.id)).toEqual({ ...added, version: 1, detector: 'rig' });
    expect(await store.label(added.id + 1)).toBeUndefined();
    expect(await store.labels({ fromMs: 6 })).toEqual([]);
    expect(await store.undoLabel(added.id)).toBe(true);
    expect(await store.undoLabel(added.id)).toBe(false);
    expect(await store.labels({})).toEqual([{ ...added, version: 1, detector: 'rig', undone: true }]);
    const unknown = { machine: 'pump', hash: hashOf('b') };
    await expect(store.addDetector({ ...detectorOf('rig'), learned: [unknown] })).rejects.toThrow('expected stored');
    expect((await store.detectorVersions('rig')).length).toBe(1);
  });

  it('keeps dead letters and keys; a key that was revoked opens nothing', async () => {
    const letter = {
      ...{ machine: 'pump', hash: hashOf('x'), source: 'mqtt' },
      reason: 'no WAV',
      atMs: 9,
      attempts: 3,
    };
    await store.bury(letter);
    const [buried] = await store.deadLetters({});
    expect(buried).toEqual({ ...letter, id: buried.id });
    await store.bury({ ...letter, reason: 'still no WAV', atMs: 10, attempts: 4, blob: 'dead/1' });
    await store.bury({ ...letter, reason: 'no WAV at all', atMs: 11, attempts: 5 });
    expect(await store.deadLetters({})).toEqual([
      { ...letter, id: buried.id, reason: 'no WAV at all', atMs: 11, attempts: 5, blob: 'dead/1' },
    ]);
    await store.bury({ ...letter, machine: 'fan' });
    expect((await store.totals()).deadLetters).toBe(2);

    const key = { name: 'page', scope: 'read' as const, hash: hashOf('secret'), createdMs: 3 };
    const added = await store.addKey(key);
    expect(added).toEqual({ ...key, id: added.id });
    expect(await store.keyByHash(key.hash)).toEqual(added);
    await expect(store.addKey(key)).rejects.toMatchObject({ name: 'StoreError' });
    expect(await store.revokeKey(added.id)).toBe(true);
    expect(await store.revokeKey(added.id)).toBe(false);
    expect(await store.keyByHash(key.hash)).toBeUndefined();
    const [revoked] = await store.keys();
    expect(revoked).toEqual({ ...added, revokedMs: expect.any(Number) });
  });

  it('adds a version only on the one that it was made from, and only with labels that stand', async () => {
    const recording = recordingOf('a');
    await store.record({ recording, scores: [] });
    const added = await store.addLabel({ ...recording, label: 'normal', by: 'Ada', createdMs: 1 });
    const next = { ...detectorOf('rig'), learned: [recording], learnedLabels: [added.id] };
    expect(await store.addDetectorOn(1, next)).toBe('conflict');
    expect(await store.addDetectorOn(0, detectorOf('rig'))).toMatchObject({ version: 1, current: true });
    expect(await store.addDetectorOn(0, next)).toBe('conflict');
    expect(await store.addDetector({ ...detectorOf('rig'), use: false })).toMatchObject({ version: 2, current: false });
    expect(await store.addDetectorOn(2, next)).toBe('conflict');
    expect(await store.addDetectorOn(1, next)).toMatchObject({ version: 3, current: true });
    await store.undoLabel(added.id);
    expect(await store.addDetectorOn(3, next)).toBe('conflict');
    expect((await store.detectorVersions('rig')).map(({ version }) => version)).toEqual([3, 2, 1]);
    expect(await store.label(added.id)).toMatchObject({ version: 3, undone: true });
  });

  it.skipIf(!shared)('counts versions without a gap when several add at once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, open));
    const added = await Promise.all(stores.map((each) => each.addDetector(detectorOf('rig'))));
    expect(added.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await store.detectorVersions('rig')).filter(({ current }) => current)).toHaveLength(1);
  });
});
