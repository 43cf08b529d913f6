// Alarms to an address of the web: signed JSON that is sent until it is taken.
import { createHmac } from 'node:crypto';
import { InputError } from '../../signal/errors.ts';
import { BusyError, createDelivery, type DeliveryOptions, RefusedError } from './delivery.ts';
import { type AlarmMessage, alarmMessage } from './message.node.ts';
import type { Notifier, Warn } from './notifier.ts';

export type WebhookOptions = {
  /** `https://…` or `http://…`; a name and a password in it become basic authentication. */
  url: string;
  /** Signs every request. */
  secret?: string;
  warn: Warn;
  fetch?: typeof fetch;
  /** How long an answer may take. */
  timeoutMs?: number;
  delivery?: Pick<DeliveryOptions<AlarmMessage>, 'capacity' | 'pauseMs' | 'longestPauseMs' | 'patienceMs' | 'closeMs'>;
};

const REDIRECTS = 3;
/** Answers after which the same request may be taken: too slow, too early, too many. */
const LATER = new Set([408, 425, 429]);

/** The path of a webhook often is its secret, so messages name the host alone. */
function readUrl(text: string): { url: URL; authorization?: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InputError('createWebhook: expected an address such as https://host/path, got something else');
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url };
  const login = [username, password].map(decodeURIComponent).join(':');
  return { url, authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

/** The same server, or its encrypted side: what is meant for one host must not be sent to another. */
function mayFollow(from: URL, to: URL): boolean {
  const encrypted = from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === '';
  return to.origin === from.origin || (encrypted && to.hostname === from.hostname);
}

/** What went wrong on the way, by the system's name for it: messages of `fetch` may hold the address. */
function networkReason(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? name ?? 'no connection');
}

function secondsOf(header: string | null): number {
  const seconds = Number(header ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}

/**
 * A notifier that posts each change as JSON (`alarmMessage`) with these headers:
 * - `idempotency-key`: the same for the same change, however often it is sent;
 * - `thrum-timestamp` and, with a secret, `thrum-signature`: `sha256=` and HMAC-SHA-256 (hexadecimal) of timestamp, `.`
 *   and body. Receivers compute the same, and refuse old timestamps.
 *
 * An answer of 2xx ends it. Other answers of 4xx than 408, 425 and 429 give the change up; everything else is tried again
 * with growing pauses, for a day. Redirects (307, 308) are followed on the same host only.
 * @throws InputError for an address that is none
 */
export function createWebhook(options: WebhookOptions): Notifier {
  const { secret, warn, timeoutMs = 10_000, fetch: ask = fetch } = options;
  const { url, authorization } = readUrl(options.url);

  const post = async (message: AlarmMessage, to: URL, stop: AbortSignal): Promise<Response> => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'user-agent': 'thrum',
      'idempotency-key': message.id,
      'thrum-timestamp': timestamp,
    };
    if (authorization !== undefined) headers.authorization = authorization;
    if (secret !== undefined) {
      const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(message.body).digest('hex');
      headers['thrum-signature'] = `sha256=${signature}`;
    }
    try {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
      const response = await ask(to, { method: 'POST', headers, body: message.body, redirect: 'manual', signal });
      // What is not read keeps the connection; and an answer may be endless.
      await response.body?.cancel();
      return response;
    } catch (error) {
      throw new Error(`cannot be reached: ${networkReason(error)}`);
    }
  };

  const send = async (message: AlarmMessage, stop: AbortSignal): Promise<void> => {
    let to = url;
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const { status, headers, ok } = await post(message, to, stop);
      if (ok) return;
      if (status === 307 || status === 308) {
        const location = headers.get('location') ?? '';
        const next = URL.canParse(location, to) ? new URL(location, to) : undefined;
        if (!next || !mayFollow(to, next)) throw new RefusedError(`answers ${status} to another host, not followed`);
        to = next;
        continue;
      }
      const pauseMs = secondsOf(headers.get('retry-after')) * 1000;
      if (status >= 500 || LATER.has(status)) throw new BusyError(`answers ${status}`, pauseMs);
      throw new RefusedError(`answers ${status}; see that address and secret are right`);
    }
    throw new RefusedError(`redirects more than ${REDIRECTS} times`);
  };

  const delivery = createDelivery({
    ...options.delivery,
    name: `webhook ${url.protocol}//${url.host}`,
    send,
    describe: ({ text }) => text,
    warn,
  });
  return {
    notify: async (change, ended) => delivery.add(alarmMessage(change), ended),
    close: () => delivery.close(),
  };
}
