// An application on a port, with limits on what a connection may take, and an end that loses no request.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { InputError } from '../signal/errors.ts';
import { systemCode } from '../signal/system-error.node.ts';

export type Fetch = Parameters<typeof getRequestListener>[0];

export type ListenOptions = {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** For the headers of a request, and for all of it: who sends a byte a minute is cut off. */
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  /** Without any byte in either direction. */
  idleTimeoutMs?: number;
  maxConnections?: number;
  /** Hears of requests that were no HTTP, or too slow. */
  onClientError?(code: string): void;
};

export type Listening = {
  url: string;
  /** Takes no more connections, lets requests that run end within a time, then cuts off the rest. */
  close(deadlineMs: number): Promise<void>;
};

const REASONS: Record<string, [string, string]> = {
  EADDRINUSE: ['another program listens there', 'give another --port, or end that program'],
  EACCES: ['permission is missing', 'give a --port above 1023'],
  EADDRNOTAVAIL: ['this machine has no such address', 'give another --host'],
  ENOTFOUND: ['there is no such host', 'give another --host'],
};

function started(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const [found, todo] = REASONS[systemCode(error) ?? ''] ?? [error.message, 'give another --host and --port'];
      reject(new InputError(`serve: cannot listen on ${host} port ${port}: ${found}; ${todo}`));
    });
    server.listen({ host, port }, () => resolve(server.address() as AddressInfo));
  });
}

/** @throws InputError where the address cannot be had */
export async function listen(fetch: Fetch, options: ListenOptions): Promise<Listening> {
  const { host, port, headersTimeoutMs = 10_000, requestTimeoutMs = 120_000, idleTimeoutMs = 300_000 } = options;
  // Nothing of the global objects is replaced: this is a library too.
  const listener = getRequestListener(fetch, { hostname: host, overrideGlobalObjects: false });
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
      // Longer than proxies keep a connection (60 s), so that it is they who close it.
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
      requireHostHeader: true,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.maxConnections = options.maxConnections ?? 1000;
  server.timeout = idleTimeoutMs;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    options.onClientError?.(error.code ?? 'unknown');
    if (!socket.writable) return void socket.destroy();
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });
  const address = await started(server, host, port);
  server.removeAllListeners('error');
  server.on('error', () => options.onClientError?.('server'));
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${address.port}`,
    async close(deadlineMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
      // Connections are kept alive: one whose request has just ended is idle only now.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      await closed;
      clearTimeout(timer);
      clearInterval(sweep);
    },
  };
}
