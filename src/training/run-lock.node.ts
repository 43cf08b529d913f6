// One run per folder: a lock file that says which process holds it.
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { systemCode } from '../signal/system-error.node.ts';
import { notWritten, writeAll } from './durable-file.node.ts';

export const LOCK_NAME = 'run.lock';

const holderSchema = z.object({ pid: z.int().min(1), host: z.string() });
type Holder = z.infer<typeof holderSchema>;

/** Folders held by this process. */
const held = new Set<string>();

const parseHolder = (text: string): Holder | undefined => {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

/** A signal of 0 is not delivered, only tried; a process of somebody else refuses it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** In a container, the process before this one often had the same number: a lock of our own that we do not hold is stale. */
const isStale = ({ pid, host }: Holder): boolean => host === hostname() && (pid === process.pid || !isAlive(pid));

function create(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx');
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw notWritten('openRun', path, error, 'try again');
  }
  try {
    writeAll(descriptor, Buffer.from(`${JSON.stringify({ pid: process.pid, host: hostname() })}\n`));
    return true;
  } catch (error) {
    rmSync(path, { force: true });
    throw notWritten('openRun', path, error, 'try again');
  } finally {
    closeSync(descriptor);
  }
}

/** Its text; empty if it has just been removed. */
function readLock(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Moves a stale lock out of the way. Two that try at once move two different ones: who got a fresh one puts it back. */
function removeStale(path: string, text: string): void {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    renameSync(path, aside);
    if (readLock(aside) !== text) linkSync(aside, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

/**
 * Takes the lock of a folder, from a dead process of this machine where need be. Returns what releases it.
 * @throws InputError while another run holds it, or may do so on another machine
 */
export function lockFolder(folder: string): () => void {
  const path = join(resolve(folder), LOCK_NAME);
  if (held.has(path)) throw new InputError(`openRun: this process has ${folder} open already; close that run first`);
  if (!create(path)) {
    const text = readLock(path);
    const holder = parseHolder(text);
    if (holder && isStale(holder)) removeStale(path, text);
    if (!(holder && isStale(holder) && create(path))) throw busy(folder, path, parseHolder(readLock(path)));
  }
  held.add(path);
  return () => {
    if (!held.delete(path)) return;
    const holder = parseHolder(readLock(path));
    if (holder?.pid === process.pid && holder.host === hostname()) rmSync(path, { force: true });
  };
}

const busy = (folder: string, path: string, holder: Holder | undefined): InputError =>
  new InputError(
    `openRun: expected ${folder} free, but ${holder ? `process ${holder.pid} on ${holder.host}` : 'another run'} holds it; wait for it or stop it, or name another folder (if no such run is there any more, remove ${path})`,
  );
