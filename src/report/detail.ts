// One recording in full: why it was flagged, its spectrogram with the unusual cells outlined, its waveform, its sound.
import { colourStops } from './colour-map.ts';
import { deviationOverTime, markedDeviation, markedOutline, mostUnusual, overlaySize } from './deviation.ts';
import {
  formatBand,
  formatBandShare,
  formatBands,
  formatDiagnosis,
  formatHz,
  formatNumber,
  formatPValue,
  formatSeconds,
  formatShare,
  topBands,
} from './format.ts';
import { bytesToBase64, html, jsonForScript, type Markup, raw } from './html.ts';
import { rowLabel } from './row-label.ts';
import { coordinate, linearTicks } from './scale.ts';
import type { ReportData, ReportDetail, ReportRow } from './types.ts';
import { rankSentence } from './verdict.ts';

/** What the browser draws a spectrogram from; inside each detail, so that it is decoded only when that is opened. */
export type FigureData = {
  frames: number;
  bins: number;
  startSeconds: number;
  durationSeconds: number;
  maxHz: number;
  dbRange: [number, number];
  /** Base64 of `[frames, bins]` bytes. */
  values: string;
  /** Base64 of little-endian float32 `[frames, bands]`, and the bands' edges in Hz. */
  deviation?: { frames: number; bands: [number, number][]; values: string };
};

const figureData = (detail: ReportDetail, row: ReportRow): FigureData => {
  const { frames, bins, durationSeconds, maxHz, dbRange, values } = detail.spectrogram;
  const data = { frames, bins, startSeconds: row.startSeconds, durationSeconds, maxHz, dbRange };
  const { deviation } = detail;
  if (!deviation) return { ...data, values: bytesToBase64(values) };
  const { buffer, byteOffset, byteLength } = deviation.values;
  return {
    ...data,
    values: bytesToBase64(values),
    deviation: {
      frames: deviation.frames,
      bands: deviation.bands.map((band) => [band.lowHz, band.highHz]),
      values: bytesToBase64(new Uint8Array(buffer, byteOffset, byteLength)),
    },
  };
};

const percent = (share: number): string => `${Math.round(share * 10_000) / 100}%`;

/** Seconds, milliseconds or minutes: whichever keeps the numbers along the axis short. */
const timeUnit = (seconds: number): { unit: string; perSecond: number } => {
  if (seconds < 0.5) return { unit: 'ms', perSecond: 1000 };
  return seconds > 600 ? { unit: 'min', perSecond: 1 / 60 } : { unit: 's', perSecond: 1 };
};

const timeAxis = (start: number, length: number): Markup => {
  const { unit, perSecond } = timeUnit(length);
  const ticks = linearTicks(start * perSecond, (start + length) * perSecond, 8).map(
    (tick) => html`<span style="left:${percent((tick / perSecond - start) / length)}">${formatNumber(tick, 5)}</span>`,
  );
  return html`<div class="x-axis" aria-hidden="true">${ticks}</div><div class="unit time-unit" aria-hidden="true">${unit}</div>`;
};

const frequencyAxis = (maxHz: number): Markup => {
  const divisor = maxHz >= 2000 ? 1000 : 1;
  const ticks = linearTicks(0, maxHz / divisor, 6).map(
    (tick) => html`<span style="bottom:${percent((tick * divisor) / maxHz)}">${formatNumber(tick)}</span>`,
  );
  return html`<div class="y-axis frequency" aria-hidden="true">${ticks}</div>`;
};

/** Bars at the height of their bands, as long as their shares; the largest are labelled where there is room. */
const bandBars = (row: ReportRow, maxHz: number): Markup => {
  const bands = topBands(row.bands, row.bands?.length ?? 0).filter((band) => band.lowHz < maxHz);
  if (bands.length === 0) return html``;
  const bars = bands.map((band) => {
    const top = (1 - Math.min(band.highHz, maxHz) / maxHz) * overlaySize;
    const height = Math.max(4, (1 - band.lowHz / maxHz) * overlaySize - top - 2);
    const width = (band.share / bands[0].share) * 100;
    return html`<rect x="0" y="${coordinate(top)}" width="${coordinate(width)}" height="${coordinate(height)}"><title>${formatBand(band.lowHz, band.highHz)}: ${formatShare(band.share)}</title></rect>`;
  });
  const places: number[] = [];
  const labels = bands.slice(0, 6).map((band) => {
    const place = (band.lowHz + Math.min(band.highHz, maxHz)) / (2 * maxHz);
    if (places.some((other) => Math.abs(other - place) < 0.06)) return html``;
    places.push(place);
    return html`<span style="bottom:${percent(place)}">${formatShare(band.share)}</span>`;
  });
  return html`<div class="bands" role="img" aria-label="Share of the distance by frequency: ${formatBands(row.bands, 5)}">
<svg viewBox="0 0 100 ${overlaySize}" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>${labels}</div>`;
};

