// Who calls, and what they may do.
import { timingSafeEqual } from 'node:crypto';
import type { ApiKey, Scope, Store } from '../monitor/store/types.ts';
import { HttpError, tooMany } from './http-error.ts';
import { hashKey } from './keys.ts';

/** `name` stands beside labels and acknowledgements. Without a key: whoever sits at the machine. */
export type Caller = { name: string; scope: Scope; keyHash?: string };

export type AuthOptions = {
  store: Pick<Store, 'keyByHash'>;
  /** False: who brings no key is let in, as on a machine's own address. A key that is brought has to be right. */
  required: boolean;
  now?(): number;
};

export type Auth = {
  /** @throws HttpError 401 without a valid key, 429 for an address that has brought too many wrong ones. */
  identify(authorization: string | undefined, address: string): Promise<Caller>;
  /** Whether a key that was valid still is. */
  stillValid(caller: Caller): Promise<boolean>;
};

const RANK: Record<Scope, number> = { read: 0, write: 1, admin: 2 };
export const LOCAL: Caller = { name: 'local', scope: 'admin' };

/** Wrong keys from one address in a minute. Guessing is hopeless anyway; this spares the store and the log. */
const FAILURES = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at most; the oldest go first. */
const ADDRESSES = 10_000;

/** @throws HttpError 403 where the caller may not. */
export function demand(caller: Caller, scope: Scope): void {
  if (RANK[caller.scope] < RANK[scope])
    throw new HttpError(403, `this needs a key of scope ${scope}, the one given has ${caller.scope}`);
}

const unauthorised = (message: string): HttpError =>
  new HttpError(401, message, { 'www-authenticate': 'Bearer realm="thrum"' });

const sameHash = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
};

export function createAuth({ store, required, now = Date.now }: AuthOptions): Auth {
  const failures = new Map<string, { count: number; sinceMs: number }>();
  /** Keys that were right are asked for again even where their neighbours guess. */
  const good = new Set<string>();

  const failed = (address: string): void => {
    const before = failures.get(address);
    const entry = before && now() - before.sinceMs < WINDOW_MS ? before : { count: 0, sinceMs: now() };
    entry.count++;
    failures.delete(address);
    failures.set(address, entry);
    if (failures.size > ADDRESSES) failures.delete(failures.keys().next().value as string);
  };
  const waitMs = (address: string): number => {
    const entry = failures.get(address);
    return entry && entry.count >= FAILURES ? entry.sinceMs + WINDOW_MS - now() : 0;
  };

  const valid = async (hash: string): Promise<ApiKey | undefined> => {
    const found = await store.keyByHash(hash);
    return found && found.revokedMs === undefined && sameHash(found.hash, hash) ? found : undefined;
  };

  return {
    async identify(authorization, address) {
      if (authorization === undefined) {
        if (required) throw unauthorised('this needs a key: send Authorization: Bearer KEY');
        return LOCAL;
      }
      const [, key] = /^Bearer +(\S{1,200})$/i.exec(authorization) ?? [];
      const hash = key === undefined ? undefined : hashKey(key);
      const wait = waitMs(address);
      if (wait > 0 && !(hash && good.has(hash))) throw tooMany('too many wrong keys from this address', wait / 1000);
      const found = hash && (await valid(hash));
      if (!found) {
        if (hash) good.delete(hash);
        failed(address);
        throw unauthorised('this key is not valid: expected Authorization: Bearer KEY with a key that is not revoked');
      }
      good.add(found.hash);
      return { name: found.name, scope: found.scope, keyHash: found.hash };
    },
    async stillValid({ keyHash }) {
      return keyHash === undefined || (await valid(keyHash)) !== undefined;
    },
  };
}
