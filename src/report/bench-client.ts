// In the reader's browser: sorts the benchmark table and changes the scaling plot. Embedded as source, so it uses nothing outside of itself.
import { type Markup, raw } from './html.ts';

/** Brings the headings to life. A cell's key is in its `data-key`; cells without one go to the end, whatever the order. */
const startBenchTable = (): void => {
  const body = document.querySelector<HTMLTableSectionElement>('#bench-table tbody');
  if (!body) return;
  const headers = [...document.querySelectorAll<HTMLElement>('#bench-table thead th[data-column]')];
  const rows = [...body.rows];
  const keyOf = (row: HTMLTableRowElement, column: number) => row.cells[column].dataset.key ?? '';

  const sortBy = (column: number): void => {
    const header = headers[column];
    const before = header.getAttribute('aria-sort');
    const numeric = header.dataset.numeric !== undefined;
    // The first click shows large numbers, and names from A.
    const descending = before ? before === 'ascending' : numeric;
    for (const other of headers) other.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const compare = (a: string, b: string) => (numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0);
    const known = rows.filter((row) => keyOf(row, column) !== '');
    const unknown = rows.filter((row) => keyOf(row, column) === '');
    known.sort((a, b) => compare(keyOf(a, column), keyOf(b, column)) * (descending ? -1 : 1));
    body.append(...known, ...unknown);
  };

  headers.forEach((header, column) => {
    header.querySelector('button')?.addEventListener('click', () => sortBy(column));
  });
};

/** Shows the plot that is chosen. */
const startScaling = (): void => {
  const choice = document.querySelector<HTMLSelectElement>('#scaling-column');
  const plots = [...document.querySelectorAll<HTMLElement>('.scaling-plot')];
  const show = (): void => {
    for (const plot of plots) plot.hidden = plot.dataset.column !== choice?.value;
  };
  choice?.addEventListener('change', show);
  // A reload may keep the choice of the reader but not the plot.
  if (choice) show();
};

/** The script element. `__name` is what some compilers (esbuild's keepNames) call in every function. */
export const benchScript = (): Markup =>
  raw(`<script>(() => {
'use strict';
const __name = (value) => value;
(${startBenchTable})();
(${startScaling})();
})();</script>`);
