// The timeline's drawing: uPlot with scores, threshold and alarms, in the colours of the page.
import uPlot from 'uplot';
import type { ApiAlarm, ApiScore } from '../backend/api.ts';
import { columnsOf } from '../downsample.ts';
import { colourOf } from '../theme.ts';

/** Scores against time in seconds, or against their number. */
export type Axis = 'time' | 'order';

export type ChartData = {
  scores: readonly ApiScore[];
  alarms: readonly ApiAlarm[];
  threshold: number;
  /** A threshold that is being tried. */
  trial?: number;
  axis: Axis;
  /** Number of the selected score. */
  selected?: number;
};

export type Chart = {
  show(data: ChartData): void;
  /** Ends of what is seen, on the axis; undefined: all. */
  zoom(range: [number, number] | undefined): void;
  range(): [number, number];
  zoomed(): boolean;
  /** Colours have changed. */
  repaint(): void;
  resize(): void;
  destroy(): void;
};

/** Columns of a wide screen. */
const COLUMNS = 1200;
/** Ratio from which a linear axis would crush the small scores. */
const WIDE = 8;

export const axisValue = (scores: readonly ApiScore[], axis: Axis, i: number): number =>
  axis === 'order' ? i + 1 : scores[i].startMs / 1000;

/** Where an alarm lies on the axis; open ones reach to the end. */
export function alarmSpan({ sinceMs, clearedMs }: ApiAlarm, { scores, axis }: ChartData): [number, number] | undefined {
  if (axis === 'time') return [sinceMs / 1000, clearedMs === undefined ? Number.POSITIVE_INFINITY : clearedMs / 1000];
  const from = scores.findIndex(({ startMs }) => startMs >= sinceMs);
  if (from < 0) return undefined;
  const to = clearedMs === undefined ? -1 : scores.findIndex(({ startMs }) => startMs >= clearedMs);
  return [from + 0.5, to < 0 ? Number.POSITIVE_INFINITY : to + 0.5];
}

/** Times as the reader's locale writes them, the day below where it begins; numbers as they are. */
function ticks(splits: readonly number[], stepSeconds: number, axis: Axis): string[] {
  if (axis === 'order') return splits.map((value) => (Number.isInteger(value) ? String(value) : ''));
  const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
  const year = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });
  if (stepSeconds >= 28 * 86_400) return splits.map((at) => year.format(1000 * at));
  if (stepSeconds >= 86_400) return splits.map((at) => day.format(1000 * at));
  const time = new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    ...(stepSeconds < 60 && { second: '2-digit' }),
  });
  let last = '';
  return splits.map((at) => {
    const now = day.format(1000 * at);
    const text = time.format(1000 * at) + (now === last ? '' : `\n${now}`);
    last = now;
    return text;
  });
}

/** The scores to draw, and whether the axis of scores should be logarithmic. */
function columns({ scores, threshold, trial, axis }: ChartData) {
  const x = scores.map((_, i) => axisValue(scores, axis, i));
  const y = scores.map(({ score }) => score);
  const kept = columnsOf(x, y, COLUMNS);
  const values = [...kept.map((i) => y[i]), threshold, ...(trial === undefined ? [] : [trial])].filter((v) => v > 0);
  const low = Math.min(...values);
  const high = Math.max(...values);
  return { x: kept.map((i) => x[i]), y: kept.map((i) => y[i]), log: high / low >= WIDE, low, high };
}

