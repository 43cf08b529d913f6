// Messages of an MQTT broker as a source.
import { createHash } from 'node:crypto';
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';
import { InputError, oneLine } from '../../signal/errors.ts';
import { certificateAdvice } from '../../training/certificates.ts';
import type { Arrival, Source } from '../types.ts';
import { createMessageQueue } from './message-queue.ts';
import { createMessageReader, type MessageSettings } from './messages.ts';
import { createMqttAcks } from './mqtt-acks.ts';
import { mqttRules, parseSubject } from './subject.ts';

export type MqttSourceOptions = MessageSettings & {
  /**
   * Under this name the broker keeps what comes while the client is away, and what it has not acknowledged. Without it
   * such messages are lost.
   */
  clientId?: string;
  /** Messages and bytes that may wait to be heard; beyond, the oldest are dropped. 1024 and 2^27 by default. */
  maxMessages?: number;
  maxBytes?: number;
  /** From one attempt to reach a lost broker to the next, without end and without growing; 1 by default. */
  reconnectSeconds?: number;
  /** Called when the broker has taken the first subscription. */
  onListening?(): void;
};

const TICK_MS = 1000;
const CONNECT_MS = 10_000;
const END_MS = 2000;
const RECONNECT_SECONDS = 1;
const KEEPALIVE_SECONDS = 30;
/** Brokers send 20 messages (Mosquitto) or more before the first is acknowledged; a window may need many. */
const MAX_OPEN_PARTS = 16;

function readUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || !/^mqtts?:$/.test(url.protocol)) {
    throw new InputError(
      `createMqttSource: expected mqtt://host:1883/topic, got ${text.replace(/^.*@/, '')}; a password is percent-encoded`,
    );
  }
  const topic = decodeURIComponent(`${url.pathname.slice(1)}${url.search}${url.hash}`);
  const isSecure = url.protocol === 'mqtts:';
  return {
    name: `${url.protocol}//${url.host}/${topic}`,
    server: `${url.protocol}//${url.host}`,
    topic,
    options: {
      protocol: isSecure ? ('mqtts' as const) : ('mqtt' as const),
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isSecure ? 8883 : 1883) : Number(url.port),
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    },
  };
}

const reasonOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string | number };
  return oneLine(message || String(code ?? error));
};

/**
 * Messages of all topics that fit the one in `url`: `mqtt://user:password@host:1883/plants/{machine}/audio`, with `+` and `#`
 * as MQTT has them, `mqtts:` for TLS. The stream is the level at `{machine}`, else the last. Messages are as
 * `readPayload` knows them. QoS 1: a message is acknowledged when it is done; of messages that are parts of streams and
 * bursts, at most 16 wait for that. A lost connection is trouble, and is made again.
 * Iterating throws InputError where the broker cannot be reached at first, or refuses.
 * @throws InputError for an address that is none. User and password stand in no message.
 */
export function createMqttSource(url: string, options: MqttSourceOptions = {}): Source {
  const { name, server, topic, options: address } = readUrl(url);
  const { filter, nameOf } = parseSubject(topic, mqttRules);
  const { clientId, maxMessages = 1024, maxBytes = 2 ** 27, reconnectSeconds = RECONNECT_SECONDS } = options;
  const reader = createMessageReader({ ...options, nameOf, maxOpenParts: MAX_OPEN_PARTS });
  const queue = createMessageQueue({ maxMessages, maxBytes });
  const notices: string[] = [];
  let client: MqttClient | undefined;
  let isClosed = false;

  const notice = (line: string): void => {
    notices.push(line);
    queue.wake();
  };

  const acks = createMqttAcks((messageId) => {
    if (!client?.connected) return false;
    // PUBACK of MQTT 3.1.1 (section 3.4). The client would send it before the message is done, or read none meanwhile.
    return client.stream.write(Uint8Array.of(0x40, 2, messageId >> 8, messageId & 0xff)) || true;
  });

  function take({ topic: sent, payload, qos, messageId, dup, retain }: IPublishPacket): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const hash = (): string => createHash('sha256').update(sent).update('\0').update(bytes).digest('base64');
    const done = qos === 0 || messageId === undefined ? () => {} : acks.open(hash(), messageId, dup === true);
    if (!done) return;
    if (retain) {
      notice(`a retained message on ${sent} was left out; it is older than this connection`);
      done();
      return;
    }
    queue.push({ topic: sent, bytes, atMs: Date.now(), done });
  }

  function refused(error: unknown): InputError {
    return new InputError(
      `createMqttSource: cannot listen at ${name} (${reasonOf(error)}); ${certificateAdvice(error) ?? 'see that a broker runs there, and that address, user, password and topic are right'}`,
    );
  }

  /** Subscribes at every connection: the broker may have forgotten. Resolves with the first. */
  async function listen(): Promise<void> {
    const made = connect({
      ...address,
      protocolVersion: 4,
      clean: clientId === undefined,
      ...(clientId !== undefined && { clientId }),
      reconnectPeriod: 1000 * reconnectSeconds,
      connectTimeout: CONNECT_MS,
      keepalive: KEEPALIVE_SECONDS,
      resubscribe: false,
    });
    client = made;
    // An error instead of an acknowledgement: the client goes on to the next message, and sends none.
    made.handleMessage = (packet, next) => {
      take(packet);
      next(packet.qos === 1 ? new Error('acknowledged when it is done') : undefined);
    };
    let isLost = false;
    await new Promise<void>((resolve, reject) => {
      let isListening = false;
      const fail = (error: unknown): void => {
        if (isListening) notice(`${server}: ${reasonOf(error)}`);
        else reject(refused(error));
      };
      made.on('connect', ({ sessionPresent }) => {
        acks.connect(sessionPresent);
        made.subscribe({ [filter]: { qos: 1 } }, (error, granted) => {
          if (error) return fail(error);
          if (granted?.some(({ qos }) => qos > 2)) return fail(new Error(`the broker refuses topic ${filter}`));
          if (isLost) notice(`${server}: connected again`);
          isLost = false;
          if (!isListening) options.onListening?.();
          isListening = true;
          resolve();
        });
      });
      made.on('error', (error) => {
        if (!isListening || !isLost) fail(error);
      });
      made.on('close', () => {
        if (!isListening) reject(refused(new Error('the connection was closed')));
        else if (!isLost && !isClosed) notice(`${server}: the connection is lost; trying again`);
        isLost = true;
      });
    });
  }

  async function end(): Promise<void> {
    const ending = client;
    client = undefined;
    if (!ending) return;
    ending.on('error', () => {});
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => ending.end(true, () => resolve()), END_MS);
      ending.end(false, () => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  async function* arrivals(): AsyncGenerator<Arrival> {
    try {
      await listen();
    } catch (error) {
      await end();
      if (isClosed) return;
      throw error;
    }
    const trouble = (reason: string): Arrival => ({ kind: 'trouble', stream: name, atMs: Date.now(), reason });
    while (!isClosed) {
      for (const reason of notices.splice(0)) yield trouble(reason);
      const dropped = queue.dropped();
      if (dropped > 0) yield trouble(`${dropped} messages were dropped: they come faster than they are heard`);
      const message = await queue.take(TICK_MS);
      if (message) yield* await reader.read(message);
      yield* reader.expire();
    }
  }

  return {
    name,
    arrivals,
    async close() {
      isClosed = true;
      queue.wake();
      await end();
    },
  };
}
