// The score over time or over a machine's life: threshold, what lies above it, and the first alarm.
import { formatNumber } from './format.ts';
import { html, type Markup } from './html.ts';
import { coordinate, fitScale, linearTicks, type Scale } from './scale.ts';
import type { ReportCurve } from './types.ts';

const height = 300;
const plotTop = 30;
const plotBottom = height - 50;

export type CurveGeometry = {
  x(value: number): number;
  y: Scale;
  xTicks: number[];
  left: number;
  right: number;
};

/** Scales of the plot, in pixels. The score's axis is logarithmic when it spans a wide range. */
export const curveGeometry = (curve: ReportCurve, width: number): CurveGeometry => {
  const [left, right] = [54, width - 14];
  const [first, last] = [curve.x[0], curve.x[curve.x.length - 1]];
  const span = last - first || 1;
  return {
    left,
    right,
    x: (value) => left + ((value - first) / span) * (right - left),
    y: fitScale([...curve.score, ...(curve.smoothed ?? []), curve.threshold], plotBottom, plotTop, 6),
    xTicks: last > first ? linearTicks(first, last, Math.floor(width / 110)) : [first],
  };
};

/**
 * A line through more points than pixels: of every stretch of `points / limit` points only the lowest and the highest
 * remain, in their order, so that no peak is lost.
 */
export const thinLine = (points: readonly [number, number][], limit: number): [number, number][] => {
  if (points.length <= limit) return [...points];
  const stretch = Math.ceil((2 * points.length) / limit);
  const kept: [number, number][] = [];
  for (let i = 0; i < points.length; i += stretch) {
    const part = points.slice(i, i + stretch);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
};

const pathOf = (curve: ReportCurve, values: readonly number[], geometry: CurveGeometry, limit: number): string => {
  const points = values.map((value, i): [number, number] => [geometry.x(curve.x[i]), geometry.y.position(value)]);
  return `M${thinLine(points, limit)
    .map(([x, y]) => `${coordinate(x)} ${coordinate(y)}`)
    .join('L')}`;
};

const alarmMark = (curve: ReportCurve, geometry: CurveGeometry): Markup => {
  if (curve.firstAlarm === undefined) return html``;
  const x = geometry.x(curve.firstAlarm);
  const anchor = x > (geometry.left + geometry.right) / 2 ? 'end' : 'start';
  return html`<path class="alarm" d="M${coordinate(x)} ${plotTop - 8}V${plotBottom}"/>
<path class="mark anomalous" d="M${coordinate(x - 6)} ${plotTop - 14}h12l-6 10z"/>
<text class="alarm-label" x="${coordinate(x + (anchor === 'end' ? -11 : 11))}" y="${plotTop - 8}" text-anchor="${anchor}">first alarm at ${formatNumber(curve.firstAlarm, 4)}</text>`;
};

/** The plot as SVG, `width` pixels wide. `id` keeps the clip paths of several plots on one page apart. */
export const curvePlot = (curve: ReportCurve, width: number, id: string): Markup => {
  const geometry = curveGeometry(curve, width);
  const { left, right, y } = geometry;
  const thresholdY = y.position(curve.threshold);
  const main = pathOf(curve, curve.smoothed ?? curve.score, geometry, width * 2);
  const yGrid = y.ticks.map(
    (tick) =>
      html`<path class="grid" d="M${left} ${coordinate(y.position(tick))}H${right}"/><text class="tick-y" x="${left - 8}" y="${coordinate(y.position(tick) + 4)}">${formatNumber(tick)}</text>`,
  );
  const xGrid = geometry.xTicks.map(
    (tick) =>
      html`<path class="axis" d="M${coordinate(geometry.x(tick))} ${plotBottom}v5"/><text class="tick" x="${coordinate(geometry.x(tick))}" y="${plotBottom + 19}">${formatNumber(tick, 6)}</text>`,
  );
  const alarm = curve.firstAlarm === undefined ? 'no alarm' : `first alarm at ${formatNumber(curve.firstAlarm, 4)}`;
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="Score over ${curve.xLabel}: threshold ${formatNumber(curve.threshold)}, ${alarm}.">
<defs><clipPath id="${id}-above"><rect x="${left}" y="0" width="${right - left}" height="${coordinate(thresholdY)}"/></clipPath><clipPath id="${id}-below"><rect x="${left}" y="${coordinate(thresholdY)}" width="${right - left}" height="${coordinate(height - thresholdY)}"/></clipPath></defs>
<rect class="beyond" x="${left}" y="${plotTop}" width="${right - left}" height="${coordinate(Math.max(0, thresholdY - plotTop))}"/>
${yGrid}${xGrid}
<path class="axis" d="M${left} ${plotTop}V${plotBottom}H${right}"/>
${curve.smoothed ? html`<path class="curve-raw" d="${pathOf(curve, curve.score, geometry, width * 2)}"/>` : html``}
<path class="curve normal" clip-path="url(#${id}-below)" d="${main}"/><path class="curve anomalous" clip-path="url(#${id}-above)" d="${main}"/>
<path class="threshold" d="M${left} ${coordinate(thresholdY)}H${right}"/>
<text class="threshold-label" x="${left + 6}" y="${coordinate(thresholdY - 6)}">threshold ${formatNumber(curve.threshold)}</text>
${alarmMark(curve, geometry)}
<text class="axis-label" x="${(left + right) / 2}" y="${height - 8}">${curve.xLabel} →</text>
<text class="axis-label" transform="translate(13 ${(plotTop + plotBottom) / 2}) rotate(-90)">score${y.log ? ' (log)' : ''}</text>
</svg>`;
};
