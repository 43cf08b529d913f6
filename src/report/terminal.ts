// The report in a terminal: one aligned line per recording, worst first, failures last.
import pc from 'picocolors';
import {
  characterWidth,
  columnWidth,
  gap,
  type PlainColumn,
  pad,
  printable,
  textWidth,
} from '../evaluation/text/plain.ts';
import { formatBands, formatDiagnosis, formatPValue, scoreFormat } from './format.ts';
import { rowLabel } from './row-label.ts';
import type { ReportRow } from './types.ts';

/** The longest run of characters, taken from the front, that fits into `width` columns. */
const take = (characters: readonly string[], width: number): string[] => {
  let used = 0;
  const end = characters.findIndex((character) => {
    used += characterWidth(character);
    return used > width;
  });
  return end < 0 ? [...characters] : characters.slice(0, end);
};

/** Shortens in the middle, because file names differ at their ends: `section_00_so…_0042.wav`. */
export const shortenMiddle = (text: string, width: number): string => {
  if (textWidth(text) <= width) return text;
  const characters = [...text];
  const tail = take([...characters].reverse(), Math.ceil((width - 1) / 2)).reverse();
  const head = take(characters, width - 1 - textWidth(tail.join('')));
  return `${head.join('')}…${tail.join('')}`;
};

/** Characters left to the name of a file. */
const smallestFile = 16;

/** The highest score called normal, or else the lowest called anomalous: as close to the threshold as rows tell. */
const scoreNearThreshold = (rows: readonly ReportRow[]): number => {
  const scores = (verdict: ReportRow['verdict']) =>
    rows.filter((row) => row.verdict === verdict).map((row) => row.score);
  const normal = scores('normal');
  if (normal.length > 0) return normal.reduce((a, b) => Math.max(a, b));
  return scores('anomalous').reduce((a, b) => Math.min(a, b), Number.MAX_VALUE);
};

/** Columns behind the file name that leave it room: bands are cut to one, then left out, then the diagnosis. */
const fittingColumns = (rows: readonly ReportRow[], width: number): PlainColumn[] => {
  const score = scoreFormat(scoreNearThreshold(rows));
  const fixed: PlainColumn[] = [
    { head: ['score'], align: 'right', cells: rows.map((row) => score(row.score)) },
    { head: ['p-value'], align: 'right', cells: rows.map((row) => formatPValue(row.pValue)) },
    {
      head: ['verdict'],
      align: 'left',
      cells: rows.map((row) => (row.verdict === 'anomalous' ? '▲ not normal' : '● normal')),
    },
  ];
  const bands = (count: number): PlainColumn => ({
    head: ['where'],
    align: 'left',
    cells: rows.map((row) => formatBands(row.bands, count)),
  });
  const diagnosis: PlainColumn = {
    head: ['diagnosis'],
    align: 'left',
    cells: rows.map((row) => printable(formatDiagnosis(row.diagnosis))),
  };
  const choices = [[bands(2), diagnosis], [bands(1), diagnosis], [diagnosis], []];
  const used = choices.map((choice) => [...fixed, ...choice.filter((column) => column.cells.some(Boolean))]);
  const room = (columns: PlainColumn[]) =>
    columns.reduce((left, column) => left - gap.length - columnWidth(column), width) >= smallestFile;
  return used.find(room) ?? fixed;
};

/**
 * Scored rows as an aligned text table, highest score first; rows that failed below, with their message. Lines keep to
 * `width` columns while that leaves 16 for the file name, which is shortened in the middle. Control characters in names
 * are replaced. Returns lines joined by `\n`, without one at the end; an empty string for no rows.
 */
export const formatScoreTable = (
  rows: readonly ReportRow[],
  { colour, width }: { colour: boolean; width: number },
): string => {
  const paint = pc.createColors(colour);
  const scored = rows.filter((row) => row.error === undefined).sort((a, b) => b.score - a.score);
  const failed = rows.filter((row) => row.error !== undefined);
  const columns = fittingColumns(scored, width);
  const names = scored.map((row) => printable(rowLabel(row)));
  const taken = columns.reduce((sum, column) => sum + gap.length + columnWidth(column), 0);
  const longest = Math.max(textWidth('file'), ...[...names].map(textWidth));
  const fileWidth = Math.min(longest, Math.max(smallestFile, width - taken));
  const line = (file: string, cells: string[], dye: (text: string, column: string) => string): string =>
    [
      pad(shortenMiddle(file, fileWidth), fileWidth, 'left'),
      ...columns.map((column, i) => dye(pad(cells[i], columnWidth(column), column.align), column.head[0])),
    ]
      .join(gap)
      .trimEnd();
  const head = line(
    'file',
    columns.map(({ head: [title] }) => title),
    (text) => text,
  );
  const body = scored.map((row, i) => {
    const dye = row.verdict === 'anomalous' ? (text: string) => paint.bold(paint.red(text)) : paint.green;
    const cells = columns.map((column) => column.cells[i]);
    return line(names[i], cells, (text, column) => (column === 'verdict' ? dye(text) : text));
  });
  const failures = failed.map(
    (row) => `${printable(rowLabel(row))}${gap}${paint.yellow('✕ not scored')}${gap}${printable(row.error ?? '')}`,
  );
  return [...(scored.length > 0 ? [paint.dim(head), ...body] : []), ...failures].join('\n');
};
