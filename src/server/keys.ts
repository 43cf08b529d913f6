// Keys of the HTTP API: made at random, shown once, kept as their hash.
import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey, Scope, Store } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';

/** Tells people, and programs that look for lost secrets, what it is. */
const PREFIX = 'thrum_';
const KEY = /thrum_[A-Za-z0-9_-]{43}/g;

/** Of 256 random bits a plain hash is enough: there is nothing to guess that a slow one would slow down. */
export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** The text without any key in it. */
export const redactKeys = (text: string): string => text.replace(KEY, `${PREFIX}***`);

const scopes: readonly Scope[] = ['read', 'write', 'admin'];

/** `NAME` or `NAME:scope` as the command line takes it; the scope is `write` where none is given. @throws InputError */
export function parseKeyRequest(given: string): { name: string; scope: Scope } {
  const [, name, word = 'write'] = /^([\w.-]{1,64})(?::(\w+))?$/.exec(given) ?? [];
  const scope = scopes.find((one) => one === word);
  if (name === undefined || scope === undefined) {
    throw new InputError(
      `makeKey: expected NAME or NAME:scope, the scope one of ${scopes.join(', ')}, got ${JSON.stringify(given)}; a name has letters, digits, ".", "_" and "-"`,
    );
  }
  return { name, scope };
}

/** Makes a key and stores its hash. `key` is shown to its owner, and never again. */
export async function makeKey(
  store: Pick<Store, 'addKey'>,
  request: { name: string; scope: Scope },
  now: () => number = Date.now,
): Promise<{ key: string; stored: ApiKey }> {
  const key = `${PREFIX}${randomBytes(32).toString('base64url')}`;
  return { key, stored: await store.addKey({ ...request, hash: hashKey(key), createdMs: now() }) };
}
