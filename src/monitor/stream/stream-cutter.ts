// Cuts one stream of samples into windows, and never across a break in it.
import { type Recording, sampleCount } from '../../signal/recording.ts';
import type { Arrival, StreamEvent, StreamWindow, TimeMs } from '../types.ts';
import { createHolders } from './holders.ts';

/** What comes out, in order of time. */
export type Cut = { kind: 'window'; window: StreamWindow } | { kind: 'event'; event: StreamEvent };

export type CutterOptions = {
  windowSeconds: number;
  hopSeconds: number;
  toleranceSeconds: number;
  maxWindowValues: number;
};

export type SamplesArrival = Extract<Arrival, { kind: 'samples' }>;

type Shape = { sampleRate: number; channels: number; length: number; hop: number };

/** Clocks and sampling rates are a little off; times follow the source's within about this time. */
const FOLLOW_SECONDS = 60;
/** No plant is without samples for longer without anybody knowing: then it is the clock that was set. */
const LONGEST_GAP_MS = 86_400_000;
const RATE_TOLERANCE = 1e-6;

const secondsOf = (value: number): string => `${Number(value.toPrecision(4))} s`;

/** What a break in time is called. */
function breakOf(stream: string, fromMs: TimeMs, toMs: TimeMs): StreamEvent {
  const kind = toMs >= fromMs && toMs - fromMs <= LONGEST_GAP_MS ? 'gap' : 'clock-jump';
  return { stream, atMs: toMs, kind, fromMs, toMs };
}

/**
 * State of one stream: at most one window of samples. What it returns must be iterated to its end before the next call.
 * Times of windows are counted in samples from the start of a run; only a difference to the source's clock beyond the
 * tolerance ends a run.
 */
