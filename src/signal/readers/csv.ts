// Measurements in text files: columns of numbers, with or without header and time.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { type CsvColumn, type CsvLayout, findCell, findLayout, isSkipped, lineEnd } from './csv-layout.ts';
import { type CsvValues, findTimeAxis, type TimeAxis } from './csv-time.ts';
import { parseNonFinite, parseNumber, printedResolution } from './text-number.ts';
import type { Reader } from './types.ts';

type CsvFile = { bytes: Uint8Array; layout: CsvLayout; name: string };

/** Rows from either end of the file that show with how many digits times are written. */
const RESOLUTION_ROWS = 100;
const TAIL_BYTES = 1 << 14;

/**
 * Reads a text file of numbers: separated by comma, semicolon, tab or blanks; decimal point, or comma where the comma
 * does not separate; any number of header and comment lines (#, %); UTF-8, UTF-16 or Windows-1252.
 * All columns but time and counts are channels (see `findTimeAxis`), or those that `options.variable` names: by name,
 * or by number from 1, several with commas between (`2,3`). Cells that say `nan` or `inf` are kept.
 * @throws InputError for text that is not numbers, cells that are none (line and column), rows of different length,
 * uneven time, and a missing rate.
 */
export const readCsv = (source: Uint8Array, options: ReadOptions = {}): Recording => {
  const name = options.name ?? 'text file';
  const bytes = asUtf8(source);
  const file = { bytes, layout: findLayout(bytes, name), name };
  const columns = parseColumns(file);
  const axis = findTimeAxis({
    columns,
    hasHeader: file.layout.hasHeader,
    sampleRate: options.sampleRate,
    resolution: (column) => resolutionOf(file, column),
    place: (row) => `${name}, line ${lineOfRow(file, row)}`,
  });
  const chosen = chooseColumns(columns, axis, options.variable, name);
  const sampleRate = axis.sampleRate ?? options.sampleRate;
  if (sampleRate === undefined) {
    const reason = axis.reason ?? 'no column of time';
    throw new InputError(`readCsv: expected a sampling rate, found none: ${reason} (${name}); give it with --rate`);
  }
  const unit = columns[chosen[0]].column.unit;
  return {
    channels: chosen.map((c) => asFloat32(columns[c].values)),
    sampleRate,
    ...(unit !== undefined && chosen.every((c) => columns[c].column.unit === unit) ? { unit } : {}),
    name,
  };
};

/** Whether the bytes are text: of control characters, only those that lay text out; few beyond ASCII. */
export const isText = (head: Uint8Array): boolean => {
  if (utf16Of(head)) return true;
  let beyondAscii = 0;
  for (const byte of head) {
    if (byte < 32 && !(byte >= 9 && byte <= 13) && byte !== 26) return false; // 26 ends a file in DOS
    if (byte > 126) beyondAscii++;
  }
  return head.length > 0 && beyondAscii < 0.3 * head.length;
};

export const csvReader: Reader = { format: 'csv', detect: isText, read: (bytes, options) => [readCsv(bytes, options)] };

const utf16Of = (bytes: Uint8Array): string | undefined => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
};

/** The same text in UTF-8 and without byte order mark; Windows-1252 stays, it differs in names and units only. */
const asUtf8 = (bytes: Uint8Array): Uint8Array => {
  const utf16 = utf16Of(bytes);
  if (utf16) return new TextEncoder().encode(new TextDecoder(utf16).decode(bytes));
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
};

const asFloat32 = (values: Float32Array | Float64Array): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

const parseColumns = (file: CsvFile): CsvValues[] => {
  const { bytes, layout } = file;
  let lines = 0;
  for (let at = layout.dataStart; at < bytes.length; at = lineEnd(bytes, at) + 1) lines++;
  // Time needs float64; it is named, or among the first four columns (a clock).
  const stores = layout.columns.map((column, c) =>
    c < 4 || /time|zeit|sec|stamp|^t/i.test(column.name) ? new Float64Array(lines) : new Float32Array(lines),
  );
  let row = 0;
  for (let at = layout.dataStart, line = layout.dataLine; at < bytes.length; line++) {
    const end = lineEnd(bytes, at);
    if (!isSkipped(bytes, at, end)) parseRow(file, { at, end, line }, stores, row++);
    at = end + 1;
  }
  return stores.map((values, c) => ({ column: layout.columns[c], values: values.subarray(0, row) }));
};

type Line = { at: number; end: number; line: number };

