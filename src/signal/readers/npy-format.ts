// One NumPy array file (.npy): its header, and its numbers.
// Source: NumPy documentation, "numpy.lib.format", format versions 1.0 to 3.0.
import { InputError } from '../errors.ts';
import { halfToFloat32 } from '../half-float.ts';
import { elementCount, type NumericArray, type NumericArrayConstructor, typedView } from '../typed-view.ts';

/** What an .npy header says. `dtype` is NumPy's code without the byte order: `f4`, `i8`, `U12`. */
export type NpyHeader = {
  dtype: string;
  littleEndian: boolean;
  columnMajor: boolean;
  shape: number[];
  /** Where the data begins. */
  offset: number;
};

/** How to speak of a file in error messages. */
export type NpyPlace = { reader: string; name: string };

const NUMERIC_TYPES: Record<string, NumericArrayConstructor> = {
  b1: Uint8Array,
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  f2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  f4: Float32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f8: Float64Array,
};
const KINDS: Record<string, string> = {
  O: 'Python objects (a pickle, which Thrum never runs)',
  c: 'complex numbers',
  f: 'long doubles',
  U: 'text',
  S: 'text',
  V: 'records',
  M: 'dates',
  m: 'durations',
};

/** Whether the bytes begin with NumPy's magic string. */
export const isNpy = (head: Uint8Array): boolean =>
  head.length >= 10 && head[0] === 0x93 && String.fromCharCode(...head.subarray(1, 6)) === 'NUMPY';

/** @throws InputError with the byte offset for anything that is not the header of an .npy file. */
export const readNpyHeader = (bytes: Uint8Array, place: NpyPlace): NpyHeader => {
  if (!isNpy(bytes)) throw npyError(place, 0, 'expected a NumPy array, found other data');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3) throw npyError(place, 6, `expected format version 1 to 3, found ${version}`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw npyError(place, 8, 'expected a header, found the end; the file is cut short');
  const offset = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (offset > bytes.length) {
    throw npyError(place, 8, `expected ${offset - start} bytes of header, found ${bytes.length - start}`);
  }
  const text = new TextDecoder().decode(bytes.subarray(start, offset));
  return { ...parseHeader(text, place), offset };
};

const parseHeader = (text: string, place: NpyPlace): Omit<NpyHeader, 'offset'> => {
  const descr = /'descr':\s*(?:'([<>|=]?)(\w+)(?:\[\w+\])?'|(\[))/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(text);
  if (!descr || !order || !shape) {
    throw npyError(
      place,
      10,
      `expected descr, fortran_order and shape in the header, found ${text.trim().slice(0, 80)}`,
    );
  }
  return {
    dtype: descr[3] ? 'V' : descr[2],
    littleEndian: descr[1] !== '>',
    columnMajor: order[1] === 'True',
    shape: (shape[1].match(/\d+/g) ?? []).map(Number),
  };
};

/** Whether the array holds real numbers. */
export const isNumeric = ({ dtype }: NpyHeader): boolean => NUMERIC_TYPES[dtype] !== undefined;

/** What an array that is not numeric holds, in words. */
export const npyKind = ({ dtype }: NpyHeader): string => KINDS[dtype[0]] ?? `type ${dtype}`;

/**
 * The numbers of an .npy file, in file order; float16 is widened to float32.
 * @throws InputError for types that are not real numbers, and when the data does not fill the shape.
 */
export const npyNumbers = (bytes: Uint8Array, header: NpyHeader, place: NpyPlace): NumericArray => {
  const type = NUMERIC_TYPES[header.dtype];
  if (!type) throw npyError(place, header.offset, `expected real numbers, found ${npyKind(header)}`);
  const count = elementCount(header.shape);
  const expected = count * type.BYTES_PER_ELEMENT;
  if (bytes.length - header.offset < expected) {
    const found = bytes.length - header.offset;
    const shape = `[${header.shape.join(', ')}]`;
    throw npyError(place, header.offset, `expected ${expected} bytes for ${shape} ${header.dtype}, found ${found}`);
  }
  const data = typedView(type, bytes, header.offset, count, header.littleEndian);
  return header.dtype === 'f2' && data instanceof Uint16Array ? halfToFloat32(data) : data;
};

const npyError = (place: NpyPlace, offset: number, message: string): InputError =>
  new InputError(`${place.reader}: ${message} (${place.name}, byte ${offset})`);
