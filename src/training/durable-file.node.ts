// Files that are whole or not there, whatever happens to the process, the power or the disk meanwhile.
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../signal/errors.ts';
import { systemCode, systemReason } from '../signal/system-error.node.ts';

/** The system reads and writes less than 2 GiB at a time. */
const PIECE_BYTES = 2 ** 30;
const TEMPORARY = /\.\d+\.tmp$/;

/** One line that says what to do about a file that could not be written. Faults of the program are passed on. */
export function notWritten(what: string, path: string, error: unknown, next: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const todo = code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space' : 'mend that';
  return new InputError(`${what}: cannot write ${path}: ${systemReason(error)}; ${todo}, then ${next}`);
}

/** All of `bytes`, at the place where the file stands: a disk that is nearly full takes a part, and refuses the rest. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, Math.min(PIECE_BYTES, bytes.length - done));
  }
}

/** The content of a file of any size that memory takes. */
export function readAll(path: string): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(fstatSync(descriptor).size);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(descriptor, bytes, filled, Math.min(PIECE_BYTES, bytes.length - filled), filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

/** A name in a folder is on the disk only when the folder is. */
function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
  } catch {
    // Windows opens no folders; there the rename is all that can be had.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Writes under a temporary name in the same folder, waits for the disk, and renames. If that fails, the temporary file
 * is removed and what was there before remains; the error is the system's own.
 */
export function writeDurably(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, 'w');
    try {
      writeAll(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Removes what interrupted writes have left in a folder that nobody else writes to. */
export function removeTemporaries(folder: string): void {
  for (const name of readdirSync(folder)) if (TEMPORARY.test(name)) rmSync(join(folder, name), { force: true });
}
