// MATLAB 7.3 MAT-files, which are HDF5 behind a header of MATLAB's: named numeric arrays, uncompressed.
// Source: "HDF5 File Format Specification", version 3.0: superblock 0, symbol-table groups, object headers 1.
import { InputError } from '../errors.ts';
import { bytesOf, elementCount } from '../typed-view.ts';
import type { MatArray } from './mat-write.ts';

/** Addresses in HDF5 count from the end of MATLAB's header. */
const USER_BLOCK = 512;
const SUPERBLOCK_BYTES = 96;
const ROOT_HEADER_BYTES = 40;
/** The format's default: a node of the tree of groups holds up to 2 x 16 children. */
const TREE_K = 16;
const TREE_BYTES = 24 + (2 * TREE_K + 1) * 8 + 2 * TREE_K * 8;
const HEAP_BYTES = 32;
const ENTRY_BYTES = 40;
const UNDEFINED = 0xffff_ffff_ffff_ffffn;
/** Of the list of free space in a heap that has none. */
const NO_FREE_SPACE = 1n;
const MESSAGE = { dataspace: 1, datatype: 3, layout: 8, attribute: 12, symbolTable: 17 };

type Field = number | bigint | string | Uint8Array;

/** Little-endian fields in a row: [bytes, value], text and bytes padded with zeros to that width. */
function pack(...fields: readonly (readonly [number, Field])[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((total, [width]) => total + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (typeof value === 'string') bytes.set(new TextEncoder().encode(value), at);
    else if (value instanceof Uint8Array) bytes.set(value, at);
    else if (width === 8) view.setBigUint64(at, BigInt(value), true);
    else for (let i = 0; i < width; i++) view.setUint8(at + i, Math.floor(Number(value) / 256 ** i) % 256);
    at += width;
  }
  return bytes;
}

const padded = (length: number): number => Math.ceil(length / 8) * 8;

/** A header message: type, size, flags, content. Contents fill multiples of 8 bytes. */
const message = (type: number, content: Uint8Array): Uint8Array => {
  const size = padded(content.length);
  return pack([2, type], [2, size], [4, 0], [size, content]);
};

/** An object header of version 1. */
const objectHeader = (messages: readonly Uint8Array[]): Uint8Array => {
  const size = messages.reduce((total, part) => total + part.length, 0);
  const fields = messages.map((part) => [part.length, part] as const);
  return pack([1, 1], [1, 0], [2, messages.length], [4, 1], [4, size], [4, 0], ...fields);
};

/** IEEE 754: where exponent and fraction lie, their widths, and the bias of the exponent. */
const floatType = (bytes: number): Uint8Array => {
  const [fraction, exponent, bias] = bytes === 8 ? [52, 11, 1023] : [23, 8, 127];
  const parts = [fraction, exponent, 0, fraction].map((value) => [1, value] as const);
  // Class 1 (float) of version 1; bit field: little-endian, implied leading bit, position of the sign.
  return pack([1, 0x11], [1, 0x20], [2, 8 * bytes - 1], [4, bytes], [2, 0], [2, 8 * bytes], ...parts, [4, bias]);
};

const classAttribute = (className: string): Uint8Array => {
  const name = 'MATLAB_class';
  const text = pack([1, 0x13], [3, 0], [4, className.length]);
  const scalar = pack([1, 1], [7, 0]);
  const sizes = pack([1, 1], [1, 0], [2, name.length + 1], [2, text.length], [2, scalar.length]);
  const parts = [sizes, text, scalar, pack([className.length, className])];
  return pack(
    [parts[0].length, parts[0]],
    [padded(name.length + 1), name],
    ...parts.slice(1).map((part) => [part.length, part] as const),
  );
};

/** MATLAB's dimensions in reverse, so that its column-major data reads as C order. */
const datasetHeader = ({ shape, data }: MatArray, address: number): Uint8Array => {
  const dimensions = shape.toReversed().map((size) => [8, size] as const);
  return objectHeader([
    message(MESSAGE.dataspace, pack([1, 1], [1, shape.length], [6, 0], ...dimensions)),
    message(MESSAGE.datatype, floatType(data.BYTES_PER_ELEMENT)),
    message(MESSAGE.layout, pack([1, 3], [1, 1], [8, address], [8, data.byteLength])),
    message(MESSAGE.attribute, classAttribute(data instanceof Float64Array ? 'double' : 'single')),
  ]);
};

const userBlock = (): Uint8Array => {
  const text = 'MATLAB 7.3 MAT-file, HDF5 schema 1.00 .'.padEnd(116);
  return pack([116, text], [8, 0], [2, 0x0200], [2, 'IM'], [USER_BLOCK - 128, '']);
};

type Addresses = { tree: number; heap: number; names: number; leaf: number };

const superblock = (leafK: number, end: number, { tree, heap }: Addresses): Uint8Array =>
  pack(
    [8, Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)],
    [5, 0], // versions
    [1, 8], // bytes of an address
    [1, 8], // bytes of a length
    [1, 0],
    [2, leafK],
    [2, TREE_K],
    [4, 0],
    [8, USER_BLOCK],
    [8, UNDEFINED],
    [8, end],
    [8, UNDEFINED],
    ...[0, SUPERBLOCK_BYTES, 1, tree, heap].map((value) => [8, value] as const),
  );

