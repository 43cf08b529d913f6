// The folder of an archive's results: partitions in Parquet, the files that failed, and which command they are of.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { InputError, oneLine } from '../../signal/errors.ts';
import { csvLine } from '../../signal/readers/csv-write.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import { notWritten, removeTemporaries, writeDurably } from '../../training/durable-file.node.ts';
import { lockFolder } from '../../training/run-lock.node.ts';
import { type ArchiveHeard, type ArchivePlan, archivePlanSchema } from '../hearing/archive-job.ts';
import { type FileRows, partition } from './archive-tables.ts';

export const ARCHIVE_FILE = 'archive.json';
export const FAILED_FILE = 'failed.csv';
/** What a row takes in memory beside its vector, about. */
const ROW_BYTES = 256;
const PART = /^part-(\d{5,})\.parquet$/;

const stateSchema = z.object({
  format: z.literal('thrum-archive'),
  version: z.literal(1),
  run: z.string().regex(/^[0-9a-f]{16}$/),
  plan: archivePlanSchema,
});

export type ArchiveFolder = {
  /** Names the work on the servers; made with the folder. */
  run: string;
  /** Whether its rows are in a partition. */
  isDone(file: string): boolean;
  /** Takes what came of a file; it is in a partition, or among the failures, after `write`. */
  add(file: string, heard: ArchiveHeard): void;
  /** What waits for `write`. */
  buffered(): { files: number; rows: number; bytes: number };
  /** Writes what waits: failures first, so that a partition never knows of more than they do. */
  write(): void;
  totals(): { files: number; failed: number; rows: number; parts: number };
  close(): void;
};

/** Cells of a table that `csvLine` wrote; cells in quotes may hold line ends. */
function readCsv(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^,\n]*)(,|\n|$)/g)) {
    if (cell === '' && end === '' && line.length === 0) break;
    line.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === ',') continue;
    lines.push(line);
    line = [];
  }
  return lines;
}

/** Names of the files in a partition, and its number of rows. */
async function filesIn(path: string): Promise<string[]> {
  try {
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), columns: ['file'] });
    return z
      .array(z.object({ file: z.string() }))
      .parse(rows)
      .map(({ file }) => file);
  } catch (error) {
    throw new InputError(
      `openArchiveFolder: ${path} is no partition, or a damaged one (${oneLine(systemReason(error))}); remove it, and its files are done again`,
    );
  }
}

function readState(path: string): z.infer<typeof stateSchema> | undefined {
  if (!existsSync(path)) return undefined;
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    found = undefined;
  }
  const state = stateSchema.safeParse(found);
  if (state.success) return state.data;
  throw new InputError(`openArchiveFolder: ${path} is damaged, or of another version; name another folder with --out`);
}

/** What differs between two plans, in words of their keys. */
const differing = (a: ArchivePlan, b: ArchivePlan): string =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => !isDeepStrictEqual(Reflect.get(a, key), Reflect.get(b, key)))
    .join(', ');

/**
 * Opens or makes the folder of an archive, for this process alone. Files whose rows are in a partition are done; those that
 * failed are tried again. Partitions hold the files in the order of `files`, as far as they came together.
 * @throws InputError for a folder of another command, a damaged partition, and where another process holds the folder
 */
export async function openArchiveFolder(
  folder: string,
  given: ArchivePlan,
  files: readonly string[],
): Promise<ArchiveFolder> {
  // As it will be read again: nothing that is undefined.
  const plan = archivePlanSchema.parse(JSON.parse(JSON.stringify(given)));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw notWritten('openArchiveFolder', folder, error, 'give the same command again');
  }
  const unlock = lockFolder(folder);
  try {
    return await openLocked(folder, plan, files, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openLocked(
  folder: string,
  plan: ArchivePlan,
  files: readonly string[],
  unlock: () => void,
): Promise<ArchiveFolder> {
  const save = (name: string, content: Uint8Array): void => {
    try {
      writeDurably(join(folder, name), content);
    } catch (error) {
      throw notWritten('thrum', join(folder, name), error, 'give the same command again');
    }
  };
  removeTemporaries(folder);
  const statePath = join(folder, ARCHIVE_FILE);
  let state = readState(statePath);
  if (state && !isDeepStrictEqual(state.plan, plan)) {
    throw new InputError(
      `openArchiveFolder: ${folder} holds results of a command with other options or weights (${differing(state.plan, plan)}); give the same command, or name another folder with --out`,
    );
  }
  const names = readdirSync(folder).filter((name) => PART.test(name));
  if (!state) {
    if (names.length > 0) {
      throw new InputError(
        `openArchiveFolder: ${folder} holds partitions of something else; name another folder with --out`,
      );
    }
    state = { format: 'thrum-archive', version: 1, run: randomBytes(8).toString('hex'), plan };
    save(ARCHIVE_FILE, Buffer.from(`${JSON.stringify(state, undefined, 2)}\n`));
  }
  const order = new Map(files.map((file, i) => [file, i]));
  const done = new Set<string>();
  let rows = 0;
  for (const name of names) {
    const found = await filesIn(join(folder, name));
    rows += found.length;
    for (const file of found) done.add(file);
  }
  let next = names.reduce((most, name) => Math.max(most, Number(PART.exec(name)?.[1]) + 1), 0);
  let count = names.length;
  /** Of files in partitions: recordings in them that failed. Files that failed as a whole are tried again. */
  const failures = new Map<string, string[]>();
  const failedPath = join(folder, FAILED_FILE);
  const known = existsSync(failedPath) ? readCsv(readFileSync(failedPath, 'utf8')).slice(1) : [];
  for (const [file, reason = ''] of known) {
    if (done.has(file)) failures.set(file, [...(failures.get(file) ?? []), reason]);
  }
  let failuresChanged = known.some(([file]) => !done.has(file));
  let waiting: FileRows[] = [];
  let waitingRows = 0;
  let waitingBytes = 0;

  return {
    run: state.run,
    isDone: (file) => done.has(file),
    add(file, heard) {
      const { scores, embeddings, failures: failed } = heard;
      const found = scores.length + embeddings.length;
      const reasons = failed.map(({ message }) => oneLine(message));
      if (found === 0 && reasons.length === 0) reasons.push(`${file}: nothing came of it`);
      if (reasons.length > 0) failures.set(file, reasons);
      failuresChanged ||= reasons.length > 0;
      waitingBytes += embeddings.reduce((sum, { vector }) => sum + vector.byteLength, ROW_BYTES * (found + 1));
      if (found === 0) return;
      waiting.push({ file, scores, embeddings });
      waitingRows += found;
    },
    buffered: () => ({ files: waiting.length, rows: waitingRows, bytes: waitingBytes }),
    write() {
      if (failuresChanged) {
        const lines = [...failures].flatMap(([file, reasons]) => reasons.map((reason) => csvLine([file, reason])));
        save(FAILED_FILE, Buffer.from(`file,reason\n${lines.map((line) => `${line}\n`).join('')}`));
        failuresChanged = false;
      }
      waitingBytes = 0;
      if (waiting.length === 0) return;
      const sorted = waiting.toSorted((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0));
      save(`part-${String(next).padStart(5, '0')}.parquet`, partition(plan.kind, sorted));
      for (const { file } of waiting) done.add(file);
      rows += waitingRows;
      next++;
      count++;
      waiting = [];
      waitingRows = 0;
    },
    totals: () => ({ files: done.size, failed: failures.size, rows, parts: count }),
    close: unlock,
  };
}
