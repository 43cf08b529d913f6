import { describe, expect, it } from 'vitest';
import { createEventBus, formatEvent } from './events.ts';
import type { ApiEvent } from './schemas.ts';

const event = (text: string): ApiEvent => ({ type: 'stream', data: { stream: 'a', atMs: 1, kind: 'gap', text } });
const textOf = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> =>
  new TextDecoder().decode((await reader.read()).value);

describe('createEventBus', () => {
  it('sends everybody everything, in order, each event one line of data', async () => {
    const bus = createEventBus();
    const readers = [bus.listen().getReader(), bus.listen().getReader()];
    bus.publish(event('one\ntwo'));
    bus.publish(event('three'));
    for (const reader of readers) {
      expect(await textOf(reader)).toBe(': still here\n\n');
      expect(await textOf(reader)).toBe(
        'event: stream\ndata: {"stream":"a","atMs":1,"kind":"gap","text":"one\\ntwo"}\n\n',
      );
      expect(await textOf(reader)).toContain('three');
    }
    await readers[0].cancel();
    expect(bus.clients()).toBe(1);
    bus.close();
    expect((await readers[1].read()).done).toBe(true);
    expect(bus.clients()).toBe(0);
  });

  it('cuts off who does not read, and nobody else', async () => {
    let cut = 0;
    const bytes = formatEvent(event('x'.repeat(1000))).length;
    const bus = createEventBus({ maxWaitingBytes: 10 * bytes, onCutOff: () => cut++ });
    const slow = bus.listen().getReader();
    const quick = bus.listen().getReader();
    await quick.read();
    for (let i = 0; i < 50; i++) {
      bus.publish(event('x'.repeat(1000)));
      expect((await quick.read()).value).toHaveLength(bytes);
    }
    expect(cut).toBe(1);
    expect(bus.clients()).toBe(1);
    await expect(slow.read()).rejects.toThrow('too slow');
    bus.close();
  });

  it('says now and then that it is there, as long as the listener is allowed', async () => {
    let allowed = true;
    const bus = createEventBus({ heartbeatMs: 10 });
    const reader = bus.listen(async () => allowed).getReader();
    for (let i = 0; i < 3; i++) expect(await textOf(reader)).toBe(': still here\n\n');
    allowed = false;
    while (!(await reader.read()).done);
    expect(bus.clients()).toBe(0);
    bus.close();
  });
});
