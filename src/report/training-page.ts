// A training run as one HTML file: where it stands, its curves, and its settings. Written anew at every checkpoint.
import { InputError } from '../signal/errors.ts';
import { formatDuration, recentPace } from '../training/progress.ts';
import { formatNumber, formatPercent, groupThousands } from './format.ts';
import { html, jsonForScript, type Markup } from './html.ts';
import { ownScripts, renderPage, responsive } from './page.ts';
import { type CurvePoints, trainingScript } from './training-client.ts';
import { type TrainingChart, type TrainingSeries, trainingCharts } from './training-curves.ts';
import { LINE_STYLES, trainingPlot } from './training-plot.ts';

type MetricsLine = Readonly<Record<string, number>>;

export type TrainingPageData = {
  title: string;
  /** The run's settings; shown as they are. */
  config: Readonly<Record<string, unknown>> & { readonly steps: number };
  /**
   * Logged lines in their order, each with `step`. Known by name are `seconds` (of training since the run began),
   * `loss` and `…Loss`, `learningRate`, `decay`, `gradientNorm`, `…Spread`, `probe…` or `knn…`, and `clipsPerSecond`;
   * every other number gets a chart of its own.
   */
  metrics: readonly MetricsLine[];
};

const runStyle = `
.run-lead{padding-bottom:0}.run-lead .readouts{margin-top:14px}.run-lead .readout-box{flex-basis:9rem}.run-lead dd{white-space:nowrap}
.run-charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:0 16px}
.run-chart{min-width:0}.run-chart:first-child{grid-column:1/-1}
.run-chart h2{margin-bottom:.35rem}.run-chart .legend{min-height:1.6rem}.run-chart .legend b{color:var(--ink);font-weight:600}
.run-plot{touch-action:pan-y;cursor:crosshair}
.run-line,.run-raw{fill:none;stroke:var(--line-colour);stroke-linejoin:round}.run-line{stroke-width:2}.run-raw{stroke-width:1;opacity:.3}
.run-dot{fill:var(--line-colour)}.cursor{stroke:var(--ink);stroke-width:1}
.line-0,.line-3{--line-colour:var(--normal)}.line-1,.line-4{--line-colour:var(--anomalous)}.line-2,.line-5{--line-colour:var(--failed)}
.run-line:is(.line-1){stroke-dasharray:9 4}.run-line:is(.line-2){stroke-dasharray:2 3}.run-line:is(.line-3,.line-4,.line-5){stroke-dasharray:12 3 2 3}
.run-key{width:30px;height:10px;vertical-align:1px;margin-right:.4rem}
.settings td{white-space:pre-wrap;font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.87em}
@media (max-width:760px){.run-lead .readouts{margin-inline:-14px}}
@media print{.run-charts{display:block}}
`;

function check({ config, metrics }: TrainingPageData): void {
  if (!(Number.isInteger(config.steps) && config.steps > 0)) {
    throw new InputError(`renderTrainingPage: expected a whole number of steps in config, got ${config.steps}`);
  }
  let last = Number.NEGATIVE_INFINITY;
  for (const [i, line] of metrics.entries()) {
    const wrong = Object.entries({ ...line, step: line.step }).find(([, value]) => !Number.isFinite(value));
    if (wrong) {
      throw new InputError(
        `renderTrainingPage: expected finite numbers in line ${i + 1}, got ${wrong[1]} as ${wrong[0]}`,
      );
    }
    if (line.step <= last) {
      throw new InputError(`renderTrainingPage: expected a step after ${last} in line ${i + 1}, got ${line.step}`);
    }
    last = line.step;
  }
}

function headline({ config, metrics }: TrainingPageData): string {
  const last = metrics.at(-1);
  if (!last) return `No step of ${groupThousands(config.steps)} has been logged yet.`;
  const time = last.seconds === undefined ? '' : ` after ${formatDuration(last.seconds)}`;
  const place = `Step ${groupThousands(last.step)} of ${groupThousands(config.steps)} (${formatPercent(last.step / config.steps)})${time}`;
  if (last.step >= config.steps) return `${place}: done.`;
  const pace = recentPace(metrics);
  return pace === undefined
    ? `${place}.`
    : `${place}; about ${formatDuration(pace * (config.steps - last.step))} left at the recent pace.`;
}

