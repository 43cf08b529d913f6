// The benchmark as one HTML file: the table first, then what size buys, what lies behind the numbers, and where they come from.
import type { BenchResult, Column, Detail } from '../evaluation/result.ts';
import { checkBench, percent, tableDecimals } from '../evaluation/tables/cells.ts';
import { benchScript } from './bench-client.ts';
import { auditMarkup, benchDetail } from './bench-detail.ts';
import { benchStyle } from './bench-style.ts';
import { benchTable } from './bench-table.ts';
import { html, type Markup, raw } from './html.ts';
import { caveats, ownImages, ownScripts, renderPage, responsive } from './page.ts';
import { pointShape, scalingPlot, scalingPoints } from './scaling-plot.ts';

const icon = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M5 28V17M13 28V9M21 28V13M29 28V4" fill="none" stroke="#1a76bd" stroke-width="4" stroke-linecap="round"/></svg>')}`;

type DetailOf = { encoder: string; detail: Detail };

const detailsOf = (result: BenchResult): DetailOf[] => {
  const all = result.rows.flatMap(({ encoder, details }) => details.map((detail) => ({ encoder, detail })));
  // Encoders on the same data stand together; data sets in the order in which they are met.
  const views = [...new Set(all.map(({ detail }) => detail.view))];
  return views.flatMap((view) => all.filter(({ detail }) => detail.view === view));
};

/** Which number the page speaks of first: the overall mean, or the last mean there is. */
const leading = (columns: readonly Column[]): Column | undefined =>
  columns.find(({ id }) => id === 'overall') ?? columns.findLast(({ group }) => group === 'summary');

const standing = (result: BenchResult): Markup => {
  const column = leading(result.columns);
  if (!column) return html``;
  const scores = result.rows.flatMap(({ values }) => values[column.id]?.value ?? []);
  const lines = result.rows
    .filter((row) => !row.published)
    .map(({ encoder, values }) => {
      const value = values[column.id];
      if (value === undefined) return html`<li><strong>${encoder}</strong>: no ${column.title}</li>`;
      if (value.value === null)
        return html`<li><strong>${encoder}</strong>: no ${column.title}, as ${value.reason}</li>`;
      const own = value.value;
      const better = scores.filter((score) => score > own).length;
      return html`<li><strong>${encoder}</strong>: ${column.title} ${percent(own, tableDecimals)} %, place ${better + 1} of ${scores.length}</li>`;
    });
  return html`<ul class="plain-list">${lines}</ul>`;
};

const caveatsOf = (result: BenchResult): string[] => {
  const leaks = detailsOf(result).filter(({ detail }) => detail.audit.sharedTakes + detail.audit.sharedContent > 0);
  const views = [...new Set(leaks.map(({ detail }) => detail.view))];
  return [
    ...(result.compat ? ['Compatibility mode: computed as the released code does, its quirks included.'] : []),
    ...(views.length > 0
      ? [`Training and test sides share recordings in ${views.join(', ')}: see the leakage audit.`]
      : []),
    ...result.problems,
  ];
};

/** Means; where none of ours is complete, the data sets that we have numbers for too. */
const scalingColumns = ({ columns, rows }: BenchResult): { column: Column; own: boolean }[] => {
  const drawable = columns.flatMap((column) => {
    const points = scalingPoints(rows, column.id);
    return points.length < 2 ? [] : [{ column, own: points.some((point) => !point.published) }];
  });
  const means = drawable.filter(({ column }) => column.group === 'summary');
  const overallFirst = means.toSorted((a, b) => Number(b.column.id === 'overall') - Number(a.column.id === 'overall'));
  return means.some(({ own }) => own)
    ? overallFirst
    : [...drawable.filter(({ column, own }) => own && column.group !== 'summary'), ...overallFirst];
};

