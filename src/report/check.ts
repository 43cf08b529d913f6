// Refuses report data that would be shown wrong: a report must not draw NaN, nor a picture of another size than said.
import { InputError } from '../signal/errors.ts';
import type { ReportCurve, ReportData, ReportDetail } from './types.ts';

/** Longest side of a canvas that every common browser draws. */
const canvasLimit = 16_384;

const refuse = (what: string): never => {
  throw new InputError(`renderReport: ${what}`);
};

const finite = (value: number, name: string): void => {
  if (!Number.isFinite(value)) refuse(`expected a finite number as ${name}, got ${value}`);
};

const length = (values: { length: number }, expected: number, name: string): void => {
  if (values.length !== expected) refuse(`expected ${expected} values in ${name}, got ${values.length}`);
};

const sideOf = (value: number, name: string): void => {
  if (!Number.isInteger(value) || value < 1 || value > canvasLimit)
    refuse(`expected 1 to ${canvasLimit} as ${name}, got ${value}; average neighbouring ones first`);
};

const checkDetail = (data: ReportData, detail: ReportDetail, name: string): void => {
  const row = data.rows[detail.row];
  if (!row || row.error !== undefined)
    refuse(`expected a scored row (0 to ${data.rows.length - 1}) as ${name}.row, got ${detail.row}`);
  const { spectrogram, deviation, waveform } = detail;
  sideOf(spectrogram.frames, `${name}.spectrogram.frames`);
  sideOf(spectrogram.bins, `${name}.spectrogram.bins`);
  length(spectrogram.values, spectrogram.frames * spectrogram.bins, `${name}.spectrogram.values`);
  if (!(spectrogram.maxHz > 0 && spectrogram.durationSeconds > 0))
    refuse(`expected a positive maxHz and durationSeconds in ${name}.spectrogram`);
  if (deviation) {
    if (deviation.frames < 1 || deviation.bands.length < 1)
      refuse(`expected at least one frame and one band in ${name}.deviation`);
    length(deviation.values, deviation.frames * deviation.bands.length, `${name}.deviation.values`);
    if (!deviation.values.every(Number.isFinite)) refuse(`expected finite numbers in ${name}.deviation.values`);
  }
  if (waveform.max.length < 1) refuse(`expected at least one point in ${name}.waveform`);
  length(waveform.min, waveform.max.length, `${name}.waveform.min`);
  if (![...waveform.min, ...waveform.max].every(Number.isFinite)) refuse(`expected finite numbers in ${name}.waveform`);
};

const checkCurve = (curve: ReportCurve): void => {
  if (curve.x.length === 0) refuse('expected at least one point in curve.x');
  length(curve.score, curve.x.length, 'curve.score');
  if (curve.smoothed) length(curve.smoothed, curve.x.length, 'curve.smoothed');
  for (const values of [curve.x, curve.score, curve.smoothed ?? []])
    for (const value of values) finite(value, 'a value of the curve');
  finite(curve.threshold, 'curve.threshold');
  if (curve.x.some((x, i) => i > 0 && x < curve.x[i - 1])) refuse('expected curve.x in ascending order');
};

/**
 * Checks what the types cannot say.
 * @throws InputError for numbers that are not finite, arrays of another length than stated, scores not in order, and
 * details of rows that do not exist or have no score.
 */
export const checkReport = (data: ReportData): void => {
  const { scores, threshold, falseAlarmRate } = data.calibration;
  if (scores.length === 0) refuse('expected at least one normal score in calibration.scores');
  for (const score of scores) finite(score, 'a calibration score');
  if (scores.some((score, i) => i > 0 && score < scores[i - 1]))
    refuse('expected calibration.scores in ascending order');
  finite(threshold, 'calibration.threshold');
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
    refuse(`expected a false-alarm rate between 0 and 1, got ${falseAlarmRate}`);
  if (Number.isNaN(Date.parse(data.generatedAt)))
    refuse(`expected an ISO date as generatedAt, got ${data.generatedAt}`);
  for (const row of data.rows) {
    if (row.error !== undefined) continue;
    finite(row.score, `the score of ${row.file}`);
    if (!(row.pValue >= 0 && row.pValue <= 1))
      refuse(`expected a p-value between 0 and 1 for ${row.file}, got ${row.pValue}`);
  }
  data.details.forEach((detail, i) => {
    checkDetail(data, detail, `details[${i}]`);
  });
  if (data.curve) checkCurve(data.curve);
};
