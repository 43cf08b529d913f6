// In the reader's browser: sorts, filters and pages the table. Embedded as source, so it uses nothing outside of itself.
import type { escapeHtml } from './html.ts';
import type { rowHtml, sortRows, Table, TableRow } from './table.ts';

/** Brings the table to life. The rows come from the page's JSON; `sort`, `write` and `escapeText` are the
 * functions that made the page. */
export const startTable = (
  sort: typeof sortRows,
  write: typeof rowHtml,
  escapeText: typeof escapeHtml,
  pageSize: number,
): void => {
  const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!;
  const { columns, rows }: Table = JSON.parse(find('#table-data').textContent ?? '');
  const headers = [...document.querySelectorAll<HTMLElement>('#recordings-table thead th')];
  const body = find<HTMLElement>('#recordings-table tbody');
  const filter = find<HTMLInputElement>('#filter');
  const state = find<HTMLSelectElement>('#state');
  const showAll = find<HTMLButtonElement>('#show-all');
  const group = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  let sorted: TableRow[] = rows;
  let limit = pageSize;

  const matches = (row: TableRow): boolean =>
    (state.value === '' || row.state === state.value) &&
    row.cells.some((cell) => cell.replaceAll('\u00a0', ' ').toLowerCase().includes(filter.value.trim().toLowerCase()));

  const render = (): void => {
    const found = sorted.filter(matches);
    const shown = found.slice(0, limit);
    body.innerHTML = shown.map((row) => write(row, columns, escapeText)).join('');
    const total = found.length === rows.length ? '' : `, ${group(rows.length)} in all`;
    find('#shown').textContent = `${group(shown.length)} of ${group(found.length)} rows${total}`;
    showAll.hidden = shown.length === found.length;
  };

  const sortBy = (column: number): void => {
    const before = headers[column].getAttribute('aria-sort');
    // The first click shows what is most of interest: large scores, small p-values, names from A.
    const descending = before ? before === 'ascending' : ['score', 'verdict'].includes(columns[column].id);
    for (const header of headers) header.removeAttribute('aria-sort');
    headers[column].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    sorted = sort(rows, column, descending);
    render();
  };

  headers.forEach((header, column) => {
    header.querySelector('button')?.addEventListener('click', () => sortBy(column));
  });
  filter.addEventListener('input', render);
  state.addEventListener('change', render);
  showAll.addEventListener('click', () => {
    limit = rows.length;
    render();
  });
};
