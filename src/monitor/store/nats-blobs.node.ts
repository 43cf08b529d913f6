// Blobs in an object store of JetStream.
import { type ObjectStore, Objm, StorageType } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../../signal/errors.ts';
import { connectServers, download, reasonOf } from '../../training/nats.node.ts';
import { checkKey } from './blob-keys.ts';
import { StoreError } from './store-error.ts';
import type { Blobs } from './types.ts';

/** Sending is over when the server has all of it. */
const PUT_MS = 60_000;

function placeOf(address: string): { server: string; bucket: string; replicas: number } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const bucket = url?.pathname.slice(1) ?? '';
  const replicas = Number(url?.searchParams.get('replicas') ?? 1);
  if (!url?.hostname || !/^[A-Za-z0-9_-]{1,64}$/.test(bucket) || ![1, 2, 3, 4, 5].includes(replicas)) {
    throw new InputError(
      'openBlobs: expected an address such as nats://HOST:4222/BUCKET?replicas=3 (bucket: letters, digits, "-", "_"; 1 to 5 replicas)',
    );
  }
  return { server: `${url.protocol}//${address.slice(address.indexOf('//') + 2).split('/')[0]}`, bucket, replicas };
}

/**
 * Opens `nats://HOST:4222/BUCKET?replicas=N`, and creates the bucket where there is none; it keeps its objects on disk.
 * The client checks the SHA-256 of what it gets.
 * @throws InputError for an address that is none, StoreError where the server cannot be reached, or keeps nothing
 */
export async function openNatsBlobs(address: string): Promise<Blobs> {
  const { server, bucket, replicas } = placeOf(address);
  let connection: NatsConnection;
  let name: string;
  try {
    const connected = await connectServers([server], 'thrum blobs', 'openBlobs');
    connection = connected.connection;
    name = `blobs ${connected.names}/${bucket}`;
  } catch (error) {
    // The address was right: it is the server that is not there.
    throw error instanceof InputError ? new StoreError(error.message) : error;
  }
  const failing = async <T>(what: string, work: () => Promise<T>, next = 'see that the server is well'): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new StoreError(`${name}: cannot ${what}: ${reasonOf(error) || 'no answer'}; ${next}`);
    }
  };

  let store: ObjectStore;
  try {
    store = await failing(
      'be opened',
      () => new Objm(connection).create(bucket, { storage: StorageType.File, replicas }),
      'start the server with JetStream (nats-server -js)',
    );
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    async put(key, bytes) {
      checkKey('put', key);
      await failing(`put ${key}`, () => store.putBlob({ name: key }, bytes, { timeout: PUT_MS }));
    },
    async get(key) {
      checkKey('get', key);
      return failing(`get ${key}`, async () => {
        const info = await store.info(key);
        return info === null || info.deleted ? undefined : download(store, info);
      });
    },
    async remove(key) {
      checkKey('remove', key);
      await failing(`remove ${key}`, () => store.delete(key));
    },
    close: () => connection.close(),
  };
}
