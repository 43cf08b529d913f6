// Embeddings kept on disk: by what a file contains, which encoder heard it, and how it was prepared. Files only grow, so
// an interrupted run loses at most the record it was writing.
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { StoredRecording } from './stored-recording.ts';

export type EmbeddingStore = {
  has(key: string): boolean;
  get(key: string): StoredRecording[] | undefined;
  put(key: string, recordings: readonly StoredRecording[]): void;
  close(): void;
};

type Header = {
  key: string;
  recordings: Omit<StoredRecording, 'values'>[];
  /** CRC-32 of the values that follow. */
  checksum: number;
};
type Place = { descriptor: number; offset: number; valueBytes: number; header: Header };

/** Magic number of a record, then the lengths of its header and of its values in bytes. */
const MAGIC = 0x4d524854;
const PREFIX_BYTES = 12;

/** Where embeddings are kept unless the user says otherwise. */
export const defaultStoreFolder = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'thrum', 'embeddings');

const readAt = (descriptor: number, offset: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(descriptor, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
};

const valueCount = ({ segments, channels, columns }: Omit<StoredRecording, 'values'>): number =>
  segments * channels * columns;

/** The header of a record, if it is whole and speaks of as many values as follow it. */
function readHeader(bytes: Buffer, valueBytes: number): Header | undefined {
  try {
    const header = JSON.parse(bytes.toString('utf8')) as Header;
    const count = header.recordings.reduce((total, recording) => total + valueCount(recording), 0);
    return 4 * count === valueBytes ? header : undefined;
  } catch {
    return undefined;
  }
}

/** The records of a file, up to the first that is cut off or damaged. */
function placesIn(descriptor: number): Place[] {
  const places: Place[] = [];
  const { size } = fstatSync(descriptor);
  let offset = 0;
  while (offset + PREFIX_BYTES <= size) {
    const prefix = readAt(descriptor, offset, PREFIX_BYTES);
    const [magic, headerBytes, valueBytes] = [prefix.readUInt32LE(0), prefix.readUInt32LE(4), prefix.readUInt32LE(8)];
    const end = offset + PREFIX_BYTES + headerBytes + valueBytes;
    if (magic !== MAGIC || end > size) break;
    const header = readHeader(readAt(descriptor, offset + PREFIX_BYTES, headerBytes), valueBytes);
    if (!header) break;
    places.push({ descriptor, offset: offset + PREFIX_BYTES + headerBytes, valueBytes, header });
    offset = end;
  }
  // A power cut leaves zeros where the last record should be, at its full length.
  const last = places.at(-1);
  if (last && crc32(readAt(descriptor, last.offset, last.valueBytes)) !== last.header.checksum) places.pop();
  return places;
}

function readValues({ descriptor, offset, header }: Place): StoredRecording[] {
  let at = offset;
  return header.recordings.map((recording) => {
    const bytes = readAt(descriptor, at, 4 * valueCount(recording));
    at += bytes.length;
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return { ...recording, values };
  });
}

/**
 * Opens the store of one variant (encoder and preparation) in `folder`. Every process writes a file of its own, so
 * several may run at once; only the index is held in memory.
 */
export function openStore(folder: string, variant: string): EmbeddingStore {
  const name = createHash('sha256').update(variant).digest('hex').slice(0, 16);
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'variant.json'), `${variant}\n`);
  const index = new Map<string, Place>();
  const descriptors: number[] = [];
  for (const file of readdirSync(path)
    .filter((entry) => entry.endsWith('.pack'))
    .sort()) {
    const descriptor = openSync(join(path, file), 'r');
    descriptors.push(descriptor);
    for (const place of placesIn(descriptor)) index.set(place.header.key, place);
  }
  let own: { descriptor: number; offset: number } | undefined;
  const ownFile = () => {
    if (own) return own;
    const descriptor = openSync(join(path, `${Date.now()}-${randomUUID()}.pack`), 'wx+');
    descriptors.push(descriptor);
    own = { descriptor, offset: 0 };
    return own;
  };
  return {
    has: (key) => index.has(key),
    get: (key) => {
      const place = index.get(key);
      return place && readValues(place);
    },
    put: (key, recordings) => {
      const parts = recordings.map((r) => Buffer.from(r.values.buffer, r.values.byteOffset, r.values.byteLength));
      const values = Buffer.concat(parts);
      const described = recordings.map(({ values: _values, ...rest }) => rest);
      const header: Header = { key, recordings: described, checksum: crc32(values) };
      const text = Buffer.from(JSON.stringify(header), 'utf8');
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt32LE(MAGIC, 0);
      prefix.writeUInt32LE(text.length, 4);
      prefix.writeUInt32LE(values.length, 8);
      const file = ownFile();
      const record = Buffer.concat([prefix, text, values]);
      // A disk that is nearly full takes a part, and refuses the rest at the next attempt.
      for (let done = 0; done < record.length; ) {
        done += writeSync(file.descriptor, record, done, record.length - done, file.offset + done);
      }
      const offset = file.offset + PREFIX_BYTES + text.length;
      index.set(key, { descriptor: file.descriptor, offset, valueBytes: values.length, header });
      file.offset += record.length;
    },
    close: () => {
      for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
      index.clear();
    },
  };
}

type KnownHash = { size: number; modified: number; hash: string };

/**
 * SHA-256 of files, remembered by path, size and time of change, so that a second run need not read everything again.
 * @returns the hash of a file, and a function that saves what was learned
 */
export function createHasher(folder: string): { hashOf(path: string): string; save(): void } {
  const file = join(folder, 'hashes.json');
  mkdirSync(folder, { recursive: true });
  const known = readHashes(file);
  let changed = false;
  return {
    hashOf(path) {
      const descriptor = openSync(path, 'r');
      try {
        const { size, mtimeMs } = fstatSync(descriptor);
        const before = known.get(path);
        if (before && before.size === size && before.modified === mtimeMs) return before.hash;
        const hash = createHash('sha256');
        for (let offset = 0; offset < size; ) {
          const bytes = readAt(descriptor, offset, Math.min(2 ** 22, size - offset));
          if (bytes.length === 0) break;
          hash.update(bytes);
          offset += bytes.length;
        }
        const digest = hash.digest('hex');
        known.set(path, { size, modified: mtimeMs, hash: digest });
        changed = true;
        return digest;
      } finally {
        closeSync(descriptor);
      }
    },
    save() {
      if (!changed) return;
      changed = false;
      const temporary = `${file}.${process.pid}.tmp`;
      writeFileSync(temporary, JSON.stringify([...known]));
      renameSync(temporary, file);
    },
  };
}

/** A damaged list costs time, nothing else. */
function readHashes(file: string): Map<string, KnownHash> {
  try {
    return new Map<string, KnownHash>(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return new Map();
  }
}
