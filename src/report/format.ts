// Numbers as a reader wants them: scores, p-values, frequencies, times and shares. Used by the HTML and the terminal report.
import type { BandShare, ReportRow } from './types.ts';

/** A number with `digits` significant digits, without needless zeros and with a true minus sign; exponents only when far from 1. */
export const formatNumber = (value: number, digits = 3): string => {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace(/-/g, '−');
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return withMinus(trimZeros(value.toFixed(decimals)));
};

/**
 * How scores of one table are written: with as many decimals as give `reference` (the threshold, or a typical score)
 * three significant digits, so that a column lines up: `0.820`, `12.341`.
 */
export const scoreFormat = (reference: number): ((score: number) => string) => {
  const size = Math.abs(reference);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return (score) => formatNumber(score);
  const decimals = size === 0 ? 3 : Math.max(0, 2 - Math.floor(Math.log10(size)));
  return (score) => withMinus(score.toFixed(decimals));
};

/** `< 0.001` below that; three decimals below 0.1, two above. */
export const formatPValue = (pValue: number): string => {
  if (pValue < 0.001) return '< 0.001';
  return pValue < 0.0995 ? pValue.toFixed(3) : pValue.toFixed(2);
};

/** A rate 0..1 as per cent, with up to three significant digits: `1 %`, `0.25 %`. */
export const formatPercent = (share: number): string => `${formatNumber(share * 100)} %`;

/** A share 0..1 as whole per cent; `< 1 %` for little. */
export const formatShare = (share: number): string =>
  share > 0 && share < 0.005 ? '< 1 %' : `${Math.round(share * 100)} %`;

/** A frequency: `850 Hz`, `2.9 kHz`. */
export const formatHz = (hz: number): string =>
  hz < 1000 ? `${formatNumber(Math.round(hz * 10) / 10)} Hz` : `${formatNumber(hz / 1000)} kHz`;

/** A band: `400–850 Hz`, `2.9–3.5 kHz`; with one decimal more where the edges lie close together. */
export const formatBand = (lowHz: number, highHz: number): string => {
  const kilo = highHz >= 2000 || lowHz >= 1000;
  const divisor = kilo ? 1000 : 1;
  const width = (highHz - lowHz) / divisor;
  const decimals = kilo ? (width < 0.3 ? 2 : 1) : width < 3 ? 1 : 0;
  const edge = (hz: number) => trimZeros((hz / divisor).toFixed(decimals));
  return `${edge(lowHz)}–${edge(highHz)} ${kilo ? 'kHz' : 'Hz'}`;
};

/** A length or a moment in seconds: `24 ms`, `3.2 s`, `125 s`. */
export const formatSeconds = (seconds: number): string =>
  seconds !== 0 && Math.abs(seconds) < 0.1 ? `${formatNumber(seconds * 1000)} ms` : `${formatNumber(seconds)} s`;

/** A stretch of time: `20–30 s`. */
export const formatTimeRange = (start: number, length: number): string =>
  `${formatNumber(start, 4)}–${formatNumber(start + length, 4)} s`;

/** The bands with the largest shares, largest first. */
export const topBands = (bands: readonly BandShare[] | undefined, count: number): BandShare[] =>
  [...(bands ?? [])].sort((a, b) => b.share - a.share).slice(0, count);

/** `2.9–3.5 kHz 41 %` */
export const formatBandShare = (band: BandShare): string =>
  `${formatBand(band.lowHz, band.highHz)} ${formatShare(band.share)}`;

/** `2.9–3.5 kHz 41 %, 6–7 kHz 12 %`; empty without bands. */
export const formatBands = (bands: readonly BandShare[] | undefined, count: number): string =>
  topBands(bands, count).map(formatBandShare).join(', ');

/** `inner race 87 %`; empty without a diagnosis. */
export const formatDiagnosis = (diagnosis: ReportRow['diagnosis']): string =>
  diagnosis ? `${diagnosis.label} ${formatShare(diagnosis.confidence)}` : '';

/** `1 file`, `3 files`, `10,000 files`. */
export const formatCount = (count: number, noun: string): string =>
  `${groupThousands(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `10,000`. Written out, because a report must not depend on the locale of the machine that made it. */
export const groupThousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `2026-03-01 14:05 UTC` from an ISO date. */
export const formatDate = (iso: string): string => `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const trimZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
const withMinus = (text: string): string => text.replace('-', '−');
