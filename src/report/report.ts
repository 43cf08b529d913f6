// The report of `thrum score` as one HTML file: verdict first, then the evidence. It asks nothing of any server.
import { checkReport } from './check.ts';
import { clientScript } from './client.ts';
import { curvePlot } from './curve-plot.ts';
import { detailSection } from './detail.ts';
import { distributionPlot } from './distribution-plot.ts';
import {
  formatBands,
  formatCount,
  formatDate,
  formatHz,
  formatNumber,
  formatPercent,
  formatSeconds,
  groupThousands,
} from './format.ts';
import { html, jsonForScript, type Markup } from './html.ts';
import { caveats, type Fact, factList, ownImages, ownScripts, renderPage, responsive } from './page.ts';
import { rowLabel } from './row-label.ts';
import { tableOf, tableSection } from './table.ts';
import type { ReportData } from './types.ts';
import { countVerdicts, expectedFalseAlarms, rowNoun, scoredRows, verdictSentence } from './verdict.ts';

type State = 'anomalous' | 'normal' | 'failed';

/** The tab's icon: a quiet wave, or one with a burst. */
const icon = (state: State): string => {
  const wave = state === 'anomalous' ? 'M2 16h6l3-13 5 26 4-18 3 5h7' : 'M2 16q4-9 7 0t7 0 7 0 7 0';
  const colour = { anomalous: '#d1500f', normal: '#1a76bd', failed: '#7a5fb0' }[state];
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="${wave}" fill="none" stroke="${colour}" stroke-width="3" stroke-linejoin="round" stroke-linecap="round"/></svg>`)}`;
};

/** Shapes differ, not colours alone: a triangle warns, a tick is well, a cross has failed. */
const verdictSign = (state: State): Markup => {
  const shape = {
    anomalous: 'M24 5 45 42H3z M24 18v11 M24 34.5v.5',
    normal: 'M24 4a20 20 0 1 0 .01 0z M14.500 24.500l6.500 6.500 12.500-13',
    failed: 'M24 4a20 20 0 1 0 .01 0z M16.500 16.500l15 15 M31.500 16.500l-15 15',
  }[state];
  return html`<svg class="sign" viewBox="0 0 48 48" aria-hidden="true"><path d="${shape}"/></svg>`;
};

const readout = (value: string, label: string, className = ''): Markup =>
  html`<div class="readout-box ${className}"><dd>${value}</dd><dt>${label}</dt></div>`;

const worst = (data: ReportData): Markup => {
  const rows = scoredRows(data.rows);
  if (rows.length < 2) return html``;
  const row = rows.reduce((a, b) => (b.score > a.score ? b : a));
  const { threshold } = data.calibration;
  const times = threshold > 0 ? `, ${formatNumber(row.score / threshold)} × the threshold` : '';
  const bands = row.bands?.length ? html`, mostly at <span class="whole">${formatBands(row.bands, 1)}</span>` : html``;
  const detail = data.details.findIndex((candidate) => data.rows[candidate.row] === row);
  const name = detail < 0 ? html`${rowLabel(row)}` : html`<a href="#detail-${detail}">${rowLabel(row)}</a>`;
  return html`Least normal: <strong>${name}</strong>, score ${formatNumber(row.score)}${times}${bands}. `;
};

const verdictSection = (data: ReportData, state: State): Markup => {
  const counts = countVerdicts(data);
  const { detector, calibration } = data;
  return html`<section class="verdict ${state}" aria-label="Verdict">
${verdictSign(state)}
<div><h1>${verdictSentence(data)}</h1>
<p>${worst(data)}${expectedFalseAlarms(data)}${counts.failed > 0 && ` ${formatCount(counts.failed, 'file')} could not be scored.`}</p></div>
<dl class="readouts">
${readout(groupThousands(counts.anomalous), 'not normal', counts.anomalous ? 'anomalous' : '')}
${readout(groupThousands(counts.normal), 'normal')}
${counts.failed > 0 ? readout(groupThousands(counts.failed), 'not scored', 'failed') : html``}
${readout(formatNumber(calibration.threshold), 'threshold')}
${readout(formatPercent(calibration.falseAlarmRate), 'false alarms')}
${readout(groupThousands(detector.bank), 'normal segments')}
</dl></section>`;
};

