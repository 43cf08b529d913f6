import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arrival, StreamEvent, StreamWindow } from '../types.ts';
import { type Cut, createWindower, type WindowerOptions } from './windows.ts';

const RATE = 100;

type Part = { samples: number; breakMs: number; jitterMs: number };
type Piece = { arrival: Arrival; run: number; from: number; to: number };

/** Parts one after the other in time; a break begins a new run. Sample values count up over all of them. */
function stream(parts: readonly Part[], onDone: (part: number) => void, channels = 1): Piece[] {
  let atMs = 1_800_000_000_000;
  let value = 0;
  let run = 0;
  let position = 0;
  return parts.map(({ samples, breakMs, jitterMs }, p) => {
    if (breakMs !== 0 && p > 0) {
      atMs += breakMs;
      run++;
      position = 0;
    }
    const values = Float32Array.from({ length: samples }, () => value++);
    const recording = {
      channels: Array.from({ length: channels }, (_, c) => values.map((v) => v + c / 2)),
      sampleRate: RATE,
      name: 'part',
    };
    const arrival: Arrival = {
      kind: 'samples',
      stream: 'pump',
      atMs: atMs + jitterMs,
      recording,
      done: () => onDone(p),
    };
    atMs += (samples / RATE) * 1000;
    const from = position;
    position += samples;
    return { arrival, run, from, to: position };
  });
}

/** All windows of runs, the slow way: every start that a hop leads to, where the run is long enough. */
function naiveWindows(pieces: readonly Piece[], length: number, hop: number) {
  const windows: { run: number; from: number; to: number; values: number[] }[] = [];
  for (let run = 0; run <= (pieces.at(-1)?.run ?? -1); run++) {
    const all = pieces
      .filter((piece) => piece.run === run)
      .flatMap(({ arrival }) => (arrival.kind === 'samples' ? [...arrival.recording.channels[0]] : []));
    for (let from = 0; from + length <= all.length; from += hop) {
      windows.push({ run, from, to: from + length, values: all.slice(from, from + length) });
    }
  }
  return windows;
}

const part = fc.record({
  samples: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 2000 })),
  breakMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 400, max: 3_600_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -3_600_000, max: -400 }) },
  ),
  jitterMs: fc.integer({ min: -30, max: 30 }),
});
const plan = fc.record({
  parts: fc.array(part, { maxLength: 40 }),
  length: fc.integer({ min: 1, max: 120 }),
  hop: fc.integer({ min: 1, max: 240 }),
});
const options = (length: number, hop: number, more: Partial<WindowerOptions> = {}): WindowerOptions => ({
  windowSeconds: length / RATE,
  hopSeconds: hop / RATE,
  toleranceSeconds: 0.2,
  ...more,
});

const windowsOf = (cuts: readonly Cut[]): StreamWindow[] =>
  cuts.flatMap((cut) => (cut.kind === 'window' ? [cut.window] : []));
const eventsOf = (cuts: readonly Cut[]): StreamEvent[] =>
  cuts.flatMap((cut) => (cut.kind === 'event' ? [cut.event] : []));

