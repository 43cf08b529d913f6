// What is still to be told: written with the alarm, taken by one of several, and given back by those that die.
import { beforeEach, expect, it } from 'vitest';
import { changeOf, policy, recordingOf, resultOf, stateOf } from './store.test-util.ts';
import { inEveryStore } from './suites.test-util.ts';
import type { Store } from './types.ts';
import { UNTOLD_MS } from './untold.ts';

inEveryStore('who is told of what', ({ open, shared, store: current }) => {
  let store: Store;
  beforeEach(() => {
    store = current();
  });
  /** Raises and clears alarms, one recording each. */
  const raise = async (from: number, count: number): Promise<void> => {
    for (let i = from; i < from + count; i++) {
      const { revision } = await store.alarmState('pump');
      const alarms = { changes: [changeOf(i % 2 === 0 ? 'raised' : 'cleared', i)], state: stateOf(`${i}`), revision };
      expect(await store.record({ ...resultOf(recordingOf(`${i}`)), alarms })).toBe('stored');
    }
  };
  const take = async (channel: string, { at = 0, from = store, limit = 100 } = {}) => {
    const nowMs = Date.now() + at;
    return from.takeUntold({ channel, nowMs, untilMs: nowMs + 1000, limit });
  };

  it('gives each change to each channel once, in order, and again when it was not told in time', async () => {
    await store.openChannel('webhook');
    await store.openChannel('mqtt');
    await raise(0, 3);
    const changes = [changeOf('raised', 0), changeOf('cleared', 1), changeOf('raised', 2)];
    const first = await take('webhook', { limit: 2 });
    expect(first.map(({ change }) => change)).toEqual(changes.slice(0, 2));
    expect((await take('webhook')).map(({ change }) => change)).toEqual(changes.slice(2));
    expect(await take('webhook')).toEqual([]);
    expect((await take('mqtt')).map(({ change }) => change)).toEqual(changes);
    // The first is told, the second is held for longer; the third, nobody says anything of.
    await store.endUntold('webhook', [first[0].id]);
    await store.holdUntold('webhook', [first[0].id, first[1].id], Date.now() + 60_000);
    expect((await take('webhook', { at: 2000 })).map(({ change }) => change)).toEqual(changes.slice(2));
    await store.endUntold('webhook', [first[1].id]);
    expect((await take('webhook', { at: 120_000 })).map(({ change }) => change)).toEqual(changes.slice(2));
  });

  it('tells a new channel nothing of the past, and nobody of what is a day old', async () => {
    expect(await take('webhook')).toEqual([]);
    await raise(0, 2);
    await store.openChannel('webhook');
    expect(await take('webhook')).toEqual([]);
    await raise(2, 1);
    // Opened again by another process, it is the same.
    await store.openChannel('webhook');
    expect(await take('webhook', { at: UNTOLD_MS + 60_000 })).toEqual([]);
    expect((await take('webhook')).map(({ change }) => change)).toEqual([changeOf('raised', 2)]);
  });

  it('tells nothing of what was not stored, or of machines that are gone', async () => {
    await store.openChannel('webhook');
    const alarms = { changes: [changeOf('raised', 0)], state: stateOf('a'), revision: 7 };
    expect(await store.record({ ...resultOf(recordingOf('a')), alarms })).toBe('conflict');
    expect(await take('webhook')).toEqual([]);
    await raise(0, 1);
    expect(await take('webhook')).toHaveLength(1);
    await raise(1, 1);
    await store.removeMachine('pump');
    expect(await take('webhook', { at: 5000 })).toEqual([]);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    await store.expire({});
  });

  it.skipIf(!shared)('gives each change to one of several processes that ask at once', async () => {
    await store.openChannel('webhook');
    await raise(0, 12);
    const stores = await Promise.all(Array.from({ length: 4 }, open));
    const taken = await Promise.all(stores.map((from) => take('webhook', { from, limit: 5 })));
    const rest = await take('webhook');
    const times = [...taken, rest].flat().map(({ change }) => change.atMs);
    expect(times.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});
