import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import type { AlarmChange } from './alarm/types.ts';
import { createWindower } from './stream/windows.ts';
import type { Arrival, Heard, Source, StreamWindow } from './types.ts';
import { type WatchNews, type WatchParts, watch } from './watch.ts';

const heardOf = ({ startMs, recording }: StreamWindow): Heard => ({
  startMs,
  durationSeconds: recording.channels[0].length / recording.sampleRate,
  sampleRate: recording.sampleRate,
  constant: false,
  score: recording.channels[0][0],
  pValue: 0.5,
  threshold: 5,
  anomalous: recording.channels[0][0] >= 5,
  bands: [],
  places: [],
  nearest: { file: 'a.wav', startSeconds: 0, durationSeconds: 1 },
});

/** Seconds of samples, one value each, at 10 Hz. */
function source(values: readonly number[], more: { stream?: string; endless?: boolean; error?: Error } = {}) {
  const { stream = 'pump', endless = false, error } = more;
  const state = { taken: 0, done: [] as number[], isClosed: false };
  const made: Source = {
    name: 'test',
    async *arrivals() {
      for (const [i, value] of values.entries()) {
        state.taken++;
        const recording = { channels: [new Float32Array(10).fill(value)], sampleRate: 10, name: stream };
        const arrival: Arrival = {
          kind: 'samples',
          stream,
          atMs: i * 1000,
          recording,
          done: () => state.done.push(value),
        };
        yield arrival;
      }
      if (error) throw error;
      if (endless) await new Promise(() => {});
    },
    async close() {
      state.isClosed = true;
    },
  };
  return { source: made, state };
}

async function watched(given: Source, more: Partial<WatchParts> = {}) {
  const news: WatchNews[] = [];
  const outcome = await watch({
    source: given,
    windower: createWindower({ windowSeconds: 1 }),
    hear: async (window) => [heardOf(window)],
    decide: () => [],
    report: (one) => news.push(one),
    signal: new AbortController().signal,
    ...more,
  }).catch((error: Error) => error);
  const scores = news.flatMap((one) => (one.kind === 'heard' ? [one.heard.score] : []));
  return { news, scores, outcome };
}

const alarm = (machine: string, heard: Heard): AlarmChange => ({
  machine,
  kind: 'fault',
  change: 'raised',
  atMs: heard.startMs,
  sinceMs: heard.startMs,
  reason: { ...heard, above: 1, of: 1, text: 'it knocks' },
});

