// The benchmark table as HTML: our rows beside the published ones, the best of every column marked, sortable.
import type { BenchResult, BenchRow, Column } from '../evaluation/result.ts';
import {
  bestCell,
  isBest,
  ownFirst,
  parametersText,
  percent,
  tableDecimals,
  unequalRecordings,
} from '../evaluation/tables/cells.ts';
import { publishedNotes } from '../evaluation/tables/published.ts';
import { partialMeans } from '../evaluation/tables/summary.ts';
import { html, type Markup, raw } from './html.ts';

/** Reasons why a figure is undefined, in the order of their cells. */
const reasonsOf = (rows: readonly BenchRow[], columns: readonly Column[]): string[] => {
  const all = rows.flatMap((row) =>
    columns.flatMap(({ id }) => {
      const value = row.values[id];
      return value && value.value === null ? [value.reason] : [];
    }),
  );
  return [...new Set(all)];
};

/** Whether a column begins another group than the one before it. A mean stays with its group; the mean of all has none. */
const begins = (columns: readonly Column[], i: number): boolean =>
  i === 0 ||
  columns[i].id === 'overall' ||
  (columns[i].group !== 'summary' && columns[i].group !== columns[i - 1].group);

const groupRow = (columns: readonly Column[], before: number): Markup => {
  const starts = columns.flatMap((_, i) => (begins(columns, i) ? [i] : []));
  const cells = starts.map((start, g) => {
    const span = (starts[g + 1] ?? columns.length) - start;
    const { group } = columns[start];
    return html`<th scope="colgroup" colspan="${span}" class="group first">${group === 'summary' ? '' : group}</th>`;
  });
  return html`<tr><td colspan="${before}"></td>${cells}</tr>`;
};

const headerCell = (title: string, className: string, numeric: boolean): Markup =>
  html`<th scope="col" data-column class="${className}"${numeric && raw(' data-numeric')}><button type="button">${title}</button></th>`;

const columnClass = (columns: readonly Column[], i: number): string =>
  `number${begins(columns, i) ? ' first' : ''}${columns[i].group === 'summary' ? ' mean' : ''}`;

type Context = {
  columns: readonly Column[];
  best: Record<string, string | undefined>;
  reasons: string[];
  sizes: boolean;
};

const scoreCell = (row: BenchRow, i: number, { columns, best, reasons }: Context): Markup => {
  const { id } = columns[i];
  const value = row.values[id];
  const className = columnClass(columns, i);
  if (value === undefined) return html`<td class="${className} absent" title="not run">·</td>`;
  if (value.value === null) {
    const number = reasons.indexOf(value.reason) + 1;
    return html`<td class="${className} absent" title="${value.reason}">–<sup><a href="#why-${number}" aria-label="not defined, reason ${number}">${number}</a></sup></td>`;
  }
  const text = percent(value.value, tableDecimals);
  const marked = isBest(value.value, best[id]);
  return html`<td class="${className}" data-key="${String(value.value)}">${marked ? html`<strong class="best" title="best of the column">${text}</strong>` : text}</td>`;
};

const rowOf = (row: BenchRow, context: Context): Markup => {
  const source = row.published ? 'published' : 'measured';
  const size =
    context.sizes &&
    html`<td class="number" data-key="${row.parameters ?? ''}">${parametersText(row.parameters).replace(' ', '\u00a0')}</td>`;
  return html`<tr class="${row.published ? 'published' : 'own'}"><th scope="row" data-key="${row.encoder}">${row.encoder}</th><td class="source" data-key="${source}">${source}</td>${size || html``}${context.columns.map((_, i) => scoreCell(row, i, context))}</tr>
`;
};

const notesOf = (result: BenchResult, reasons: readonly string[]): Markup => {
  const anyPublished = result.rows.some((row) => row.published);
  const remarks = [
    ...partialMeans(result),
    ...unequalRecordings(result),
    ...(anyPublished ? publishedNotes(result.suite) : []),
  ];
  if (reasons.length + remarks.length === 0) return html``;
  return html`<div class="caption bench-caption">
${reasons.length > 0 ? html`<p>Not defined:</p><ol class="why">${reasons.map((reason, i) => html`<li id="why-${i + 1}">${reason}</li>`)}</ol>` : html``}
${remarks.length > 0 ? html`<ul class="why">${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>` : html``}
</div>`;
};

/** The table with its notes: reasons for undefined figures, incomplete means, what to know of the published rows. */
export const benchTable = (result: BenchResult): Markup => {
  const { columns } = result;
  const rows = ownFirst(result.rows);
  if (rows.length === 0 || columns.length === 0) return html`<p>Nothing was run.</p>`;
  const reasons = reasonsOf(rows, columns);
  const best = Object.fromEntries(columns.map(({ id }) => [id, bestCell(rows, id)]));
  const sizes = rows.some((row) => row.parameters !== undefined);
  const context: Context = { columns, best, reasons, sizes };
  const absent = rows.some((row) => columns.some(({ id }) => row.values[id] === undefined));
  const caption = `Scores in percent, higher is better. ★ best of the column${absent ? '; · not run' : ''}. ${sizes ? 'Size: parameters of the encoder. ' : ''}A heading sorts by its column.`;
  return html`<div class="table-frame bench-frame" role="region" aria-label="Scores by encoder and data set, scrollable" tabindex="0">
<table id="bench-table">
<caption><span>${caption}</span></caption>
<thead>${groupRow(columns, sizes ? 3 : 2)}
<tr>${headerCell('Encoder', '', false)}${headerCell('Source', '', false)}${sizes ? headerCell('Size', 'number', true) : html``}${columns.map((column, i) => headerCell(column.title, columnClass(columns, i), true))}</tr></thead>
<tbody>
${rows.map((row) => rowOf(row, context))}</tbody>
</table>
</div>
${notesOf(result, reasons)}`;
};
