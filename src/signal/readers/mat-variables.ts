// The variables of a MATLAB level 5 file as a tree: numeric arrays, text, structs and cells.
import type { ReadOptions } from '../recording.ts';
import { elementCount, type NumericArray } from '../typed-view.ts';
import {
  type DataElement,
  type ElementSource,
  elementNumbers,
  elementSource,
  inflateElement,
  MI_COMPRESSED,
  MI_MATRIX,
  matError,
  readElement,
} from './mat-elements.ts';

/** A numeric or logical array, first index fastest. `data` is in the type it was stored as; 64-bit integers are bigint. */
export type MatNumeric = {
  kind: 'numeric';
  className: string;
  shape: number[];
  data: NumericArray;
  logical: boolean;
  complex: boolean;
};

/** One value of a MATLAB file. Struct arrays have one map of fields per element, in column-major order. */
export type MatVariable =
  | MatNumeric
  | { kind: 'char'; shape: number[]; text: string }
  | { kind: 'struct'; shape: number[]; elements: Map<string, MatVariable>[] }
  | { kind: 'cell'; shape: number[]; cells: MatVariable[] }
  | { kind: 'sparse'; shape: number[] }
  | { kind: 'other'; what: string };

const HEADER_BYTES = 128;
const MAX_DEPTH = 64;
const NUMERIC_CLASSES: Record<number, string> = {
  6: 'double',
  7: 'single',
  8: 'int8',
  9: 'uint8',
  10: 'int16',
  11: 'uint16',
  12: 'int32',
  13: 'uint32',
  14: 'int64',
  15: 'uint64',
};
const OTHER_CLASSES: Record<number, string> = {
  3: 'an object',
  16: 'a function handle',
  17: 'an object',
};

/** Whether the file begins with the header of a level 5 file: version 0x0100 and the letters MI, in either byte order. */
export const isMat5 = (head: Uint8Array): boolean => {
  if (head.length < HEADER_BYTES) return false;
  const [a, b, c, d] = head.subarray(124, 128);
  return (a === 0 && b === 1 && c === 0x49 && d === 0x4d) || (a === 1 && b === 0 && c === 0x4d && d === 0x49);
};

/**
 * All variables of a MATLAB level 5 file (`save -v6` and `-v7`; 7.3 files are HDF5), by name.
 * Source: "MAT-File Format" (The MathWorks), chapter 1.
 * @throws InputError with the byte offset for anything that is not such a file, truncated or damaged.
 */
export const readMatVariables = (
  bytes: Uint8Array,
  name = 'MATLAB file',
  { maxSamples }: ReadOptions = {},
): Map<string, MatVariable> => {
  // Doubles are the widest numbers, and text is about as long as the signal at most.
  const room = maxSamples === undefined ? undefined : { bytes: 16 * maxSamples };
  const source = { ...elementSource(bytes, bytes[126] === 0x49, name), room };
  if (!isMat5(bytes)) {
    throw matError(source, 0, `expected a MATLAB 5 header of ${HEADER_BYTES} bytes, found something else`);
  }
  const variables = new Map<string, MatVariable>();
  const subsystem = subsystemOffset(source);
  for (let offset = HEADER_BYTES; offset < bytes.length; ) {
    const element = readElement(source, offset, bytes.length);
    const [key, variable] = topLevel(source, element, offset);
    // The subsystem element holds the insides of objects, under no name: nothing a user saved.
    if (offset !== subsystem && key !== '') variables.set(key, variable);
    offset = element.next;
  }
  return variables;
};

const subsystemOffset = ({ view, littleEndian }: ElementSource): number => Number(view.getBigUint64(116, littleEndian));

const topLevel = (source: ElementSource, element: DataElement, offset: number): [string, MatVariable] => {
  if (element.type !== MI_COMPRESSED) return readMatrix(source, element, offset, 0);
  const inner = inflateElement(source, element);
  return readMatrix(inner, readElement(inner, 0, inner.bytes.length), 0, 0);
};

