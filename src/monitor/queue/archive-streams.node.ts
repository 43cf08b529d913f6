// The streams of archives on the servers, and the store of what does not fit into a message.
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { StorageType as ObjectStorage, type ObjectStore, Objm } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { download } from '../../training/nats.node.ts';
import type { Blobs } from '../store/types.ts';
import {
  ARCHIVE_CONSUMER,
  ARCHIVE_OBJECTS,
  ARCHIVE_PREFIX,
  ARCHIVE_STREAM,
  ARCHIVED_PREFIX,
  ARCHIVED_STREAM,
} from './names.ts';
import { unlessThere } from './streams.node.ts';

export type ArchiveStreamOptions = {
  /** Servers that keep each message; 3 in a cluster of three or more. */
  replicas?: number;
  /** A file is given to another worker when the one that has it was silent for so long. */
  ackSeconds?: number;
};

const SECOND_NANOS = 1e9;
/** What nobody has asked for in so long is of a command that will not come back. */
const KEPT_SECONDS = 14 * 86_400;
/** Senders keep far less in them; this is for many commands at a time. */
const MOST_BYTES = 2 ** 30;

/** Makes what is not there; what is there is left as it is. Rejects where the servers refuse or are away. */
export async function ensureArchiveStreams(
  jsm: JetStreamManager,
  { replicas = 1, ackSeconds = 30 }: ArchiveStreamOptions = {},
): Promise<void> {
  const kept = {
    storage: StorageType.File,
    num_replicas: replicas,
    max_age: KEPT_SECONDS * SECOND_NANOS,
    max_bytes: MOST_BYTES,
    discard: DiscardPolicy.New,
  };
  await unlessThere(() =>
    jsm.streams.add({
      ...kept,
      name: ARCHIVE_STREAM,
      subjects: [`${ARCHIVE_PREFIX}*`],
      retention: RetentionPolicy.Workqueue,
    }),
  );
  await unlessThere(() =>
    jsm.streams.add({ ...kept, name: ARCHIVED_STREAM, subjects: [`${ARCHIVED_PREFIX}*`], allow_direct: true }),
  );
  await unlessThere(() =>
    jsm.consumers.add(ARCHIVE_STREAM, {
      durable_name: ARCHIVE_CONSUMER,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: ackSeconds * SECOND_NANOS,
      max_deliver: -1,
    }),
  );
}

/** Where bytes lie that are larger than a message. */
export type ArchiveFiles = Pick<Blobs, 'put' | 'get' | 'remove'>;

const PUT_MS = 60_000;

/** An object store of the servers themselves, made at the first use. */
export function objectFiles(connection: NatsConnection, replicas = 1): ArchiveFiles {
  let opened: Promise<ObjectStore> | undefined;
  const store = (): Promise<ObjectStore> => {
    opened ??= new Objm(connection).create(ARCHIVE_OBJECTS, { storage: ObjectStorage.File, replicas });
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return {
    put: async (key, bytes) => {
      await (await store()).putBlob({ name: key }, bytes, { timeout: PUT_MS });
    },
    async get(key) {
      const objects = await store();
      const info = await objects.info(key);
      return info === null || info.deleted ? undefined : download(objects, info);
    },
    async remove(key) {
      await (await store()).delete(key);
    },
  };
}
