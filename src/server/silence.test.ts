import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../monitor/alarm/policy.ts';
import { openStore } from '../monitor/store/open.node.ts';
import type { ApiEvent } from './schemas.ts';
import { startSilence } from './silence.ts';

const HOUR = 3_600_000;
const at = (startMs: number, receivedMs = startMs + 10_000) => ({ startMs, durationSeconds: 10, receivedMs });

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
    expect((await store.machineStatus('pump', clock.nowMs))?.silentSinceMs).toBe(10_000);
    silence.heard('fan');
    await record('pump', HOUR);
    silence.heard('pump');
    await silence.close();
    expect(told()).toEqual(['pump heard-again', 'machine']);
    expect((await store.machineStatus('pump', clock.nowMs))?.silentSinceMs).toBeUndefined();
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
