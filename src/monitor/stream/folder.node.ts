// A watched folder: every recording that appears in it is heard once.
import { constants, statSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, inputMessage } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { duration, type ReadOptions, type Recording } from '../../signal/recording.ts';
import type { Arrival, Source } from '../types.ts';
import { shareDone } from './done.ts';
import { timeInName } from './file-time.ts';
import { createHints } from './folder-hints.node.ts';
import { createSettling, type FoundFile, scanFolder } from './folder-scan.node.ts';
import { type Ledger, openLedger } from './ledger.node.ts';

export type FolderSourceOptions = {
  /** Where is written which files are done; `.thrum-ledger` in the folder by default. */
  ledger?: string;
  read?: Omit<ReadOptions, 'name'>;
  /** A file is whole when it has not changed for so long; 2 by default. */
  settleSeconds?: number;
  /** Looks at the folder at least so often; 5 by default. */
  pollSeconds?: number;
  /** Larger files are trouble; 2^30 by default. */
  maxBytes?: number;
  /** Ends when all files that are there have been heard. */
  once?: boolean;
};

const HINT_PAUSE_MS = 50;

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Recordings in a folder and the folders in it, as they appear, the oldest first; those that are there already too. A
 * file counts once its size and time have stopped changing; names that begin with `.` and names without an ending of a
 * recording (`.part`, `.tmp`) are passed over. Its stream is the first folder below the watched one, or the watched one
 * itself; it began when its name says (UTC), or else its length before its last change. What is done stands in a ledger: a
 * restart goes on where it was. Files that cannot be read are trouble, and the others go on; so does a folder that goes
 * away and comes back.
 * @throws InputError where there is no folder; iterating throws it where the ledger cannot be written
 */
export function createFolderSource(folder: string, options: FolderSourceOptions = {}): Source {
  const { ledger: ledgerPath = join(folder, '.thrum-ledger'), read, once = false } = options;
  const { settleSeconds = 2, pollSeconds = 5, maxBytes = 2 ** 30 } = options;
  if (!isFolder(folder)) {
    throw new InputError(`createFolderSource: expected a folder, found none at ${folder}; make it, or check the path`);
  }
  const hints = createHints();
  const own = basename(resolve(folder));
  const failed: string[] = [];
  let isClosed = false;

  const streamOf = (path: string): string => {
    const [first, ...rest] = path.split(sep);
    return rest.length > 0 ? first : own;
  };

  function add(ledger: Ledger, file: FoundFile): void {
    try {
      ledger.add(file);
    } catch (error) {
      failed.push(inputMessage(error));
    }
  }

  const stateOf = async (path: string) => stat(join(folder, path)).catch(() => undefined);

  async function recordingsOf(file: FoundFile): Promise<Recording[] | undefined> {
    if (file.size > maxBytes) {
      throw new InputError(
        `createFolderSource: expected at most ${maxBytes} bytes, found ${file.size} (${file.path}); split the recording`,
      );
    }
    const recordings = await readRecordingFile(join(folder, file.path), read);
    const after = await stateOf(file.path);
    // Written to again while it was read: it comes back when it is whole.
    const isSame = !after || (after.size === file.size && after.mtimeMs === file.mtimeMs);
    return isSame ? recordings : undefined;
  }

  async function* arrivalsOf(file: FoundFile, ledger: Ledger): AsyncGenerator<Arrival> {
    const stream = streamOf(file.path);
    const written = () => add(ledger, file);
    let recordings: Recording[] | undefined;
    try {
      recordings = await recordingsOf(file);
    } catch (error) {
      const reason = inputMessage(error);
      const atMs = Date.now();
      if (!(await stateOf(file.path))) {
        yield { kind: 'trouble', stream, atMs, reason: `${file.path} was removed before it was heard` };
        return;
      }
      // What may be readable tomorrow is not done.
      const isReadable = await access(join(folder, file.path), constants.R_OK).then(
        () => true,
        () => false,
      );
      yield { kind: 'trouble', stream, atMs, reason, ...(isReadable && { done: written }) };
      return;
    }
    if (!recordings) return;
    const total = recordings.reduce((sum, recording) => sum + duration(recording), 0);
    let atMs = timeInName(basename(file.path)) ?? file.mtimeMs - total * 1000;
    const done = shareDone(recordings.length, written);
    for (const [r, recording] of recordings.entries()) {
      yield { kind: 'recording', stream, atMs, recording, done: done[r] };
      atMs += duration(recording) * 1000;
    }
  }

  async function* arrivals(): AsyncGenerator<Arrival> {
    const ledger = openLedger(ledgerPath);
    const settling = createSettling(settleSeconds * 1000);
    let reported = new Set<string>();
    const troubles = function* (reasons: readonly string[]): Generator<Arrival> {
      for (const reason of reasons) yield { kind: 'trouble', stream: own, atMs: Date.now(), reason };
    };
    while (!isClosed) {
      const scan = await scanFolder(folder);
      hints.listen(scan.folders);
      yield* troubles(scan.troubles.filter((reason) => !reported.has(reason)));
      reported = new Set(scan.troubles);
      const waiting = scan.files.filter((file) => !ledger.has(file));
      for (const file of settling.update(waiting, performance.now())) {
        if (isClosed) return;
        yield* arrivalsOf(file, ledger);
      }
      yield* troubles(failed.splice(0));
      if (once && !settling.isWaiting()) return;
      // Writers change a file many times a second.
      await sleep(HINT_PAUSE_MS);
      await hints.wait(1000 * (settling.isWaiting() ? Math.min(settleSeconds / 2, pollSeconds) : pollSeconds));
    }
  }

  return {
    name: `folder ${folder}`,
    arrivals,
    async close() {
      isClosed = true;
      hints.close();
    },
  };
}
