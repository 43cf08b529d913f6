// How a text file of numbers is laid out: separator, decimal mark, header, names and units of its columns.
import { InputError } from '../errors.ts';
import { parseNonFinite, parseNumber } from './text-number.ts';

/** Bytes of separator and decimal mark; a separator of SPACE stands for any run of spaces and tabs. */
export type CsvFormat = { delimiter: number; decimal: number };
export type CsvColumn = { name: string; unit?: string };
export type CsvLayout = CsvFormat & {
  columns: CsvColumn[];
  hasHeader: boolean;
  /** Where the first row of numbers begins, and its line, counted from 1. */
  dataStart: number;
  dataLine: number;
};

type Line = { start: number; end: number; number: number };

export const SPACE = 32;
const TAB = 9;
const COMMA = 44;
const POINT = 46;
const SEMICOLON = 59;
/** In order of preference where several fit equally well. */
const FORMATS: CsvFormat[] = [
  { delimiter: TAB, decimal: POINT },
  { delimiter: TAB, decimal: COMMA },
  { delimiter: SEMICOLON, decimal: POINT },
  { delimiter: SEMICOLON, decimal: COMMA },
  { delimiter: COMMA, decimal: POINT },
  { delimiter: SPACE, decimal: POINT },
  { delimiter: SPACE, decimal: COMMA },
];
/** A header is sought in the first lines only. */
const SAMPLE_LINES = 1000;

/**
 * Finds the layout from the first 1000 lines: the format in which most lines are rows of numbers, with the most columns.
 * @throws InputError for text without rows of numbers.
 */
export const findLayout = (bytes: Uint8Array, name: string): CsvLayout => {
  const lines = firstLines(bytes);
  const rows = lines.filter((line) => !isSkipped(bytes, line.start, line.end));
  const fits = FORMATS.map((format) => fitOf(bytes, rows, format));
  const best = fits.reduce((a, b) => (b.rows > a.rows || (b.rows === a.rows && b.columns > a.columns) ? b : a));
  if (best.rows === 0) throw notNumbers(bytes, rows[0] ?? lines[0], name);
  const chosen = isDecimalComma(bytes, rows, best)
    ? { ...best, decimal: COMMA, delimiter: SEMICOLON, columns: 1 }
    : best;
  const { delimiter, decimal, columns } = chosen;
  const first = rows.find((line) => numericCells(bytes, line, chosen) === columns) ?? rows[0];
  const header = lines.filter((line) => line.number < first.number).map((line) => lineText(bytes, line));
  const named = headerColumns(header, delimiter, columns);
  return {
    delimiter,
    decimal,
    columns: named ?? Array.from({ length: columns }, () => ({ name: '' })),
    hasHeader: named !== undefined,
    dataStart: first.start,
    dataLine: first.number,
  };
};

const firstLines = (bytes: Uint8Array): Line[] => {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length && lines.length < SAMPLE_LINES; ) {
    const end = lineEnd(bytes, start);
    lines.push({ start, end, number: lines.length + 1 });
    start = end + 1;
  }
  return lines;
};

/** Where the line that begins at `start` ends: at its line feed, or at the end of the file. */
export const lineEnd = (bytes: Uint8Array, start: number): number => {
  const end = bytes.indexOf(10, start);
  return end < 0 ? bytes.length : end;
};

/** Whether a line is blank or a comment. */
export const isSkipped = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = start;
  while (at < end && bytes[at] <= SPACE) at++;
  return at === end || bytes[at] === 35 || bytes[at] === 37; // # and %
};

/**
 * The next cell of a line at or behind `at`: `[start, end)` without blanks and quotes around it, `next` where its
 * separator lies or the line ends.
 */
export const findCell = (bytes: Uint8Array, at: number, lineEnd: number, delimiter: number) => {
  let start = at;
  while (start < lineEnd && isPadding(bytes[start]) && bytes[start] !== delimiter) start++;
  if (delimiter === SPACE) while (start < lineEnd && isPadding(bytes[start])) start++;
  let next = start;
  if (delimiter === SPACE) while (next < lineEnd && bytes[next] > SPACE) next++;
  else while (next < lineEnd && bytes[next] !== delimiter) next++;
  let end = next;
  while (end > start && isPadding(bytes[end - 1])) end--;
  return { start, end, next };
};

const isPadding = (byte: number): boolean => byte <= SPACE || byte === 34; // blanks and "

