// What is heard and decided comes back as it was, once, and what contradicts is refused.
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { changeOf, hashOf, policy, recordingOf, resultOf, scoreOf, stateOf } from './store.test-util.ts';
import { inEveryStore } from './suites.test-util.ts';
import type { JsonPage, Store, StoredRecording } from './types.ts';

inEveryStore('results and alarms', ({ open, shared, store: current }) => {
  let store: Store;
  beforeEach(() => {
    store = current();
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
});
