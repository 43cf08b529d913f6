// The verdict as a picture: where the scored recordings lie against the normal scores and the threshold.
import { formatNumber, formatPercent, groupThousands } from './format.ts';
import { html, type Markup, raw } from './html.ts';
import { rowLabel } from './row-label.ts';
import { coordinate, fitScale, type Scale } from './scale.ts';
import type { ReportData, Verdict } from './types.ts';
import { scoredRows } from './verdict.ts';

export type DistributionGeometry = {
  width: number;
  height: number;
  left: number;
  top: number;
  scale: Scale;
  /** Few normal scores: one dot each, `[x, y]`, stacked where they would overlap. */
  dots: [x: number, y: number][];
  /** Many: a histogram over equal stretches of the axis. */
  bars: { x: number; width: number; height: number; count: number }[];
  /** Base lines, top to bottom: normal scores, anomalous rows, normal rows, axis. */
  lanes: { normalScores: number; anomalous: number; normal: number };
  thresholdX: number;
  marks: { x: number; verdict: Verdict; row: number }[];
};

const dotRadius = 4;
/** From this many normal scores on, a histogram says more than dots. */
const histogramFrom = 60;
const distributionHeight = 120;
/** From this width on, the lanes' names stand to the left of them; below, above them. */
const gutterFrom = 700;
const right = 14;

/** Places the normal scores as dots: each on the lowest level where it covers no other. `xs` ascends. */
const stackDots = (xs: readonly number[], base: number, top: number): [number, number][] => {
  const lastOnLevel: number[] = [];
  return xs.map((x) => {
    let level = lastOnLevel.findIndex((last) => x - last >= 2 * dotRadius);
    if (level < 0) level = lastOnLevel.length;
    lastOnLevel[level] = x;
    // Identical scores would grow through the roof: the topmost level takes the rest.
    const y = Math.max(top + dotRadius, base - dotRadius - level * (2 * dotRadius + 1));
    return [x, y];
  });
};

/** Number of bars by Freedman and Diaconis (1981): width 2 IQR n^(-1/3); between 8 and 60. `xs` ascends. */
const barCount = (xs: readonly number[]): number => {
  const quartile = (share: number) => xs[Math.floor(share * (xs.length - 1))];
  const width = (2 * (quartile(0.75) - quartile(0.25))) / Math.cbrt(xs.length);
  const span = xs[xs.length - 1] - xs[0];
  return width > 0 ? Math.min(60, Math.max(8, Math.ceil(span / width))) : 8;
};

const histogram = (xs: readonly number[]): DistributionGeometry['bars'] => {
  const count = barCount(xs);
  const first = xs[0];
  // All scores alike: one bar of visible width.
  const width = Math.max(4, xs[xs.length - 1] - first) / count;
  const counts = new Array<number>(count).fill(0);
  for (const x of xs) counts[Math.min(count - 1, Math.floor((x - first) / width))] += 1;
  const highest = Math.max(...counts);
  return counts
    .map((n, i) => ({ x: first + i * width, width, height: (n / highest) * (distributionHeight - 16), count: n }))
    .filter((bar) => bar.count > 0);
};

/** Where everything goes, in pixels, for a plot `width` pixels wide. */
export const distributionGeometry = (
  data: Pick<ReportData, 'rows' | 'calibration'>,
  width: number,
): DistributionGeometry => {
  const { calibration } = data;
  const gutter = width >= gutterFrom;
  const [left, top, laneHeight] = gutter ? [190, 34, 34] : [14, 56, 46];
  const scores = [...calibration.scores, calibration.threshold, ...scoredRows(data.rows).map((row) => row.score)];
  const scale = fitScale(scores, left, width - right, Math.floor(width / 100));
  const xs = calibration.scores.map(scale.position);
  const normalScores = top + distributionHeight;
  const lanes = { normalScores, anomalous: normalScores + laneHeight, normal: normalScores + 2 * laneHeight };
  const many = xs.length >= histogramFrom;
  return {
    width,
    height: lanes.normal + 46,
    left,
    top,
    scale,
    dots: many ? [] : stackDots(xs, normalScores, top),
    bars: many ? histogram(xs) : [],
    lanes,
    thresholdX: scale.position(calibration.threshold),
    marks: data.rows.flatMap((row, i) =>
      row.error === undefined ? [{ x: scale.position(row.score), verdict: row.verdict, row: i }] : [],
    ),
  };
};

/** Thousands of marks become one path of lines, one per pixel, the longer the more marks fall there. */
const crowdPath = (xs: readonly number[], base: number): string => {
  const counts = new Map<number, number>();
  for (const x of xs) counts.set(Math.round(x), (counts.get(Math.round(x)) ?? 0) + 1);
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b));
  const height = (count: number) => coordinate(5 + 19 * Math.sqrt(count / most));
  return [...counts].map(([x, count]) => `M${x} ${base - 1}v-${height(count)}`).join('');
};