/** Number of cells of a line if all are numbers, 0 if not. An empty last cell, after a trailing separator, is none. */
const numericCells = (bytes: Uint8Array, line: Line, { delimiter, decimal }: CsvFormat): number => {
  let cells = 0;
  for (let at = line.start; at <= line.end; ) {
    const cell = findCell(bytes, at, line.end, delimiter);
    if (cell.start === cell.end) return cell.next === line.end ? cells : 0;
    const isNumber = !Number.isNaN(parseNumber(bytes, cell.start, cell.end, decimal));
    if (!isNumber && parseNonFinite(text(bytes, cell.start, cell.end)) === undefined) return 0;
    cells++;
    at = cell.next + 1;
  }
  return cells;
};

type Fit = CsvFormat & { rows: number; columns: number };

const fitOf = (bytes: Uint8Array, lines: Line[], format: CsvFormat): Fit => {
  const rowsByColumns = new Map<number, number>();
  for (const line of lines) {
    const cells = numericCells(bytes, line, format);
    if (cells > 0) rowsByColumns.set(cells, (rowsByColumns.get(cells) ?? 0) + 1);
  }
  let best = { ...format, rows: 0, columns: 0 };
  for (const [columns, rows] of rowsByColumns) if (rows > best.rows) best = { ...format, rows, columns };
  return best;
};

/**
 * Whether two columns of whole numbers are one column with a decimal comma: `0,05` could be either, but no program
 * writes the whole number 5 as 05, or 25 as 25e0.
 */
const isDecimalComma = (bytes: Uint8Array, rows: Line[], fit: Fit): boolean => {
  if (fit.delimiter !== COMMA || fit.columns !== 2) return false;
  const texts = rows.map((line) => lineText(bytes, line).trim()).filter((line) => /\d/.test(line));
  const pairs = texts.filter((line) => /^[+-]?\d+,\d+(e[+-]?\d+)?$/i.test(line));
  return pairs.length >= fit.rows && pairs.some((line) => /,(0\d|\d+e)/i.test(line));
};

const text = (bytes: Uint8Array, start: number, end: number): string => {
  const part = bytes.subarray(start, end);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(part);
  } catch {
    return new TextDecoder('windows-1252').decode(part); // older measurement programs write m/s² so
  }
};

const lineText = (bytes: Uint8Array, line: Line): string => text(bytes, line.start, line.end);

/** Names and units from the last header line, or the last two, with as many cells as the rows have. */
const headerColumns = (header: string[], delimiter: number, columns: number): CsvColumn[] | undefined => {
  const filled = header.map((line) => line.replace(/^[\s#%]+/, '').trimEnd()).filter((line) => line !== '');
  const [last, beforeLast] = [filled.at(-1), filled.at(-2)];
  const lastCells = last === undefined ? [] : headerCells(last, delimiter, columns);
  if (lastCells.length !== columns) return undefined;
  const nameCells = beforeLast === undefined ? [] : headerCells(beforeLast, delimiter, columns);
  if (nameCells.length === columns && lastCells.every(isUnit)) {
    return nameCells.map((name, i) => ({ name, unit: unitOf(lastCells[i]) }));
  }
  return lastCells.map((cell) => {
    const bracketed = /^(.*?)\s*[([]([^()[\]]*)[)\]]$/.exec(cell);
    return bracketed ? { name: bracketed[1], unit: unitOf(bracketed[2]) } : { name: cell };
  });
};

const headerCells = (line: string, delimiter: number, columns: number): string[] => {
  // A blank before a bracket belongs to the cell: "time (s) acc (g)" are two names.
  const cells =
    delimiter === SPACE
      ? line.split(/[ \t]+(?![([])/)
      : splitOutsideQuotes(line, String.fromCharCode(delimiter)).map((cell) => cell.trim());
  if (cells.length === columns + 1 && cells[columns] === '') cells.pop();
  return cells;
};

const splitOutsideQuotes = (line: string, separator: string): string[] => {
  const cells = [''];
  let quoted = false;
  for (const letter of line) {
    if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) cells.push('');
    else cells[cells.length - 1] += letter;
  }
  return cells;
};

const isUnit = (cell: string): boolean =>
  cell === '' || /^[([].*[)\]]$/.test(cell) || /^([munµμkM]?(s|V|A|g|Pa|N|Hz|m)|m?m\/s(\^?2|²)?|rpm|°C|-)$/.test(cell);

const unitOf = (cell: string): string | undefined => cell.replace(/^[([]|[)\]]$/g, '').trim() || undefined;

const notNumbers = (bytes: Uint8Array, line: Line | undefined, name: string): InputError => {
  const found = line ? JSON.stringify(lineText(bytes, line).trim().slice(0, 60)) : 'blank lines';
  return new InputError(
    `readCsv: expected rows of numbers, got the text ${found} (${name}, line ${line?.number ?? 1}); this is neither audio nor measured data`,
  );
};
