// The score over a run: records of one file in their order, or pieces of one long recording.
import type { Detector } from '../detection/detector.ts';
import type { ScoredRecording } from '../detection/score-files.node.ts';
import type { ReportCurve } from './types.ts';

/** Fewer points make no curve. */
const LEAST_POINTS = 10;
/** Points in a row above the threshold that make an alarm. */
const PERSISTENCE = 3;

const fileOf = (name: string): string => name.split('#')[0];

/** Running median over `width` points (odd), shorter at the ends. */
export function runningMedian(values: readonly number[], width: number): number[] {
  const half = width >> 1;
  return values.map((_, i) => {
    const window = values.slice(Math.max(0, i - half), i + half + 1).sort((a, b) => a - b);
    return window[window.length >> 1];
  });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** First index from which the score stays at or above the threshold for three points. */
export function firstAlarm(score: readonly number[], threshold: number): number | undefined {
  for (let i = 0; i + PERSISTENCE <= score.length; i++) {
    if (score.slice(i, i + PERSISTENCE).every((value) => value >= threshold)) return i;
  }
  return undefined;
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** What the beginning of the run does to the verdict: a detector fitted while a machine still runs in. */
function wearInNote(score: readonly number[], fitted: number, threshold: number): string | undefined {
  if (fitted < 6) return undefined;
  const third = Math.floor(fitted / 3);
  const [early, late] = [median(score.slice(0, third)), median(score.slice(fitted - third, fitted))];
  const after = score.slice(fitted, Math.min(score.length, 3 * fitted));
  const next = after.length > 0 ? median(after) : late;
  const changes: string[] = [];
  if (early > 1.5 * late)
    changes.push(
      `scores fall from ${early.toFixed(2)} to ${late.toFixed(2)} while it is fitted: the machine runs in, and the spread of that time widens the threshold (${threshold.toFixed(2)})`,
    );
  if (next > 1.5 * late)
    changes.push(
      `right after the fitted part the median rises from ${late.toFixed(2)} to ${next.toFixed(2)}: normal had not settled yet, so early alarms may be wear-in, not damage; fit on a later part (--part) to leave it out`,
    );
  return changes.length > 0 ? `Wear-in: ${changes.join('; ')}.` : undefined;
}

/** How many of the first points are in the bank of the detector. */
function fittedCount(scored: readonly ScoredRecording[], detector: Detector): number {
  const known = new Set(detector.entries.map(({ file, startSeconds }) => `${file}@${startSeconds}`));
  const first = scored.findIndex(({ name, startSeconds }) => !known.has(`${name}@${startSeconds}`));
  return first < 0 ? scored.length : first;
}

/** The curve over a run, where the rows are one: all of one file, at least ten, in order. */
export function curveOf(scored: readonly ScoredRecording[], detector: Detector): ReportCurve | undefined {
  const { threshold } = detector;
  if (scored.length < LEAST_POINTS || threshold === undefined) return undefined;
  if (new Set(scored.map(({ name }) => fileOf(name))).size > 1) return undefined;
  const records = new Set(scored.map(({ name }) => name)).size;
  const byRecord = records === scored.length;
  if (!byRecord && records > 1) return undefined;
  const score = scored.map(({ verdict }) => verdict?.score ?? 0);
  const x = byRecord ? scored.map((_, i) => i) : scored.map(({ startSeconds }) => startSeconds);
  const fitted = fittedCount(scored, detector);
  const alarm = firstAlarm(score.slice(fitted), threshold);
  const at = alarm === undefined ? undefined : alarm + fitted;
  const isolated = score.slice(fitted, at).filter((value) => value >= threshold).length;
  const notes = [
    at === undefined
      ? `No ${PERSISTENCE} records in a row reach the threshold.`
      : `First alarm (${PERSISTENCE} in a row) at ${byRecord ? `record ${at}` : `${x[at]} s`}, ${percent(at, score.length)} of the run; ${percent(score.length - at, score.length)} of it was left.`,
    `${isolated} single ${isolated === 1 ? 'alarm' : 'alarms'} before that, outside the fitted part.`,
  ];
  if (fitted > 0)
    notes.push(
      `The first ${percent(fitted, score.length)} are what the detector was fitted on; they are scored against each other.`,
    );
  const wearIn = wearInNote(score, fitted, threshold);
  if (wearIn) notes.push(wearIn);
  const width = Math.max(5, Math.floor(score.length / 60) * 2 + 1);
  return {
    x,
    xLabel: byRecord ? 'record' : 'time in s',
    score,
    smoothed: runningMedian(score, width),
    threshold,
    notes,
    ...(at !== undefined && { firstAlarm: x[at] }),
  };
}
