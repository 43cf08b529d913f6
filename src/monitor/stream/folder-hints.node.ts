// A folder that changes wakes whoever waits; without hints of the system, the time that it waits has to do.
import { type FSWatcher, watch } from 'node:fs';

export type Hints = {
  /** Folders to listen to from now on. */
  listen(folders: readonly string[]): void;
  /** Resolves after `ms`, or sooner when something has changed since the last call, or when closed. */
  wait(ms: number): Promise<void>;
  close(): void;
};

/** The system has few of them. */
const MAX_WATCHERS = 256;

export function createHints(): Hints {
  const watchers = new Map<string, FSWatcher>();
  let isChanged = false;
  let isClosed = false;
  let wake = (): void => {};
  const change = (): void => {
    isChanged = true;
    wake();
  };
  const forget = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    listen(folders) {
      if (isClosed) return;
      const wanted = new Set(folders);
      for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) forget(folder);
      for (const folder of wanted) {
        if (watchers.has(folder)) continue;
        if (watchers.size >= MAX_WATCHERS) return;
        try {
          const watcher = watch(folder, (_, name) => {
            // The ledger lies there, and copies under hidden names.
            if (!name?.startsWith('.')) change();
          });
          watcher.on('error', () => forget(folder));
          watchers.set(folder, watcher);
        } catch {
          // Network drives and full tables of the system: polling finds the files.
        }
      }
    },
    async wait(ms) {
      if (!isChanged) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isChanged = false;
    },
    close() {
      isClosed = true;
      for (const folder of [...watchers.keys()]) forget(folder);
      change();
    },
  };
}
