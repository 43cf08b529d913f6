// The report of a benchmark over life as one HTML file: in plain words first, then a curve for every machine, then the figures.
import { type BearingResult, type LifeResult, RUL_METHODS, type RulMethod } from '../evaluation/life/protocol.ts';
import { scoresByShare } from '../evaluation/life/table.ts';
import type { Measured } from '../evaluation/metrics/measured.ts';
import { InputError } from '../signal/errors.ts';
import { curvePlot } from './curve-plot.ts';
import { formatCount, formatNumber, formatPercent } from './format.ts';
import { html, type Markup } from './html.ts';
import { caveats, type Fact, factList, renderPage, responsive } from './page.ts';
import type { ReportCurve } from './types.ts';

const HOUR = 3600;

/** An alarm that leaves less than this share of life is hardly a warning. */
const LITTLE_LEFT = 0.05;

const figure = (value: Measured, digits = 3): string => (value.value === null ? '–' : value.value.toFixed(digits));
const percentOf = (value: Measured): string => (value.value === null ? '–' : formatPercent(value.value));

const alarmedOf = ({ bearings }: LifeResult): number[] =>
  bearings.flatMap(({ alarm }) => (alarm.shareOfLife.value === null ? [] : [alarm.shareOfLife.value]));

const total = (result: LifeResult, of: (bearing: BearingResult) => number): number =>
  result.bearings.reduce((sum, one) => sum + of(one), 0);

const headline = (result: LifeResult): string => {
  const alarmed = alarmedOf(result).length;
  const { early } = result.settings.alarm;
  const soon = result.bearings.filter(({ alarm }) => alarm.earlyAlarms > 0).length;
  const tail = soon > 0 ? `; on ${soon} of them already in the first ${formatPercent(early)} of life` : '';
  return `A lasting alarm by the end of life on ${alarmed} of ${formatCount(result.bearings.length, 'bearing')}${tail}.`;
};

const alarmSentence = (result: LifeResult): string => {
  const { k, n } = result.settings.alarm;
  const shares = alarmedOf(result).sort((a, b) => a - b);
  const single = formatCount(
    total(result, ({ alarm }) => alarm.falseAlarms),
    'single record',
  );
  const rule = `A detector learnt what is normal from the beginning of each life alone; an alarm lasts where ${k} of ${n} records in a row reach its threshold.`;
  if (shares.length === 0) return `${rule} None did; ${single} reached the threshold.`;
  const span =
    shares.length === 1
      ? `at ${formatPercent(shares[0])} of life`
      : `between ${formatPercent(shares[0])} and ${formatPercent(shares[shares.length - 1])} of life`;
  const left = 1 - shares[shares.length >> 1];
  const warning =
    left < LITTLE_LEFT
      ? ` On half of these bearings ${formatPercent(left)} of life or less was left: hardly a warning.`
      : '';
  return `${rule} The first came ${span}.${warning} Before it, ${single} reached the threshold (false alarms).`;
};

const rulSentence = ({ mean }: LifeResult): string => {
  const { trend, age, constant } = mean.rulScore;
  if (trend.value === null || age.value === null || constant.value === null) {
    return `Remaining life was not predicted: ${trend.value === null ? trend.reason : 'a baseline is undefined'}.`;
  }
  const best = Math.max(age.value, constant.value);
  const verdict =
    trend.value > best
      ? 'The trend says more about the end than they do.'
      : 'The trend does not beat them: nothing should be planned by it.';
  return `Remaining life, learnt from the other bearings, scores ${trend.value.toFixed(3)} of 1 (PHM 2012 challenge); two baselines that listen to nothing score ${age.value.toFixed(3)} (mean life minus age) and ${constant.value.toFixed(3)} (a constant). ${verdict}`;
};

/** Health as the curve of the score report draws it, over hours. */
const reportCurve = ({ curve, threshold, alarm }: BearingResult): ReportCurve => {
  const x = curve.ageSeconds.map((age) => age / HOUR);
  return {
    x,
    xLabel: 'age in h',
    score: [...curve.score],
    smoothed: [...curve.health],
    threshold,
    notes: [],
    ...(alarm.record !== null && { firstAlarm: x[alarm.record] }),
  };
};

const captionOf = ({ alarm, curve, fitted, window, records }: BearingResult): string => {
  const until = formatNumber(curve.ageSeconds[fitted - 1] / HOUR);
  const first =
    alarm.shareOfLife.value === null
      ? `No alarm: ${alarm.shareOfLife.reason}.`
      : `First lasting alarm at ${formatPercent(alarm.shareOfLife.value)} of life.`;
  return `${first} ${formatCount(alarm.falseAlarms, 'false alarm')} before, ${formatCount(alarm.earlyAlarms, 'early alarm')}. The line is health, over ${formatCount(window, 'record')}; behind it the score of every record. Fitted on the first ${fitted} of ${records} records (to ${until} h), which are scored against each other.`;
};

