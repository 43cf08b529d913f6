// Messages of a JetStream stream as a source.
import { createHash } from 'node:crypto';
import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../../signal/errors.ts';
import { connectServers, reasonOf } from '../../training/nats.node.ts';
import type { Arrival, Source } from '../types.ts';
import { once } from './done.ts';
import { createMessageReader, type MessageSettings } from './messages.ts';
import { natsRules, parseSubject } from './subject.ts';

export type NatsSourceOptions = MessageSettings & {
  /** Name of the durable consumer: what it has acknowledged does not come again. By default one of the subject. */
  consumer?: string;
  /** What a new consumer begins with: all that the stream holds (the default), or what comes from now on. */
  deliver?: 'all' | 'new';
  /** The server sends a message again that was neither acknowledged nor worked on for so long; 60 by default. */
  ackWaitSeconds?: number;
  /** From one attempt to reach a lost server to the next, without end and without growing; 2 by default. */
  reconnectSeconds?: number;
};

const NANOSECONDS = 1e9;
const TICK_MS = 1000;
const RECONNECT_SECONDS = 2;
const END_MS = 2000;
const NOT_FOUND = 404;
/** Messages that the client asks for before it needs them. */
const AHEAD = 16;
const MAX_ACK_PENDING = 1000;
const HEADER = /^thrum-(rate|format|channels|start|id|part|parts)$/i;

function readUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || !/^(nats|tls):$/.test(url.protocol)) {
    throw new InputError(
      `createNatsSource: expected nats://host:4222/subject, got ${text.replace(/^.*@/, '')}; a password is percent-encoded`,
    );
  }
  const pattern = decodeURIComponent(url.pathname.slice(1));
  const user = url.username === '' ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
  return { name: `${url.protocol}//${url.host}/${pattern}`, server: `${url.protocol}//${user}${url.host}`, pattern };
}

/** `Thrum-Rate`, `Thrum-Format` and so on. */
function headersOf({ headers }: JsMsg): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of headers?.keys() ?? []) {
    const name = HEADER.exec(key)?.[1];
    if (name) found[name.toLowerCase()] = headers?.get(key) ?? '';
  }
  return found;
}

/**
 * Messages of the JetStream stream that holds the subject in `url`: `nats://user:password@host:4222/plants.{machine}.audio`,
 * with `*` and `>` as NATS has them, `tls:` for TLS. The stream of samples is the token at `{machine}`, else the last.
 * A durable consumer is made where there is none, and pulled from only as fast as its messages are heard. A message is
 * acknowledged when it is done; of those that are parts of streams and bursts, only so many wait for that as the consumer
 * allows. Messages are as `readPayload` knows them, with headers `Thrum-Rate` and so on. A lost connection is made again.
 * Iterating throws InputError where the server cannot be reached at first, and where no stream holds the subject.
 * @throws InputError for an address that is none. User and password stand in no message.
 */
