// One suite for every database: what is stored comes back, once, and what contradicts is refused.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasPostgres, inPostgres, type PostgresServer, startPostgres } from '../../../tests/postgres-server.ts';
import { openStore } from './open.node.ts';
import { changeOf, detectorOf, hashOf, policy, recordingOf, resultOf, scoreOf, stateOf } from './store.test-util.ts';
import type { JsonPage, Store, StoredRecording } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-store-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

let server: PostgresServer | undefined;
beforeAll(async () => {
  if (hasPostgres) server = await startPostgres();
});
afterAll(() => server?.stop());

const databases = [
  { name: 'a store in memory', newUrl: async () => ':memory:', shared: false, missing: false },
  { name: 'a store in a file', newUrl: async () => join(folder, `${files++}.db`), shared: true, missing: false },
  { name: inPostgres('a store'), newUrl: async () => server!.newDatabase(), shared: true, missing: !hasPostgres },
];

describe.each(databases)('$name', ({ newUrl, shared, missing }) => {
  if (missing) return void it.skip('is not here');
  let store: Store;
  let url: string;
  const open = async (): Promise<Store> => {
    const opened = await openStore(url);
    onTestFinished(() => opened.close().catch(() => {}));
    return opened;
  };
  beforeEach(async () => {
    url = await newUrl();
    store = await openStore(url);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    return () => store.close();
  });

  it('keeps a result as it was, and once', async () => {
    const recording = recordingOf('a', { startMs: 1_700_000_000_000.125 });
    const score = scoreOf(recording, { diagnosis: { label: 'bearing', confidence: 0.75 } });
    const result = { recording, scores: [score, scoreOf(recording, { index: 1, score: 5, constant: true })] };
    expect(await store.isKnown(recording)).toBe(false);
    expect(await store.record(result)).toBe('stored');
    expect(await store.record(result)).toBe('known');
    expect(await store.recordings({})).toEqual([recording]);
    expect(await store.recording(recording)).toEqual(recording);
    expect(await store.scores({})).toEqual(result.scores);
    expect(await store.isKnown(recording)).toBe(true);
    expect(await store.isKnown(recording, { name: 'rig', version: 1 })).toBe(true);
    expect(await store.isKnown(recording, { name: 'rig', version: 2 })).toBe(false);
    expect(await store.totals()).toEqual({
      ...{ recordings: 1, scores: 2, openAlarms: 0, audioBytes: recording.bytes, deadLetters: 0 },
    });
  });

  it('keeps what each version says of a recording, the first time it says it', async () => {
    const recording = recordingOf('a');
    expect(await store.record({ recording, scores: [] })).toBe('stored');
    expect(await store.record({ recording, scores: [] })).toBe('known');
    expect(await store.record(resultOf(recording))).toBe('stored');
    expect(await store.record(resultOf(recording, { score: 9 }))).toBe('known');
    expect(await store.record({ recording, scores: [scoreOf(recording), scoreOf(recording, { index: 1 })] })).toBe(
      'known',
    );
    expect(await store.record(resultOf(recording, { version: 2, score: 9 }))).toBe('stored');
    expect((await store.scores({})).map(({ version, score }) => [version, score])).toEqual([
      [1, 1 / 3],
      [2, 9],
    ]);
  });

  it('takes any text and any numbers', async () => {
    const text = fc.string({ unit: 'grapheme' });
    // Minus zero is zero to a database.
    const number = fc.double({ noNaN: true }).map((x) => x + 0);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(text, number, number, async (name, startMs, score) => {
        const recording = recordingOf(`${runs++}`, { name, startMs });
        const scored = scoreOf(recording, { score, nearest: { file: name, startSeconds: 0, durationSeconds: 1 } });
        await store.record({ recording, scores: [scored] });
        expect(await store.recording(recording)).toEqual({ ...recording, name: name.replaceAll('\0', '\ufffd') });
        const [found] = await store.scores({ hash: recording.hash });
        expect(found).toEqual(scored);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps quotes and zeros in its text, and does not take them for SQL', async () => {
    const name = `x'); drop table scores; -- "$1" ?1 \0 \u{1f50a}`;
    await store.bury({ machine: name, hash: '', source: name, reason: name, atMs: 1, attempts: 1 });
    const [letter] = await store.deadLetters({ machine: name });
    expect(letter.reason).toBe(name.replace('\0', '\ufffd'));
    expect((await store.totals()).scores).toBe(0);
  });

  it.each([
    ['another machine', { machine: 'fan' }, /expected scores of recording/],
    ['no number', { score: Number.NaN }, /expected a number as score/],
  ])('refuses a score of %s', async (_, changes, message) => {
    await expect(store.record(resultOf(recordingOf('a'), changes))).rejects.toThrow(message);
    expect((await store.totals()).recordings).toBe(0);
  });

  it('refuses results of a machine that is not there', async () => {
    await expect(store.record(resultOf(recordingOf('a', { machine: 'fan' })))).rejects.toMatchObject({
      name: 'InputError',
      message: 'record: expected a machine that is stored, found no fan; put it first',
    });
  });

  it('raises and clears alarms with the result that decided, and only on the state it was decided on', async () => {
    expect(await store.alarmState('pump')).toEqual({ revision: 0 });
    const raised = { changes: [changeOf('raised', 100)], state: stateOf('up'), revision: 0 };
    expect(await store.record({ ...resultOf(recordingOf('a')), alarms: raised })).toBe('stored');
    expect(await store.alarmState('pump')).toEqual({ state: stateOf('up'), revision: 1 });
    const [alarm] = await store.alarms({ open: true });
    const { machine, kind, sinceMs, reason } = raised.changes[0];
    expect(alarm).toEqual({ id: alarm.id, machine, kind, raisedMs: 100, sinceMs, reason });

    const late = { changes: [changeOf('cleared', 200)], state: stateOf('late'), revision: 0 };
    expect(await store.record({ ...resultOf(recordingOf('b')), alarms: late })).toBe('conflict');
    expect(await store.record({ ...resultOf(recordingOf('b')), alarms: { ...late, revision: 7 } })).toBe('conflict');
    expect(await store.recordAlarms('pump', late)).toBe('conflict');
    expect((await store.totals()).recordings).toBe(1);
    expect(await store.alarms({ open: true })).toEqual([alarm]);

    // A result that is known decides nothing.
    const again = { changes: [changeOf('cleared', 200)], state: stateOf('again'), revision: 1 };
    expect(await store.record({ ...resultOf(recordingOf('a')), alarms: again })).toBe('known');
    expect(await store.alarms({ open: true })).toEqual([alarm]);

    const cleared = { changes: [changeOf('cleared', 300)], state: stateOf('down'), revision: 1 };
    expect(await store.record({ ...resultOf(recordingOf('c')), alarms: cleared })).toBe('stored');
    expect(await store.alarms({ open: true })).toEqual([]);
    expect(await store.alarms({ open: false })).toEqual([{ ...alarm, clearedMs: 300 }]);
    expect(await store.recordAlarms('pump', { changes: [], state: stateOf('quiet'), revision: 2 })).toBe('stored');
    expect(await store.alarmState('pump')).toEqual({ state: stateOf('quiet'), revision: 3 });
  });

  it('opens one alarm of each kind, clears the open one, and remembers who acknowledged it first', async () => {
    const state = stateOf('x');
    const raise = [changeOf('raised', 1), changeOf('raised', 2), changeOf('raised', 3, 'drift')];
    await store.recordAlarms('pump', { changes: raise, state, revision: 0 });
    expect((await store.alarms({})).map(({ kind, raisedMs }) => [kind, raisedMs])).toEqual([
      ['drift', 3],
      ['fault', 1],
    ]);
    await store.recordAlarms('pump', {
      changes: [changeOf('cleared', 4), changeOf('raised', 5)],
      state,
      revision: 1,
    });
    expect((await store.alarms({ machine: 'pump', open: true })).map(({ raisedMs }) => raisedMs)).toEqual([5, 3]);
    const [{ id }] = await store.alarms({ toMs: 3 });
    expect(await store.acknowledge(id, 'Ada')).toBe(true);
    expect(await store.acknowledge(id, 'Bob')).toBe(true);
    expect((await store.alarms({ toMs: 3 }))[0]).toMatchObject({ clearedMs: 4, acknowledgedBy: 'Ada' });
    expect(await store.acknowledge(12_345, 'Ada')).toBe(false);
    expect(await store.acknowledge(0.5, 'Ada')).toBe(false);
  });

  it('returns pages: recordings newest first, scores oldest first', async () => {
    await store.putMachine({ name: 'fan', policy, createdMs: 1 });
    for (const startMs of [30, 10, 50, 20, 40]) await store.record(resultOf(recordingOf(`${startMs}`, { startMs })));
    await store.record(resultOf(recordingOf('f', { machine: 'fan', startMs: 35 })));
    const starts = (rows: { startMs: number }[]) => rows.map(({ startMs }) => startMs);
    expect(starts(await store.recordings({}))).toEqual([50, 40, 35, 30, 20, 10]);
    expect(starts(await store.recordings({ machine: 'pump', fromMs: 20, toMs: 50, limit: 2 }))).toEqual([40, 30]);
    expect(starts(await store.scores({}))).toEqual([10, 20, 30, 35, 40, 50]);
    expect(starts(await store.scores({ machine: 'pump', fromMs: 20, toMs: 50, limit: 2 }))).toEqual([20, 30]);
    expect(starts(await store.scores({ machine: 'pump', limit: 2 }))).toEqual([40, 50]);
    expect(starts(await store.scores({ machine: 'pump', toMs: 40, limit: 2 }))).toEqual([20, 30]);
    expect(starts(await store.scores({ hash: hashOf('20') }))).toEqual([20]);
    await expect(store.scores({ limit: 0 })).rejects.toThrow('scores: expected a limit of 1 or more, got 0');
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
    await expect(store.removeDetector('rig')).rejects.toThrow('rig hears pump');
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    expect(await store.removeDetector('rig')).toEqual(['detectors/rig']);
    expect(await store.removeDetector('rig')).toEqual([]);
    expect((await store.machines()).map(({ name }) => name)).toEqual(['pump']);
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

  it('gives pages as JSON that says what the values say', async () => {
    const text = fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', ''));
    const number = fc.double({ noNaN: true }).map((x) => x + 0);
    const parsed = async (page: JsonPage) => JSON.parse(new TextDecoder().decode(await store.json(page)));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(text, number, fc.boolean(), async (name, score, flag) => {
        const recording = recordingOf(`${runs}`, { name, startMs: runs++, ...(flag && { variable: name }) });
        const nearest = { file: name, startSeconds: 0, durationSeconds: 1 };
        const changes = { score, nearest, constant: flag, ...(flag && { learned: true as const }) };
        const { revision } = await store.alarmState('pump');
        const kind = flag ? 'fault' : 'drift';
        const alarms = { changes: [changeOf('raised', runs, kind)], state: stateOf(name), revision };
        await store.record({ ...resultOf(recording, changes), alarms });
      }),
      { numRuns: 20 },
    );
    await store.acknowledge((await store.alarms({}))[0].id, 'Ada "x"');
    await store.recordAlarms('pump', {
      ...{
        changes: [changeOf('cleared', 99)],
        state: stateOf(''),
        revision: (await store.alarmState('pump')).revision,
      },
    });
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    for (const page of [{}, { machine: 'pump', fromMs: 3, limit: 5 }, { toMs: 9, limit: 3 }]) {
      expect(await parsed({ of: 'scores', ...page })).toEqual(plain(await store.scores(page)));
      expect(await parsed({ of: 'alarms', ...page })).toEqual(plain(await store.alarms(page)));
      const recordings = (await store.recordings(page)).map(({ blob, ...one }) => ({
        ...one,
        audio: blob !== undefined,
      }));
      expect(await parsed({ of: 'recordings', ...page })).toEqual(plain(recordings));
    }
    await store.putMachine({ name: 'fan', policy, createdMs: 2 });
    const page = { of: 'machines', nowMs: 1e9 } as const;
    const all = await parsed(page);
    expect(all.map(({ name }: { name: string }) => name)).toEqual(['fan', 'pump']);
    expect(all[0]).toEqual({ name: 'fan', policy, createdMs: 2, health: 'unfitted', openAlarms: 0, recordings: 0 });
    const [lastScore] = await store.scores({ limit: 1 });
    expect(all[1]).toEqual(plain(await store.machineStatus('pump', 1e9)));
    expect(all[1]).toMatchObject({ ...plain({ lastScore }), recordings: runs, openAlarms: 1 });
    expect(await parsed({ ...page, limit: 1 })).toEqual([all[0]]);
    expect(await parsed({ ...page, after: 'fan' })).toEqual([all[1]]);
    expect(await store.machineStatus('none', 0)).toBeUndefined();
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

  it('finds recordings by name and hash, and goes through them page by page', async () => {
    for (const [i, text] of ['a', 'b', 'c', 'd'].entries()) {
      const blob = text === 'd' ? undefined : `audio/${text}`;
      await store.record({ recording: recordingOf(text, { name: 'same', startMs: i >> 1, blob }), scores: [] });
    }
    const find = (name: string, hashStart?: string) => store.recordingNamed({ machine: 'pump', name, hashStart });
    expect(await find('same')).toMatchObject({ hash: hashOf('c') });
    expect(await find('same', hashOf('a').slice(0, 12))).toMatchObject({ hash: hashOf('a') });
    expect(await find('same', hashOf('d').slice(0, 12))).toBeUndefined();
    expect(await find('other')).toBeUndefined();
    const seen: string[] = [];
    for (let before: StoredRecording | undefined; ; ) {
      const [next] = await store.recordings({ machine: 'pump', limit: 1, before });
      if (!next) break;
      seen.push(next.hash);
      before = next;
    }
    expect(seen).toEqual((await store.recordings({})).map(({ hash }) => hash));
    expect(seen).toHaveLength(4);
  });

  it('refuses all work once it is closed', async () => {
    await store.close();
    await expect(store.ping()).rejects.toMatchObject({ name: 'StoreError' });
    await store.close();
  });

  it.skipIf(!shared)('stores a recording once, however many processes store it at once', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, open));
    const recording = recordingOf('a');
    const scores = [scoreOf(recording), scoreOf(recording, { index: 1 })];
    const alarms = { changes: [changeOf('raised', 100)], state: stateOf('up'), revision: 0 };
    const answers = await Promise.all(stores.map((each) => each.record({ recording, scores, alarms })));
    expect(answers.sort()).toEqual([...Array(7).fill('known'), 'stored']);
    expect(await store.totals()).toMatchObject({ recordings: 1, scores: 2, openAlarms: 1 });
  });

  it.skipIf(!shared)('lets one of several decide on alarms at a time', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, open));
    const decide = async (each: Store, n: number): Promise<number> => {
      for (let conflicts = 0; ; conflicts++) {
        const { revision, state } = await each.alarmState('pump');
        const count = ((state?.count as number) ?? 0) + 1;
        const alarms = { changes: [], state: { version: 1 as const, count }, revision };
        if ((await each.record({ ...resultOf(recordingOf(`${n}`)), alarms })) === 'stored') return conflicts;
      }
    };
    await Promise.all(stores.map(decide));
    expect(await store.alarmState('pump')).toEqual({ state: { version: 1, count: 8 }, revision: 8 });
    expect((await store.totals()).recordings).toBe(8);
  });

  it.skipIf(!shared)('counts versions without a gap when several add at once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, open));
    const added = await Promise.all(stores.map((each) => each.addDetector(detectorOf('rig'))));
    expect(added.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await store.detectorVersions('rig')).filter(({ current }) => current)).toHaveLength(1);
  });
});
