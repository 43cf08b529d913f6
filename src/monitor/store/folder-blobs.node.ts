// Blobs as files of a folder: each is whole or not there, whatever happens meanwhile.
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode, systemReason } from '../../signal/system-error.node.ts';
import { checkKey } from './blob-keys.ts';
import { StoreError } from './store-error.ts';
import type { Blobs } from './types.ts';

/** Where files lie until they are whole; no name of a blob begins with a dot. */
const UNFINISHED = '.unfinished';
/** Others may be writing to the same folder, but none of them for so long. */
const ABANDONED_MS = 3600_000;

let written = 0;

/** A name in a folder is on the disk only when the folder is. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows opens no folders; there the rename is all that can be had.
  }
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Removes what writers that were killed have left. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

/**
 * Opens a folder, and creates it where there is none.
 * @throws StoreError where that cannot be done
 */
export async function openFolderBlobs(folder: string): Promise<Blobs> {
  const root = resolve(folder);
  const unfinished = join(root, UNFINISHED);
  const failure = (what: string, error: unknown): unknown => {
    const code = systemCode(error);
    if (code === undefined) return error;
    const todo = code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space' : 'mend that';
    return new StoreError(`blobs ${folder}: cannot ${what}: ${systemReason(error)}; ${todo}`);
  };
  try {
    await makeFolder(unfinished);
    await removeAbandoned(unfinished);
  } catch (error) {
    throw failure('be opened', error);
  }

  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    const temporary = join(unfinished, `${process.pid}-${written++}`);
    try {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await makeFolder(dirname(path));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  };

  return {
    async put(key, bytes) {
      checkKey('put', key);
      try {
        await write(join(root, key), bytes);
      } catch (error) {
        throw failure(`write ${key}`, error);
      }
    },

    async get(key) {
      checkKey('get', key);
      try {
        return new Uint8Array(await readFile(join(root, key)));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw failure(`read ${key}`, error);
      }
    },

    async remove(key) {
      checkKey('remove', key);
      try {
        await rm(join(root, key), { force: true });
      } catch (error) {
        throw failure(`remove ${key}`, error);
      }
    },

    async close() {},
  };
}