/** The largest deviation at each moment, as a filled line with the marking level drawn in. */
const deviationStrip = (deviation: NonNullable<ReportDetail['deviation']>): Markup => {
  const series = deviationOverTime(deviation);
  const roof = series.reduce((most, value) => Math.max(most, value), 2 * markedDeviation);
  const y = (value: number) => coordinate((1 - value / roof) * overlaySize);
  const step = overlaySize / series.length;
  const line = [...series].map((value, i) => `V${y(value)}H${coordinate((i + 1) * step)}`).join('');
  return html`<div class="y-axis strip-axis" aria-hidden="true"><span style="bottom:100%">${formatNumber(roof, 2)}</span><span style="bottom:${percent(markedDeviation / roof)}">${markedDeviation}</span></div>
<div class="track strip"><svg viewBox="0 0 ${overlaySize} ${overlaySize}" preserveAspectRatio="none" role="img" aria-label="Largest deviation from normal at each moment, in standard deviations"><path class="strip-area" d="M0 ${overlaySize}${line}V${overlaySize}Z"/><path class="strip-level" d="M0 ${y(markedDeviation)}H${overlaySize}"/></svg></div>
<div class="unit" aria-hidden="true">SD, peak</div>`;
};

const waveform = (wave: ReportDetail['waveform']): Markup => {
  const { min, max, unit } = wave;
  // An all-zero recording has no peak; any positive number draws its flat line.
  const peak = Math.max(...max.map(Math.abs), ...min.map(Math.abs)) || 1;
  const y = (value: number) => coordinate((0.5 - (value / peak) * 0.48) * overlaySize);
  const x = (i: number) => coordinate((i / Math.max(1, max.length - 1)) * overlaySize);
  const upper = [...max].map((value, i) => `${x(i)} ${y(value)}`);
  const lower = [...min].map((value, i) => `${x(i)} ${y(value)}`).reverse();
  return html`<div class="y-axis wave-axis" aria-hidden="true"><span style="bottom:98%">${formatNumber(peak, 2)}</span><span style="bottom:50%">0</span><span style="bottom:2%">${formatNumber(-peak, 2)}</span></div>
<div class="track wave"><svg viewBox="0 0 ${overlaySize} ${overlaySize}" preserveAspectRatio="none" role="img" aria-label="Waveform, peak ${formatNumber(peak, 2)} ${unit}"><path class="wave-area" d="M${[...upper, ...lower].join('L')}Z"/></svg></div>
<div class="unit" aria-hidden="true">${unit}</div>`;
};

