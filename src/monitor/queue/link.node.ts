// A connection to the servers of a fleet that is kept for ever: whoever holds it goes on while they are away.
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { checkServers, connectServers, reasonOf } from '../../training/nats.node.ts';

export type LinkOptions = {
  servers: readonly string[];
  /** Of this client, for the operator of the servers; and of the public function, for errors. */
  name: string;
  caller: string;
  /** Called with every new connection, to subscribe. One that was only interrupted keeps its subscriptions. */
  onConnect(connection: NatsConnection): void;
  /** One line when the servers go, and when they are back. */
  log(line: string): void;
};

export type Link = {
  /** Undefined while no server is reached. */
  connection(): NatsConnection | undefined;
  close(): Promise<void>;
};

const FLUSH_MS = 2000;
const RETRY_MS = { first: 500, most: 10_000 };

/** Whether a connection is up at the moment; it goes on trying by itself while it is not. */
export function watchConnection(connection: NatsConnection, onChange?: (up: boolean) => void): () => boolean {
  let up = true;
  const set = (now: boolean): void => {
    if (now !== up) onChange?.(now);
    up = now;
  };
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect' || type === 'close') set(false);
      if (type === 'reconnect') set(true);
    }
    set(false);
  })();
  return () => up && !connection.isClosed();
}

/** Ends a connection; what was said is sent, unless the servers are away. */
export async function endConnection(connection: NatsConnection): Promise<void> {
  await Promise.race([connection.flush().catch(() => {}), sleep(FLUSH_MS, undefined, { ref: false })]);
  await connection.close();
}

/**
 * Connects in the background: servers that are away, or refuse, are asked again for ever.
 * @throws InputError for addresses that are none
 */
export function keepLink({ servers, name, caller, onConnect, log }: LinkOptions): Link {
  const names = checkServers(servers, caller);
  const stop = new AbortController();
  let current: NatsConnection | undefined;
  let isUp = (): boolean => false;

  const hold = async (connection: NatsConnection): Promise<void> => {
    isUp = watchConnection(connection, (up) => {
      if (!stop.signal.aborted) log(up ? `${names} is back` : `${names} is away; it is asked again and again`);
    });
    current = connection;
    onConnect(connection);
    const error = await connection.closed();
    current = undefined;
    if (!stop.signal.aborted && error) log(`${names} ended the connection (${reasonOf(error)})`);
  };
  const keep = async (): Promise<void> => {
    for (let failures = 0; !stop.signal.aborted; ) {
      try {
        const { connection } = await connectServers(servers, name, caller);
        if (stop.signal.aborted) return await connection.close();
        log(`connected to ${names}`);
        failures = 0;
        await hold(connection);
      } catch (error) {
        if (failures++ === 0) log(`${reasonOf(error)}; it is asked again and again`);
      }
      const pause = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2);
      await sleep(pause, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  };
  keep().catch((error: unknown) => log(reasonOf(error)));

  return {
    connection: () => (isUp() ? current : undefined),
    async close() {
      stop.abort();
      if (current) await endConnection(current);
    },
  };
}
