// Takes files in: one after the other, what cannot be used is named, and the rest goes on.
import { InputError } from '../../src/signal/errors.ts';
import type { ApiJob, ApiUploaded } from './backend/api.ts';
import type { Backend } from './backend/types.ts';
import { pathOf, rememberPath } from './file-path.ts';
import { startOfFile } from './file-time.ts';
import { byName, nameFrom } from './format.ts';
import type { Refused } from './types.ts';

/** Uploads at once: the next is read while one is heard. */
const AT_ONCE = 2;

/** Files that no reader is meant for. */
const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

/** In order of their names, numbers as numbers; without hidden ones. */
export const sortFiles = (files: Iterable<File>): File[] =>
  [...files].filter((file) => !isHidden(pathOf(file))).sort((a, b) => byName(pathOf(a), pathOf(b)));

/** A name for the machine: the folder's, or what the names of most files begin with, up to their first number. */
export function machineName(files: readonly File[], folder?: string): string {
  if (folder) return nameFrom(folder);
  const counts = new Map<string, number>();
  for (const { name } of files) {
    const start = name
      .replace(/\.\w+$/, '')
      .replace(/\d.*$/, '')
      .replace(/[-_. ]+$/, '');
    counts.set(start, (counts.get(start) ?? 0) + 1);
  }
  const [[usual] = ['']] = [...counts].sort((a, b) => b[1] - a[1]);
  return nameFrom(usual);
}

const entriesOf = (folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> => {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  return new Promise((resolve, reject) => {
    // It hands over at most 100 at once.
    const next = () =>
      reader.readEntries((entries) => {
        all.push(...entries);
        if (entries.length === 0) resolve(all);
        else next();
      }, reject);
    next();
  });
};

async function* filesIn(entry: FileSystemEntry, unreadable: string[]): AsyncGenerator<File> {
  try {
    if (!entry.isDirectory) {
      const file = new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      yield rememberPath(await file, entry.fullPath);
      return;
    }
    for (const inner of await entriesOf(entry as FileSystemDirectoryEntry)) yield* filesIn(inner, unreadable);
  } catch {
    unreadable.push(entry.fullPath.slice(1));
  }
}

export type Dropped = { files: File[]; folder?: string; unreadable: string[] };

/** What was dropped, folders opened; the name of the first folder, and what could not be opened. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  // Entries are there only until the event is over.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return { files: [...transfer.files], unreadable: [] };
  const files: File[] = [];
  const unreadable: string[] = [];
  for (const entry of entries) for await (const file of filesIn(entry, unreadable)) files.push(file);
  const folder = entries.find(({ isDirectory }) => isDirectory)?.name;
  return { files, unreadable, ...(folder !== undefined && { folder }) };
}

export type Intake = {
  files: number;
  done: number;
  /** Bytes that went out, of how many. */
  sent: number;
  bytes: number;
  uploaded: ApiUploaded[];
  refused: Refused[];
  /** The server is busy, and is asked again after so many seconds. */
  waitSeconds?: number;
};

/**
 * Uploads files to a machine. Never rejects for a file; a server that is gone ends it after the files that wait.
 * @param onChange called with what is true so far
 */
export async function takeIn(
  backend: Pick<Backend, 'upload'>,
  machine: string,
  files: readonly File[],
  score: boolean,
  onChange: (state: Intake) => void,
  signal?: AbortSignal,
): Promise<Intake> {
  let state: Intake = {
    files: files.length,
    done: 0,
    sent: 0,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    uploaded: [],
    refused: [],
  };
  const change = (next: Partial<Intake>): void => {
    state = { ...state, ...next };
    onChange(state);
  };
  const queue = [...files];
  const run = async (): Promise<void> => {
    for (let file = queue.shift(); file && !signal?.aborted; file = queue.shift()) {
      const { size } = file;
      let before = 0;
      const onProgress = (share: number): void => {
        change({ sent: state.sent + share * size - before });
        before = share * size;
      };
      try {
        if (size === 0) throw new InputError('expected a recording, found an empty file');
        const startMs = startOfFile(file.name, file.lastModified);
        const onWait = (waitSeconds: number | undefined): void => change({ waitSeconds });
        const uploaded = await backend.upload(machine, file, { startMs, score, onProgress, onWait, signal });
        change({ uploaded: [...state.uploaded, uploaded] });
      } catch (error) {
        if (signal?.aborted) return;
        change({ refused: [...state.refused, { file: pathOf(file), message: (error as Error).message }] });
      }
      onProgress(1);
      change({ done: state.done + 1 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return state;
}

/**
 * Waits for a job, told by events or asked for.
 * @param watch calls back with every change that is told; returns how to end it
 */
export async function followJob(
  backend: Pick<Backend, 'job'>,
  first: ApiJob,
  watch: (listener: (job: ApiJob) => void) => () => void,
  onChange: (job: ApiJob) => void,
  pollMs = 1500,
): Promise<ApiJob> {
  const ended = ({ state }: ApiJob): boolean => state === 'done' || state === 'failed';
  if (ended(first)) return first;
  onChange(first);
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const take = (job: ApiJob): void => {
      if (over || job.id !== first.id) return;
      onChange(job);
      if (!ended(job)) return;
      over = true;
      clearTimeout(timer);
      stop();
      resolve(job);
    };
    const stop = watch(take);
    // Events may be missed while the line is down.
    const ask = async (): Promise<void> => {
      try {
        take(await backend.job(first.id));
      } catch {
        // The next time, perhaps.
      }
      if (!over) timer = setTimeout(ask, pollMs);
    };
    timer = setTimeout(ask, pollMs);
  });
}