export function createNatsSource(url: string, options: NatsSourceOptions = {}): Source {
  const { name, server, pattern } = readUrl(url);
  const { filter, nameOf } = parseSubject(pattern, natsRules);
  const { deliver = 'all', ackWaitSeconds = 60, reconnectSeconds = RECONNECT_SECONDS } = options;
  const digest = createHash('sha256').update(filter).digest('hex').slice(0, 12);
  const durable = options.consumer ?? `thrum-watch-${digest}`;
  /** Taken and not yet done, by place in the stream: the last delivery of each is acknowledged. */
  const open = new Map<number, JsMsg>();
  const notices: string[] = [];
  let connection: NatsConnection | undefined;
  let messages: ConsumerMessages | undefined;
  let isClosed = false;

  const refused = (error: unknown): InputError =>
    new InputError(
      `createNatsSource: cannot listen at ${name} (${reasonOf(error)}); make a stream that holds this subject, such as nats stream add --subjects ${filter}`,
    );

  async function consumerOf(connected: NatsConnection): Promise<Consumer> {
    const manager = await jetstreamManager(connected);
    const stream = await manager.streams.find(filter);
    const known = await manager.consumers.info(stream, durable).catch((error: { code?: number; status?: number }) => {
      if (error.code === NOT_FOUND || error.status === NOT_FOUND || /not found/.test(String(error))) return undefined;
      throw error;
    });
    const { filter_subject: before } = known?.config ?? {};
    if (known && before !== filter) {
      throw new Error(`consumer ${durable} takes ${before ?? 'everything'}; name another consumer`);
    }
    if (!known) {
      await manager.consumers.add(stream, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: deliver === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
        ack_wait: ackWaitSeconds * NANOSECONDS,
        max_ack_pending: MAX_ACK_PENDING,
        filter_subject: filter,
      });
    }
    return jetstream(connected).consumers.get(stream, durable);
  }

  async function listen(): Promise<{ pulled: ConsumerMessages; maxOpenParts: number; ackWaitMs: number }> {
    const connected = (await connectServers([server], 'thrum watch', 'createNatsSource', 1000 * reconnectSeconds))
      .connection;
    connection = connected;
    followConnection(connected);
    try {
      const consumer = await consumerOf(connected);
      const { max_ack_pending: pending = MAX_ACK_PENDING, ack_wait: wait = 30 * NANOSECONDS } = (
        await consumer.info(true)
      ).config;
      const pulled = await consumer.consume({ max_messages: AHEAD });
      messages = pulled;
      const maxOpenParts = pending > 0 ? Math.max(1, Math.floor(pending / 2)) : MAX_ACK_PENDING;
      return { pulled, maxOpenParts, ackWaitMs: wait / 1e6 };
    } catch (error) {
      throw refused(error);
    }
  }

  async function followConnection(connected: NatsConnection): Promise<void> {
    for await (const { type } of connected.status()) {
      if (type === 'disconnect' && !isClosed) notices.push('the connection is lost; trying again');
      if (type === 'reconnect') notices.push('connected again');
    }
  }

  /** Undefined for a message that is being heard already. */
  function take(message: JsMsg): (() => void) | undefined {
    const isKnown = open.has(message.seq);
    open.set(message.seq, message);
    if (isKnown) return undefined;
    return once(() => {
      open.get(message.seq)?.ack();
      open.delete(message.seq);
    });
  }

  async function* arrivals(): AsyncGenerator<Arrival> {
    const { pulled, maxOpenParts, ackWaitMs } = await listen();
    const reader = createMessageReader({ ...options, nameOf, maxOpenParts });
    const working = setInterval(() => {
      for (const message of open.values()) message.working();
    }, ackWaitMs / 3);
    const iterator = pulled[Symbol.asyncIterator]();
    try {
      for (let next = iterator.next(); !isClosed; ) {
        for (const reason of notices.splice(0)) {
          yield { kind: 'trouble', stream: name, atMs: Date.now(), reason };
        }
        yield* reader.expire();
        const found = await within(TICK_MS, next);
        if (!found) continue;
        if (found.done) break;
        const message = found.value;
        const done = take(message);
        if (done) {
          const atMs = Date.parse(message.timestamp);
          yield* await reader.read({
            topic: message.subject,
            bytes: message.data,
            atMs,
            headers: headersOf(message),
            done,
          });
        }
        next = iterator.next();
      }
      if (!isClosed) throw new InputError(`createNatsSource: ${name}: the consumer ${durable} has ended; start again`);
    } finally {
      clearInterval(working);
    }
  }

  return {
    name,
    arrivals,
    async close() {
      isClosed = true;
      // After a connection that was made again the client may wait for ever.
      await within(END_MS, messages?.close()).catch(() => {});
      // What was acknowledged goes out first.
      await within(END_MS, connection?.drain()).catch(() => {});
      await within(END_MS, connection?.close()).catch(() => {});
    },
  };
}

/** Undefined after a while. */
async function within<T>(ms: number, promise: Promise<T> | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tick = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, tick]);
  } finally {
    clearTimeout(timer);
  }
}