describe('watch', () => {
  it('hears windows in order, tells alarms behind their scores, and closes the source', async () => {
    const { source: given, state } = source([1, 7, 2, 8]);
    const told: AlarmChange[] = [];
    const { news, scores, outcome } = await watched(given, {
      ahead: 3,
      // Later windows are ready before earlier ones.
      hear: async (window) => {
        await sleep(30 - window.startMs / 200);
        return [heardOf(window)];
      },
      decide: (stream, heard) => (heard.anomalous ? [alarm(stream, heard)] : []),
      notify: async (change) => {
        told.push(change);
      },
    });
    expect(scores).toEqual([1, 7, 2, 8]);
    expect(news.map(({ kind }) => kind)).toEqual(['heard', 'heard', 'alarm', 'heard', 'heard', 'alarm']);
    expect(told).toHaveLength(2);
    expect(outcome).toEqual({ heard: 4, anomalous: 2, alarms: 2, failed: 0, dropped: 0 });
    expect(state.done).toEqual([1, 7, 2, 8]);
    expect(state.isClosed).toBe(true);
  });

  it('lets a source wait for a slow detector', async () => {
    const { source: given, state } = source(Array.from({ length: 20 }, (_, i) => i));
    let most = 0;
    let heard = 0;
    await watched(given, {
      ahead: 2,
      hear: async (window) => {
        await sleep(5);
        heard++;
        most = Math.max(most, state.taken - heard);
        return [heardOf(window)];
      },
    });
    expect(heard).toBe(20);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('drops the oldest windows of a source that cannot wait, and says how many and which', async () => {
    const { source: given, state } = source([1, 2, 3, 4, 5, 6]);
    let finish = (): void => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    setTimeout(() => finish(), 100);
    const { scores, news, outcome } = await watched(given, {
      mostWaiting: 2,
      hear: async (window) => {
        await first;
        return [heardOf(window)];
      },
    });
    expect(scores).toEqual([1, 5, 6]);
    expect(news[1]).toEqual({ kind: 'dropped', stream: 'pump', fromMs: 1000, toMs: 4000, count: 3 });
    expect(outcome).toMatchObject({ heard: 3, dropped: 3 });
    expect(state.done.sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('goes on after windows that cannot be heard; only bad input is done with', async () => {
    const { source: given, state } = source([1, 2, 3, 4]);
    const { news, scores, outcome } = await watched(given, {
      hear: async (window) => {
        const { score } = heardOf(window);
        if (score === 2) throw new InputError('hear: sample 3 is NaN');
        if (score === 3) throw new Error('the thread\nended');
        return [heardOf(window)];
      },
    });
    expect(scores).toEqual([1, 4]);
    expect(news.filter(({ kind }) => kind === 'failed')).toEqual([
      { kind: 'failed', stream: 'pump', atMs: 1000, reason: 'hear: sample 3 is NaN' },
      { kind: 'failed', stream: 'pump', atMs: 2000, reason: 'the thread ended' },
    ]);
    expect(outcome).toMatchObject({ failed: 2 });
    expect(state.done).toEqual([1, 2, 4]);
  });

  it('is not stopped by a receiver of alarms that fails', async () => {
    const { source: given } = source([9, 1]);
    const { news, scores } = await watched(given, {
      decide: (stream, heard) => (heard.anomalous ? [alarm(stream, heard)] : []),
      notify: () => Promise.reject(new Error('webhook: 500')),
    });
    expect(scores).toEqual([9, 1]);
    expect(news).toContainEqual({ kind: 'failed', stream: 'pump', atMs: 0, reason: 'webhook: 500' });
  });

  it('ends when it is told to: what is being heard is finished, half a window is not done', async () => {
    const { source: given, state } = source([1, 2, 3], { endless: true });
    const stop = new AbortController();
    const { scores, outcome } = await watched(given, {
      windower: createWindower({ windowSeconds: 2 }),
      signal: stop.signal,
      hear: async (window) => {
        setTimeout(() => stop.abort(), 20);
        await sleep(60);
        return [heardOf(window)];
      },
    });
    expect(scores).toEqual([1]);
    expect(outcome).toMatchObject({ heard: 1 });
    expect(state.done).toEqual([1, 2]);
    expect(state.isClosed).toBe(true);
  });

  it('passes on what the source throws, after what was taken', async () => {
    const { source: given, state } = source([1, 2], { error: new InputError('the broker refuses') });
    const { scores, outcome } = await watched(given);
    expect(outcome).toBeInstanceOf(InputError);
    expect(scores).toEqual([1, 2]);
    expect(state.isClosed).toBe(true);
  });

  it('tells events of a stream behind the windows before them', async () => {
    const given: Source = {
      name: 'test',
      async *arrivals() {
        const recording = { channels: [new Float32Array(10)], sampleRate: 10, name: '' };
        yield { kind: 'samples', stream: 'pump', atMs: 0, recording };
        yield { kind: 'samples', stream: 'pump', atMs: 60_000, recording };
        yield { kind: 'trouble', stream: 'pump', atMs: 61_000, reason: 'lost' };
      },
      close: async () => {},
    };
    const { news } = await watched(given, {
      hear: async (window) => {
        await sleep(20);
        return [heardOf(window)];
      },
      ahead: 2,
    });
    expect(news.map((one) => (one.kind === 'event' ? one.event.kind : one.kind))).toEqual([
      'heard',
      'gap',
      'heard',
      'trouble',
    ]);
  });
});
