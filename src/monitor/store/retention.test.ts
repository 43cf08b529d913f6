// Sweeps: what they delete, in which order, and what they do where a clock, a store or a blob is not well.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStore } from './create-store.ts';
import { createExpireMethods } from './expire.ts';
import { createMemoryBlobs } from './memory-blobs.test-util.ts';
import { createRetention, type Retention, type RetentionOptions } from './retention.ts';
import { migrate } from './schema.ts';
import type { Sql } from './sql.ts';
import { openSqlite } from './sqlite.node.ts';
import { policy, recordingOf, resultOf } from './store.test-util.ts';
import type { Store } from './types.ts';

const DAY = 86_400_000;
const NOW = 1000 * DAY;

describe('createRetention', () => {
  let sql: Sql;
  let store: Store;
  let blobs: ReturnType<typeof createMemoryBlobs>;
  let time: { now: number; passed: number };
  let notes: string[];
  const opened: Retention[] = [];
  const start = (options: Partial<RetentionOptions>): Retention => {
    const clock = { now: () => time.now, passed: () => time.passed };
    const retention = createRetention({ store, blobs, clock, note: (line) => notes.push(line), ...options });
    opened.push(retention);
    return retention;
  };
  const keep = async (text: string, days: number): Promise<void> => {
    const recording = recordingOf(text, { startMs: NOW - days * DAY, bytes: 100, blob: text });
    await blobs.put(text, new Uint8Array(100));
    await store.record(resultOf(recording));
  };
  beforeEach(async () => {
    sql = openSqlite(':memory:');
    await migrate(sql);
    store = createStore(sql);
    blobs = createMemoryBlobs();
    time = { now: NOW, passed: 0 };
    notes = [];
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
  });
  afterEach(async () => {
    for (const retention of opened.splice(0)) await retention.close();
    await store.close();
  });

  it('deletes what is too old, and then the oldest of what is too much', async () => {
    for (const [text, days] of Object.entries({ a: 40, b: 31, c: 29, d: 2, e: 1 })) await keep(text, days);
    const retention = start({ maxAgeDays: 30, maxBytes: 200, scoreDays: 35 });
    await retention.sweep();
    expect(blobs.keys()).toEqual(['d', 'e']);
    expect((await store.scores({})).length).toBe(4);
    expect(await store.expire({})).toEqual([]);
    expect(await retention.sweep()).toBe(0);
    expect(notes).toEqual([]);
  });

  it('keeps everything where no limit is given', async () => {
    await keep('a', 900);
    await start({}).sweep();
    expect(blobs.keys()).toEqual(['a']);
    expect((await store.recordings({}))[0].blob).toBe('a');
  });

  it('deletes the sound of machines that are gone, without any limit', async () => {
    await store.putMachine({ name: 'gone', policy, createdMs: 1 });
    await blobs.put('a', Uint8Array.of(1));
    await store.record(resultOf(recordingOf('a', { machine: 'gone', blob: 'a' })));
    await keep('b', 900);
    await store.removeMachine('gone');
    await start({}).sweep();
    expect(blobs.keys()).toEqual(['b']);
  });

  it('makes up for a sweep that was killed after the rows were gone, or after the blobs were', async () => {
    for (const text of ['a', 'b']) await keep(text, 40);
    expect(await store.expire({ beforeMs: NOW })).toEqual(['a', 'b']);
    await blobs.remove('a');
    await start({ maxAgeDays: 30 }).sweep();
    expect(blobs.keys()).toEqual([]);
    expect(await store.expire({})).toEqual([]);
  });

  it('never deletes a blob before its row has let go of it', async () => {
    for (let i = 0; i < 10; i++) await keep(`${i}`, 40);
    const named: string[] = [];
    const watched = {
      ...blobs,
      async remove(key: string) {
        named.push(...(await store.recordings({})).flatMap(({ blob }) => (blob === key ? [key] : [])));
        await blobs.remove(key);
      },
    };
    await start({ blobs: watched, maxAgeDays: 30 }).sweep();
    expect(blobs.keys()).toEqual([]);
    expect(named).toEqual([]);
  });

  it('tries again what it could not delete, deletes the others, and gives up where nothing can be', async () => {
    for (const text of ['a', 'b', 'c', 'd']) await keep(text, 40);
    const bad = new Set(['a']);
    const failing = {
      ...blobs,
      async remove(key: string) {
        if (bad.has(key)) throw new Error(`cannot remove ${key}`);
        await blobs.remove(key);
      },
    };
    const retention = start({ blobs: failing, maxAgeDays: 30 });
    await retention.sweep();
    expect(blobs.keys()).toEqual(['a']);
    expect(notes).toContain('retention: cannot remove a');
    bad.clear();
    await retention.sweep();
    expect(blobs.keys()).toEqual([]);

    for (const text of ['e', 'f', 'g', 'h']) {
      await keep(text, 40);
      bad.add(text);
    }
    await expect(retention.sweep()).rejects.toThrow('cannot remove g');
    expect(blobs.keys()).toHaveLength(4);
  });

  it('forgets nothing for an hour after the clock has jumped, and goes on where it keeps', async () => {
    await keep('a', 1);
    const retention = start({ maxAgeDays: 30 });
    await retention.sweep();
    time.now += 3600 * DAY;
    for (let n = 0; n < 3; n++) await retention.sweep();
    expect(blobs.keys()).toEqual(['a']);
    expect(notes).toHaveLength(3);
    expect(notes[0]).toMatch(/^retention: the clock was set by more than an hour; nothing is forgotten until/);
    // It is set right again.
    time.now -= 3600 * DAY;
    await retention.sweep();
    // Time that has passed is no jump.
    time.now += 2 * DAY;
    time.passed += 2 * DAY;
    await retention.sweep();
    expect(blobs.keys()).toEqual(['a']);
    time.now += 28 * DAY;
    time.passed += 28 * DAY;
    await retention.sweep();
    expect(blobs.keys()).toEqual([]);
  });

  it('notes in one line that the store fails, and does not end the process', async () => {
    const broken = { ...store, expire: () => Promise.reject(new Error('store x: it is down')) };
    const retention = start({ store: broken });
    await retention.close();
    expect(notes).toEqual(['retention: store x: it is down']);
  });

  it.each([{ maxAgeDays: 0 }, { maxBytes: -1 }, { scoreDays: Number.NaN }, { everyMs: 0 }])('refuses %o', (options) => {
    expect(() => start(options)).toThrow(/^createRetention: expected \w+ above 0, got /);
  });

  it('forgets more than one transaction takes', async () => {
    for (let i = 0; i < 30; i++) await keep(`${i}`, 100 - (i >> 3));
    const pieces = createExpireMethods(sql, 4);
    expect(await pieces.expire({ maxBytes: 900 })).toHaveLength(21);
    expect(await pieces.expire({ beforeMs: NOW })).toHaveLength(30);
    await pieces.expire({ scoresBeforeMs: NOW - 97 * DAY });
    // Those of the last day that was not over, of four days with eight recordings each.
    expect(await store.totals()).toMatchObject({ recordings: 6, scores: 6, audioBytes: 0 });
  });
});
