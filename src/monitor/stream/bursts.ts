// Recordings that come in several messages, in any order, put together again.
import { concatenate } from '../../signal/concatenate.ts';
import type { Recording } from '../../signal/recording.ts';
import type { Arrival, TimeMs } from '../types.ts';

export type BurstPart = {
  stream: string;
  id: string;
  /** From 1 to `parts`. */
  part: number;
  parts: number;
  recording: Recording;
  atMs: TimeMs;
  done(): void;
};

export type BurstLimits = {
  /** How long a burst may wait for its parts. */
  timeoutMs: number;
  /** Bytes of samples, and bursts, that may be open; beyond, the oldest is given up. */
  maxBytes: number;
  maxOpen: number;
};

export type Bursts = {
  /** The whole recording with its last part; trouble where parts do not fit or there is no room. */
  add(part: BurstPart, nowMs: number): Arrival[];
  /** Those that have waited too long, as trouble. `nowMs`: of a clock that is never set. */
  expire(nowMs: number): Arrival[];
};

type Open = { stream: string; id: string; parts: number; got: Map<number, BurstPart>; bytes: number; sinceMs: number };

const bytesOf = ({ channels }: Recording): number => channels.reduce((sum, { byteLength }) => sum + byteLength, 0);

function join(parts: readonly BurstPart[]): Recording {
  const [first] = parts;
  const channels = first.recording.channels.map((_, c) =>
    concatenate(
      Float32Array,
      parts.map(({ recording }) => recording.channels[c]),
    ),
  );
  return { ...first.recording, channels };
}

export function createBursts({ timeoutMs, maxBytes, maxOpen }: BurstLimits): Bursts {
  /** The oldest first. */
  const open = new Map<string, Open>();
  let bytes = 0;

  function close(burst: Open): BurstPart[] {
    open.delete(`${burst.stream}\0${burst.id}`);
    bytes -= burst.bytes;
    return [...burst.got.values()].sort((a, b) => a.part - b.part);
  }

  function giveUp(burst: Open, why: string): Arrival {
    const parts = close(burst);
    const reason = `burst ${burst.id}: ${parts.length} of ${burst.parts} parts came, ${why}; it is left out`;
    const atMs = Math.min(...parts.map((part) => part.atMs));
    const done = () => {
      for (const part of parts) part.done();
    };
    return { kind: 'trouble', stream: burst.stream, atMs, reason, done };
  }

  function makeRoom(): Arrival[] {
    const given: Arrival[] = [];
    for (const burst of open.values()) {
      if (bytes <= maxBytes && open.size <= maxOpen) break;
      given.push(giveUp(burst, 'and too much was open at once'));
    }
    return given;
  }

  return {
    add(part, nowMs) {
      const { stream, id, parts, recording } = part;
      const key = `${stream}\0${id}`;
      const burst = open.get(key) ?? { stream, id, parts, got: new Map(), bytes: 0, sinceMs: nowMs };
      const [first] = burst.got.values();
      const fits =
        parts === burst.parts &&
        (!first ||
          (first.recording.sampleRate === recording.sampleRate &&
            first.recording.channels.length === recording.channels.length));
      if (!fits) {
        const trouble = giveUp(burst, `part ${part.part} differs from them in rate, channels or number of parts`);
        const done = () => {
          trouble.done?.();
          part.done();
        };
        return [{ ...trouble, done }];
      }
      const same = burst.got.get(part.part);
      if (same) {
        const done = () => {
          same.done();
          part.done();
        };
        burst.got.set(part.part, { ...same, done });
        return [];
      }
      burst.got.set(part.part, part);
      const size = bytesOf(recording);
      burst.bytes += size;
      bytes += size;
      open.set(key, burst);
      if (burst.got.size < parts) return makeRoom();
      const all = close(burst);
      const whole = join(all);
      const done = () => {
        for (const each of all) each.done();
      };
      return [{ kind: 'recording', stream, atMs: Math.min(...all.map((each) => each.atMs)), recording: whole, done }];
    },
    expire(nowMs) {
      const late = [...open.values()].filter(({ sinceMs }) => nowMs - sinceMs >= timeoutMs);
      return late.map((burst) => giveUp(burst, `then no more within ${timeoutMs / 1000} s`));
    },
  };
}