const scalingSection = (result: BenchResult): Markup => {
  const choices = scalingColumns(result);
  if (choices.length === 0) return html``;
  const shown = choices.find(({ own }) => own) ?? choices[0];
  const figures = choices.map(({ column }) => {
    const points = scalingPoints(result.rows, column.id);
    const missing = result.rows.filter((row) => !points.some(({ encoder }) => encoder === row.encoder));
    const note =
      missing.length > 0 &&
      `Without a size or a score, and so not shown: ${missing.map((row) => row.encoder).join(', ')}.`;
    return html`<div class="scaling-plot" data-column="${column.id}"${column !== shown.column && raw(' hidden')}>
${responsive((width) => scalingPlot(points, column, width), 860)}
${note ? html`<p class="caption">${note}</p>` : html``}</div>`;
  });
  const options = choices.map(
    ({ column }) =>
      html`<option value="${column.id}"${column === shown.column && raw(' selected')}>${column.title}</option>`,
  );
  const key = (published: boolean, text: string) =>
    html`<span><svg class="key" viewBox="0 0 14 14" aria-hidden="true">${pointShape(7, 7, published)}</svg>${text}</span>`;
  return html`<section class="panel"><h2>Score against size</h2>
<div class="legend">${key(false, 'measured here')}${key(true, 'published')}<span>lines join the sizes of a family</span>${choices.length > 1 ? html`<label class="readout screen-only">Score <select id="scaling-column">${options}</select></label>` : html``}</div>
${figures}</section>`;
};

const auditSection = (details: readonly DetailOf[]): Markup => {
  if (details.length === 0) return html``;
  const lines = new Map(
    details.map(({ detail }) => {
      const markup = html`<li>${detail.view}, ${detail.protocol}: ${auditMarkup(detail.audit)}</li>`;
      return [markup.markup, markup];
    }),
  );
  return html`<section class="panel"><h2>Leakage audit</h2><ul class="plain-list">${[...lines.values()]}</ul></section>`;
};

const skippedSection = ({ skipped }: BenchResult): Markup =>
  skipped.length === 0
    ? html``
    : html`<section class="panel"><h2>What was not run, and why</h2><ul class="plain-list">${skipped.map(({ view, reason }) => html`<li><strong>${view}</strong>: ${reason}</li>`)}</ul></section>`;

const provenanceSection = (result: BenchResult): Markup => {
  const { version, command, seeds, dataHashes } = result.provenance;
  const fingerprints = result.rows.flatMap(({ encoder, fingerprint }) =>
    fingerprint === undefined
      ? []
      : [html`<div><dt>Weights of ${encoder}</dt><dd class="hash">${fingerprint}</dd></div>`],
  );
  const hashes = Object.entries(dataHashes).map(
    ([view, hash]) => html`<tr><th scope="row">${view}</th><td class="hash">${hash}</td></tr>`,
  );
  return html`<section class="panel about"><h2>Where the numbers come from</h2>
<dl class="facts"><div><dt>Version</dt><dd>thrum ${version}</dd></div><div><dt>Command</dt><dd><code>${command}</code></dd></div><div><dt>Seeds</dt><dd>${seeds.length > 0 ? seeds.join(', ') : 'none used'}</dd></div>${fingerprints}</dl>
${hashes.length > 0 ? html`<div class="matrix"><table class="behind"><caption>Data, SHA-256 over names, contents and labels</caption><thead><tr><th scope="col">data set</th><th scope="col">hash</th></tr></thead><tbody>${hashes}</tbody></table></div>` : html``}</section>`;
};

/**
 * A benchmark as one HTML page: a single string without any reference to the outside, that opens from a file. Scores are
 * percent, with two decimals in the table and one behind it. The same result gives the same bytes.
 * @throws InputError if a figure is no share from 0 to 1, or a confusion matrix is not square.
 * @example
 * await writeFile('bench.html', renderBenchPage(result));
 */
export const renderBenchPage = (result: BenchResult): string => {
  checkBench(result, 'renderBenchPage');
  const details = detailsOf(result);
  const body = html`<section class="panel"><h1>${result.title}</h1>${standing(result)}</section>
${caveats(caveatsOf(result))}
<section class="panel" id="scores"><h2>Scores</h2>${benchTable(result)}</section>
${scalingSection(result)}
${details.length > 0 ? html`<section class="details" id="details"><h2>Behind the numbers</h2>${details.map(({ encoder, detail }, i) => benchDetail(encoder, detail, i === 0))}</section>` : html``}
${auditSection(details)}
${skippedSection(result)}
${provenanceSection(result)}`;
  const { version } = result.provenance;
  return renderPage({
    title: result.title,
    heading: 'benchmark',
    made: `version ${version}`,
    version,
    icon,
    allowed: [ownScripts, ownImages],
    styles: [benchStyle],
    body,
    scripts: benchScript(),
  });
};
