// Files inside of archives, read one at a time: .zip, .tar and compressed .tar.
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError } from '../../signal/errors.ts';
import { readZipEntries, type ZipEntry, zipEntryBytes } from '../../signal/readers/zip.ts';
import { systemReason } from '../../signal/system-error.node.ts';

/** Where a file lies in an archive; `zip` says how it is packed. */
export type ArchiveEntry = { path: string; offset: number; packedSize: number; zip?: ZipEntry };

/** `file` is what entries are read from: the archive itself, or its unpacked copy, which `remove` deletes. */
export type ArchiveListing = { file: string; entries: ArchiveEntry[]; remove(): Promise<void> };

const READER = 'openClipStream';
const TAR_BLOCK = 512;

export const isArchive = (path: string): boolean => /\.(zip|tar|tar\.gz|tgz)$/i.test(path);

const tarError = (archive: string, offset: number, expected: string, found: string): InputError =>
  new InputError(
    `${READER}: expected ${expected}, found ${found} (${archive}, byte ${offset}); fetch the archive again`,
  );

async function readAt(handle: FileHandle, offset: number, length: number, archive: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw tarError(archive, offset + filled, `${length} bytes from ${offset} on`, `${filled}`);
    filled += bytesRead;
  }
  return bytes;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, '');

/** Octal digits, or (GNU, for 8 GiB and more) a big-endian number behind a first byte of 0x80. */
function tarNumber(field: Uint8Array): number {
  if (field[0] === 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  return Number.parseInt(text(field).trim() || '0', 8);
}

type TarHeader = { path: string; size: number; type: string };

/** A header block (POSIX.1-2017, pax, "ustar Interchange Format"); undefined for the zeros at the end. */
function tarHeader(block: Uint8Array, archive: string, offset: number): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  // The checksum counts its own field as blanks.
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const stored = tarNumber(block.subarray(148, 156));
  if (sum !== stored) throw tarError(archive, offset, 'the header of a file', 'other data');
  const name = text(block.subarray(0, 100));
  const prefix = text(block.subarray(257, 262)) === 'ustar' ? text(block.subarray(345, 500)) : '';
  const type = String.fromCharCode(block[156]);
  return { path: prefix === '' ? name : `${prefix}/${name}`, size: tarNumber(block.subarray(124, 136)), type };
}

/** Records `length key=value\n` of a pax extended header. Lengths count bytes. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(text(bytes.subarray(at, at + 20)), 10);
    if (!(length > 0)) break;
    const record = text(bytes.subarray(at, at + length - 1));
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/s.exec(record) ?? [];
    if (key !== undefined) records.set(key, value);
    at += length;
  }
  return records;
}

/** The files in a tar archive. Only the headers are read. */
async function listTar(file: string, archive: string): Promise<ArchiveEntry[]> {
  const handle = await open(file);
  try {
    const { size: end } = await handle.stat();
    const entries: ArchiveEntry[] = [];
    let long: { path?: string; size?: number } = {};
    for (let offset = 0; offset + TAR_BLOCK <= end; ) {
      const header = tarHeader(await readAt(handle, offset, TAR_BLOCK, archive), archive, offset);
      if (!header) break;
      const data = offset + TAR_BLOCK;
      const size = long.size ?? header.size;
      if (!(data + size <= end)) throw tarError(archive, data, `${size} bytes of ${header.path}`, `${end - data}`);
      if (header.type === 'L') long = { ...long, path: text(await readAt(handle, data, size, archive)) };
      else if (header.type === 'x') {
        const records = paxRecords(await readAt(handle, data, size, archive));
        const length = records.get('size');
        long = { path: records.get('path'), ...(length !== undefined && { size: Number(length) }) };
      } else {
        const isFile = header.type === '0' || header.type === '\0';
        if (isFile) entries.push({ path: long.path ?? header.path, offset: data, packedSize: size });
        long = {};
      }
      offset = data + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
    }
    return entries;
  } finally {
    await handle.close();
  }
}

/** A compressed archive has no places to read from: it is unpacked once, to a file of its own. */
async function listCompressedTar(path: string): Promise<ArchiveListing> {
  const folder = await mkdtemp(join(tmpdir(), 'thrum-tar-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, 'unpacked.tar');
    await pipeline(createReadStream(path), createGunzip(), createWriteStream(file));
    return { file, entries: await listTar(file, path), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function listZip(path: string): Promise<ArchiveEntry[]> {
  const zip = { bytes: await readFile(path), reader: READER, name: path };
  return readZipEntries(zip)
    .filter((entry) => !entry.path.endsWith('/'))
    .map((entry) => ({ path: entry.path, offset: entry.offset, packedSize: entry.packedSize, zip: entry }));
}

/**
 * The files in an archive, in its own order. `remove` deletes what was unpacked for it.
 * @throws InputError for archives that are missing, damaged or too large (.zip: 2 GiB).
 */
export async function listArchive(path: string): Promise<ArchiveListing> {
  try {
    if (/\.(tar\.gz|tgz)$/i.test(path)) return await listCompressedTar(path);
    const entries = /\.zip$/i.test(path) ? await listZip(path) : await listTar(path, path);
    return { file: path, entries, remove: async () => {} };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${READER}: cannot read the archive ${path}: ${systemReason(error)}`);
  }
}

/** The bytes of one file in an archive. @throws InputError where they are damaged or gone. */
export async function readArchiveEntry(file: string, entry: ArchiveEntry): Promise<Uint8Array> {
  const handle = await open(file).catch((error: unknown) => {
    throw new InputError(`${READER}: cannot read ${file}: ${systemReason(error)}`);
  });
  try {
    const bytes = await readAt(handle, entry.offset, entry.packedSize, file);
    return entry.zip ? zipEntryBytes({ bytes, reader: READER, name: file }, { ...entry.zip, offset: 0 }, true) : bytes;
  } finally {
    await handle.close();
  }
}
