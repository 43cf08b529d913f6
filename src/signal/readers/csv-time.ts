// Which columns of a text file are time or a count of samples, and what sampling rate they give.
import { InputError } from '../errors.ts';
import type { CsvColumn } from './csv-layout.ts';
import { roundRate } from './sampling-rate.ts';

export type TimeAxis = {
  /** Columns that are no channels. */
  columns: number[];
  /** Hz; absent where the columns only count samples or are written too coarsely. */
  sampleRate?: number;
  /** Why there is no rate, for the error message. */
  reason?: string;
};

/** A column, parsed. */
export type CsvValues = { column: CsvColumn; values: Float32Array | Float64Array };
export type TimeSource = {
  columns: CsvValues[];
  hasHeader: boolean;
  /** Hz, as given by the user. */
  sampleRate?: number;
  /** What one unit of the last digit written in a column is worth. */
  resolution(column: number): number;
  /** Where a row is, for error messages. */
  place(row: number): string;
};

/** Steps may differ from their mean by this much, and by the resolution they are written with. */
const STEP_TOLERANCE = 0.01;
const UNIT_SECONDS: [RegExp, number][] = [
  [/^(s|secs?|seconds?|sekunden?)$/i, 1],
  [/^(ms|msecs?|milliseconds?|millis)$/i, 1e-3],
  [/^([uµμ]s|[uµμ]secs?|microseconds?|micros)$/i, 1e-6],
  [/^(ns|nsecs?|nanoseconds?|nanos)$/i, 1e-9],
];
const TIME_NAME = /^(t|time|zeit|time ?stamp|elapsed( time)?|relative time|time axis|x value)$/i;

/**
 * The time axis of a table, none where it has none:
 * - clock columns as in PRONOSTIA (IEEE PHM 2012 challenge, `acc_00001.csv`): without header, hour, minute, second,
 *   microsecond and two channels;
 * - a column named as time (`time`, `t`, `Zeit [ms]`, `timestamp_us` …), in the unit it states, else in seconds;
 * - else the first column where it rises in equal steps: whole numbers count something, others are seconds.
 * @throws InputError where time does not rise in even steps.
 */
export const findTimeAxis = (source: TimeSource): TimeAxis => {
  if (isClock(source)) return clockAxis(source);
  const named = source.columns.findIndex(({ column }) => secondsPerUnit(column) !== undefined);
  if (named >= 0) return namedAxis(source, named);
  return isSteady(source) ? steadyAxis(source) : { columns: [] };
};

/** Seconds that 1 stands for in a column named as time; undefined where the name says something else. */
const secondsPerUnit = ({ name, unit }: CsvColumn): number | undefined => {
  const plain = plainName(name);
  const inUnit = unit === undefined ? undefined : secondsIn(unit);
  if (TIME_NAME.test(plain) || (plain === '' && inUnit !== undefined)) return unit === undefined ? 1 : inUnit;
  const [, before, suffix] = /^(.*?) ?([a-zµμ]+)$/i.exec(plain) ?? [];
  const bySuffix = suffix === undefined ? undefined : secondsIn(suffix);
  return bySuffix !== undefined && (before === '' || TIME_NAME.test(before)) ? bySuffix : undefined;
};

const plainName = (name: string): string => name.replace(/_/g, ' ').trim();

const secondsIn = (unit: string): number | undefined => UNIT_SECONDS.find(([pattern]) => pattern.test(unit))?.[1];

const namedAxis = (source: TimeSource, index: number): TimeAxis => {
  const { column, values } = source.columns[index];
  if (values.length < 2) return { columns: [index], reason: 'one row gives no step of time' };
  const bare = column.unit === undefined && TIME_NAME.test(plainName(column.name));
  if (bare && countsByOne(values))
    return { columns: [index], reason: `column ${column.name} counts 0, 1, 2 …, which may be samples` };
  const seconds = bare ? epochUnit(values[0]) : (secondsPerUnit(column) ?? 1);
  return { columns: [index], ...rateOf(source, values, source.resolution(index), seconds) };
};

/** Times since 1970 without a unit: today is 1.8e9 in seconds, 1.8e12 in milliseconds and so on. */
const epochUnit = (first: number): number => {
  if (first > 1e17) return 1e-9;
  if (first > 1e14) return 1e-6;
  return first > 1e11 ? 1e-3 : 1;
};

/** Whether the first column rises in equal steps while others are left as channels. */
const isSteady = ({ columns }: TimeSource): boolean => {
  const [{ column, values }] = columns;
  if (columns.length < 2 || values.length < 3) return false;
  if (column.unit !== undefined && secondsIn(column.unit) === undefined) return false;
  const step = (values[values.length - 1] - values[0]) / (values.length - 1);
  if (!(step > 0)) return false;
  for (let i = 1; i < values.length; i++) {
    if (!(Math.abs(values[i] - values[i - 1] - step) <= STEP_TOLERANCE * step)) return false;
  }
  return true;
};

