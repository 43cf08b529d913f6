// The outbox: what is written down is told, by one process or the next.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../store/open.node.ts';
import { changeOf, policy, recordingOf, resultOf, stateOf } from '../store/store.test-util.ts';
import type { Store } from '../store/types.ts';
import type { Notifier } from './notifier.ts';
import { type Outbox, openOutbox, openOutboxes } from './outbox.ts';

describe('openOutbox', () => {
  let store: Store;
  let warnings: string[];
  const warn = (line: string): void => void warnings.push(line);
  beforeEach(async () => {
    store = await openStore(':memory:');
    warnings = [];
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
  });
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await store.close();
  });
  let count = 0;
  const raise = async (): Promise<number> => {
    const { revision } = await store.alarmState('pump');
    const atMs = ++count;
    const alarms = { changes: [changeOf('raised', atMs)], state: stateOf('a'), revision };
    await store.record({ ...resultOf(recordingOf(`${atMs}`)), alarms });
    return atMs;
  };
  const raiseTo = async ({ wake }: Outbox): Promise<number> => {
    const atMs = await raise();
    wake();
    return atMs;
  };
  /** Remembers what it is told; `delivers`: whether it says that it is done. */
  const listener = (delivers = true) => {
    const told: number[] = [];
    const waiting: (() => void)[] = [];
    const notifier: Notifier = {
      async notify({ atMs }, ended) {
        told.push(atMs);
        if (delivers) ended?.();
        else waiting.push(() => ended?.());
      },
      close: async () => {},
    };
    const deliver = () => {
      for (const done of waiting.splice(0)) done();
    };
    return { told, notifier, deliver };
  };
  const start = async (notifier: Notifier, options: { everyMs?: number; from?: Store; now?(): number } = {}) => {
    const { from = store, ...rest } = options;
    const outbox = await openOutbox({ store: from, channel: 'webhook', notifier, warn, ...rest });
    closing.push(outbox.close);
    return outbox;
  };
  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  it('tells of each change once, however often it is woken and however many listen', async () => {
    const one = listener();
    const other = listener();
    const outboxes = [await start(one.notifier), await start(other.notifier)];
    const raised = [];
    for (let i = 0; i < 20; i++) {
      raised.push(await raise());
      for (const { wake } of outboxes) wake();
    }
    await until(() => one.told.length + other.told.length >= raised.length);
    for (const { close } of outboxes) await close();
    expect([...one.told, ...other.told].sort((a, b) => a - b)).toEqual(raised);
    expect(warnings).toEqual([]);
  });

  it('tells what a process has left behind that died over it, or ended before it could', async () => {
    const dead = listener(false);
    let late = 0;
    const now = () => Date.now() + late;
    const first = await raiseTo(await start(dead.notifier, { now }));
    await until(() => dead.told.length === 1);
    expect(dead.told).toEqual([first]);
    // While it may be alive, others leave it alone.
    const next = listener();
    const outbox = await start(next.notifier, { now });
    outbox.wake();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(next.told).toEqual([]);
    late = 130_000;
    outbox.wake();
    await until(() => next.told.length === 1);

    const slow = listener(false);
    const ending = await start(slow.notifier, { now });
    const second = await raiseTo(ending);
    await until(() => slow.told.length === 1);
    await ending.close();
    outbox.wake();
    await until(() => next.told.length === 2);
    expect(next.told).toEqual([first, second]);
  });

  it('keeps what it has in hand for as long as it lives', async () => {
    let [holds, nowMs] = [0, Date.now()];
    const now = () => nowMs;
    const counting: Store = {
      ...store,
      async holdUntold(...given) {
        await store.holdUntold(...given);
        holds++;
      },
    };
    const everyMs = 20;
    const slow = listener(false);
    await raiseTo(await start(slow.notifier, { from: counting, everyMs, now }));
    await until(() => slow.told.length === 1);
    const other = listener();
    const { wake } = await start(other.notifier, { now });
    // Ten times, most of the time for which it is kept without a word.
    for (let i = 0; i < 10; i++) {
      const before = holds;
      await until(() => holds > before + 1);
      nowMs += 2 * everyMs;
      wake();
    }
    expect([slow.told.length, other.told.length]).toEqual([1, 0]);
    slow.deliver();
    const left = () => store.takeUntold({ channel: 'webhook', nowMs: nowMs + 1e6, untilMs: 0 });
    await until(async () => (await left()).length === 0);
  });

  it('waits for a store that is away, says so once, and tells then', async () => {
    const { told, notifier } = listener();
    let away = false;
    const from: Store = {
      ...store,
      takeUntold: (page) => (away ? Promise.reject(new Error('store x: it is down')) : store.takeUntold(page)),
    };
    const outbox = await start(notifier, { from, everyMs: 5 });
    away = true;
    const atMs = await raiseTo(outbox);
    await until(() => warnings.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    away = false;
    await until(() => told.length === 1 && warnings.length === 2);
    expect(told).toEqual([atMs]);
    expect(warnings).toEqual([
      'webhook: alarms wait for the store: store x: it is down',
      'webhook: the store answers again',
    ]);
  });

  it('has no more in hand than it can tell of, and closes all where one cannot be opened', async () => {
    const slow = listener(false);
    for (let i = 0; i < 230; i++) await raise();
    await store.openChannel('webhook');
    const outbox = await start(slow.notifier);
    const raised = [];
    for (let i = 0; i < 230; i++) raised.push(await raise());
    outbox.wake();
    await until(() => slow.told.length === 200);
    slow.deliver();
    await until(() => slow.told.length === 230);
    expect(slow.told).toEqual(raised);

    let closed = 0;
    const closes: Notifier = { notify: async () => {}, close: async () => void closed++ };
    const broken = { ...store, openChannel: () => Promise.reject(new Error('away')) };
    await expect(openOutboxes(broken, { notifiers: { a: closes, b: closes }, warn })).rejects.toThrow('away');
    expect(closed).toBe(2);
  });
});
