// PyTorch checkpoint files, read without running any code in them.
// Source: PyTorch, torch/serialization.py (both layouts) and docs/notes/serialization.
import { type StoredTensor, storedWidth } from '../../graph/stored-tensor.ts';
import { InputError } from '../../signal/errors.ts';
import { readZipEntries, type ZipFile, zipEntryBytes } from '../../signal/readers/zip.ts';
import { unpickle } from './pickle.ts';
import { torchHost } from './torch-tensors.ts';

/** An object of a class that is known and left alone: its name and its attributes. */
export type TorchOpaque = { kind: 'opaque'; className: string; state: TorchValue };

/** What a checkpoint holds: lists and tuples as arrays, dicts as maps, tensors contiguous. */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | StoredTensor
  | TorchOpaque
  | TorchValue[]
  | Set<TorchValue>
  | Map<TorchValue, TorchValue>;

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;

/**
 * The object in a file of `torch.save`: the zip layout, or the one before PyTorch 1.6. Only tensors, parameters, plain
 * containers and `argparse.Namespace` (kept as an inert object) are accepted. Tensors share memory with `bytes` where
 * they are contiguous and aligned.
 * @throws InputError naming any other class, and for damaged, truncated or big-endian files.
 */
export const readTorchFile = (bytes: Uint8Array, name = 'PyTorch file'): TorchValue => {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZipLayout({ bytes, reader: 'readTorchFile', name });
  if (bytes[0] === 0x80) return readLegacyLayout(bytes, name);
  throw new InputError(
    `readTorchFile: expected a zip archive or a pickle of torch.save, found other data (${name}, byte 0)`,
  );
};

/** Layout: `<any>/data.pkl`, and the storages at `<any>/data/<key>`. */
const readZipLayout = (zip: ZipFile): TorchValue => {
  const entries = readZipEntries(zip);
  const pickled = entries.find(({ path }) => path.endsWith('/data.pkl'));
  const fail = (message: string, offset?: number) =>
    new InputError(`readTorchFile: ${message} (${zip.name}${offset === undefined ? '' : `, data.pkl byte ${offset}`})`);
  if (!pickled) throw fail('expected data.pkl in the archive of a checkpoint, found none');
  const folder = pickled.path.slice(0, -'data.pkl'.length);
  const contents = new Map(entries.map((entry) => [entry.path, entry]));
  const content = (path: string) => {
    const entry = contents.get(folder + path);
    // PyTorch can be told to leave checksums out, so they are not held against the file.
    return entry && zipEntryBytes(zip, entry, false);
  };
  const order = new TextDecoder().decode(content('byteorder') ?? new Uint8Array(0));
  if (order === 'big') throw fail('expected a little-endian checkpoint, found a big-endian one; save it again');
  const host = torchHost(fail);
  const { value } = unpickle(zipEntryBytes(zip, pickled, false), 0, host);
  const storages = new Map<string, Uint8Array | undefined>();
  host.fill((key) => {
    if (!storages.has(key)) storages.set(key, content(`data/${key}`));
    return storages.get(key);
  });
  return value as TorchValue;
};

/**
 * Layout: pickles of a magic number, a version, facts about the machine, the object and the list of storage keys; then
 * for each key the element count (64 bits) and the storage.
 */
const readLegacyLayout = (bytes: Uint8Array, name: string): TorchValue => {
  const fail = (message: string, offset?: number) =>
    new InputError(`readTorchFile: ${message} (${name}${offset === undefined ? '' : `, byte ${offset}`})`);
  const host = torchHost(fail);
  const magic = unpickle(bytes, 0, host);
  if (magic.value !== LEGACY_MAGIC) throw fail("expected PyTorch's magic number, found another pickle", 0);
  const version = unpickle(bytes, magic.end, host);
  if (version.value !== LEGACY_VERSION)
    throw fail(`expected version ${LEGACY_VERSION}, found ${version.value}`, magic.end);
  const machine = unpickle(bytes, version.end, host);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false) {
    throw fail('expected a little-endian checkpoint, found a big-endian one; save it again', version.end);
  }
  const object = unpickle(bytes, machine.end, host);
  const keys = unpickle(bytes, object.end, host);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<unknown, Uint8Array>();
  let offset = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const dtype = host.dtypes.get(key);
    if (!dtype || offset + 8 > bytes.length) throw fail(`expected the storage ${key}, found none`, offset);
    const size = Number(view.getBigUint64(offset, true)) * storedWidth(dtype);
    if (size > bytes.length - offset - 8) {
      throw fail(`expected ${size} bytes of storage ${key}, found ${bytes.length - offset - 8}`, offset);
    }
    storages.set(key, bytes.subarray(offset + 8, offset + 8 + size));
    offset += 8 + size;
  }
  host.fill((key) => storages.get(key));
  return object.value as TorchValue;
};