export function createStreamCutter(stream: string, options: CutterOptions) {
  const { windowSeconds, hopSeconds, toleranceSeconds, maxWindowValues } = options;
  let shape: Shape | undefined;
  let buffer: Float32Array[] = [];
  let filled = 0;
  /** Samples to pass over before the next window begins, where the hop is longer than the window. */
  let skip = 0;
  /** Samples of the run so far, and when it began. */
  let count = 0;
  let startMs = 0;
  let hasCut = false;
  let isRunning = false;
  /** Where the last run ended, by its own count. */
  let endedMs: TimeMs | undefined;
  /** One event for a row of parts that are refused for the same reason. */
  let lastRefusal = '';
  const holders = createHolders();

  const timeOf = (index: number): TimeMs => startMs + (index * 1000) / (shape?.sampleRate ?? 1);

  function shapeOf({ channels, sampleRate }: Recording): Shape | string {
    if (!(sampleRate > 0 && Number.isFinite(sampleRate))) return `expected a rate above 0 Hz, got ${sampleRate}`;
    const samples = (seconds: number) => Math.max(1, Math.round(seconds * sampleRate));
    const length = samples(windowSeconds);
    const values = length * channels.length;
    if (values > maxWindowValues) {
      return `expected at most ${maxWindowValues} values in a window, got ${values} at ${sampleRate} Hz with ${channels.length} channels; shorten the window`;
    }
    return { sampleRate, channels: channels.length, length, hop: samples(hopSeconds) };
  }

  /** Why these samples do not belong to the stream. */
  function refusalOf(recording: Recording, atMs: TimeMs): StreamEvent | undefined {
    const trouble = (reason: string): StreamEvent => ({ stream, atMs, kind: 'trouble', reason });
    if (!shape) {
      const found = shapeOf(recording);
      if (typeof found === 'string') return trouble(found);
      shape = found;
    }
    const { sampleRate, channels } = shape;
    if (!(Math.abs(recording.sampleRate - sampleRate) <= RATE_TOLERANCE * sampleRate)) {
      return { stream, atMs, kind: 'rate-refused', expectedRate: sampleRate, foundRate: recording.sampleRate };
    }
    if (recording.channels.length !== channels) {
      return trouble(`expected ${channels} channels as before, got ${recording.channels.length}; they are left out`);
    }
    return undefined;
  }

  function append(channels: readonly Float32Array[], from: number, taken: number, length: number): void {
    const needed = filled + taken;
    if (buffer.length !== channels.length) buffer = channels.map(() => new Float32Array(0));
    buffer = buffer.map((samples, c) => {
      let whole = samples;
      if (samples.length < needed) {
        whole = new Float32Array(Math.min(length, Math.max(needed, 2 * samples.length)));
        whole.set(samples.subarray(0, filled));
      }
      whole.set(channels[c].subarray(from, from + taken), filled);
      return whole;
    });
    filled = needed;
    count += taken;
  }

  /** The full buffer as a window; what the next one shares with it stays. */
  function takeWindow({ length, hop, sampleRate }: Shape, unit: string | undefined): StreamWindow {
    const first = count - length;
    const channels = buffer.map((samples) => samples.slice(0, length));
    const done = holders.hold(first, count);
    if (hop < length) for (const samples of buffer) samples.copyWithin(0, hop, length);
    filled = Math.max(0, length - hop);
    skip = Math.max(0, hop - length);
    hasCut = true;
    holders.release(first + hop);
    const recording = { channels, sampleRate, name: stream, ...(unit !== undefined && { unit }) };
    return { stream, startMs: timeOf(first), recording, ...(done && { done }) };
  }

  /** Ends the run: what fills no window is left out, and said where nothing of the run was heard. */
  function* endRun(): Generator<Cut, void> {
    if (!isRunning) return;
    isRunning = false;
    endedMs = timeOf(count);
    const { sampleRate } = shape as Shape;
    if (!hasCut) {
      const reason = `${secondsOf(count / sampleRate)} of samples are less than a window of ${secondsOf(windowSeconds)}; they were not heard`;
      yield { kind: 'event', event: { stream, atMs: startMs, kind: 'trouble', reason } };
    }
    filled = 0;
    skip = 0;
    holders.release(Number.POSITIVE_INFINITY);
  }

  function beginRun(atMs: TimeMs): void {
    startMs = atMs;
    count = 0;
    hasCut = false;
    isRunning = true;
  }

  function* cutSamples({ recording, done }: SamplesArrival, samples: number): Generator<Cut, void> {
    const { channels, unit } = recording;
    const whole = shape as Shape;
    if (done) holders.add(count, count + samples, done);
    for (let at = 0; at < samples; ) {
      const passed = Math.min(skip, samples - at);
      skip -= passed;
      count += passed;
      at += passed;
      const taken = Math.min(whole.length - filled, samples - at);
      if (taken === 0) break;
      append(channels, at, taken, whole.length);
      at += taken;
      if (filled === whole.length) yield { kind: 'window', window: takeWindow(whole, unit) };
    }
    holders.release(count - filled + skip);
  }

  return {
    *push(arrival: SamplesArrival): Generator<Cut, void> {
      const { recording, atMs } = arrival;
      const samples = sampleCount(recording);
      if (samples === 0) {
        arrival.done?.();
        return;
      }
      const refusal = refusalOf(recording, atMs);
      if (refusal) {
        yield* endRun();
        const { atMs: _, ...why } = refusal;
        const key = JSON.stringify(why);
        if (key !== lastRefusal) yield { kind: 'event', event: refusal };
        lastRefusal = key;
        arrival.done?.();
        return;
      }
      lastRefusal = '';
      const { sampleRate } = shape as Shape;
      const offMs = atMs - timeOf(count);
      if (isRunning && !(Math.abs(offMs) <= toleranceSeconds * 1000)) yield* endRun();
      if (isRunning) {
        startMs += offMs * Math.min(1, samples / sampleRate / FOLLOW_SECONDS);
      } else {
        if (endedMs !== undefined) yield { kind: 'event', event: breakOf(stream, endedMs, atMs) };
        beginRun(atMs);
      }
      yield* cutSamples(arrival, samples);
    },
    end: endRun,
  };
}
