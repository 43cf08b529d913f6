// The data elements MATLAB level 5 files are made of: tags, numbers and compressed elements.
// Source: "MAT-File Format" (The MathWorks), chapter 1, "Level 5 MAT-File Format".
import { Unzlib } from 'fflate';
import { concatenate } from '../concatenate.ts';
import { InputError } from '../errors.ts';
import { type NumericArray, type NumericArrayConstructor, typedView } from '../typed-view.ts';
import { checkSamples } from './too-long.ts';

/** The bytes elements are read from: the file, or one inflated element of it. */
export type ElementSource = {
  bytes: Uint8Array;
  view: DataView;
  littleEndian: boolean;
  name: string;
  /** Where the element that was inflated lies in the file; undefined for the file itself. */
  inflatedFrom?: number;
  /** Bytes that the compressed elements of the file may still unpack to. */
  room?: { bytes: number };
};

/** One data element: its type, and where its data lies in the source. */
export type DataElement = { type: number; start: number; length: number; next: number };

export const MI_MATRIX = 14;
export const MI_COMPRESSED = 15;

const NUMERIC_TYPES: Record<number, NumericArrayConstructor> = {
  1: Int8Array,
  2: Uint8Array,
  3: Int16Array,
  4: Uint16Array,
  5: Int32Array,
  6: Uint32Array,
  7: Float32Array,
  9: Float64Array,
  12: BigInt64Array,
  13: BigUint64Array,
  16: Uint8Array,
  17: Uint16Array,
  18: Uint32Array,
};

export const elementSource = (bytes: Uint8Array, littleEndian: boolean, name: string, inflatedFrom?: number) => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  littleEndian,
  name,
  inflatedFrom,
});

/** An InputError that says where in which file. */
export const matError = (source: ElementSource, offset: number, message: string): InputError => {
  const inside = source.inflatedFrom === undefined ? '' : ` of the compressed element at byte ${source.inflatedFrom}`;
  return new InputError(`readMat: ${message} (${source.name}, byte ${offset}${inside})`);
};

/** The element whose tag lies at `offset`; it has to end before `end`. Small elements carry their data in the tag. */
export const readElement = (source: ElementSource, offset: number, end: number): DataElement => {
  if (offset + 8 > end) throw matError(source, offset, 'expected a data element, found the end; the file is cut short');
  const word = source.view.getUint32(offset, source.littleEndian);
  if (word >>> 16 !== 0) return smallElement(source, offset, word);
  const length = source.view.getUint32(offset + 4, source.littleEndian);
  const start = offset + 8;
  if (length > end - start) {
    throw matError(source, offset, `expected ${length} bytes of data, found ${end - start}; the file is cut short`);
  }
  // Compressed elements are the only ones without padding to 8 bytes; some writers leave the last padding away.
  const padded = word === MI_COMPRESSED ? length : Math.ceil(length / 8) * 8;
  return { type: word, start, length, next: Math.min(start + padded, end) };
};

const smallElement = (source: ElementSource, offset: number, word: number): DataElement => {
  const length = word >>> 16;
  if (length > 4) throw matError(source, offset, `expected at most 4 bytes in a small data element, found ${length}`);
  return { type: word & 0xffff, start: offset + 4, length, next: offset + 8 };
};

/** The numbers of an element, in the type they are stored as (MATLAB stores doubles in the smallest type that holds them). */
export const elementNumbers = (source: ElementSource, element: DataElement): NumericArray => {
  const type = NUMERIC_TYPES[element.type];
  if (!type) throw matError(source, element.start, `expected numbers, found data type ${element.type}`);
  if (element.length % type.BYTES_PER_ELEMENT !== 0) {
    throw matError(
      source,
      element.start,
      `expected a multiple of ${type.BYTES_PER_ELEMENT} bytes, found ${element.length}`,
    );
  }
  const count = element.length / type.BYTES_PER_ELEMENT;
  return typedView(type, source.bytes, element.start, count, source.littleEndian);
};

/** The content of a compressed element (a zlib stream, RFC 1950), its checksum verified. */
export const inflateElement = (source: ElementSource, element: DataElement): ElementSource => {
  const packed = source.bytes.subarray(element.start, element.start + element.length);
  const at = element.start - 8;
  const inflated = tryInflate(packed, source);
  if (typeof inflated === 'string') {
    throw matError(source, at, `expected a zlib stream, found damaged data (${inflated})`);
  }
  const stored = source.view.getUint32(element.start + element.length - 4, false);
  const sum = adler32(inflated);
  if (sum !== stored) throw matError(source, at, `expected checksum ${stored} of the zlib stream, found ${sum}`);
  return elementSource(inflated, source.littleEndian, source.name, at);
};

/** Packed bytes that are unpacked at a time; each may become a thousand. */
const INFLATE_PIECE = 2 ** 14;

const tryInflate = (packed: Uint8Array, { room, name }: ElementSource): Uint8Array | string => {
  if (packed.length < 6) return `${packed.length} bytes`;
  const parts: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  const stream = new Unzlib((part, final) => {
    parts.push(part);
    size += part.length;
    ended ||= final;
    if (room) checkSamples(Math.ceil(size / 8), { maxSamples: room.bytes / 8 }, name);
  });
  try {
    for (let at = 0; at < packed.length; at += INFLATE_PIECE) {
      stream.push(packed.subarray(at, at + INFLATE_PIECE), at + INFLATE_PIECE >= packed.length);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    return error instanceof Error ? error.message : String(error);
  }
  if (!ended) return 'unexpected EOF';
  if (room) room.bytes -= size;
  return concatenate(Uint8Array, parts);
};

/** Adler-32 (RFC 1950, section 8.2). Sums of 3,800 bytes stay below 2^31, so the modulo can wait that long. */
const adler32 = (bytes: Uint8Array): number => {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += 3800) {
    const end = Math.min(start + 3800, bytes.length);
    for (let i = start; i < end; i++) {
      a += bytes[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
};