const distributionSection = (data: ReportData): Markup => {
  const { scores, medianNormal, method } = data.calibration;
  const highest = scores[scores.length - 1];
  return html`<section class="panel"><h2>Score against normal</h2>
${responsive((width) => distributionPlot(data, width))}
<p class="caption">Normal recordings, each scored against the others: median ${formatNumber(medianNormal)}, highest ${formatNumber(highest)}. Threshold: ${method}.</p></section>`;
};

const curveSection = (data: ReportData): Markup => {
  const { curve } = data;
  if (!curve) return html``;
  return html`<section class="panel"><h2>Score over ${curve.xLabel}</h2>
${responsive((width) => curvePlot(curve, width, `curve-${width}`))}
${curve.notes.map((note) => html`<p class="caption">${note}</p>`)}</section>`;
};

const detectorSection = (data: ReportData): Markup => {
  const { detector, calibration } = data;
  const segment = detector.segmentSeconds === null ? 'whole recordings' : formatSeconds(detector.segmentSeconds);
  const entries: Fact[] = [
    ['Detector', detector.name],
    ['Encoder', detector.encoder],
    ['Listens at', formatHz(detector.sampleRate)],
    ['Segments', segment],
    ['Learnt from', `${formatCount(detector.bank, 'normal segment')} of ${formatCount(detector.normalFiles, 'file')}`],
    ...(detector.domains?.length ? [['Domains', detector.domains.join(', ')] as const] : []),
    ['Distance', detector.distance],
    ['Calibration', calibration.method],
  ];
  return html`<section class="panel about"><h2>How it was measured</h2>
${factList(entries)}
<p class="caption"><strong>Score</strong>: the distance to the most similar normal segments; nothing about a fault is assumed. <strong>p-value</strong>: how often a normal recording would score at least this high. <strong>Threshold</strong>: the score that ${formatPercent(calibration.falseAlarmRate)} of normal recordings are expected to exceed. <strong>SD</strong>: standard deviations of normal recordings, for one cell of time and frequency.</p></section>`;
};

/**
 * The report as one HTML page: a single string without any reference to the outside. The same data give the same bytes.
 * @throws InputError when the data contradict themselves or hold numbers that are not finite.
 * @example
 * await writeFile('report.html', renderReport(data));
 */
export const renderReport = (data: ReportData): string => {
  checkReport(data);
  const counts = countVerdicts(data);
  const state: State = counts.scored === 0 ? 'failed' : counts.anomalous > 0 ? 'anomalous' : 'normal';
  const table = tableOf(data);
  const noun = rowNoun(data);
  const details = data.details.map((_, i) => detailSection(data, i));
  const body = html`${verdictSection(data, state)}
${caveats(data.notes)}
${distributionSection(data)}
${curveSection(data)}
<section class="panel" id="recordings"><h2>All ${noun}s</h2>${tableSection(table, data.calibration.falseAlarmRate)}</section>
${details.length > 0 ? html`<section class="details" id="details"><h2>Heard where and when</h2>${details}</section>` : html``}
${detectorSection(data)}`;
  return renderPage({
    title: `${data.title}: ${verdictSentence(data)}`,
    heading: data.title,
    made: `${formatDate(data.generatedAt)} · version ${data.thrumVersion}`,
    version: data.thrumVersion,
    icon: icon(state),
    allowed: [ownScripts, ownImages, 'media-src data:'],
    body,
    scripts: html`<script type="application/json" id="table-data">${jsonForScript(table)}</script>
${clientScript()}`,
  });
};
