// NATS as a run needs it: connecting to servers by their URLs, and objects of a store.
import { isIP } from 'node:net';
import { checkServerIdentity as check } from 'node:tls';
import { type ObjectInfo, type ObjectStore, setSha256Backend } from '@nats-io/obj';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import { InputError, oneLine } from '../signal/errors.ts';
import { certificateAdvice } from './certificates.ts';

const CONNECT_MS = 10_000;
const RECONNECT_MS = 2000;
const STALLED_MS = 60_000;

export const reasonOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error));

/**
 * Whose certificate is accepted. The client asks Node about the name in a URL; for an address it gives none, and Node then
 * asks about `localhost`.
 */
function identityOf(hosts: readonly string[]): TlsOptions {
  const addresses = hosts.map((host) => host.replace(/^\[|\]$/g, '')).filter((host) => isIP(host) > 0);
  if (addresses.length === 0 || hosts.includes('localhost')) return {};
  const checkServerIdentity: typeof check = (host, certificate) => {
    if (host !== 'localhost') return check(host, certificate);
    const problems = addresses.map((address) => check(address, certificate));
    return problems.includes(undefined) ? undefined : problems[0];
  };
  const options: TlsOptions & { checkServerIdentity: typeof check } = { checkServerIdentity };
  return options;
}

/** Options of the client. Names and passwords stand in the URLs, and in no message. */
function readServers(servers: readonly string[], caller: string) {
  const urls = servers.map((server) => {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url?.hostname && /^(nats|tls):$/.test(url.protocol)) return url;
    throw new InputError(`${caller}: expected servers such as nats://host:4222, got ${server.replace(/^.*@/, '')}`);
  });
  if (urls.length === 0) throw new InputError(`${caller}: expected servers such as nats://host:4222, got none`);
  const [user, pass] = [urls[0].username, urls[0].password].map(decodeURIComponent);
  return {
    names: urls.map(({ protocol, host }) => `${protocol}//${host}`).join(', '),
    options: {
      servers: urls.map(({ host }) => host),
      ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
      ...(urls.some(({ protocol }) => protocol === 'tls:') && {
        tls: identityOf(urls.map(({ hostname }) => hostname)),
      }),
    },
  };
}

/** The servers, for messages. @throws InputError for URLs that are none */
export const checkServers = (servers: readonly string[], caller: string): string => readServers(servers, caller).names;

/**
 * Connects to the first server that can be reached, and again to any of them whenever the connection is lost. Messages
 * are not sent to oneself. `names`: the servers, for messages; `caller`: the public function, for errors; `reconnectMs`:
 * from one attempt to reach a lost server to the next, without end.
 * @throws InputError for URLs that are none, and where no server can be reached
 */
export async function connectServers(
  servers: readonly string[],
  name: string,
  caller = 'connectExchange',
  reconnectMs = RECONNECT_MS,
): Promise<{ connection: NatsConnection; names: string }> {
  const { names, options } = readServers(servers, caller);
  setSha256Backend('native');
  try {
    const always = { maxReconnectAttempts: -1, reconnectTimeWait: reconnectMs, noEcho: true };
    return { connection: await connect({ ...options, ...always, name, timeout: CONNECT_MS }), names };
  } catch (error) {
    throw new InputError(
      `${caller}: cannot reach ${names} (${reasonOf(error)}); ${certificateAdvice(error) ?? 'see that a server runs there (nats-server -js), and that address, user and certificate are right'}`,
    );
  }
}

export async function isThere(store: ObjectStore, name: string): Promise<boolean> {
  const info = await store.info(name);
  return info !== null && !info.deleted;
}

/** Rejects after a while without an answer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The bytes of an object; the client checks their SHA-256. */
export async function download(store: ObjectStore, { name, size }: ObjectInfo): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.get(name);
  if (!found) throw new Error(`${name} is gone`);
  // The reader hears of it too; a promise that nobody heard would end the process.
  found.error.catch(() => {});
  const bytes = new Uint8Array(size);
  const reader = found.data.getReader();
  try {
    for (let at = 0; ; ) {
      const { done, value } = await within(STALLED_MS, reader.read());
      if (!done) {
        bytes.set(value, at);
        at += value.length;
      } else if (at === size) return bytes;
      else throw new Error(`${name} ends at byte ${at} of ${size}`);
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  }
}
