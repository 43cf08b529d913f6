// Windows of all streams: samples in parts of any size go in, windows and events come out.
import { InputError } from '../../signal/errors.ts';
import type { Arrival } from '../types.ts';
import { once } from './done.ts';
import { type Cut, createStreamCutter } from './stream-cutter.ts';

export type { Cut } from './stream-cutter.ts';

export type WindowerOptions = {
  /** Length of a window, in seconds … */
  windowSeconds: number;
  /** … and from the start of one to the start of the next; the length of a window by default. */
  hopSeconds?: number;
  /** How far the time of a part may be from where counting samples puts it; 0.5 by default. */
  toleranceSeconds?: number;
  /** Samples of all channels of a window; a stream that needs more is refused. 2^25 by default. */
  maxWindowValues?: number;
  /** Streams that are remembered; the one that was silent for longest makes room for a new one. 1024 by default. */
  maxStreams?: number;
};

/** The generators change the state as they are iterated: iterate each to its end before the next call. */
export type Windower = {
  push(arrival: Arrival): Generator<Cut, void>;
  /** Ends all streams: what fills no window is left out, and its arrivals are done. */
  end(): Generator<Cut, void>;
};

/**
 * Cuts arrivals into windows of `windowSeconds`, one every `hopSeconds`. Memory: one window per stream, and the part
 * that is being cut. A gap or a jump of the clock beyond the tolerance ends the window that was being filled: no
 * window holds samples from both sides. Another rate or number of channels in a stream is refused until the first one
 * is back. Recordings are windows of their own. `done` of an arrival is called once, when all windows that hold samples of
 * it are done and no later one will.
 * @throws InputError for lengths that are not above 0
 */
export function createWindower(options: WindowerOptions): Windower {
  const { windowSeconds, hopSeconds = windowSeconds, toleranceSeconds = 0.5 } = options;
  const { maxWindowValues = 2 ** 25, maxStreams = 1024 } = options;
  for (const [name, value] of Object.entries({ windowSeconds, hopSeconds })) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new InputError(`createWindower: expected ${name} above 0, got ${value}; give a length in seconds`);
    }
  }
  if (!(toleranceSeconds >= 0)) {
    throw new InputError(`createWindower: expected toleranceSeconds of at least 0, got ${toleranceSeconds}`);
  }
  const settings = { windowSeconds, hopSeconds, toleranceSeconds, maxWindowValues };
  /** The one heard last is last. */
  const cutters = new Map<string, ReturnType<typeof createStreamCutter>>();

  function* makeRoom(atMs: number): Generator<Cut, void> {
    for (const [stream, cutter] of cutters) {
      if (cutters.size < maxStreams) return;
      cutters.delete(stream);
      yield* cutter.end();
      const reason = `forgotten: more than ${maxStreams} streams came, and this one was silent for longest`;
      yield { kind: 'event', event: { stream, atMs, kind: 'trouble', reason } };
    }
  }

  return {
    *push(arrival) {
      const { stream, atMs } = arrival;
      if (arrival.kind === 'trouble') {
        yield { kind: 'event', event: { stream, atMs, kind: 'trouble', reason: arrival.reason } };
        arrival.done?.();
        return;
      }
      if (arrival.kind === 'recording') {
        const { recording, done } = arrival;
        yield { kind: 'window', window: { stream, startMs: atMs, recording, ...(done && { done: once(done) }) } };
        return;
      }
      let cutter = cutters.get(stream);
      if (cutter) cutters.delete(stream);
      else yield* makeRoom(atMs);
      cutter ??= createStreamCutter(stream, settings);
      cutters.set(stream, cutter);
      yield* cutter.push(arrival);
    },
    *end() {
      for (const cutter of cutters.values()) yield* cutter.end();
      cutters.clear();
    },
  };
}
