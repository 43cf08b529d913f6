import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../monitor/alarm/policy.ts';
import { openStore } from '../monitor/store/open.node.ts';
import type { ApiEvent } from './schemas.ts';
import { startSilence } from './silence.ts';
import { silentFromMs } from './silent.ts';
import { machineStatus } from './view.ts';

const HOUR = 3_600_000;
const at = (startMs: number, receivedMs = startMs + 10_000) => ({ startMs, durationSeconds: 10, receivedMs });

describe('silentFromMs', () => {
  it.each([
    ['one recording: an hour', [at(0)], 10_000, 10_000 + HOUR],
    ['one a minute: an hour', [at(0), at(60_000), at(120_000)], 130_000, 130_000 + HOUR],
    ['one a day: ten days', [at(0), at(24 * HOUR), at(48 * HOUR)], 48 * HOUR + 10_000, 48 * HOUR + 10_000 + 240 * HOUR],
    ['any order', [at(48 * HOUR), at(0), at(24 * HOUR)], 48 * HOUR + 10_000, 48 * HOUR + 10_000 + 240 * HOUR],
    ['a clock in the future: when it came', [at(0), at(1e12, 70_000)], 70_000, 70_000 + HOUR],
    ['sent long after it was taken: when it was taken', [at(0, 5 * HOUR)], 10_000, 10_000 + HOUR],
  ])('%s', (_, recordings, lastMs, fromMs) => {
    expect(silentFromMs(recordings)).toEqual({ lastMs, fromMs });
  });

  it('says nothing where nothing ever came', () => expect(silentFromMs([])).toBeUndefined());
});

async function plant() {
  const store = await openStore(':memory:');
  const events: ApiEvent[] = [];
  const clock = { nowMs: 20_000 };
  const bus = { publish: (event: ApiEvent) => void events.push(event), clients: () => 1 };
  const silence = startSilence({
    ...{ store, log: () => {}, everyMs: 1e9, now: () => clock.nowMs },
    bus: { ...bus, listen: () => new ReadableStream(), close: () => {} },
  });
  let count = 0;
  const record = async (machine: string, startMs: number) => {
    await store.putMachine({ name: machine, policy: defaultPolicy, createdMs: 0 });
    const recording = { machine, hash: `${count++}`, name: 'x', ...at(startMs), sampleRate: 8000, bytes: 1 };
    await store.record({ recording, scores: [] });
  };
  const told = () =>
    events.splice(0).map(({ type, data }) => (type === 'stream' ? `${data.stream} ${data.kind}` : type));
  return { store, clock, silence, record, told };
}

describe('startSilence', () => {
  it('tells once that a machine is silent, and once that it is heard again', async () => {
    const { store, clock, silence, record, told } = await plant();
    await record('pump', 0);
    await record('fan', 0);
    await silence.sweep();
    clock.nowMs = 9000 + HOUR;
    await silence.sweep();
    expect(told()).toEqual([]);
    await record('fan', HOUR);
    clock.nowMs = 20_000 + HOUR;
    await silence.sweep();
    await silence.sweep();
    expect(told()).toEqual(['pump silent', 'machine']);
    const pump = await store.machine('pump');
    expect(pump && (await machineStatus(store, pump, clock.nowMs)).silentSinceMs).toBe(10_000);
    silence.heard('fan');
    await record('pump', HOUR);
    silence.heard('pump');
    await silence.close();
    expect(told()).toEqual(['pump heard-again', 'machine']);
    expect(pump && (await machineStatus(store, pump, clock.nowMs)).silentSinceMs).toBeUndefined();
    await store.close();
  });

  it('tells nothing of what was so when it began', async () => {
    const { store, clock, silence, record, told } = await plant();
    await record('pump', 0);
    clock.nowMs = 5 * HOUR;
    await silence.sweep();
    await silence.sweep();
    expect(told()).toEqual([]);
    await silence.close();
    await store.close();
  });

  it('forgets machines that are removed', async () => {
    const { store, clock, silence, record, told } = await plant();
    await record('pump', 0);
    await silence.sweep();
    await store.removeMachine('pump');
    clock.nowMs = 5 * HOUR;
    await silence.sweep();
    expect(told()).toEqual([]);
    await silence.close();
    await store.close();
  });
});
