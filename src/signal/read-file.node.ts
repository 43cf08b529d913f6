// Recordings from files on disk.
import { open, stat } from 'node:fs/promises';
import { InputError } from './errors.ts';
import { readRecordings } from './readers/index.ts';
import type { ReadOptions, Recording } from './recording.ts';

/** The system reads at most 2 GiB at a time. */
const READ_BYTES = 2 ** 30;

/**
 * The recordings in a file of any format that `readRecordings` knows; named `path` as it is given.
 * @throws InputError where there is no readable file, where it is empty or larger than memory takes, and when
 * `readRecordings` does.
 */
export const readRecordingFile = async (path: string, options: ReadOptions = {}): Promise<Recording[]> =>
  readRecordings(await readRecordingBytes(path), { ...options, name: path });

/** The bytes of such a file. @throws InputError as `readRecordingFile`, but for what is in it */
export const readRecordingBytes = async (path: string): Promise<Uint8Array> => {
  try {
    return await readAll(path, await checkedSize(path));
  } catch (error) {
    throw error instanceof InputError ? error : unreadable(path, error);
  }
};

/** Asked before the file is opened: to open a pipe waits for somebody to write to it. */
const checkedSize = async (path: string): Promise<number> => {
  const found = await stat(path);
  if (found.isDirectory()) throw fileError('a file', 'a directory', path, 'name the files in it');
  if (!found.isFile()) throw fileError('a file', 'a device or pipe', path, 'save the recording to a file first');
  if (found.size === 0) throw fileError('a recording', 'an empty file', path, 'copy or record it again');
  return found.size;
};

const readAll = async (path: string, size: number): Promise<Uint8Array> => {
  const handle = await open(path);
  try {
    const bytes = allocated(size, path);
    for (let filled = 0; filled < size; ) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(READ_BYTES, size - filled), filled);
      if (bytesRead === 0) throw fileError(`${size} bytes`, `${filled}`, path, 'the file has changed, read it again');
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
};

const allocated = (size: number, path: string): Uint8Array => {
  try {
    return new Uint8Array(size);
  } catch {
    throw fileError('a file that fits into memory', `${size} bytes`, path, 'split the recording');
  }
};

const fileError = (expected: string, found: string, path: string, todo: string): InputError =>
  new InputError(`readRecordingFile: expected ${expected}, found ${found} (${path}); ${todo}`);

const REASONS: Record<string, [string, string]> = {
  ENOENT: ['no such file', 'check the path'],
  ENOTDIR: ['no such file', 'check the path'],
  EACCES: ['no permission to read', 'change its permissions'],
  EPERM: ['no permission to read', 'change its permissions'],
  EISDIR: ['a directory', 'name the files in it'],
};

const unreadable = (path: string, error: unknown): InputError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [found, todo] = REASONS[code] ?? [error instanceof Error ? error.message : String(error), 'check the file'];
  return fileError('a readable file', found, path, todo);
};