/** Marks are single shapes with a tooltip while there are no more than a few hundred. */
const marksOf = (data: Pick<ReportData, 'rows'>, geometry: DistributionGeometry, verdict: Verdict): Markup => {
  const base = geometry.lanes[verdict];
  const marks = geometry.marks.filter((mark) => mark.verdict === verdict);
  const shape = (x: number) =>
    verdict === 'anomalous'
      ? `M${coordinate(x)} ${base - 15}l6 11h-12z`
      : `M${coordinate(x - 4.5)} ${base - 9}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z`;
  if (marks.length > 300) {
    return html`<path class="mark ${verdict} crowd" d="${crowdPath(
      marks.map((mark) => mark.x),
      base,
    )}"/>`;
  }
  const detailOfMark = (row: number) => `${rowLabel(data.rows[row])}: ${formatNumber(data.rows[row].score)}`;
  const shapes = marks.map(
    (mark) => html`<path class="mark ${verdict}" d="${shape(mark.x)}"><title>${detailOfMark(mark.row)}</title></path>`,
  );
  return html`${shapes}`;
};

const laneLabel = (y: number, text: string): Markup => html`<text class="lane-label" x="0" y="${y}">${text}</text>`;

/** The plot as SVG, `width` pixels wide. Normal scores above, the scored rows in two lanes below, the threshold through all. */
export const distributionPlot = (data: Pick<ReportData, 'rows' | 'calibration'>, width: number): Markup => {
  const geometry = distributionGeometry(data, width);
  const { scale, lanes, thresholdX, height, left, top } = geometry;
  const { calibration } = data;
  const axisY = lanes.normal;
  const anomalous = geometry.marks.filter((mark) => mark.verdict === 'anomalous').length;
  const normal = geometry.marks.length - anomalous;
  const toTheLeft = thresholdX > width / 2;
  const thresholdText = `threshold ${formatNumber(calibration.threshold)} · ${formatPercent(calibration.falseAlarmRate)} false alarms`;
  const description = `Distribution of ${calibration.scores.length} normal scores, threshold at ${formatNumber(calibration.threshold)}; ${anomalous} scored recordings above it, ${normal} below.`;
  const names = [
    `normal recordings (${groupThousands(calibration.scores.length)})`,
    `scored: not normal (${groupThousands(anomalous)})`,
    `scored: normal (${groupThousands(normal)})`,
  ];
  const beside = [lanes.normalScores - distributionHeight / 2, lanes.anomalous - 5, lanes.normal - 5];
  const above = [top - 10, lanes.normalScores + 16, lanes.anomalous + 16];
  const labels = names.map((name, i) => laneLabel((width >= gutterFrom ? beside : above)[i], name));
  const grid = scale.ticks.map((tick) => {
    const x = coordinate(scale.position(tick));
    return html`<path class="grid" d="M${x} ${top}V${axisY}"/><text class="tick" x="${x}" y="${axisY + 17}">${formatNumber(tick)}</text>`;
  });
  const bars = geometry.bars.map(
    (bar) =>
      html`<rect class="bar" x="${coordinate(bar.x + 0.5)}" y="${coordinate(lanes.normalScores - bar.height)}" width="${coordinate(Math.max(1, bar.width - 1))}" height="${coordinate(bar.height)}"><title>${groupThousands(bar.count)} normal scores</title></rect>`,
  );
  const dots = geometry.dots.map(
    ([x, y], i) =>
      html`<circle class="dot" cx="${coordinate(x)}" cy="${coordinate(y)}" r="${dotRadius}"><title>normal: ${formatNumber(calibration.scores[i])}</title></circle>`,
  );
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
<rect class="beyond" x="${coordinate(thresholdX)}" y="${top}" width="${coordinate(Math.max(0, width - right - thresholdX))}" height="${axisY - top}"/>
${grid}${bars}${dots}
<path class="axis" d="M${left} ${lanes.normalScores}H${width - right}"/><path class="axis" d="M${left} ${axisY}H${width - right}"/>
${marksOf(data, geometry, 'anomalous')}${marksOf(data, geometry, 'normal')}
<path class="threshold" d="M${coordinate(thresholdX)} ${top - 6}V${axisY}"/>
<text class="threshold-label" x="${coordinate(thresholdX)}" y="${width >= gutterFrom ? top - 13 : 16}" text-anchor="${toTheLeft ? 'end' : 'start'}">${thresholdText}</text>
${labels}
<text class="axis-label" x="${(left + width - right) / 2}" y="${height - 8}">${raw(scale.log ? 'score (logarithmic): distance from normal' : 'score: distance from normal')} →</text>
</svg>`;
};
