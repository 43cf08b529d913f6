// The report in a terminal: one aligned line per recording, worst first, failures last.
import pc from 'picocolors';
import { formatBands, formatDiagnosis, formatPValue, scoreFormat } from './format.ts';
import { rowLabel } from './row-label.ts';
import type { ReportRow } from './types.ts';

/** Terminal columns of one character: 2 for East Asian wide and fullwidth forms and emoji, 0 for combining marks. */
const characterWidth = (character: string): number => {
  if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) return 0;
  const wide =
    /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
  return wide.test(character) ? 2 : 1;
};

const textWidth = (text: string): number => [...text].reduce((sum, character) => sum + characterWidth(character), 0);

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

/** Control characters in a file name could move the cursor or change colours. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');

const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)));
const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - textWidth(text))) + text;

type Column = { head: string; right: boolean; cells: string[] };

const gap = '  ';
const smallestFile = 16;

const columnWidth = (column: Column): number => Math.max(...[column.head, ...column.cells].map(textWidth));

/** The highest score called normal, or else the lowest called anomalous: as close to the threshold as rows tell. */
const scoreNearThreshold = (rows: readonly ReportRow[]): number => {
  const scores = (verdict: ReportRow['verdict']) =>
    rows.filter((row) => row.verdict === verdict).map((row) => row.score);
  const normal = scores('normal');
  if (normal.length > 0) return normal.reduce((a, b) => Math.max(a, b));
  return scores('anomalous').reduce((a, b) => Math.min(a, b), Number.MAX_VALUE);
};

/** Columns behind the file name that leave it room: bands are cut to one, then left out, then the diagnosis. */
const fittingColumns = (rows: readonly ReportRow[], width: number): Column[] => {
  const score = scoreFormat(scoreNearThreshold(rows));
  const fixed: Column[] = [
    { head: 'score', right: true, cells: rows.map((row) => score(row.score)) },
    { head: 'p-value', right: true, cells: rows.map((row) => formatPValue(row.pValue)) },
    {
      head: 'verdict',
      right: false,
      cells: rows.map((row) => (row.verdict === 'anomalous' ? '▲ not normal' : '● normal')),
    },
  ];
  const bands = (count: number): Column => ({
    head: 'where',
    right: false,
    cells: rows.map((row) => formatBands(row.bands, count)),
  });
  const diagnosis: Column = {
    head: 'diagnosis',
    right: false,
    cells: rows.map((row) => printable(formatDiagnosis(row.diagnosis))),
  };
  const choices = [[bands(2), diagnosis], [bands(1), diagnosis], [diagnosis], []];
  const used = choices.map((choice) => [...fixed, ...choice.filter((column) => column.cells.some(Boolean))]);
  const room = (columns: Column[]) =>
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
      padEnd(shortenMiddle(file, fileWidth), fileWidth),
      ...columns.map((column, i) => {
        const size = columnWidth(column);
        return dye(column.right ? padStart(cells[i], size) : padEnd(cells[i], size), column.head);
      }),
    ]
      .join(gap)
      .trimEnd();
  const head = line(
    'file',
    columns.map((column) => column.head),
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