/** @param onPick number of the score at or next to where the reader clicked */
export function createChart(
  box: HTMLElement,
  first: ChartData,
  onPick: (at: number) => void,
  onZoom: () => void,
): Chart {
  let data = first;
  let drawn = columns(first);
  let view: [number, number] | undefined;
  let plot = build();

  function bounds(): [number, number] {
    const [low, high] = [drawn.x[0] ?? 0, drawn.x[drawn.x.length - 1] ?? 1];
    const room = Math.max((high - low) * 0.015, data.axis === 'order' ? 0.5 : 30);
    return [low - room, high + room];
  }
  function yRange(): [number, number] {
    return drawn.log ? [drawn.low / 1.25, drawn.high * 1.25] : [0, drawn.high * 1.12];
  }

  /** Stretches of alarms, and the part of the plot beyond the threshold. */
  function drawUnder(u: uPlot): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colourOf('anomalous');
    for (const alarm of data.alarms) {
      const span = alarmSpan(alarm, data);
      if (!span) continue;
      const left = u.valToPos(span[0], 'x', true);
      const right = Number.isFinite(span[1]) ? u.valToPos(span[1], 'x', true) : bbox.left + bbox.width;
      ctx.globalAlpha = 0.13;
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), 3 * devicePixelRatio);
    }
    ctx.restore();
  }

  function level(u: uPlot, value: number, colour: string, dash: number[], label: string): void {
    const { ctx, bbox } = u;
    const y = u.valToPos(value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) return;
    const px = devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 1.5 * px;
    ctx.setLineDash(dash.map((length) => length * px));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `600 ${12 * px}px ${getComputedStyle(box).fontFamily}`;
    ctx.textAlign = 'left';
    const above = y - 6 * px;
    ctx.fillText(label, bbox.left + 6 * px, above < bbox.top + 12 * px ? y + 14 * px : above);
  }

  /** Dots for normal scores, triangles for others; a ring around the selected one. */
  function drawOver(u: uPlot): void {
    const { ctx, bbox } = u;
    const px = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 8 * px, bbox.width, bbox.height + 16 * px);
    ctx.clip();
    level(u, data.threshold, colourOf('ink'), [5, 4], 'threshold');
    if (data.trial !== undefined) level(u, data.trial, colourOf('normal'), [2, 3], 'tried');
    const limit = data.trial ?? data.threshold;
    const [from, to] = [u.scales.x.min ?? 0, u.scales.x.max ?? 1];
    const seen = drawn.x.reduce((count, x) => count + (x >= from && x <= to ? 1 : 0), 0);
    const r = (seen > 400 ? 1.6 : seen > 120 ? 2.4 : 3.4) * px;
    const colours = [colourOf('normal'), colourOf('anomalous')];
    for (let i = 0; i < drawn.x.length; i++) {
      if (drawn.x[i] < from || drawn.x[i] > to) continue;
      const [x, y] = [u.valToPos(drawn.x[i], 'x', true), u.valToPos(drawn.y[i], 'y', true)];
      const beyond = drawn.y[i] >= limit;
      ctx.fillStyle = colours[beyond ? 1 : 0];
      ctx.beginPath();
      if (beyond) {
        const s = Math.max(r * 1.5, 3 * px);
        ctx.moveTo(x, y - s);
        ctx.lineTo(x + s, y + s * 0.8);
        ctx.lineTo(x - s, y + s * 0.8);
      } else ctx.arc(x, y, r, 0, 2 * Math.PI);
      ctx.fill();
    }
    if (data.selected !== undefined && data.scores[data.selected]) {
      const x = u.valToPos(axisValue(data.scores, data.axis, data.selected), 'x', true);
      const y = u.valToPos(data.scores[data.selected].score, 'y', true);
      ctx.strokeStyle = colourOf('ink');
      ctx.lineWidth = 1 * px;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, y - 8 * px);
      ctx.moveTo(x, y + 8 * px);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.lineWidth = 2 * px;
      ctx.beginPath();
      ctx.arc(x, y, 8 * px, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.restore();
  }

  function build(): uPlot {
    const axis = (more: uPlot.Axis): uPlot.Axis => ({
      stroke: () => colourOf('soft'),
      font: `12px ${getComputedStyle(box).fontFamily}`,
      grid: { stroke: () => colourOf('faint'), width: 1 },
      ticks: { stroke: () => colourOf('line'), width: 1, size: 5 },
      ...more,
    });
    return new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        padding: [10, 12, 0, 0],
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 6 },
          points: { show: false },
        },
        scales: {
          x: { time: data.axis === 'time', auto: false, range: () => view ?? bounds() },
          y: { distr: drawn.log ? 3 : 1, range: yRange },
        },
        axes: [
          axis({ space: 76, size: 44, values: (_u, splits, _axis, _space, step) => ticks(splits, step, data.axis) }),
          axis({
            size: 46,
            space: 26,
            values: (_u, splits) => splits.map((value) => (value === null ? '' : String(Number(value.toPrecision(3))))),
          }),
        ],
        series: [{}, { stroke: () => colourOf('wave'), width: 1, points: { show: false }, paths: lines() }],
        hooks: {
          drawClear: [drawUnder],
          draw: [drawOver],
          setSelect: [
            (u) => {
              const { left, width } = u.select;
              if (width > 0) {
                view = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')];
                u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                redraw();
                onZoom();
              }
            },
          ],
          ready: [
            (u) => {
              u.over.addEventListener('click', (event) => {
                const at = u.posToVal(event.clientX - u.over.getBoundingClientRect().left, 'x');
                onPick(nearest(at));
              });
              u.over.addEventListener('dblclick', () => {
                view = undefined;
                redraw();
                onZoom();
              });
            },
          ],
        },
      },
      [drawn.x, drawn.y],
      box,
    );
  }
  function lines(): uPlot.Series.PathBuilder | undefined {
    return uPlot.paths.linear?.({ alignGaps: 0 });
  }
  function nearest(at: number): number {
    let best = 0;
    for (let i = 1; i < data.scores.length; i++) {
      const [a, b] = [axisValue(data.scores, data.axis, i), axisValue(data.scores, data.axis, best)];
      if (Math.abs(a - at) < Math.abs(b - at)) best = i;
    }
    return best;
  }
  function redraw(): void {
    plot.setData([drawn.x, drawn.y], true);
    plot.redraw(false, true);
  }

  return {
    show(next) {
      const before = drawn;
      const turned = next.axis !== data.axis;
      if (next.scores !== data.scores || turned || next.trial !== data.trial || next.threshold !== data.threshold) {
        drawn = columns(next);
      }
      data = next;
      if (turned) view = undefined;
      if (turned || drawn.log !== before.log) {
        plot.destroy();
        plot = build();
      } else redraw();
    },
    zoom(range) {
      const [low, high] = bounds();
      // Wider than everything is everything.
      view = range && (range[0] > low || range[1] < high) && range[1] > range[0] ? range : undefined;
      redraw();
    },
    range: () => view ?? bounds(),
    zoomed: () => view !== undefined,
    repaint: () => plot.redraw(false, true),
    resize: () => plot.setSize({ width: box.clientWidth, height: box.clientHeight }),
    destroy: () => plot.destroy(),
  };
}