const parseRow = (file: CsvFile, line: Line, stores: (Float32Array | Float64Array)[], row: number): void => {
  const { bytes, layout } = file;
  let column = 0;
  for (let at = line.at; at <= line.end; column++) {
    const cell = findCell(bytes, at, line.end, layout.delimiter);
    const isEmpty = cell.start === cell.end;
    if (isEmpty && cell.next === line.end && column === stores.length) return; // behind a trailing separator
    if (column === stores.length) throw rowError(file, line, `${column} columns`, 'more');
    let value = parseNumber(bytes, cell.start, cell.end, layout.decimal);
    if (Number.isNaN(value)) value = wordValue(file, line, column, cell);
    stores[column][row] = value;
    at = cell.next + 1;
  }
  if (column < stores.length) throw rowError(file, line, `${stores.length} columns`, `${column}`);
};

type Cell = { start: number; end: number; next: number };

const wordValue = (file: CsvFile, line: Line, column: number, cell: Cell): number => {
  const word = new TextDecoder().decode(file.bytes.subarray(cell.start, cell.end));
  const value = parseNonFinite(word);
  if (value !== undefined) return value;
  const found = word === '' ? 'an empty cell' : JSON.stringify(word.slice(0, 40));
  throw rowError(file, line, `a number in column ${column + 1}`, found);
};

const rowError = (file: CsvFile, { line }: Line, expected: string, found: string): InputError =>
  new InputError(
    `readCsv: expected ${expected}, found ${found} (${file.name}, line ${line}); repair or remove the row`,
  );

/** The columns to take as channels, by index from 0. */
const chooseColumns = (columns: CsvValues[], axis: TimeAxis, variable: string | undefined, name: string): number[] => {
  const all = columns.map((_, c) => c);
  if (variable === undefined) {
    const channels = all.filter((c) => !axis.columns.includes(c));
    if (channels.length > 0) return channels;
    throw new InputError(
      `readCsv: expected a column of samples besides time, found none (${name}); name one with --variable`,
    );
  }
  const whole = matchColumn(columns, variable);
  return whole === undefined ? variable.split(',').map((part) => requireColumn(columns, part, name)) : [whole];
};

const requireColumn = (columns: CsvValues[], wanted: string, name: string): number => {
  const index = matchColumn(columns, wanted);
  if (index !== undefined) return index;
  const names = columns.map(({ column }, c) => label(column, c)).join(', ');
  throw new InputError(
    `readCsv: expected column ${wanted.trim()}, found ${names} (${name}); name one of these with --variable`,
  );
};

const label = (column: CsvColumn, c: number): string => (column.name ? `${c + 1} (${column.name})` : `${c + 1}`);

const matchColumn = (columns: CsvValues[], wanted: string): number | undefined => {
  const text = wanted.trim().toLowerCase();
  const byName = columns.findIndex(({ column }) => column.name !== '' && column.name.toLowerCase() === text);
  if (byName >= 0) return byName;
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= columns.length ? number - 1 : undefined;
};

/** The finest digit written at each end of the file, whichever is coarser: `%g` writes later times less finely. */
const resolutionOf = (file: CsvFile, column: number): number => {
  const { bytes, layout } = file;
  const nearEnd = bytes.length - TAIL_BYTES;
  const tail = nearEnd > layout.dataStart ? lineEnd(bytes, nearEnd) + 1 : layout.dataStart;
  return Math.max(finestFrom(file, column, layout.dataStart), finestFrom(file, column, tail));
};

const finestFrom = ({ bytes, layout }: CsvFile, column: number, start: number): number => {
  let finest = Number.POSITIVE_INFINITY;
  for (let at = start, rows = 0; at < bytes.length && rows < RESOLUTION_ROWS; rows++) {
    const end = lineEnd(bytes, at);
    let cell = { start: at, end: at, next: at - 1 };
    for (let c = 0; c <= column; c++) cell = findCell(bytes, cell.next + 1, end, layout.delimiter);
    const text = new TextDecoder().decode(bytes.subarray(cell.start, cell.end));
    const isNumber = !Number.isNaN(parseNumber(bytes, cell.start, cell.end, layout.decimal));
    if (isNumber) finest = Math.min(finest, printedResolution(text, String.fromCharCode(layout.decimal)));
    at = end + 1;
  }
  return finest === Number.POSITIVE_INFINITY ? 0 : finest;
};

const lineOfRow = ({ bytes, layout }: CsvFile, row: number): number => {
  let line = layout.dataLine;
  for (let at = layout.dataStart, rows = 0; at < bytes.length; line++) {
    const end = lineEnd(bytes, at);
    if (!isSkipped(bytes, at, end) && rows++ === row) return line;
    at = end + 1;
  }
  return line;
};
