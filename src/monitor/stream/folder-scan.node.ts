// What lies in a watched folder, and which files have stopped changing.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecordingName } from '../../signal/collect-files.node.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import type { FileMark } from './ledger.node.ts';

export type FoundFile = FileMark & { ctimeMs: number };

export type Scan = { files: FoundFile[]; folders: string[]; troubles: string[] };

/** Names of files that are still being written or copied, hidden files, and what is no recording. */
const isIgnored = (name: string): boolean => name.startsWith('.') || !isRecordingName(name);

/**
 * All recordings under a folder, the oldest first; paths relative to it. Links are followed, each folder is searched once.
 * What cannot be searched is a line of `troubles`; files that go meanwhile are left out.
 */
export async function scanFolder(root: string): Promise<Scan> {
  const scan: Scan = { files: [], folders: [], troubles: [] };
  const searched = new Set<string>();

  async function visit(relative: string): Promise<void> {
    const folder = join(root, relative);
    const entries = await readdir(folder, { withFileTypes: true });
    const real = await realpath(folder);
    if (searched.has(real)) return;
    searched.add(real);
    scan.folders.push(folder);
    for (const entry of entries) {
      const path = join(relative, entry.name);
      const isLink = entry.isSymbolicLink();
      if (entry.name.startsWith('.') || (!isLink && !entry.isDirectory() && isIgnored(entry.name))) continue;
      const stats = await stat(join(root, path)).catch(() => undefined);
      if (stats?.isDirectory()) await enter(path);
      else if (stats?.isFile() && !isIgnored(entry.name)) {
        scan.files.push({ path, size: stats.size, mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs });
      }
    }
  }

  async function enter(relative: string): Promise<void> {
    try {
      await visit(relative);
    } catch (error) {
      scan.troubles.push(`cannot search ${join(root, relative)}: ${systemReason(error)}`);
    }
  }

  await enter('');
  scan.files.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1));
  return scan;
}

export type Settling = {
  /** The files that have not changed for long enough, each once in this state. `nowMs`: of a clock that is never set. */
  update(files: readonly FoundFile[], nowMs: number): FoundFile[];
  /** Whether some are still looked at. */
  isWaiting(): boolean;
};

export function createSettling(settleMs: number): Settling {
  type Seen = FoundFile & { sinceMs: number; taken: boolean };
  let seen = new Map<string, Seen>();
  return {
    update(files, nowMs) {
      const next = new Map<string, Seen>();
      const settled: FoundFile[] = [];
      for (const file of files) {
        const before = seen.get(file.path);
        const isSame =
          before !== undefined &&
          before.size === file.size &&
          before.mtimeMs === file.mtimeMs &&
          before.ctimeMs === file.ctimeMs;
        const now = isSame ? before : { ...file, sinceMs: nowMs, taken: false };
        next.set(file.path, now);
        if (now.taken || nowMs - now.sinceMs < settleMs) continue;
        now.taken = true;
        settled.push(file);
      }
      seen = next;
      return settled;
    },
    isWaiting: () => [...seen.values()].some(({ taken }) => !taken),
  };
}