/** A miMATRIX element: its name (empty inside structs and cells) and value. `offset` is that of its tag. */
const readMatrix = (
  source: ElementSource,
  matrix: DataElement,
  offset: number,
  depth: number,
): [string, MatVariable] => {
  if (matrix.type !== MI_MATRIX) throw matError(source, offset, `expected an array, found data type ${matrix.type}`);
  if (depth > MAX_DEPTH) throw matError(source, offset, `expected at most ${MAX_DEPTH} nested structs and cells`);
  // An empty element stands for [] in cells and struct fields.
  if (matrix.length === 0) return ['', emptyArray()];
  const end = matrix.start + matrix.length;
  const flags = readElement(source, matrix.start, end);
  if (flags.length !== 8)
    throw matError(source, matrix.start, `expected 8 bytes of array flags, found ${flags.length}`);
  const word = source.view.getUint32(flags.start, source.littleEndian);
  const classId = word & 0xff;
  if (classId === 17) return [opaqueName(source, flags.next, end), { kind: 'other', what: OTHER_CLASSES[17] }];
  const dimensions = readElement(source, flags.next, end);
  const shape = Array.from(elementNumbers(source, dimensions), Number);
  if (shape.length < 2 || shape.some((size) => size < 0)) {
    throw matError(source, dimensions.start, `expected two or more sizes, found [${shape.join(', ')}]`);
  }
  const nameElement = readElement(source, dimensions.next, end);
  const content = { source, offset: nameElement.next, end, shape, word, depth };
  return [asciiText(source, nameElement), readContent(content, classId)];
};

const emptyArray = (): MatNumeric => ({
  kind: 'numeric',
  className: 'double',
  shape: [0, 0],
  data: new Float64Array(0),
  logical: false,
  complex: false,
});

/** Objects of newer classes (string, table, datetime) have a name where others have their dimensions. */
const opaqueName = (source: ElementSource, offset: number, end: number): string =>
  asciiText(source, readElement(source, offset, end));

const asciiText = (source: ElementSource, element: DataElement): string =>
  new TextDecoder().decode(source.bytes.subarray(element.start, element.start + element.length));

type Content = {
  source: ElementSource;
  offset: number;
  end: number;
  shape: number[];
  word: number;
  depth: number;
};

const readContent = (content: Content, classId: number): MatVariable => {
  if (classId === 1)
    return { kind: 'cell', shape: content.shape, cells: readCells(content, elementCount(content.shape)) };
  if (classId === 2) return readStruct(content);
  if (classId === 4) return { kind: 'char', shape: content.shape, text: readText(content) };
  if (classId === 5) return { kind: 'sparse', shape: content.shape };
  if (NUMERIC_CLASSES[classId]) return readNumeric(content, NUMERIC_CLASSES[classId]);
  return { kind: 'other', what: OTHER_CLASSES[classId] ?? `an array of unknown class ${classId}` };
};

const readNumeric = (content: Content, className: string): MatNumeric => {
  const { source, offset, end, shape, word } = content;
  const element = readElement(source, offset, end);
  const data = elementNumbers(source, element);
  if (data.length !== elementCount(content.shape)) {
    throw matError(
      source,
      offset,
      `expected ${elementCount(content.shape)} numbers for [${shape.join(', ')}], found ${data.length}`,
    );
  }
  return { kind: 'numeric', className, shape, data, logical: (word & 0x200) !== 0, complex: (word & 0x800) !== 0 };
};

/** `total` values, one miMATRIX after the other. */
const readCells = (content: Content, total: number): MatVariable[] => {
  const cells: MatVariable[] = [];
  for (let offset = content.offset; cells.length < total; ) {
    const element = readElement(content.source, offset, content.end);
    cells.push(readMatrix(content.source, element, offset, content.depth + 1)[1]);
    offset = element.next;
  }
  return cells;
};

const readStruct = (content: Content): MatVariable => {
  const { source, offset, end, shape } = content;
  const widthElement = readElement(source, offset, end);
  const width = Number(elementNumbers(source, widthElement)[0] ?? 0);
  const namesElement = readElement(source, widthElement.next, end);
  if (width < 1 || namesElement.length % width !== 0) {
    throw matError(source, offset, `expected field names of ${width} bytes each, found ${namesElement.length} bytes`);
  }
  const names = asciiText(source, namesElement);
  const fields = Array.from({ length: namesElement.length / width }, (_, i) => {
    const field = names.slice(i * width, (i + 1) * width);
    return field.includes('\0') ? field.slice(0, field.indexOf('\0')) : field;
  });
  const values = readCells({ ...content, offset: namesElement.next }, fields.length * elementCount(content.shape));
  const elements = Array.from(
    { length: fields.length === 0 ? 0 : elementCount(content.shape) },
    (_, i) => new Map(fields.map((field, f) => [field, values[i * fields.length + f]])),
  );
  return { kind: 'struct', shape, elements };
};

/** Characters in column-major order, as MATLAB keeps them: a row of text reads as it was written. UTF-8 or 16-bit units. */
const readText = (content: Content): string => {
  if (elementCount(content.shape) === 0) return '';
  const element = readElement(content.source, content.offset, content.end);
  if (element.type === 16 || element.type === 1 || element.type === 2) return asciiText(content.source, element);
  const codes = Array.from(elementNumbers(content.source, element), Number);
  return codes.map((code) => String.fromCharCode(code)).join('');
};