const steadyAxis = (source: TimeSource): TimeAxis => {
  const { column, values } = source.columns[0];
  const unit = column.unit === undefined ? undefined : secondsIn(column.unit);
  if (unit === undefined) {
    if (countsByOne(values)) return { columns: [0], reason: 'column 1 counts samples' };
    if (values.every((value) => Number.isInteger(value))) {
      return { columns: [0], reason: `column 1 rises in steps of ${values[1] - values[0]}, in no stated unit` };
    }
  }
  return { columns: [0], ...rateOf(source, values, source.resolution(0), unit ?? 1) };
};

const countsByOne = (values: Float32Array | Float64Array): boolean =>
  values.every((value, i) => Number.isInteger(value) && value - values[0] === i);

/** The rate of times in `unit` seconds, and the check that they rise evenly. */
const rateOf = (
  source: TimeSource,
  times: Float32Array | Float64Array,
  written: number,
  unit: number,
): Pick<TimeAxis, 'sampleRate' | 'reason'> => {
  const last = times.length - 1;
  const span = times[last] - times[0];
  const step = span / last;
  const holes = times.findIndex((time) => !Number.isFinite(time));
  if (holes >= 0) throw uneven(source, 'a time in every row', `${times[holes]} at ${source.place(holes)}`);
  if (!(step > 0)) throw uneven(source, 'time that rises', `${times[0]} to ${times[last]}`);
  // float64 itself holds a time since 1970 to about a quarter of a microsecond only.
  const resolution = Math.max(written, 2 * Number.EPSILON * Math.max(Math.abs(times[0]), Math.abs(times[last])));
  const off = worstStep(times, step);
  if (off.error > STEP_TOLERANCE * step) {
    const found = `a step of ${times[off.row] - times[off.row - 1]} at ${source.place(off.row)}`;
    // Rounded to more than half a step, times of even sampling and times with a gap look the same.
    if (resolution > step / 2) return coarseTime(source, times, resolution, unit, found);
    if (off.error > STEP_TOLERANCE * step + resolution) throw uneven(source, `even sampling, ${step} apart`, found);
  }
  // How far single times lie off the line is how far its two ends may be off.
  const tolerance = Math.max(1e-9, (2 * lineError(times, step)) / span);
  return { sampleRate: roundRate(1 / (step * unit), tolerance) };
};

const worstStep = (times: Float32Array | Float64Array, step: number): { row: number; error: number } => {
  let worst = { row: 1, error: 0 };
  for (let row = 1; row < times.length; row++) {
    const error = Math.abs(times[row] - times[row - 1] - step);
    if (error > worst.error) worst = { row, error };
  }
  return worst;
};

/** How far times lie off even ones of this step, at most. */
const lineError = (times: Float32Array | Float64Array, step: number): number => {
  let most = 0;
  for (let i = 0; i < times.length; i++) most = Math.max(most, Math.abs(times[i] - times[0] - i * step));
  return most;
};

/** Times that give no rate, but have to agree with the one the user gives. */
const coarseTime = (
  source: TimeSource,
  times: Float32Array | Float64Array,
  resolution: number,
  unit: number,
  found: string,
): Pick<TimeAxis, 'reason'> => {
  const { sampleRate } = source;
  if (sampleRate !== undefined && lineError(times, 1 / (sampleRate * unit)) > 1.001 * resolution) {
    throw uneven(source, `time in steps of 1/${sampleRate} s`, found);
  }
  return { reason: `time is written too coarsely to tell whether it rises evenly: ${found}` };
};

const uneven = (source: TimeSource, expected: string, found: string): InputError =>
  new InputError(
    `readCsv: expected ${expected}, found ${found} (${source.place(0)} on); resample the recording evenly`,
  );

const CLOCK_RANGES = [24, 60, 60, 1e6];

const isClock = ({ columns, hasHeader }: TimeSource): boolean => {
  if (hasHeader || columns.length !== 6 || columns[0].values.length < 3) return false;
  const inRange = CLOCK_RANGES.every((range, c) =>
    columns[c].values.every((value) => Number.isInteger(value) && value >= 0 && value < range),
  );
  if (!inRange) return false;
  const times = clockSeconds(columns);
  return times[times.length - 1] > times[0] && times.every((time, i) => i === 0 || time >= times[i - 1]);
};

const clockSeconds = (columns: CsvValues[]): Float64Array => {
  const [hour, minute, second, micro] = columns.map(({ values }) => values);
  const times = Float64Array.from(hour, (h, i) => h * 3600 + minute[i] * 60 + second[i] + micro[i] * 1e-6);
  for (let i = 1, days = 0; i < times.length; i++) {
    if (times[i] + days < times[i - 1] - 43200) days += 86400; // midnight
    times[i] += days;
  }
  return times;
};

const clockAxis = (source: TimeSource): TimeAxis => {
  const columns = [0, 1, 2, 3];
  const rate = rateOf(source, clockSeconds(source.columns), source.resolution(3) * 1e-6, 1);
  return { columns, ...rate };
};
