// A source of clips, opened: which files it has, and their recordings, read when they are asked for.
import { basename, extname } from 'node:path';
import { collectFiles } from '../../signal/collect-files.node.ts';
import { InputError } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { type Recording, sampleCount } from '../../signal/recording.ts';
import { type ArchiveEntry, isArchive, listArchive, readArchiveEntry } from './archive.node.ts';
import { findNearDuplicates } from './near-duplicates.node.ts';
import type { FolderSource, SimulatorSource, SourceSpec } from './types.ts';

/** `name` is shown; `file` is read, or the part of it that `entry` tells; of several arrays in it, `variable`. */
export type SourceItem = { name: string; file: string; entry?: ArchiveEntry; variable?: string };

/** A source that was looked through. Plain data: worker threads get it as it is. */
export type ListedSource =
  | { kind: 'files'; weight: number; sampleRate?: number; same?: string; items: SourceItem[] }
  | (SimulatorSource & { items: null });

export type OpenedSource = {
  listed: ListedSource;
  /** What is worth knowing about what was left out. */
  remark?: string;
  close(): Promise<void>;
};

/** What `collectFiles` takes in a folder, for files in archives. */
const RECORDING_EXTENSIONS = new Set(
  '.wav .wave .rf64 .flac .ogg .oga .opus .mp3 .mat .h5 .hdf5 .npy .npz .csv .tsv .tdms'.split(' '),
);

/** Decoded samples that are kept for the next clips: 64 MiB. */
const CACHED_SAMPLES = 2 ** 24;

function patternOf(source: FolderSource, key: 'include' | 'same'): RegExp {
  try {
    return new RegExp(source[key] ?? '');
  } catch {
    throw new InputError(`openClipStream: expected a regular expression as ${key}, got ${source[key]}`);
  }
}

/** With an alternative that matches nothing, an expression shows how many groups it has. */
function checkSame(source: FolderSource): void {
  if (source.same === undefined) return;
  const [, ...groups] = new RegExp(`${patternOf(source, 'same').source}|`).exec('') ?? [];
  if (groups.length === 0) {
    throw new InputError(`openClipStream: expected a group in parentheses in same, got ${source.same}`);
  }
}

async function listFiles(source: FolderSource): Promise<{ items: SourceItem[]; close(): Promise<void> }> {
  const nothing = async () => {};
  if (!isArchive(source.path)) {
    return { items: collectFiles([source.path]).map((file) => ({ name: file, file })), close: nothing };
  }
  const { file, entries, remove } = await listArchive(source.path);
  const items = entries
    .filter(({ path }) => RECORDING_EXTENSIONS.has(extname(path).toLowerCase()) && !basename(path).startsWith('.'))
    .map((entry) => ({ name: `${source.path}/${entry.path}`, file, entry }));
  return { items, close: remove };
}

/** Files that repeat others, by what was asked for: a run opens its sources twice. */
const sifted = new Map<string, ReadonlySet<string>>();

/** Files of a folder that repeat others before them. */
async function repetitions({ unique, path, sampleRate }: FolderSource, items: readonly SourceItem[]) {
  if (unique === undefined || items.some(({ entry }) => entry)) return new Set<string>();
  const files = items.map(({ file }) => file);
  const key = JSON.stringify([unique, path, sampleRate, files]);
  const known = sifted.get(key);
  if (known) return known;
  const { dropped } = await findNearDuplicates(files, { threshold: unique, ...(sampleRate && { sampleRate }) });
  const found = new Set(dropped.map(({ file }) => file));
  sifted.set(key, found);
  return found;
}

/**
 * Finds the items of a source; nothing is decoded, unless repetitions are to be left out. Items are in order of names for folders, in that of the archive for
 * archives. `close` deletes what was unpacked.
 * @throws InputError for a path that leads nowhere, a damaged archive, a source without any recording, and an `include`
 * or `same` that is no regular expression (with a group).
 */
export async function openSource(source: SourceSpec): Promise<OpenedSource> {
  if (source.kind === 'simulator') {
    for (const key of ['machines', 'sampleRates'] as const) {
      if (source[key]?.length === 0) throw new InputError(`openClipStream: expected ${key} to draw from, got none`);
    }
    return { listed: { ...source, items: null }, close: async () => {} };
  }
  const pattern = patternOf(source, 'include');
  checkSame(source);
  const { items: all, close } = await listFiles(source);
  const items = all.filter(({ name }) => pattern.test(basename(name)));
  if (items.length === 0) {
    await close();
    const matching = source.include === undefined ? '' : ` whose name matches ${source.include}`;
    throw new InputError(
      `openClipStream: expected recordings${matching}, found none of ${all.length} (${source.path})`,
    );
  }
  const repeated = await repetitions(source, items);
  const kept = items.filter(({ file }) => !repeated.has(file));
  const { weight, sampleRate, same } = source;
  const listed = { kind: 'files', weight, items: kept, ...(sampleRate !== undefined && { sampleRate }) } as const;
  const remark = `${source.path}: ${repeated.size} of ${items.length} recordings repeat others and are left out`;
  return {
    listed: { ...listed, ...(same !== undefined && { same }) },
    ...(repeated.size > 0 && { remark }),
    close,
  };
}

async function readItem(item: SourceItem, sampleRate?: number): Promise<Recording[]> {
  const options = { sampleRate, ...(item.variable !== undefined && { variable: item.variable }) };
  if (!item.entry) return readRecordingFile(item.file, options);
  return readRecordings(await readArchiveEntry(item.file, item.entry), { name: item.name, ...options });
}

/** The rate of the source is for files that carry none: those that do are read without it. */
async function decode(item: SourceItem, sampleRate?: number): Promise<Recording[]> {
  if (sampleRate === undefined) return readItem(item);
  try {
    return await readItem(item);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return readItem(item, sampleRate);
  }
}

const sizeOf = (recordings: readonly Recording[]): number =>
  recordings.reduce((sum, recording) => sum + sampleCount(recording) * recording.channels.length, 0);

export type ItemReader = (item: SourceItem, rate?: number) => Promise<Recording[]>;

/**
 * Reads items to recordings. The last ones are kept, up to 64 MiB of samples, and so is what went wrong with bad ones.
 * @param convert done to every recording before it is kept, such as another rate
 * @throws InputError (the function returned) for an item that cannot be read.
 */
export function createItemReader(
  limit = CACHED_SAMPLES,
  convert: (recording: Recording) => Recording = (recording) => recording,
): ItemReader {
  const kept = new Map<string, Recording[]>();
  const bad = new Map<string, InputError>();
  let size = 0;
  const keep = (key: string, recordings: Recording[]) => {
    kept.set(key, recordings);
    size += sizeOf(recordings);
    for (const [oldest, unused] of kept) {
      if (size <= limit) return;
      kept.delete(oldest);
      size -= sizeOf(unused);
    }
  };
  return async (item, sampleRate) => {
    // Two sources may name the same file and another rate.
    const key = `${item.name}\u0000${item.variable ?? ''}\u0000${sampleRate}`;
    const failed = bad.get(key);
    if (failed) throw failed;
    const known = kept.get(key);
    if (known) {
      // Used again: the youngest now.
      kept.delete(key);
      kept.set(key, known);
      return known;
    }
    try {
      const recordings = (await decode(item, sampleRate)).map(convert);
      if (!kept.has(key)) keep(key, recordings);
      return recordings;
    } catch (error) {
      if (error instanceof InputError) bad.set(key, error);
      throw error;
    }
  };
}
