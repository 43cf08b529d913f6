// NumPy files to write: .npy arrays and .npz archives of them, uncompressed.
// Source: NumPy documentation, "numpy.lib.format", format version 1.0.
import { zipSync } from 'fflate';
import { InputError } from '../errors.ts';
import { bytesOf, elementCount, type NumericArray } from '../typed-view.ts';

/** What can be written: numbers in any typed array, or text (NumPy's fixed-width Unicode). Last index fastest. */
export type NpyContent = { shape: number[]; data: NumericArray | string[] };

/** The date every entry of an archive carries, so that the same arrays give the same bytes. */
const ENTRY_DATE = new Date(1980, 0, 1);

/**
 * An .npy file, format version 1.0, little-endian, C order.
 * @throws InputError when `data` does not fill `shape`.
 */
export const writeNpy = ({ shape, data }: NpyContent): Uint8Array => {
  const count = elementCount(shape);
  if (data.length !== count) {
    throw new InputError(`writeNpy: expected ${count} values for [${shape.join(', ')}], found ${data.length}`);
  }
  const [descr, content] = Array.isArray(data) ? encodeText(data) : [numberType(data), bytesOf(data)];
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Magic, version, length and header together fill a multiple of 64 bytes, padded with spaces and ended by a newline.
  const total = Math.ceil((10 + header.length + 1) / 64) * 64;
  const file = new Uint8Array(total + content.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (total - 10) & 0xff, (total - 10) >> 8]);
  file.set(new TextEncoder().encode(`${header.padEnd(total - 11)}\n`), 10);
  file.set(content, total);
  return file;
};

/** An .npz archive, as `numpy.savez` makes it: one stored .npy entry per name. */
export const writeNpz = (arrays: Record<string, NpyContent>): Uint8Array => {
  const entries = Object.entries(arrays).map(([name, content]) => [`${name}.npy`, writeNpy(content)]);
  return zipSync(Object.fromEntries(entries), { level: 0, mtime: ENTRY_DATE });
};

const numberType = (data: NumericArray): string => {
  const kind = data instanceof Float32Array || data instanceof Float64Array ? 'f' : isUnsigned(data) ? 'u' : 'i';
  return `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${kind}${data.BYTES_PER_ELEMENT}`;
};

const isUnsigned = (data: NumericArray): boolean =>
  data instanceof Uint8Array ||
  data instanceof Uint16Array ||
  data instanceof Uint32Array ||
  data instanceof BigUint64Array;

/** Text as UTF-32, every string padded with zeros to the longest. NumPy has no text of width 0. */
const encodeText = (texts: string[]): [string, Uint8Array] => {
  const codes = texts.map((text) => Array.from(text, (letter) => letter.codePointAt(0) ?? 0));
  const width = codes.reduce((longest, letters) => Math.max(longest, letters.length), 1);
  const content = new Uint32Array(texts.length * width);
  for (const [i, letters] of codes.entries()) content.set(letters, i * width);
  return [`<U${width}`, bytesOf(content)];
};
