// What lies behind one number of the benchmark: machines or classes, confusion, splits, and whether anything leaked.

import type { Confusion } from '../evaluation/metrics/classification.ts';
import type { Measured } from '../evaluation/metrics/measured.ts';
import type { ClassificationResult, Detail, DetectionResult } from '../evaluation/result.ts';
import { auditLine, detailDecimals, percent, runsLine, sectionColumns } from '../evaluation/tables/cells.ts';
import { formatCount } from './format.ts';
import { html, type Markup, raw } from './html.ts';
import { multiSplitPlot } from './multi-split-plot.ts';
import { type Fact, factList } from './page.ts';

const figure = (value: Measured): Markup =>
  value.value === null
    ? html`<span class="absent" title="${value.reason}">–</span>`
    : html`${percent(value.value, detailDecimals)}`;

/** With its unit, or the reason written out where there is room for it. */
const fact = (name: string, value: Measured, more = ''): Fact => [
  name,
  value.value === null ? `not defined: ${value.reason}` : `${percent(value.value, detailDecimals)} %${more}`,
];

const barCell = (value: Measured): Markup =>
  value.value === null
    ? html`<td class="number">${figure(value)}</td>`
    : html`<td class="number share-bar" style="--share:${value.value.toFixed(3)}">${figure(value)}</td>`;

const classTable = ({ perClass }: ClassificationResult): Markup =>
  html`<table class="behind"><caption>By class, %</caption>
<thead><tr><th scope="col">class</th><th scope="col" class="number">recordings</th><th scope="col" class="number">precision</th><th scope="col" class="number">recall</th><th scope="col" class="number">F1</th></tr></thead>
<tbody>${perClass.map((result) => html`<tr><th scope="row">${result.label}</th><td class="number">${result.support}</td>${[result.precision, result.recall, result.f1].map(barCell)}</tr>`)}</tbody></table>`;

const confusionCell = (count: number, total: number, right: boolean): Markup => {
  const share = total > 0 ? count / total : 0;
  const className = count === 0 ? 'none' : right ? 'right' : 'wrong';
  const title = `${percent(share, detailDecimals)} % of this class`;
  // A single error among hundreds must still be seen.
  const shade = count === 0 ? 0 : Math.max(0.12, share);
  return html`<td class="${className}" style="--share:${shade.toFixed(3)}" title="${title}">${count}</td>`;
};

const confusionTable = ({ labels, counts }: Confusion): Markup => {
  const upright = labels.some((label) => label.length > 4);
  const head = labels.map(
    (label) => html`<th scope="col"${upright && raw(' class="upright"')}><span>${label}</span></th>`,
  );
  const rows = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return html`<tr><th scope="row">${labels[i]}</th>${row.map((count, j) => confusionCell(count, total, i === j))}</tr>`;
  });
  return html`<div class="matrix"><table class="behind confusion"><caption>Confusion: rows are true, columns predicted</caption>
<thead><tr><td></td>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
};

const classificationBody = (detail: ClassificationResult): Markup => {
  const { interval, runs, curve } = detail;
  const range = interval
    ? ` (95 %: ${percent(interval[0], detailDecimals)} to ${percent(interval[1], detailDecimals)})`
    : '';
  const entries: Fact[] = [
    fact('Score', detail.score, range),
    fact('Accuracy', detail.accuracy),
    fact('Macro precision', detail.macroPrecision),
    fact('Macro recall', detail.macroRecall),
    fact('Macro F1', detail.macroF1),
    fact('Weighted F1', detail.weightedF1),
    ...(runs && runs.length > 0 ? [['Repeated splits', runsLine(runs)] as const] : []),
  ];
  return html`${factList(entries)}
<div class="side-by-side">${detail.perClass.length > 0 ? classTable(detail) : html``}${detail.confusion.labels.length > 0 ? confusionTable(detail.confusion) : html``}</div>
${curve && curve.score.length > 0 && detail.confusion.labels.length > 0 ? multiSplitPlot(curve, detail.confusion.labels.length) : html``}`;
};

const sectionTable = (detail: DetectionResult): Markup => {
  const numbers = sectionColumns(detail);
  const rows = detail.sections.map((section) => {
    const cells = numbers.map(({ figureOf }) => {
      const value = figureOf(section);
      return html`<td class="number">${value ? figure(value) : ''}</td>`;
    });
    return html`<tr><th scope="row">${section.machine}</th><td>${section.section}</td><td>${section.set}</td>${cells}</tr>`;
  });
  const titles = numbers.map(({ title }) => html`<th scope="col" class="number">${title}</th>`);
  return html`<div class="matrix"><table class="behind"><caption>By machine and section, %</caption>
<thead><tr><th scope="col">machine</th><th scope="col">section</th><th scope="col">set</th>${titles}</tr></thead><tbody>${rows}</tbody></table></div>`;
};

const detectionBody = (detail: DetectionResult): Markup =>
  html`${factList([
    fact('Score', detail.score),
    fact('Development', detail.development),
    fact('Evaluation', detail.evaluation),
    fact('Official rule, evaluation', detail.official),
  ])}
${detail.sections.length > 0 ? sectionTable(detail) : html``}`;

/** Figures in tables that are undefined, with their reasons: a tooltip does not print. */
const reasonsOf = (detail: Detail): string[] => {
  const figures =
    detail.kind === 'classification'
      ? detail.perClass.flatMap(({ label, precision, recall, f1 }) =>
          [precision, recall, f1].map((value) => ({ place: label, value })),
        )
      : detail.sections.flatMap(({ machine, section, auc, pauc }) =>
          [...auc, ...pauc].map(({ value }) => ({ place: `${machine} ${section}`, value })),
        );
  const lines = figures.flatMap(({ place, value }) => (value.value === null ? [`${place}: ${value.reason}`] : []));
  return [...new Set(lines)];
};

/** The line of an audit, marked where something leaked. */
export const auditMarkup = (audit: Detail['audit']): Markup => {
  const leak = audit.sharedTakes > 0 || audit.sharedContent > 0;
  return html`<span class="audit${leak ? ' leak' : ''}">${leak ? '▲ ' : ''}${auditLine(audit)}</span>`;
};

/** One detail, folded behind data set, encoder and score; open on request. */
export const benchDetail = (encoder: string, detail: Detail, open: boolean): Markup => {
  const reasons = reasonsOf(detail);
  const score = detail.score.value === null ? 'not defined' : `${percent(detail.score.value, detailDecimals)} %`;
  return html`<details class="detail"${open && raw(' open')}>
<summary><h3>${detail.view}</h3><span class="source">${encoder}</span><span class="summary-score">${score}</span></summary>
<div class="detail-body">
<p class="caption">${detail.protocol}; ${formatCount(detail.recordings, 'recording')}.</p>
${detail.kind === 'classification' ? classificationBody(detail) : detectionBody(detail)}
${reasons.length > 0 ? html`<p class="caption">– not defined: ${reasons.join('; ')}.</p>` : html``}
<p class="caption">Audit: ${auditMarkup(detail.audit)}.</p>
</div></details>
`;
};
