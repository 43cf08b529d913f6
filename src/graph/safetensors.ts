// The safetensors file format: named tensors behind a JSON header.
// Source: huggingface/safetensors, README, "Format".
import { InputError } from '../signal/errors.ts';
import { bytesOf, elementCount } from '../signal/typed-view.ts';
import { isStoredDtype, type StoredDtype, type StoredTensor, storedView, storedWidth } from './stored-tensor.ts';

/** What a safetensors file holds. */
export type Safetensors = { tensors: Map<string, StoredTensor>; metadata: Record<string, string> };

/** The format's own limit on its header, in bytes. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

type HeaderEntry = { key: string; dtype: StoredDtype; shape: number[]; begin: number; end: number };

/**
 * All tensors and the metadata of a safetensors file. Tensor data is a view of `bytes` where aligned.
 * @throws InputError for a header that is too long or not of this format, and for tensors that overlap, leave gaps,
 * reach beyond the file or do not have the bytes of their shape.
 */
export const readSafetensors = (bytes: Uint8Array, name = 'safetensors file'): Safetensors => {
  const fail = (offset: number, message: string) =>
    new InputError(`readSafetensors: ${message} (${name}, byte ${offset})`);
  if (bytes.length < 8) throw fail(0, `expected 8 bytes of header length, found ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER) throw fail(0, `expected a header of at most ${MAX_HEADER} bytes, found ${length}`);
  const start = 8 + length;
  if (start > bytes.length) {
    throw fail(0, `expected a header of ${length} bytes, found ${bytes.length - 8}; the file is cut short`);
  }
  const header = parseHeader(bytes.subarray(8, start), fail);
  const { [METADATA]: metadata = {}, ...rest } = header;
  const entries = Object.entries(rest).map(([key, value]) => parseEntry(key, value, fail));
  checkCoverage(entries, start, bytes.length, fail);
  const tensors = new Map<string, StoredTensor>();
  for (const { key, dtype, shape, begin } of entries) {
    const data = storedView(dtype, bytes, start + begin, elementCount(shape));
    tensors.set(key, { dtype, shape, data });
  }
  return { tensors, metadata: parseMetadata(metadata, fail) };
};

type Fail = (offset: number, message: string) => InputError;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const parseHeader = (text: Uint8Array, fail: Fail): Record<string, unknown> => {
  const header = tryJson(text);
  if (!isObject(header)) throw fail(8, 'expected a JSON object as header, found other data');
  return header;
};

const tryJson = (text: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    return undefined;
  }
};

const parseMetadata = (metadata: unknown, fail: Fail): Record<string, string> => {
  const texts = isObject(metadata) ? Object.entries(metadata) : [['', undefined]];
  return Object.fromEntries(
    texts.map(([key, value]) => {
      if (typeof value !== 'string') throw fail(8, `expected texts in ${METADATA}, found ${typeof value} ${key}`);
      return [key, value];
    }),
  );
};

const parseEntry = (key: string, value: unknown, fail: Fail): HeaderEntry => {
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  if (typeof dtype !== 'string' || !isStoredDtype(dtype)) {
    throw fail(8, `expected a known dtype at ${key}, found ${JSON.stringify(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw fail(8, `expected a shape at ${key}, found ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw fail(8, `expected data_offsets [begin, end] at ${key}, found ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets;
  const size = elementCount(shape) * storedWidth(dtype);
  if (end - begin !== size) {
    throw fail(8, `expected ${size} bytes for ${dtype} [${shape.join(', ')}] at ${key}, found ${end - begin}`);
  }
  return { key, dtype, shape, begin, end };
};

/** The tensors have to fill the file from the header to the end, without gap or overlap. */
const checkCoverage = (entries: HeaderEntry[], start: number, fileLength: number, fail: Fail): void => {
  const ordered = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = 0;
  for (const { key, begin, end } of ordered) {
    if (begin !== filled) {
      const problem = begin < filled ? 'overlaps the tensor before it' : `leaves ${begin - filled} bytes unused`;
      throw fail(start + begin, `expected ${key} to begin at data byte ${filled}, found ${begin}, which ${problem}`);
    }
    if (start + end > fileLength) {
      throw fail(start + begin, `expected ${end - begin} bytes of ${key}, found ${fileLength - start - begin}`);
    }
    filled = end;
  }
  if (start + filled !== fileLength) {
    throw fail(start + filled, `expected the end of the file, found ${fileLength - start - filled} more bytes`);
  }
};

/**
 * A safetensors file. Tensors go by element size, largest first, then by name, behind a header padded to 8 bytes: every
 * tensor is aligned, and the same tensors give the same bytes whatever the order of the map.
 * @throws InputError when a tensor's data does not fill its shape, or a tensor is called `__metadata__`.
 */
export const writeSafetensors = (
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Uint8Array => {
  const ordered = [...tensors].toSorted(
    ([a, x], [b, y]) => storedWidth(y.dtype) - storedWidth(x.dtype) || (a < b ? -1 : 1),
  );
  const described: [string, unknown][] = [];
  const texts = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (texts.length > 0) described.push([METADATA, Object.fromEntries(texts)]);
  let size = 0;
  for (const [key, tensor] of ordered) {
    checkTensor(key, tensor);
    const { dtype, shape, data } = tensor;
    described.push([key, { dtype, shape, data_offsets: [size, size + data.byteLength] }]);
    size += data.byteLength;
  }
  const header = headerBytes(described);
  const file = new Uint8Array(8 + header.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let offset = 8 + header.length;
  for (const [, { data }] of ordered) {
    file.set(bytesOf(data), offset);
    offset += data.byteLength;
  }
  return file;
};

/** Written by hand, entry by entry: an object would put names like `0` before all others. */
const headerBytes = (described: [string, unknown][]): Uint8Array => {
  const text = described.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
  const bytes = new TextEncoder().encode(`{${text}}`);
  const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8).fill(0x20);
  padded.set(bytes);
  return padded;
};

const checkTensor = (key: string, { dtype, shape, data }: StoredTensor): void => {
  if (key === METADATA) throw new InputError(`writeSafetensors: expected another name than ${METADATA} for a tensor`);
  const bytes = elementCount(shape) * storedWidth(dtype);
  if (data.byteLength !== bytes) {
    throw new InputError(
      `writeSafetensors: expected ${bytes} bytes for ${dtype} [${shape.join(', ')}] at ${key}, found ${data.byteLength}`,
    );
  }
};
