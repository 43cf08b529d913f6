// The ablation of fine-tuning as one HTML page: the table machine by machine, and what the learned mixes take from each layer.
import type { AblationRow } from '../evaluation/ablation/asd.ts';
import { detailDecimals, percent } from '../evaluation/tables/cells.ts';
import { html, type Markup } from './html.ts';
import { renderPage } from './page.ts';
import { coordinate } from './scale.ts';

export type AblationPageData = { rows: readonly AblationRow[]; data: string; made: string; version: string };

const pageStyle = `
.ablation td,.ablation th{white-space:nowrap}.ablation td{text-align:right;font-variant-numeric:tabular-nums}.ablation th[scope=row]{text-align:left}
.layers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:16px}
.layer-bar{fill:var(--normal)}
`;

const [width, height] = [360, 200];
const [left, right, top, bottom] = [38, width - 10, 12, height - 34];

/** A bar for every layer; the dashed line is where all would be alike. */
function layerPlot(name: string, shares: readonly number[]): Markup {
  const most = Math.max(...shares) * 1.1;
  const step = (right - left) / shares.length;
  const yOf = (share: number): number => bottom - ((bottom - top) * share) / most;
  const bars = shares.map(
    (share, l) =>
      html`<rect class="layer-bar" x="${coordinate(left + l * step + 1)}" y="${coordinate(yOf(share))}" width="${coordinate(step - 2)}" height="${coordinate(bottom - yOf(share))}"><title>layer ${l}: ${percent(share, detailDecimals)} %</title></rect><text class="tick" x="${coordinate(left + (l + 0.5) * step)}" y="${bottom + 15}">${l}</text>`,
  );
  const even = yOf(1 / shares.length);
  const told = shares.map((share, l) => `layer ${l} ${percent(share, 1)} %`).join(', ');
  return html`<figure><svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}: ${told}">
${bars}<path class="axis" d="M${left} ${top}V${bottom}H${right}"/><path class="chance" d="M${left} ${coordinate(even)}H${right}"/>
<text class="tick-y" x="${left - 6}" y="${coordinate(even + 4)}">${percent(1 / shares.length, 1)}</text>
<text class="axis-label" x="${(left + right) / 2}" y="${height - 4}">layer (0: input of the first block)</text>
</svg><figcaption class="caption">${name}: share of every layer in per cent; dashed, all alike.</figcaption></figure>`;
}

const cell = (figure: AblationRow['total'] | undefined): Markup =>
  html`<td>${figure === undefined || figure.value === null ? '–' : percent(figure.value, detailDecimals)}</td>`;

/** The page as a single string without any reference to the outside. Expects one row at least. */
export function renderAblationPage({ rows, data, made, version }: AblationPageData): string {
  const machines = [...new Set(rows.flatMap((row) => Object.keys(row.machines)))];
  const head = ['row', ...machines, 'AUC source', 'AUC target', 'pAUC', 'harmonic mean'];
  const mixed = rows.filter(({ layers }) => layers !== undefined);
  const body = html`<section class="panel"><h1>What each part of fine-tuning adds</h1>
<p>Harmonic mean of AUC on the source domain, AUC on the target domain and partial AUC, in per cent, on ${data}.</p>
<div class="table-frame"><table class="ablation"><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row">${row.name}</th>${machines.map((machine) => cell(row.machines[machine]))}${[row.aucSource, row.aucTarget, row.pauc, row.total].map(cell)}</tr>`)}</tbody></table></div></section>
${mixed.length > 0 && html`<section class="panel"><h2>Which layers the mixes take</h2><div class="layers">${mixed.map(({ name, layers = [] }) => layerPlot(name, layers))}</div></section>`}
<section class="panel"><h2>Commands</h2><ul>${rows.map(({ name, command }) => html`<li>${name}: <code>${command}</code></li>`)}</ul></section>`;
  return renderPage({
    title: 'Ablation of fine-tuning',
    heading: 'fine-tuning',
    made,
    version,
    styles: [pageStyle.trim()],
    body,
  });
}
