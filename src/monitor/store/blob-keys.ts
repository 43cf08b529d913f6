// Names of blobs: safe as paths of files, as parts of addresses, and as names of objects.
import { InputError } from '../../signal/errors.ts';

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MOST_CHARACTERS = 512;

/**
 * No part of a name begins with a dot, so none leads out of its folder.
 * @throws InputError for a name that could
 */
export function checkKey(what: string, key: string): void {
  if (KEY.test(key) && key.length <= MOST_CHARACTERS) return;
  throw new InputError(
    `${what}: expected a name such as audio/ab/abcd.wav (letters, digits, ".", "_", "-", parted by "/"), got ${JSON.stringify(key.slice(0, 80))}`,
  );
}