/** Names in the order the format wants them in, each with where it lies in the heap. The heap begins with an empty one. */
function heapOf(names: readonly string[]): { data: Uint8Array; offsets: number[] } {
  const offsets: number[] = [];
  let size = 8;
  for (const name of names) {
    offsets.push(size);
    size += padded(name.length + 1);
  }
  return { data: pack([8, 0], ...names.map((name) => [padded(name.length + 1), name] as const)), offsets };
}

/**
 * A MATLAB 7.3 file of named arrays, as `save -v7.3 -nocompression` leaves them: doubles and singles in MATLAB's order
 * (columns first).
 * @throws InputError for an array whose shape does not fit its data, data of another class, and names MATLAB has not
 */
export function writeMat73(variables: Readonly<Record<string, MatArray>>): Uint8Array {
  const names = Object.keys(variables).sort();
  for (const name of names) check(name, variables[name]);
  const arrays = names.map((name) => variables[name]);
  const heap = heapOf(names);
  // One leaf holds 2 K symbols; the default of K is 4.
  const leafK = Math.max(4, Math.ceil(names.length / 2));
  const tree = SUPERBLOCK_BYTES + ROOT_HEADER_BYTES;
  const addresses: Addresses = {
    tree,
    heap: tree + TREE_BYTES,
    names: tree + TREE_BYTES + HEAP_BYTES,
    leaf: tree + TREE_BYTES + HEAP_BYTES + heap.data.length,
  };
  const headerBytes = arrays.map((array) => datasetHeader(array, 0).length);
  const headers = startsOf(addresses.leaf + 8 + 2 * leafK * ENTRY_BYTES, headerBytes);
  const dataBytes = arrays.map(({ data }) => padded(data.byteLength));
  const contents = startsOf(headers[names.length], dataBytes);
  const end = USER_BLOCK + contents[names.length];

  const file = new Uint8Array(end);
  const put = (address: number, bytes: Uint8Array) => file.set(bytes, USER_BLOCK + address);
  file.set(userBlock());
  put(0, superblock(leafK, end, addresses));
  put(SUPERBLOCK_BYTES, objectHeader([message(MESSAGE.symbolTable, pack([8, tree], [8, addresses.heap]))]));
  const keys = [0, addresses.leaf, heap.offsets.at(-1) ?? 0].map((value) => [8, value] as const);
  put(tree, pack([4, 'TREE'], [2, 0], [2, 1], [8, UNDEFINED], [8, UNDEFINED], ...keys));
  put(addresses.heap, pack([4, 'HEAP'], [4, 0], [8, heap.data.length], [8, NO_FREE_SPACE], [8, addresses.names]));
  put(addresses.names, heap.data);
  const entries = heap.offsets.map((offset, i) => pack([8, offset], [8, headers[i]], [24, '']));
  put(
    addresses.leaf,
    pack([4, 'SNOD'], [2, 1], [2, names.length], ...entries.map((entry) => [ENTRY_BYTES, entry] as const)),
  );
  for (const [i, array] of arrays.entries()) {
    put(headers[i], datasetHeader(array, contents[i]));
    put(contents[i], bytesOf(array.data));
  }
  return file;
}

/** Where parts of these sizes begin when laid end to end from `start`, and where the last one ends. */
function startsOf(start: number, sizes: readonly number[]): number[] {
  const starts = [start];
  for (const [i, size] of sizes.entries()) starts.push(starts[i] + size);
  return starts;
}

const check = (name: string, { shape, data }: MatArray): void => {
  const fail = (expected: string, found: string) =>
    new InputError(`writeMat73: expected ${expected}, got ${found}; correct the variable`);
  if (!/^[A-Za-z]\w{0,62}$/.test(name)) throw fail('a name of letters, digits and underscores', JSON.stringify(name));
  if (data instanceof Int16Array) throw fail(`doubles or singles at ${name}`, 'int16');
  const size = elementCount([...shape]);
  if (size !== data.length || size === 0) throw fail(`${size} values for ${name} [${shape}]`, `${data.length}`);
};