const figure = (detail: ReportDetail, row: ReportRow, id: string): Markup => {
  const { spectrogram, deviation } = detail;
  const { frames, bins, maxHz, durationSeconds, dbRange } = spectrogram;
  const gradient = colourStops.map((stop) => `rgb(${stop.join(' ')})`).join(',');
  const outline = deviation ? markedOutline(deviation, maxHz) : '';
  const marks = html`<svg class="marks" viewBox="0 0 ${overlaySize} ${overlaySize}" preserveAspectRatio="none" aria-hidden="true"><path class="halo" d="${outline}"/><path d="${outline}"/></svg>`;
  const toggle = html`<label class="screen-only"><input type="checkbox" class="marks-toggle" checked> outline cells beyond ${markedDeviation} SD</label><span class="print-only">outlined: beyond ${markedDeviation} SD from normal</span>`;
  const picture = `Spectrogram of ${rowLabel(row)}: ${formatSeconds(durationSeconds)}, 0 to ${formatHz(maxHz)}`;
  return html`<figure class="figure${row.bands?.length ? '' : ' without-bands'}" data-figure="${id}">
<figcaption class="legend"><span class="colour-bar">${formatNumber(dbRange[0])}<i style="background:linear-gradient(90deg,${gradient})"></i>${formatNumber(dbRange[1])} dB</span>
${deviation ? (outline ? toggle : html`<span>no cell beyond ${markedDeviation} SD from normal</span>`) : html``}
<output class="readout screen-only"></output></figcaption>
<div class="panels">
<div class="unit top-unit" aria-hidden="true">${maxHz >= 2000 ? 'kHz' : 'Hz'}</div><div class="bands-title" aria-hidden="true">${row.bands?.length ? 'share of distance' : ''}</div>
${frequencyAxis(maxHz)}
<div class="track spectrogram"><canvas width="${frames}" height="${bins}" role="img" aria-label="${picture}"></canvas>${outline ? marks : html``}</div>
${bandBars(row, maxHz)}
${deviation ? deviationStrip(deviation) : html``}
${waveform(detail.waveform)}
${timeAxis(row.startSeconds, durationSeconds)}
</div>
<script type="application/json" class="figure-data">${jsonForScript(figureData(detail, row))}</script>
</figure>`;
};

/** The bands with the largest shares, each kept on one line. */
const bandList = (bands: ReportRow['bands'], count: number): Markup =>
  html`${topBands(bands, count).map((band, i) => html`${i > 0 && ', '}<span class="whole">${formatBandShare(band)}</span>`)}`;

const fact = (name: string, value: string | Markup): Markup => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const facts = (detail: ReportDetail, row: ReportRow, data: ReportData): Markup => {
  const { scores, threshold } = data.calibration;
  const times = threshold > 0 ? `, ${formatNumber(row.score / threshold)} × the threshold` : '';
  const { deviation, nearest } = detail;
  const peak = deviation && mostUnusual(deviation);
  const moment = peak && row.startSeconds + peak.time * detail.spectrogram.durationSeconds;
  return html`<dl class="facts">
${fact('Score', `${formatNumber(row.score)}${times}; ${rankSentence(row.score, scores)}`)}
${row.bands?.length ? fact('Where', bandList(row.bands, 3)) : html``}
${peak && moment !== undefined ? fact('Most unusual', html`${formatNumber(peak.deviation, 2)} SD at ${formatSeconds(moment)}, <span class="whole">${formatBand(peak.band.lowHz, peak.band.highHz)}</span>`) : html``}
${row.diagnosis ? fact('Diagnosis', formatDiagnosis(row.diagnosis)) : html``}
${nearest ? fact('Closest normal', `${nearest.file} at ${formatSeconds(nearest.startSeconds)}, distance ${formatNumber(nearest.distance)}`) : html``}
${row.truth === undefined ? html`` : fact('Known label', row.truth)}
</dl>`;
};

const player = (detail: ReportDetail, row: ReportRow): Markup => {
  const { audio } = detail;
  if (!audio) return html``;
  const note = [audio.note, formatHz(audio.sampleRate)].filter(Boolean).join(', ');
  return html`<p class="player"><audio controls preload="metadata" aria-label="Listen to ${rowLabel(row)}" src="data:audio/wav;base64,${audio.wavBase64}"></audio><span>${note}</span></p>`;
};

/** The section of the detail with number `i`; the first is open. */
export const detailSection = (data: ReportData, i: number): Markup => {
  const detail = data.details[i];
  const row = data.rows[detail.row];
  const word = row.verdict === 'anomalous' ? 'not normal' : 'normal';
  return html`<details class="detail ${row.verdict}" id="detail-${i}"${i === 0 && raw(' open')}>
<summary><h3>${rowLabel(row)}</h3><span class="verdict-word ${row.verdict}">${word}</span><span class="summary-score">score ${formatNumber(row.score)} · p ${formatPValue(row.pValue).replace(/^(?=\d)/, '= ')}</span></summary>
<div class="detail-body">${facts(detail, row, data)}
${figure(detail, row, String(i))}
${player(detail, row)}
<p class="back screen-only"><a href="#recordings">Back to the table</a></p></div>
</details>`;
};
