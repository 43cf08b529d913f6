// The files as a sortable table. What the reader's browser needs to sort and write rows again is written once, here.
import {
  formatBands,
  formatDiagnosis,
  formatPercent,
  formatPValue,
  formatTimeRange,
  groupThousands,
  scoreFormat,
  topBands,
} from './format.ts';
import { escapeHtml, html, type Markup, raw } from './html.ts';
import type { ReportData, ReportRow, Verdict } from './types.ts';

/** A value to sort by; null has no value and goes to the end. */
export type SortKey = string | number | null;

export type TableColumn = { id: string; label: string; numeric: boolean };

/** One line of the table, ready to be written: `cells` and `keys` have one entry per column. */
export type TableRow = {
  cells: string[];
  keys: SortKey[];
  state: Verdict | 'failed';
  /** Which detail section belongs to it; -1 for none. */
  detail: number;
  /** Score over twice the threshold, 0..1, for the small bar; -1 for none. */
  level: number;
};

export type Table = { columns: TableColumn[]; rows: TableRow[] };

/** Rows that are in the page from the start and after every sorting, until all are asked for. */
export const pageSize = 200;

type Field = TableColumn & {
  cell(row: ReportRow, score: (value: number) => string): string;
  key(row: ReportRow): SortKey;
  used(rows: readonly ReportRow[]): boolean;
};

const always = () => true;

const fields: Field[] = [
  {
    id: 'file',
    label: 'Recording',
    numeric: false,
    cell: (row) => (row.index > 0 && row.startSeconds === 0 ? `${row.file} #${row.index}` : row.file),
    key: (row) => row.file,
    used: always,
  },
  {
    id: 'verdict',
    label: 'Verdict',
    numeric: false,
    cell: (row) => (row.verdict === 'anomalous' ? 'not normal' : 'normal'),
    key: (row) => (row.verdict === 'anomalous' ? 1 : 0),
    used: always,
  },
  {
    id: 'time',
    label: 'Time',
    numeric: true,
    cell: (row) => formatTimeRange(row.startSeconds, row.durationSeconds),
    key: (row) => row.startSeconds,
    used: (rows) => rows.some((row) => row.startSeconds > 0),
  },
  {
    id: 'score',
    label: 'Score',
    numeric: true,
    cell: (row, score) => score(row.score),
    key: (row) => row.score,
    used: always,
  },
  {
    id: 'p',
    label: 'p-value',
    numeric: true,
    cell: (row) => formatPValue(row.pValue),
    key: (row) => row.pValue,
    used: always,
  },
  {
    id: 'bands',
    label: 'Where it differs',
    numeric: false,
    // Breaks between bands only.
    cell: (row) => formatBands(row.bands, 2).replace(/(?<!,) /g, '\u00a0'),
    key: (row) => topBands(row.bands, 1)[0]?.lowHz ?? null,
    used: (rows) => rows.some((row) => row.bands?.length),
  },
  {
    id: 'diagnosis',
    label: 'Diagnosis',
    numeric: false,
    cell: (row) => formatDiagnosis(row.diagnosis),
    key: (row) => row.diagnosis?.label ?? null,
    used: (rows) => rows.some((row) => row.diagnosis),
  },
  {
    id: 'truth',
    label: 'Known label',
    numeric: false,
    cell: (row) => row.truth ?? '',
    key: (row) => row.truth ?? null,
    used: (rows) => rows.some((row) => row.truth !== undefined),
  },
];

const failedRow = (file: string, message: string, columns: number): TableRow => ({
  cells: [file, message],
  keys: [file, ...new Array<null>(columns - 1).fill(null)],
  state: 'failed',
  detail: -1,
  level: -1,
});

/** Columns that have something to show, and rows in the order of `sortRows` by score, worst first, failures last. */
export const tableOf = (data: Pick<ReportData, 'rows' | 'failures' | 'details' | 'calibration'>): Table => {
  const used = fields.filter((field) => field.used(data.rows));
  const detailOf = new Map(data.details.map((detail, i) => [detail.row, i]));
  const { threshold } = data.calibration;
  const score = scoreFormat(threshold);
  const rows = data.rows.map((row, i): TableRow => {
    if (row.error !== undefined) return failedRow(row.file, row.error, used.length);
    return {
      cells: used.map((field) => field.cell(row, score)),
      keys: used.map((field) => field.key(row)),
      state: row.verdict,
      detail: detailOf.get(i) ?? -1,
      level: threshold > 0 ? Math.min(1, Math.max(0, row.score / (2 * threshold))) : -1,
    };
  });
  const failures = data.failures.map((failure) => failedRow(failure.file, failure.message, used.length));
  const columns = used.map(({ id, label, numeric }) => ({ id, label, numeric }));
  return { columns, rows: sortRows([...rows, ...failures], columnIndex(columns, 'score'), true) };
};

