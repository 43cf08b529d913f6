// Live events: everything that happens goes to everybody who listens, as server-sent events. Nobody is waited for.
import type { ApiEvent } from './schemas.ts';

export type EventBus = {
  publish(event: ApiEvent): void;
  /**
   * A stream of server-sent events; it ends when the client leaves, when it is too slow, when `allowed` says no
   * (asked at every heartbeat), or when the bus closes.
   */
  listen(allowed?: () => Promise<boolean>): ReadableStream<Uint8Array>;
  clients(): number;
  close(): void;
};

export type EventBusOptions = {
  heartbeatMs?: number;
  /** Bytes that wait for one client. One that reads slower than things happen is cut off, and may come again. */
  maxWaitingBytes?: number;
  maxClients?: number;
  onChange?(clients: number): void;
  onCutOff?(): void;
};

type Client = {
  controller: ReadableStreamDefaultController<Uint8Array>;
  allowed?: () => Promise<boolean>;
  end(): void;
};

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(': still here\n\n');

/** Events that happen within this time go out together. */
const TOGETHER_MS = 20;
/** Clients that are sent to before other work gets its turn. */
const TURN = 25;

/** JSON has no line ends, so an event is one line of data. */
export const formatEvent = ({ type, data }: ApiEvent): Uint8Array =>
  encoder.encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);

export function createEventBus(options: EventBusOptions = {}): EventBus {
  const { heartbeatMs = 15_000, maxWaitingBytes = 2 ** 20, onChange, onCutOff } = options;
  const clients = new Set<Client>();

  const remove = (client: Client): boolean => {
    const found = clients.delete(client);
    if (found) onChange?.(clients.size);
    return found;
  };

  const send = (client: Client, bytes: Uint8Array): void => {
    if ((client.controller.desiredSize ?? 0) >= bytes.length) {
      client.controller.enqueue(bytes);
      return;
    }
    if (!remove(client)) return;
    // An error ends the connection: what waits in it is dropped, and with it the memory.
    client.controller.error(new Error('too slow'));
    onCutOff?.();
  };

  const beat = async (client: Client): Promise<void> => {
    const allowed = (await client.allowed?.().catch(() => true)) ?? true;
    if (!clients.has(client)) return;
    if (allowed) send(client, HEARTBEAT);
    else client.end();
  };
  const timer = setInterval(() => {
    for (const client of clients) void beat(client);
  }, heartbeatMs);
  timer.unref();

  let pending: Uint8Array[] = [];
  let sending = false;
  /** The first event goes out at once, those that come soon after it together; hundreds of clients take turns with other work. */
  const sendAll = async (): Promise<void> => {
    sending = true;
    while (pending.length > 0) {
      const bytes = Buffer.concat(pending);
      pending = [];
      let count = 0;
      for (const client of [...clients]) {
        if (clients.has(client)) send(client, bytes);
        if (++count % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS));
    }
    sending = false;
  };

  return {
    publish(event) {
      if (clients.size === 0) return;
      pending.push(formatEvent(event));
      if (!sending) void sendAll();
    },
    listen(allowed) {
      let client: Client | undefined;
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const own: Client = {
              controller,
              allowed,
              end() {
                if (remove(own)) controller.close();
              },
            };
            client = own;
            clients.add(own);
            onChange?.(clients.size);
            // The headers go out with the first bytes.
            controller.enqueue(HEARTBEAT);
          },
          cancel() {
            if (client) remove(client);
          },
        },
        new ByteLengthQueuingStrategy({ highWaterMark: maxWaitingBytes }),
      );
    },
    clients: () => clients.size,
    close() {
      clearInterval(timer);
      const last = pending.length > 0 ? Buffer.concat(pending) : undefined;
      pending = [];
      for (const client of clients) {
        if (last) send(client, last);
        client.end();
      }
    },
  };
}