const bearingSection = (one: BearingResult, i: number): Markup => {
  const curve = reportCurve(one);
  return html`<section class="panel" id="bearing-${i}"><h2>${one.bearing}, condition ${one.condition}</h2>
${responsive((width) => curvePlot(curve, width, `life-${i}-${width}`))}
<p class="caption">${captionOf(one)}</p></section>`;
};

const table = (head: readonly string[], rows: readonly (readonly (string | Markup)[])[], caption: string): Markup =>
  html`<div class="table-frame"><table><caption><span>${caption}</span></caption><thead><tr>${head.map((cell, c) => html`<th scope="col" class="${c > 0 && 'number'}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map((cell, c) => (c === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="number">${cell}</td>`))}</tr>`)}</tbody></table></div>`;

const methods = (of: (method: RulMethod) => string): string[] => RUL_METHODS.map(of);

const figuresSection = (result: LifeResult): Markup => {
  const { bearings, mean } = result;
  const head = ['Bearing', 'Records', 'Life, h', 'First alarm', 'False', 'Early', 'Monotonicity'];
  const rows = bearings.map((one, i) => [
    html`<a href="#bearing-${i}">${one.bearing}</a>`,
    String(one.records),
    (one.lifeSeconds / HOUR).toFixed(2),
    percentOf(one.alarm.shareOfLife),
    String(one.alarm.falseAlarms),
    String(one.alarm.earlyAlarms),
    figure(one.monotonicity),
    figure(one.trendability),
    ...methods((method) => figure(one.rulScore[method])),
  ]);
  const means = [
    'Mean',
    '',
    '',
    percentOf(mean.firstAlarm),
    figure(mean.falseAlarms, 1),
    figure(mean.earlyAlarms, 1),
    figure(mean.monotonicity),
    figure(mean.trendability),
    ...methods((method) => figure(mean.rulScore[method])),
  ];
  const reason = mean.firstAlarm.value === null ? ` No mean first alarm: ${mean.firstAlarm.reason}.` : '';
  return html`<section class="panel"><h2>Figures</h2>${table(
    [...head, 'Trendability', ...methods((method) => `RUL ${method}`)],
    [...rows, means],
    `First alarm as a share of life; false alarms before it, and lasting alarms in the early part of life. Monotonicity and trendability of health: 1 rises always, or along a line. RUL: PHM 2012 score of remaining life, 0 to 1, by trend, by age (mean life of the others minus age) and by a constant. Prognosability over the bearings: ${figure(result.prognosability)}.${reason}`,
  )}</section>`;
};

const sharesSection = (result: LifeResult): Markup => {
  const rows = scoresByShare(result).map(({ share, trends, score }) => [
    formatPercent(share),
    `${trends} of ${result.bearings.length}`,
    ...methods((method) => score[method].toFixed(3)),
  ]);
  if (rows.length === 0) return html``;
  return html`<section class="panel"><h2>Remaining life by the share of life known</h2>${table(
    ['Truncated at', 'With a trend', ...methods((method) => `RUL ${method}`)],
    rows,
    'Mean PHM 2012 score over the bearings, each predicted by what the others teach. Without a trend, mean life minus age is predicted.',
  )}</section>`;
};

const aboutSection = ({ encoder, channel, protocol, provenance }: LifeResult): Markup => {
  const entries: Fact[] = [
    ['Encoder', encoder.id],
    ['Channels', channel === 'all' ? 'all' : String(channel + 1)],
    ...(provenance ? [['Command', provenance.command] as const] : []),
  ];
  return html`<section class="panel about"><h2>How it was measured</h2>
${factList(entries)}
<p class="caption">${protocol}.</p></section>`;
};

/**
 * The result of a benchmark over life as one HTML page: a single string without any reference to the outside and
 * without a script. The same result gives the same bytes.
 * @throws InputError if there are no bearings, or a curve holds numbers that are not finite
 * @example
 * await writeFile('life.html', renderLifeReport(result));
 */
export function renderLifeReport(result: LifeResult): string {
  if (result.bearings.length === 0) throw new InputError('renderLifeReport: expected at least 1 bearing, got none');
  for (const { bearing, curve, threshold } of result.bearings) {
    if ([...curve.ageSeconds, ...curve.score, ...curve.health, threshold].every(Number.isFinite)) continue;
    throw new InputError(`renderLifeReport: expected finite numbers in the curve of ${bearing}`);
  }
  const version = result.provenance?.version;
  const title = `Condition over life, ${result.encoder.id}`;
  const body = html`<section class="panel" aria-label="Summary"><h1>${headline(result)}</h1><p>${alarmSentence(result)}</p><p>${rulSentence(result)}</p></section>
${caveats(result.problems)}
${figuresSection(result)}
${sharesSection(result)}
${result.bearings.map(bearingSection)}
${aboutSection(result)}`;
  return renderPage({ title, heading: title, made: version === undefined ? '' : `version ${version}`, version, body });
}
