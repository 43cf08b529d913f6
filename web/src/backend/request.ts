// Requests to the server: the key in a header, one line of words for what fails, patience where the server is busy.

import type { UploadOptions } from './types.ts';

/** A request that the server refused, or that did not reach it. The message is one line for the reader. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const STORED_KEY = 'thrum-key';

/** Asks the reader for a key; undefined where none is given. `refused`: the last one was not accepted. */
export type AskForKey = (refused: boolean) => Promise<string | undefined>;

/** So often an upload is tried again when the queue is full. */
const MAX_TRIES = 30;
const LONGEST_WAIT_SECONDS = 60;

export type Answer = { status: number; text: string; retryAfter?: string };

/** What the server said was wrong, out of its JSON, or in our words. */
export function messageOf(status: number, text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string' && error !== '') return error.replace(/\s+/g, ' ').trim();
  } catch {
    // Not JSON: a proxy's page, for instance.
  }
  if (status === 0) return 'The server does not answer; check that it runs and that the network is there.';
  if (status === 403) return 'This key may not do that; use one with a wider scope.';
  return `The server answered with status ${status}.`;
}

/** Seconds to wait before trying again. */
export function waitSeconds(retryAfter: string | null | undefined): number {
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, LONGEST_WAIT_SECONDS) : 1;
}

const pause = (seconds: number, signal?: AbortSignal | null): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('stopped', 'AbortError'));
    });
  });

type SendOptions = Pick<UploadOptions, 'onProgress' | 'onWait' | 'signal'>;

export type Requester = {
  /** The answer's body is not read yet; its status is a good one. `quiet`: nobody is asked for a key. */
  raw(path: string, init?: RequestInit, quiet?: boolean): Promise<Response>;
  json<T>(path: string, init?: RequestInit): Promise<T>;
  send<T>(path: string, body: Blob, options: SendOptions): Promise<T>;
};

/** @param base address that paths are relative to, with a slash at its end */
export function createRequester(base: URL, askForKey: AskForKey): Requester {
  let key = sessionStorage.getItem(STORED_KEY) ?? undefined;
  let asking: Promise<string | undefined> | undefined;

  /** Asks until a key is accepted, or none is given. Wrong ones are tried once: servers count them. */
  const acceptedKey = async (refused: boolean): Promise<string | undefined> => {
    const given = await askForKey(refused);
    if (given === undefined) return undefined;
    const headers = { authorization: `Bearer ${given}` };
    const answer = await fetch(new URL('machines', base), { headers, credentials: 'same-origin' }).catch(
      () => undefined,
    );
    return answer?.status === 401 ? acceptedKey(true) : given;
  };
  /** One dialog, however many requests wait for it. @returns whether there is a new key to try */
  const renewKey = async (tried: string | undefined): Promise<boolean> => {
    if (key !== tried) return key !== undefined;
    asking ??= acceptedKey(tried !== undefined).finally(() => {
      asking = undefined;
    });
    const given = await asking;
    if (given === undefined) return false;
    key = given;
    sessionStorage.setItem(STORED_KEY, given);
    return true;
  };

  const raw = async (path: string, init: RequestInit = {}, quiet = false): Promise<Response> => {
    for (let attempt = 0; ; attempt++) {
      const tried = key;
      const headers = new Headers(init.headers);
      if (tried !== undefined) headers.set('authorization', `Bearer ${tried}`);
      let response: Response;
      try {
        response = await fetch(new URL(path, base), { ...init, headers, credentials: 'same-origin' });
      } catch (error) {
        if (init.signal?.aborted) throw error;
        throw new RequestError(messageOf(0, ''), 0);
      }
      if (response.ok) return response;
      if (response.status === 401 && (quiet ? key !== tried : await renewKey(tried))) continue;
      if (response.status === 429 && attempt < MAX_TRIES) {
        await pause(waitSeconds(response.headers.get('retry-after')), init.signal);
        continue;
      }
      throw new RequestError(messageOf(response.status, await response.text()), response.status);
    }
  };

  /** `fetch` does not tell how much has gone out. */
  const post = (
    path: string,
    body: Blob,
    onProgress?: (share: number) => void,
    signal?: AbortSignal,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', new URL(path, base));
      request.setRequestHeader('content-type', 'application/octet-stream');
      if (key !== undefined) request.setRequestHeader('authorization', `Bearer ${key}`);
      request.upload.onprogress = ({ loaded, total }) => total > 0 && onProgress?.(loaded / total);
      request.onload = () => {
        const retryAfter = request.getResponseHeader('retry-after') ?? undefined;
        resolve({ status: request.status, text: request.responseText, ...(retryAfter && { retryAfter }) });
      };
      request.onerror = () => reject(new RequestError(messageOf(0, ''), 0));
      request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
      signal?.addEventListener('abort', () => request.abort(), { once: true });
      request.send(body);
    });

  return {
    raw,
    async json<T>(path: string, init?: RequestInit) {
      return (await (await raw(path, init)).json()) as T;
    },
    async send<T>(path: string, body: Blob, { onProgress, onWait, signal }: SendOptions) {
      for (let attempt = 0; ; attempt++) {
        signal?.throwIfAborted();
        const tried = key;
        const answer = await post(path, body, onProgress, signal);
        if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.text) as T;
        if (answer.status === 401 && (await renewKey(tried))) continue;
        if (answer.status === 429 && attempt < MAX_TRIES) {
          const seconds = waitSeconds(answer.retryAfter);
          onWait?.(seconds);
          await pause(seconds, signal).finally(() => onWait?.(undefined));
          continue;
        }
        throw new RequestError(messageOf(answer.status, answer.text), answer.status);
      }
    },
  };
}
