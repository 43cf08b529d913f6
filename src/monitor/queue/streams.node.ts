// The streams of the fleet on the servers: made where they are not there, used as they are where they are.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { StorageType as ObjectStorage, type ObjectStore, Objm } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../../signal/errors.ts';
import { reasonOf } from '../../training/nats.node.ts';
import { ATTEMPT_PREFIX, ATTEMPT_STREAM, CONSUMER, IN_PREFIX, IN_STREAM, OBJECTS } from './names.ts';

export type FleetOptions = {
  /** Servers that keep each message; 3 in a cluster of three or more. */
  replicas?: number;
  /** Bytes that may wait; publishers are refused beyond. */
  maxBytes?: number;
  /** Recordings that may wait; publishers are refused beyond. */
  maxMessages?: number;
  /** A recording is given to another worker when the one that has it was silent for so long. */
  ackSeconds?: number;
  /** Recordings that all workers together may hold. */
  maxPending?: number;
};

const SECOND_NANOS = 1e9;
const PATIENCE_MS = 15_000;
/** Repeated publications within this time are one: as long as a sender tries again. */
const DUPLICATE_SECONDS = 300;
/** The server's codes for a stream and a consumer that are there with other settings. */
const IN_USE = new Set([10058, 10013, 10148]);

/** Makes it unless it is there; settings of one that is there are the operator's. */
export async function unlessThere(make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!(error instanceof JetStreamApiError && IN_USE.has(error.code))) throw error;
  }
}

/**
 * Streams of recordings and of failed attempts, the consumer of the workers, the store of large recordings. What is there
 * is left as it is: to change limits of a running fleet, use the tools of NATS.
 * @throws InputError where the servers have no JetStream, or refuse
 */
export async function ensureStreams(jsm: JetStreamManager, options: FleetOptions = {}): Promise<void> {
  const { replicas = 1, maxBytes = 2 ** 30, maxMessages = 100_000, ackSeconds = 30, maxPending = 1024 } = options;
  const kept = { storage: StorageType.File, num_replicas: replicas };
  const recordings: Partial<StreamConfig> & { name: string } = {
    ...kept,
    name: IN_STREAM,
    subjects: [`${IN_PREFIX}>`],
    retention: RetentionPolicy.Workqueue,
    // Who sends is told; what was taken in is not given up for what is newer.
    discard: DiscardPolicy.New,
    max_bytes: maxBytes,
    max_msgs: maxMessages,
    duplicate_window: DUPLICATE_SECONDS * SECOND_NANOS,
  };
  const make = async (): Promise<void> => {
    await unlessThere(() => jsm.streams.add(recordings));
    await unlessThere(() =>
      jsm.streams.add({
        ...kept,
        name: ATTEMPT_STREAM,
        subjects: [`${ATTEMPT_PREFIX}*`],
        max_msgs_per_subject: 1,
        max_msgs: maxMessages,
      }),
    );
    await unlessThere(() =>
      jsm.consumers.add(IN_STREAM, {
        durable_name: CONSUMER,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ack_wait: ackSeconds * SECOND_NANOS,
        // Workers count failures themselves: the server also counts what was given back because the store was away.
        max_deliver: -1,
        max_ack_pending: maxPending,
      }),
    );
  };
  for (const until = Date.now() + PATIENCE_MS; ; await sleep(500)) {
    try {
      return await make();
    } catch (error) {
      // A cluster that chooses its leader does not answer for a while.
      if (Date.now() < until) continue;
      throw new InputError(
        `ensureStreams: the servers refuse (${reasonOf(error)}); start them with JetStream (nats-server -js) and enough storage, and ask for no more replicas (${replicas}) than there are servers`,
      );
    }
  }
}

/** Where recordings lie that are larger than a message. */
export const openObjects = (connection: NatsConnection, replicas = 1): Promise<ObjectStore> =>
  new Objm(connection).create(OBJECTS, { storage: ObjectStorage.File, replicas });
