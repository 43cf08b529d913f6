// The benchmark table in a terminal: plain text, aligned, split by group where the terminal is narrow.
import type { Measured } from '../metrics/measured.ts';
import type { BenchResult, BenchRow, Column } from '../result.ts';
import { columnWidth, gap, type PlainColumn, plainTable, printable, tableWidth, wrap } from '../text/plain.ts';
import {
  bestCell,
  checkBench,
  isBest,
  ownFirst,
  parametersText,
  percent,
  tableDecimals,
  unequalRecordings,
} from './cells.ts';
import { publishedNotes } from './published.ts';
import { partialMeans } from './summary.ts';
import { detailText } from './text-details.ts';

export type BenchTextOptions = {
  /** Characters per line. Default 100. */
  width?: number;
  /** Everything behind the numbers too: classes, confusion, machines, curves. Default false. */
  details?: boolean;
};

/** Numbers of reasons, in the order in which they are met. */
type Footnotes = { mark(reason: string): string; lines(): string[] };

const createFootnotes = (): Footnotes => {
  const reasons: string[] = [];
  return {
    mark(reason) {
      if (!reasons.includes(reason)) reasons.push(reason);
      return `[${reasons.indexOf(reason) + 1}]`;
    },
    lines: () => reasons.map((reason, i) => `[${i + 1}] ${reason}`),
  };
};

/** The mark stands behind the digits, so that they line up without it too. */
const cellText = (value: Measured | undefined, best: string | undefined, notes: Footnotes): string => {
  if (value === undefined) return ' ';
  if (value.value === null) return `-${notes.mark(value.reason)}`;
  return percent(value.value, tableDecimals) + (isBest(value.value, best) ? '*' : ' ');
};

const numberColumn = (column: Column, rows: readonly BenchRow[], notes: Footnotes): PlainColumn => {
  const best = bestCell(rows, column.id);
  return {
    head: column.title.split(' ').map((word) => `${printable(word)} `),
    cells: rows.map((row) => cellText(row.values[column.id], best, notes)),
    align: 'right',
  };
};

const nameColumns = (rows: readonly BenchRow[]): PlainColumn[] => {
  const names: PlainColumn = { head: ['encoder'], cells: rows.map((row) => printable(row.encoder)), align: 'left' };
  const sizes: PlainColumn = {
    head: ['size'],
    cells: rows.map((row) => parametersText(row.parameters)),
    align: 'right',
  };
  return rows.some((row) => row.parameters !== undefined) ? [names, sizes] : [names];
};

/** Columns by group; a mean belongs to the columns before it. */
const byGroup = (columns: readonly Column[]): { title: string; columns: Column[] }[] => {
  const groups: { title: string; columns: Column[] }[] = [];
  for (const column of columns) {
    const last = groups.at(-1);
    if (last && (column.group === 'summary' || column.group === last.title)) last.columns.push(column);
    else groups.push({ title: column.group, columns: [column] });
  }
  return groups;
};

/** Runs of columns that fit into `room`, one at least in each. */
const fitting = (columns: readonly PlainColumn[], room: number): PlainColumn[][] => {
  const runs: PlainColumn[][] = [];
  let left = 0;
  for (const column of columns) {
    const need = columnWidth(column) + gap.length;
    if (runs.length === 0 || left < need) {
      runs.push([]);
      left = room;
    }
    runs.at(-1)?.push(column);
    left -= need;
  }
  return runs;
};

const tableLines = (names: PlainColumn[], columns: PlainColumn[], rows: readonly BenchRow[]): string[] => {
  const { head, body } = plainTable([...names, ...columns]);
  const own = rows.filter((row) => !row.published).length;
  const published = body.slice(own);
  const heading = own > 0 && published.length > 0 ? ['published:'] : [];
  return [...head, ...body.slice(0, own), ...heading, ...published];
};

const tables = (result: BenchResult, rows: readonly BenchRow[], width: number, notes: Footnotes): string[] => {
  const names = nameColumns(rows);
  const groups = byGroup(result.columns).map(({ title, columns }) => ({
    title,
    columns: columns.map((column) => numberColumn(column, rows, notes)),
  }));
  const whole = groups.flatMap((group) => group.columns);
  if (tableWidth([...names, ...whole]) <= width) return tableLines(names, whole, rows);
  return groups.flatMap(({ title, columns }, g) => {
    // Sizes are said once, to leave room for numbers.
    const first = g === 0 ? names : names.slice(0, 1);
    const runs = fitting(columns, width - tableWidth(first));
    return [
      ...(g > 0 ? [''] : []),
      title,
      ...runs.flatMap((run, i) => [...(i > 0 ? [''] : []), ...tableLines(first, run, rows)]),
    ];
  });
};

/**
 * A benchmark as plain text: scores in percent, one line per encoder, our own before the published. The best of a column
 * (as printed, two rows or more) is marked with `*`; an undefined figure is `-` with a footnote that says why; an empty
 * cell was not run. Lines keep to `width` as far as one column does: a wider table is split by group, then by columns.
 * Returns lines joined by `\n`, without one at the end.
 * @throws InputError if a figure is no share from 0 to 1.
 * @example
 * console.log(formatBench(result, { width: process.stdout.columns ?? 100 }));
 */
export function formatBench(result: BenchResult, { width = 100, details = false }: BenchTextOptions = {}): string {
  checkBench(result, 'formatBench');
  const notes = createFootnotes();
  const rows = ownFirst(result.rows);
  const empty = rows.length === 0 || result.columns.length === 0;
  const table = empty ? ['nothing was run'] : tables(result, rows, width, notes);
  const parts = details
    ? rows.flatMap((row) => row.details.flatMap((detail) => ['', ...detailText(row.encoder, detail, width, notes)]))
    : [];
  const anyBest = result.columns.some((column) => bestCell(rows, column.id) !== undefined);
  const anyAbsent = rows.some((row) => result.columns.some(({ id }) => row.values[id] === undefined));
  const remarks = [
    `percent${anyBest ? '; * best of the column' : ''}${anyAbsent ? '; empty: not run' : ''}`,
    ...notes.lines(),
    ...partialMeans(result),
    ...unequalRecordings(result),
    ...(rows.some((row) => row.published) ? publishedNotes(result.suite) : []),
    ...result.skipped.map(({ view, reason }) => `not run: ${view}: ${reason}`),
    ...result.problems.map((problem) => `data: ${problem}`),
    `thrum ${result.provenance.version}: ${result.provenance.command}`,
  ];
  const compat = result.compat ? ['compatibility mode: computed as the released code does, quirks included'] : [];
  return [
    ...[result.title, ...compat].flatMap((line) => wrap(line, width)),
    '',
    ...table,
    ...parts,
    '',
    ...remarks.flatMap((line) => wrap(line, width, '    ')),
  ].join('\n');
}