/** Steps, times, and the last losses and speed; the last value of everything stands above its curve. */
function readouts({ config, metrics }: TrainingPageData, charts: readonly TrainingChart[]): Markup {
  const last = metrics.at(-1);
  if (!last) return html``;
  const pace = recentPace(metrics);
  const shown = charts.filter(({ id }) => id === 'loss' || id === 'speed').flatMap(({ series }) => series);
  const boxes: [string, string][] = [
    ['step', groupThousands(last.step)],
    ...(last.seconds === undefined ? [] : [['time', formatDuration(last.seconds)] as [string, string]]),
    ...(pace === undefined
      ? []
      : [['time left', formatDuration(pace * Math.max(0, config.steps - last.step))] as [string, string]]),
    ...shown.map(({ name, raw: values }): [string, string] => [name, formatNumber(values[values.length - 1], 4)]),
  ];
  return html`<dl class="readouts">${boxes.map(([name, value]) => html`<div class="readout-box"><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const legendEntry = ({ name, raw: values }: TrainingSeries, i: number, digits: number): Markup =>
  html`<span><svg class="run-key" viewBox="0 0 30 10" aria-hidden="true"><path class="run-line line-${i % LINE_STYLES}" d="M0 5H30"/></svg>${name} <b class="run-value">${formatNumber(values[values.length - 1], digits)}</b></span>`;

function chartSection(chart: TrainingChart, wide: boolean): Markup {
  const { id, title, digits, series } = chart;
  const smoothed = series.find((one) => one.smoothed);
  const note =
    smoothed && `The line is a mean over ${2 * smoothed.halfWidth + 1} logged values; behind it, what was logged.`;
  return html`<section class="panel run-chart" id="${id}" data-digits="${digits}"><h2>${title}</h2>
<div class="legend">${series.map((one, i) => legendEntry(one, i, digits))}<span class="readout run-step">last values</span></div>
${responsive((width) => trainingPlot(chart, width), wide ? 1080 : 540)}
${note !== undefined && html`<p class="caption">${note}</p>`}</section>`;
}

/** Six digits are more than can be told apart, and halve the page. */
const short = (values: readonly number[]): number[] => values.map((value) => Number(value.toPrecision(6)));

const pointsOf = ({ x, raw: values, smoothed }: TrainingSeries): CurvePoints => ({
  x,
  raw: short(values),
  ...(smoothed && { smoothed: short(smoothed) }),
});

/** Leaves of nested settings by their dotted path. */
function leaves(value: unknown, key: string): [string, string][] {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return value === undefined ? [] : [[key, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return [[key, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, key === '' ? name : `${key}.${name}`));
}

const settingsSection = (config: TrainingPageData['config']): Markup =>
  html`<section class="panel"><h2>Settings</h2><div class="table-frame"><table class="settings"><thead><tr><th scope="col">key</th><th scope="col">value</th></tr></thead>
<tbody>${leaves(config, '').map(([key, value]) => html`<tr><th scope="row">${key}</th><td>${value}</td></tr>`)}</tbody></table></div></section>`;

/**
 * A run as one HTML page: a single string without any reference to the outside, that opens from a file. Curves of any
 * length are thinned to at most 1,000 points, of every stretch the lowest and the highest. The same log gives the same
 * bytes.
 * @throws InputError for numbers that are not finite, and steps that do not ascend
 * @example
 * await writeFile('run.html', renderTrainingPage({ title: 'echo-tiny', config, metrics }));
 */
export function renderTrainingPage(data: TrainingPageData): string {
  check(data);
  const { title, config, metrics } = data;
  const charts = trainingCharts(metrics);
  const curves = Object.fromEntries(charts.map(({ id, series }) => [id, series.map(pointsOf)]));
  const body = html`<section class="panel run-lead" aria-label="Summary"><h1>${title}</h1><p>${headline(data)}</p>${readouts(data, charts)}</section>
${charts.length > 0 && html`<div class="run-charts">${charts.map((chart, i) => chartSection(chart, i === 0))}</div>`}
${settingsSection(config)}`;
  return renderPage({
    title,
    heading: 'training',
    made: '',
    allowed: [ownScripts],
    styles: [runStyle.replace(/\n+/g, '\n').trim()],
    body,
    ...(charts.length > 0 && {
      scripts: html`<script type="application/json" id="run-curves">${jsonForScript(curves)}</script>
${trainingScript()}`,
    }),
  });
}