describe('windows', () => {
  it('hold the samples that counting by hand puts there, across parts and never across breaks', () => {
    fc.assert(
      fc.property(plan, ({ parts, length, hop }) => {
        const pieces = stream(parts, () => {});
        const windower = createWindower(options(length, hop));
        const cuts = [...pieces.flatMap(({ arrival }) => [...windower.push(arrival)]), ...windower.end()];
        expect(windowsOf(cuts).map(({ recording }) => [...recording.channels[0]])).toEqual(
          naiveWindows(pieces, length, hop).map(({ values }) => values),
        );
        const breaks = eventsOf(cuts).filter(({ kind }) => kind === 'gap' || kind === 'clock-jump');
        expect(breaks).toHaveLength(pieces.at(-1)?.run ?? 0);
      }),
    );
  });

  it('are done with an arrival exactly once: when its windows are done and no later one will hold it', () => {
    fc.assert(
      fc.property(plan, fc.infiniteStream(fc.nat()), ({ parts, length, hop }, random) => {
        const calls = parts.map(() => 0);
        const pieces = stream(parts, (p) => calls[p]++);
        const windower = createWindower(options(length, hop));
        const open: { window: StreamWindow; index: number }[] = [];
        const finished = new Set<number>();
        let index = 0;
        const take = (cuts: Iterable<Cut>) => {
          for (const cut of cuts) if (cut.kind === 'window') open.push({ window: cut.window, index: index++ });
        };
        const check = (pushed: readonly Piece[], ended: boolean) => {
          // With what was pushed so far, and with a run that goes on without end.
          const known = naiveWindows(pushed, length, hop);
          const last = pushed.at(-1);
          const nextStart = known.filter(({ run }) => run === last?.run).length * hop;
          for (const [p, piece] of pushed.entries()) {
            const mine = known.flatMap(({ run, from, to }, w) =>
              run === piece.run && from < piece.to && to > piece.from ? [w] : [],
            );
            const later = !ended && piece.run === last?.run && nextStart < piece.to;
            expect(calls[p]).toBe(!later && mine.every((w) => finished.has(w)) ? 1 : 0);
          }
        };
        const finishSome = (all: boolean) => {
          while (open.length > 0 && (all || random.next().value % 3 > 0)) {
            const [{ window, index: w }] = open.splice(random.next().value % open.length, 1);
            window.done?.();
            if (random.next().value % 4 === 0) window.done?.();
            finished.add(w);
          }
        };
        for (const [p, { arrival }] of pieces.entries()) {
          take(windower.push(arrival));
          finishSome(false);
          check(pieces.slice(0, p + 1), false);
        }
        take(windower.end());
        check(pieces, true);
        finishSome(true);
        expect(calls).toEqual(parts.map(() => 1));
      }),
    );
  });

  it('keep all channels, and the time of their first sample', () => {
    const pieces = stream(
      Array.from({ length: 30 }, () => ({ samples: 7, breakMs: 0, jitterMs: 0 })),
      () => {},
      2,
    );
    const windower = createWindower(options(20, 10));
    const windows = windowsOf(pieces.flatMap(({ arrival }) => [...windower.push(arrival)]));
    expect(windows.map(({ startMs }) => startMs - 1_800_000_000_000)).toEqual(windows.map((_, w) => w * 100));
    for (const { recording } of windows) {
      expect(recording.channels.map(({ length }) => length)).toEqual([20, 20]);
      expect([...recording.channels[1]]).toEqual([...recording.channels[0]].map((value) => value + 0.5));
    }
  });

  it('come one at a time from an hour in one part: memory is a window, not a part', () => {
    const arrival: Arrival = {
      kind: 'samples',
      stream: 'pump',
      atMs: 0,
      recording: { channels: [new Float32Array(3600 * 1000)], sampleRate: 1000, name: 'hour' },
    };
    const windower = createWindower({ windowSeconds: 10, hopSeconds: 1 });
    let most = 0;
    let windows = 0;
    for (const cut of windower.push(arrival)) {
      if (cut.kind !== 'window') continue;
      windows++;
      most = Math.max(most, cut.window.recording.channels[0].buffer.byteLength);
    }
    expect(windows).toBe(3591);
    expect(most).toBe(10_000 * 4);
  });

  it('say how long a gap was, and which way a clock went', () => {
    const at = (atMs: number): Arrival => ({
      kind: 'samples',
      stream: 'pump',
      atMs,
      recording: { channels: [new Float32Array(100)], sampleRate: RATE, name: '' },
    });
    const windower = createWindower(options(50, 50));
    const times = [0, 1000, 5000, 3000, 200_000_000];
    const events = eventsOf(times.flatMap((ms) => [...windower.push(at(ms))]));
    expect(events).toEqual([
      { stream: 'pump', atMs: 5000, kind: 'gap', fromMs: 2000, toMs: 5000 },
      { stream: 'pump', atMs: 3000, kind: 'clock-jump', fromMs: 6000, toMs: 3000 },
      { stream: 'pump', atMs: 200_000_000, kind: 'clock-jump', fromMs: 4000, toMs: 200_000_000 },
    ]);
  });

  it('follow a sensor whose clock is 100 ppm off for a day without a break', () => {
    const windower = createWindower({ windowSeconds: 10, toleranceSeconds: 0.1 });
    const recording = { channels: [new Float32Array(10)], sampleRate: 1, name: '' };
    let last = 0;
    for (let i = 0; i < 8640; i++) {
      for (const cut of windower.push({ kind: 'samples', stream: 'pump', atMs: i * 10_001, recording })) {
        expect(cut.kind).toBe('window');
        if (cut.kind === 'window') last = cut.window.startMs;
      }
    }
    expect(Math.abs(last - 8639 * 10_001)).toBeLessThan(20);
  });

  it('refuse another rate once, and go on when the first is back, without bridging', () => {
    const calls: number[] = [];
    const push = (windower: ReturnType<typeof createWindower>, atMs: number, sampleRate: number, channels = 1) => [
      ...windower.push({
        kind: 'samples',
        stream: 'pump',
        atMs,
        recording: { channels: Array.from({ length: channels }, () => new Float32Array(80)), sampleRate, name: '' },
        done: () => calls.push(atMs),
      }),
    ];
    const windower = createWindower(options(100, 100, { toleranceSeconds: 1000 }));
    const cuts = [
      ...push(windower, 0, 100),
      ...push(windower, 800, 200),
      ...push(windower, 1200, 200),
      ...push(windower, 1600, 100, 2),
      ...push(windower, 2400, 100),
      ...push(windower, 3200, 100),
    ];
    expect(eventsOf(cuts)).toEqual([
      expect.objectContaining({ kind: 'trouble', reason: expect.stringContaining('0.8 s of samples are less than') }),
      { stream: 'pump', atMs: 800, kind: 'rate-refused', expectedRate: 100, foundRate: 200 },
      expect.objectContaining({ kind: 'trouble', reason: expect.stringContaining('expected 1 channels') }),
      { stream: 'pump', atMs: 2400, kind: 'gap', fromMs: 800, toMs: 2400 },
    ]);
    expect(windowsOf(cuts).map(({ startMs }) => startMs)).toEqual([2400]);
    expect(calls).toEqual([0, 800, 1200, 1600]);
  });

  it('refuse a stream whose window would not fit into memory', () => {
    const windower = createWindower({ windowSeconds: 10 });
    const recording = { channels: [new Float32Array(10)], sampleRate: 1e12, name: '' };
    const cuts = [...windower.push({ kind: 'samples', stream: 'pump', atMs: 0, recording })];
    expect(eventsOf(cuts)).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('shorten the window') }),
    ]);
  });

  it('keep streams apart, and forget the one that was silent for longest', () => {
    const windower = createWindower(options(10, 10, { maxStreams: 2 }));
    const push = (stream: string) => [
      ...windower.push({
        kind: 'samples',
        stream,
        atMs: 0,
        recording: { channels: [new Float32Array(5)], sampleRate: RATE, name: '' },
      }),
    ];
    expect(push('a')).toEqual([]);
    expect(push('b')).toEqual([]);
    expect(eventsOf(push('c')).map(({ stream, atMs }) => [stream, atMs])).toEqual([
      ['a', 0],
      ['a', 0],
    ]);
    expect(eventsOf([...windower.end()]).map(({ stream }) => stream)).toEqual(['b', 'c']);
  });

  it('pass recordings through as they are, and trouble as an event', () => {
    let done = 0;
    const windower = createWindower({ windowSeconds: 10 });
    const recording = { channels: [new Float32Array(5)], sampleRate: RATE, name: 'a.wav' };
    const [cut] = [
      ...windower.push({ kind: 'recording', stream: 'pump', atMs: 7, recording, done: () => done++ }),
    ] as Extract<Cut, { kind: 'window' }>[];
    expect(cut.window).toMatchObject({ stream: 'pump', startMs: 7, recording });
    cut.window.done?.();
    cut.window.done?.();
    expect(done).toBe(1);
    const events = [
      ...windower.push({ kind: 'trouble', stream: 'pump', atMs: 8, reason: 'no disk', done: () => done++ }),
    ];
    expect(eventsOf(events)).toEqual([{ stream: 'pump', atMs: 8, kind: 'trouble', reason: 'no disk' }]);
    expect(done).toBe(2);
  });

  it.each([
    [{ windowSeconds: 0 }, 'expected windowSeconds above 0, got 0'],
    [{ windowSeconds: 1, hopSeconds: Number.NaN }, 'expected hopSeconds above 0, got NaN'],
    [{ windowSeconds: 1, toleranceSeconds: -1 }, 'expected toleranceSeconds of at least 0, got -1'],
  ])('are refused for %j', (bad, message) => {
    expect(() => createWindower(bad)).toThrow(message);
  });
});