const columnIndex = (columns: readonly TableColumn[], id: string): number =>
  columns.findIndex((column) => column.id === id);

/**
 * Rows sorted by one column: numbers by value, text in natural order (`file9` before `file10`), rows without a value
 * after all others and failed rows last, in either direction. Rows that are equal keep their order. Uses nothing
 * outside of itself, as it also runs in the reader's browser.
 */
export const sortRows = (rows: readonly TableRow[], column: number, descending: boolean): TableRow[] => {
  const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const rank = (row: TableRow) => (row.state === 'failed' ? 2 : row.keys[column] === null ? 1 : 0);
  return [...rows].sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    const [left, right] = [a.keys[column], b.keys[column]];
    if (left === null || right === null) return 0;
    const order =
      typeof left === 'number' && typeof right === 'number' ? left - right : compare(String(left), String(right));
    return descending ? -order : order;
  });
};

/**
 * One table row as HTML, its texts passed through `escapeText`. Uses nothing outside of itself, as it also runs in the
 * reader's browser.
 */
export const rowHtml = (
  row: TableRow,
  columns: readonly TableColumn[],
  escapeText: (text: string) => string,
): string => {
  const file = escapeText(row.cells[0]);
  const name = row.detail < 0 ? file : `<a href="#detail-${row.detail}">${file}</a>`;
  const open = `<tr class="${row.state}"${row.detail < 0 ? '' : ` data-detail="${row.detail}"`}><th scope="row">${name}</th>`;
  if (row.state === 'failed') {
    const message = `<span class="verdict-word failed">not scored</span> ${escapeText(row.cells[1])}`;
    return `${open}<td class="message" colspan="${columns.length - 1}">${message}</td></tr>`;
  }
  const bar =
    row.level < 0
      ? ''
      : `<span class="level" aria-hidden="true"><i style="width:${Math.round(row.level * 100)}%"></i></span>`;
  const cells = columns.slice(1).map((column, i) => {
    const text = escapeText(row.cells[i + 1]);
    if (column.id === 'score') return `<td class="number score"><span>${text}${bar}</span></td>`;
    if (column.id === 'verdict') return `<td><span class="verdict-word ${row.state}">${text}</span></td>`;
    return `<td${column.numeric ? ' class="number"' : ''}>${text}</td>`;
  });
  return `${open}${cells.join('')}</tr>`;
};

const header = (column: TableColumn): Markup => {
  const sorted = column.id === 'score' && raw(' aria-sort="descending"');
  return html`<th scope="col"${column.numeric && raw(' class="number"')}${sorted}><button type="button">${column.label}</button></th>`;
};

/** The table with its first `pageSize` rows, and the controls that the script brings to life. */
export const tableSection = (table: Table, falseAlarmRate: number): Markup => {
  const { columns, rows } = table;
  const shown = Math.min(pageSize, rows.length);
  return html`<div class="table-controls screen-only">
<label>Filter <input type="search" id="filter" autocomplete="off" spellcheck="false" placeholder="file, band, label …"></label>
<label>Show <select id="state"><option value="">all</option><option value="anomalous">not normal</option><option value="normal">normal</option><option value="failed">not scored</option></select></label>
<output id="shown" aria-live="polite">${groupThousands(shown)} of ${groupThousands(rows.length)} rows</output>
<button type="button" id="show-all"${rows.length <= pageSize && raw(' hidden')}>Show all</button>
</div>
<div class="table-frame" role="region" aria-label="Scored recordings, scrollable" tabindex="0">
<table id="recordings-table">
<caption><span>Higher scores are less normal. Flagged above the threshold for ${formatPercent(falseAlarmRate)} false alarms; the bar's middle mark is the threshold.</span></caption>
<thead><tr>${columns.map(header)}</tr></thead>
<tbody>${rows.slice(0, shown).map((row) => raw(rowHtml(row, columns, escapeHtml)))}</tbody>
</table>
</div>`;
};
