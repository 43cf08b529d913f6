// From messages of a broker to arrivals: what they hold, bursts put together, duplicates left out.
import { InputError, inputMessage } from '../../signal/errors.ts';
import { duration } from '../../signal/recording.ts';
import type { Arrival, TimeMs } from '../types.ts';
import { type BurstLimits, createBursts } from './bursts.ts';
import { createDoneLimit, once, shareDone } from './done.ts';
import { type Payload, type PayloadSettings, readPayload } from './payload.ts';

export type Message = {
  topic: string;
  bytes: Uint8Array;
  /** When it was sent, or else came: its samples end then, unless it says when they begin. */
  atMs: TimeMs;
  /** `rate`, `format`, … as `readPayload` knows them. */
  headers?: Readonly<Record<string, string>>;
  /** Acknowledges it. */
  done(): void;
};

export type MessageSettings = PayloadSettings & {
  /** Every message is a recording of its own, also samples without an id. */
  bursts?: boolean;
  limits?: Partial<BurstLimits>;
};

/** What a client of a broker adds. */
export type MessageReaderOptions = MessageSettings & {
  nameOf(topic: string): string;
  /** How many messages that are parts of something may wait to be acknowledged. */
  maxOpenParts: number;
};

export type MessageReader = {
  /** Messages must be read one after the other. Never rejects for what a message holds: that is trouble. */
  read(message: Message): Promise<Arrival[]>;
  /** To be called from time to time: bursts that stayed incomplete. */
  expire(): Arrival[];
};

const MAX_IDS = 10_000;

/** Remembers the last ids: a duplicate of one that is not done yet is done with it. */
function createIds() {
  const ids = new Map<string, { isDone: boolean; others: (() => void)[] }>();
  return {
    /** Whether it is a duplicate; then its `done` is taken care of. */
    isKnown(id: string, done: () => void): boolean {
      const known = ids.get(id);
      if (known?.isDone) done();
      else known?.others.push(done);
      return known !== undefined;
    },
    /** Returns what to call when it is done. */
    enter(id: string, done: () => void): () => void {
      const entry = { isDone: false, others: [] as (() => void)[] };
      ids.set(id, entry);
      if (ids.size > MAX_IDS) ids.delete([...ids.keys()][0]);
      return once(() => {
        entry.isDone = true;
        done();
        for (const other of entry.others.splice(0)) other();
      });
    },
  };
}

/** Reads messages in the order they came, for all sources that are brokers. */
export function createMessageReader(options: MessageReaderOptions): MessageReader {
  const { nameOf, maxOpenParts, bursts: areBursts = false } = options;
  const { timeoutMs = 60_000, maxBytes = 2 ** 26, maxOpen = 256 } = options.limits ?? {};
  const bursts = createBursts({ timeoutMs, maxBytes, maxOpen });
  const limited = createDoneLimit(maxOpenParts);
  const ids = createIds();

  function arrivalsOf(stream: string, payload: Payload, message: Message): Arrival[] {
    const { recordings, isFile, startMs, id, part, parts } = payload;
    const seconds = recordings.reduce((sum, recording) => sum + duration(recording), 0);
    let atMs = startMs ?? message.atMs - seconds * 1000;
    const key = JSON.stringify([stream, id]);
    const isNamed = id !== undefined;
    if (isNamed && ids.isKnown(key, message.done)) return [];
    if (isNamed && part !== undefined && parts !== undefined) {
      if (recordings.length > 1) throw new InputError(`a part of burst ${id} holds ${recordings.length} recordings`);
      const [recording] = recordings;
      const whole = { stream, id, part, parts, recording, atMs, done: limited(message.done) };
      // Only what became whole is known: one that was given up may be sent again.
      return bursts
        .add(whole, performance.now())
        .map((arrival) =>
          arrival.kind === 'recording' && arrival.done ? { ...arrival, done: ids.enter(key, arrival.done) } : arrival,
        );
    }
    if (!isFile && !isNamed && !areBursts) {
      return [{ kind: 'samples', stream, atMs, recording: recordings[0], done: limited(message.done) }];
    }
    const done = isNamed ? ids.enter(key, message.done) : message.done;
    const shares = shareDone(recordings.length, done);
    return recordings.map((recording, r) => {
      const arrival: Arrival = { kind: 'recording', stream, atMs, recording, done: shares[r] };
      atMs += duration(recording) * 1000;
      return arrival;
    });
  }

  return {
    async read(message) {
      const stream = nameOf(message.topic);
      try {
        const payload = await readPayload(message.bytes, options, message.topic, message.headers);
        return arrivalsOf(stream, payload, message);
      } catch (error) {
        return [{ kind: 'trouble', stream, atMs: message.atMs, reason: inputMessage(error), done: message.done }];
      }
    },
    expire: () => bursts.expire(performance.now()),
  };
}
