// What a sound looks like on the page, over one axis of time: its spectrogram, labels, and a row for every quantity.
import type { Labels } from '../../encoders/types.ts';
import { formatHz, formatNumber, formatShare } from '../format.ts';
import type { ReportSpectrogram } from '../types.ts';
import { drawTrace, paintSpectrogram, type Trace } from './draw.ts';
import { type LabelRow, labelRows, labelRuns, type Sound, secondTicks } from './findings.ts';
import type { Normal, Span } from './messages.ts';
import { SERIES_COLOURS } from './palette.ts';
import { STREAM_SECONDS } from './spans.ts';

/** A new element with a class and a text. */
const made = <K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] =>
  Object.assign(document.createElement(tag), { className, textContent: text });

const percent = (share: number): string => `${100 * share}%`;
const seriesOf = (label: number): string => `series-${label % SERIES_COLOURS}`;

type Row = { name: HTMLElement; canvas: HTMLCanvasElement; value: HTMLElement; number: Text; bar: HTMLElement };

function makeRow(series: string, name: string, tall: boolean): Row {
  const kind = tall ? ' tall' : '';
  const canvas = made('canvas', `trace ${series}${kind}`);
  canvas.setAttribute('aria-hidden', 'true');
  const value = made('div', `track-value ${series}${kind}`);
  const [number, bar] = [document.createTextNode(''), made('b', '')];
  value.append(number, ...(tall ? [] : [bar]));
  const label = made('div', `track-name${kind}`, name);
  label.title = name;
  return { name: label, canvas, value, number, bar };
}

/** Below a spectrogram, the labels one after the other. */
function fillLane(lane: HTMLElement, sound: Sound, labels: Labels, span: Span): void {
  const length = span.end - span.start;
  const parts = labelRuns(sound.heard).map(({ start, end, label }) => {
    const name = labels.names[label];
    const share = (end - start) / length;
    // A word needs about 8 pixels a letter; one that does not fit is in the tooltip and in the table.
    const fits = share * lane.clientWidth > 20 + 8 * Math.min(name.length, 5);
    const part = made('span', `${seriesOf(label)}${fits ? '' : ' tight'}`, fits ? name : '');
    part.title = `${formatNumber(start)} to ${formatNumber(end)} s: ${name}`;
    part.style.left = percent((start - span.start) / length);
    part.style.width = percent(share);
    return part;
  });
  lane.replaceChildren(...parts);
  lane.setAttribute('aria-label', parts.map((part) => part.title).join(', ') || 'Labels over time');
}

function makeClock(span: Span, live: boolean, most: number): HTMLElement {
  const clock = made('div', 'clock');
  const length = span.end - span.start;
  const count = most > 3 ? 6 : 3;
  const ticks = live
    ? Array.from({ length: count + 1 }, (_, i) => ({
        at: (i * length) / count,
        text: i === count ? 'now' : `−${(length * (count - i)) / count} s`,
      }))
    : secondTicks(length, most);
  for (const { at, text } of ticks) {
    const tick = made('span', '', text);
    tick.style.left = percent(at / length);
    clock.append(tick);
  }
  return clock;
}

function makeHertz(maxHz: number): HTMLElement {
  const axis = made('div', 'hertz');
  for (const share of [0.25, 0.5, 0.75]) {
    const tick = made('span', '', formatHz(share * maxHz));
    tick.style.bottom = percent(share);
    axis.append(tick);
  }
  return axis;
}

export type Tracks = {
  /** Starts anew. `picture` is of a file; without one the last minute is shown. */
  begin(picture?: ReportSpectrogram): void;
  update(sound: Sound, normal: Normal): void;
};

/** Fills `container`, a grid of three columns: names, pictures over time, values. */
export function createTracks(container: HTMLElement, labels: Labels | undefined): Tracks {
  let rows = new Map<string, Row>();
  let lane: HTMLElement | undefined;
  let clock: HTMLElement = made('div', '');
  let narrow = false;
  let fileSeconds: number | undefined;

  const place = (entries: readonly { key: string; name: string; series: string; tall?: boolean }[]): void => {
    if ([...rows.keys()].join() !== entries.map(({ key }) => key).join()) {
      for (const { name, canvas, value } of rows.values()) for (const part of [name, canvas, value]) part.remove();
      rows = new Map(entries.map(({ key, name, series, tall }) => [key, makeRow(series, name, tall ?? false)]));
      for (const { name, canvas, value } of rows.values()) clock.previousElementSibling?.before(name, canvas, value);
    }
  };

  const paint = (key: string, trace: Trace, text: string, share?: number): HTMLElement | undefined => {
    const row = rows.get(key);
    if (!row) return undefined;
    drawTrace(row.canvas, trace);
    row.number.data = text;
    row.bar.style.setProperty('--at', String(share ?? 0));
    return row.value;
  };

  const paintLabel = ({ label, steps, value, logit }: LabelRow, span: Span): void => {
    const shown = paint(String(label), { steps, span, top: 1 }, formatShare(value), value);
    if (shown) Object.assign(shown.dataset, { label: labels?.names[label], logit: String(logit) });
  };

  const paintDistance = ({ heard, live }: Sound, { limit }: Normal, span: Span): void => {
    const steps = heard.flatMap(({ start, end, distance }) =>
      distance === undefined ? [] : [{ start, end, value: distance }],
    );
    const most = steps.reduce((top, { value }) => Math.max(top, value), 0);
    const trace = {
      ...{ steps, span, top: 1.15 * Math.max(most, 1.4 * (limit ?? 0)) || 1 },
      ...(limit !== undefined && { limit: { value: limit, text: 'normal up to here' } }),
    };
    const last = heard.at(-1)?.distance;
    const shown = paint('distance', trace, live && last !== undefined ? formatNumber(last) : '');
    if (shown) Object.assign(shown.dataset, { distance: String(last) });
  };

  // Texts must not meet on a phone.
  const isNarrow = (): boolean => container.clientWidth < 500;
  const newClock = (): HTMLElement => {
    narrow = isNarrow();
    const span = { start: 0, end: fileSeconds ?? STREAM_SECONDS };
    return makeClock(span, fileSeconds === undefined, narrow ? 3 : 7);
  };

  return {
    begin(picture) {
      rows = new Map();
      fileSeconds = picture?.durationSeconds;
      clock = newClock();
      lane = undefined;
      container.replaceChildren();
      if (picture) {
        const canvas = made('canvas', 'sound');
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', `Spectrogram from 0 to ${formatHz(picture.maxHz)}`);
        paintSpectrogram(canvas, picture);
        container.append(makeHertz(picture.maxHz), canvas, made('div', ''));
      }
      if (picture && labels) {
        lane = made('div', 'lane');
        lane.setAttribute('role', 'img');
        container.append(made('div', ''), lane, made('div', ''));
      }
      container.append(made('div', ''), clock, made('div', ''));
    },
    update(sound, normal) {
      const end = fileSeconds ?? sound.heard.at(-1)?.end ?? 0;
      const span = { start: fileSeconds === undefined ? end - STREAM_SECONDS : 0, end };
      if (narrow !== isNarrow()) {
        const next = newClock();
        clock.replaceWith(next);
        clock = next;
      }
      if (lane && labels) fillLane(lane, sound, labels, span);
      if (labels) {
        const shown = labelRows(sound, labels);
        place(shown.map(({ label, name }) => ({ key: String(label), name, series: seriesOf(label) })));
        for (const row of shown) paintLabel(row, span);
      } else {
        place([{ key: 'distance', name: 'distance', series: seriesOf(0), tall: true }]);
        paintDistance(sound, normal, span);
      }
    },
  };
}
