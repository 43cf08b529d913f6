// One chart of a training run as SVG: steps along, one line per number, the raw one faint behind the smoothed.
import { formatNumber, groupThousands } from './format.ts';
import { html, type Markup } from './html.ts';
import { coordinate, linearTicks, logTicks, type Scale } from './scale.ts';
import type { ChartAxis, TrainingChart, TrainingSeries } from './training-curves.ts';

const height = 260;
const plotTop = 12;
const plotBottom = height - 44;
/** Room for the labels: text is larger where a wide plot is shown on a smaller screen. */
const leftOf = (width: number): number => (width < 500 ? 80 : 96);

/** Lines of one chart are told apart by colour and by dashes. */
export const LINE_STYLES = 6;

/** Few points are shown as such. */
const DOTTED = 60;

/** Ratio of the largest to the smallest value from which a fitting axis is logarithmic. */
const WIDE_RANGE = 8;

/** The axis of values, with 4 % of room on both sides. Values of which one has no logarithm get a linear one. */
const valueScale = (values: readonly number[], axis: ChartAxis): Scale => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  const log = least > 0 && (axis === 'log' || (axis === 'fitting' && most / least >= WIDE_RANGE));
  const forward = (value: number) => (log ? Math.log10(value) : value);
  const span = forward(most) - forward(least);
  // One value alone gets a range around itself; differences that are rounding errors are none.
  const size = Math.max(Math.abs(most), Math.abs(least));
  const room = span > (log ? 1e-9 : size * 1e-9) ? span * 0.04 : log ? 0.1 : size * 0.1 || 1;
  const [bottom, top] = [forward(least) - room, forward(most) + room];
  const [low, high] = log ? [10 ** bottom, 10 ** top] : [bottom, top];
  const logarithmic = log ? logTicks(low, high, 5) : [];
  return {
    log,
    low,
    high,
    // Less than a decade may hold none of the round numbers.
    ticks: logarithmic.length > 1 ? logarithmic : linearTicks(low, high, 5),
    position: (value) => plotBottom - ((forward(value) - bottom) / (top - bottom)) * (plotBottom - plotTop),
  };
};

/** Ticks with as many decimals as tell them apart; of very small or large numbers, with a power of ten. */
const tickText = (ticks: readonly number[]): ((tick: number) => string) => {
  const size = Math.max(...ticks.map(Math.abs));
  if (size < 0.005 || size >= 1e6) return (tick) => (tick === 0 ? '0' : powerText(tick));
  // One digit each, as on a logarithmic axis.
  if (ticks.every((tick) => /^[125]e/.test(tick.toExponential()))) {
    return (tick) => (tick < 0.001 ? powerText(tick) : groupThousands(tick));
  }
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : size;
  const decimals = Math.min(12, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
  return (tick) => (size >= 1e4 && decimals === 0 ? groupThousands(tick) : tick.toFixed(decimals)).replace('-', '−');
};

const powerText = (tick: number): string =>
  String(Number(tick.toPrecision(6)).toExponential())
    .replace('+', '')
    .replace(/-/g, '−');

export type ChartGeometry = {
  left: number;
  right: number;
  first: number;
  last: number;
  x(step: number): number;
  y: Scale;
};

export const chartGeometry = ({ series, axis }: TrainingChart, width: number): ChartGeometry => {
  const values = series.flatMap(({ raw }) => raw);
  const steps = series.flatMap(({ x }) => [x[0], x[x.length - 1]]);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const [left, right] = [leftOf(width), width - 30];
  return {
    left,
    right,
    first,
    last,
    // A single step stands in the middle.
    x: (step) => (last > first ? left + ((step - first) / (last - first)) * (right - left) : (left + right) / 2),
    y: valueScale(values, axis),
  };
};

const pathOf = (x: readonly number[], values: readonly number[], geometry: ChartGeometry): string =>
  `M${x.map((step, i) => `${coordinate(geometry.x(step))} ${coordinate(geometry.y.position(values[i]))}`).join('L')}`;

const lines = ({ x, raw, smoothed }: TrainingSeries, i: number, geometry: ChartGeometry): Markup => {
  const kind = `line-${i % LINE_STYLES}`;
  const dots = x.length <= DOTTED ? x.map((step, j) => [geometry.x(step), geometry.y.position(raw[j])]) : [];
  return html`${smoothed !== undefined && html`<path class="run-raw ${kind}" d="${pathOf(x, raw, geometry)}"/>`}
<path class="run-line ${kind}" d="${pathOf(x, smoothed ?? raw, geometry)}"/>
${dots.map(([cx, cy]) => html`<circle class="run-dot ${kind}" cx="${coordinate(cx)}" cy="${coordinate(cy)}" r="2.6"/>`)}`;
};

const stepText = (step: number): string => (Number.isInteger(step) ? groupThousands(step) : formatNumber(step));

/** The chart, `width` pixels wide. What the script needs to turn a place into a step is in its data attributes. */
export const trainingPlot = (chart: TrainingChart, width: number): Markup => {
  const geometry = chartGeometry(chart, width);
  const { left, right, y, first, last } = geometry;
  const xTicks = last > first ? linearTicks(first, last, Math.floor(width / 110)).filter(Number.isInteger) : [first];
  const valueText = tickText(y.ticks);
  const yGrid = y.ticks.map(
    (tick) =>
      html`<path class="grid" d="M${left} ${coordinate(y.position(tick))}H${right}"/><text class="tick-y" x="${left - 8}" y="${coordinate(y.position(tick) + 4)}">${valueText(tick)}</text>`,
  );
  const xGrid = xTicks.map(
    (tick) =>
      html`<path class="axis" d="M${coordinate(geometry.x(tick))} ${plotBottom}v5"/><text class="tick" x="${coordinate(geometry.x(tick))}" y="${plotBottom + 19}">${stepText(tick)}</text>`,
  );
  return html`<svg class="plot run-plot" viewBox="0 0 ${width} ${height}" tabindex="0" role="img" aria-label="${chart.title} over steps ${stepText(first)} to ${stepText(last)}; arrow keys move along it." data-left="${left}" data-right="${right}" data-first="${first}" data-last="${last}">
${yGrid}${xGrid}
${chart.series.map((series, i) => lines(series, i, geometry))}
<path class="axis" d="M${left} ${plotTop}V${plotBottom}H${right}"/>
<path class="cursor" d="M0 ${plotTop}V${plotBottom}" visibility="hidden"/>
<text class="axis-label" x="${(left + right) / 2}" y="${height - 6}">step →</text>
<text class="axis-label" transform="translate(12 ${(plotTop + plotBottom) / 2}) rotate(-90)">${chart.title.toLowerCase()}${y.log ? ' (log)' : ''}</text>
</svg>`;
};
