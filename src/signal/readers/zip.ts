// Zip archives, entry by entry and without copying stored ones: NumPy's .npz and PyTorch's checkpoints.
// Source: PKWARE, "APPNOTE.TXT, .ZIP File Format Specification", sections 4.3 and 4.4.
import { inflateSync } from 'fflate';
import { InputError } from '../errors.ts';

/** A zip file, and how to speak of it in error messages. `reader` is the public function that reads it. */
export type ZipFile = { bytes: Uint8Array; reader: string; name: string };

/** One entry of the central directory. `offset` is where its data lies in the file. */
export type ZipEntry = {
  path: string;
  method: number;
  crc: number;
  packedSize: number;
  size: number;
  offset: number;
};

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const ZIP64 = 0xffffffff;
/** Deflate cannot shrink further than this (two bits for 258 bytes), so a larger claim is a lie. */
const MAX_RATIO = 1032;

/**
 * All entries of a zip archive, in the order of its directory, each within the file's bounds.
 * @throws InputError for a truncated or damaged archive, zip64, encryption and several disks.
 */
export const readZipEntries = (zip: ZipFile): ZipEntry[] => {
  const view = viewOf(zip);
  const end = findEnd(zip, view);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || start === ZIP64) throw zipError(zip, end, 'expected a plain zip archive, found zip64');
  if (view.getUint16(end + 4, true) !== 0) throw zipError(zip, end, 'expected one archive, found a part of several');
  const entries: ZipEntry[] = [];
  for (let offset = start; entries.length < count; ) {
    if (offset + CENTRAL_BYTES > end || view.getUint32(offset, true) !== CENTRAL_SIGNATURE) {
      throw zipError(zip, offset, `expected directory entry ${entries.length} of ${count}, found other data`);
    }
    entries.push(readEntry(zip, view, offset));
    offset += CENTRAL_BYTES + [28, 30, 32].reduce((sum, at) => sum + view.getUint16(offset + at, true), 0);
  }
  return entries;
};

/**
 * The bytes of an entry: a view for stored ones, inflated otherwise. `verify` checks the CRC-32 as well (NumPy and most
 * writers keep one; PyTorch may leave it out).
 * @throws InputError for damaged data and for methods other than stored and deflate.
 */
export const zipEntryBytes = (zip: ZipFile, entry: ZipEntry, verify: boolean): Uint8Array => {
  const packed = zip.bytes.subarray(entry.offset, entry.offset + entry.packedSize);
  const content = unpack(zip, entry, packed);
  if (content.length !== entry.size) {
    throw zipError(zip, entry.offset, `expected ${entry.size} bytes in ${entry.path}, found ${content.length}`);
  }
  if (verify && crc32(content) !== entry.crc) {
    throw zipError(zip, entry.offset, `expected CRC-32 ${entry.crc} of ${entry.path}, found ${crc32(content)}`);
  }
  return content;
};

const unpack = (zip: ZipFile, entry: ZipEntry, packed: Uint8Array): Uint8Array => {
  if (entry.method === 0) return packed;
  if (entry.method !== 8) {
    throw zipError(zip, entry.offset, `expected ${entry.path} stored or deflated, found method ${entry.method}`);
  }
  if (entry.size > MAX_RATIO * (entry.packedSize + 1)) {
    throw zipError(zip, entry.offset, `expected data for ${entry.size} bytes of ${entry.path}, found ${packed.length}`);
  }
  try {
    return inflateSync(packed, { out: new Uint8Array(entry.size) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw zipError(zip, entry.offset, `expected deflated data in ${entry.path}, found damaged data (${reason})`);
  }
};

const zipError = (zip: ZipFile, offset: number, message: string): InputError =>
  new InputError(`${zip.reader}: ${message} (${zip.name}, byte ${offset})`);

const viewOf = ({ bytes }: ZipFile): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The end record lies last, before a comment of at most 65,535 bytes. */
const findEnd = (zip: ZipFile, view: DataView): number => {
  const last = zip.bytes.length - END_BYTES;
  for (let offset = last; offset >= 0 && offset >= last - 0xffff; offset--) {
    if (view.getUint32(offset, true) === END_SIGNATURE) return offset;
  }
  throw zipError(zip, zip.bytes.length, 'expected the end record of a zip archive, found none; the file is cut short');
};

const readEntry = (zip: ZipFile, view: DataView, at: number): ZipEntry => {
  const pathBytes = zip.bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + view.getUint16(at + 28, true));
  const path = new TextDecoder().decode(pathBytes);
  const packedSize = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const local = view.getUint32(at + 42, true);
  if ([packedSize, size, local].includes(ZIP64)) throw zipError(zip, at, `expected plain zip, found zip64 at ${path}`);
  if (view.getUint16(at + 8, true) & 1) throw zipError(zip, at, `expected plain data, found ${path} encrypted`);
  if (local + LOCAL_BYTES > zip.bytes.length || view.getUint32(local, true) !== LOCAL_SIGNATURE) {
    throw zipError(zip, local, `expected the header of ${path}, found other data`);
  }
  const offset = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (offset + packedSize > zip.bytes.length) {
    throw zipError(zip, offset, `expected ${packedSize} bytes of ${path}, found ${zip.bytes.length - offset}`);
  }
  return { path, method: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true), packedSize, size, offset };
};

let crcTable: Uint32Array | undefined;

const makeCrcTable = (): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    return remainder;
  });

/** CRC-32 with the reflected polynomial 0xEDB88320 (section 4.4.7). */
const crc32 = (bytes: Uint8Array): number => {
  crcTable ??= makeCrcTable();
  const table = crcTable;
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
};
