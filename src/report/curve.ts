// The score over a run: records of one file in their order, or pieces of one long recording.
import type { Detector } from '../detection/detector.ts';
import type { ScoredRecording } from '../detection/score-files.node.ts';
import type { ReportCurve } from './types.ts';

/** Fewer points make no curve. */
const LEAST_POINTS = 10;
/** Points in a row above the threshold that make an alarm. */
const PERSISTENCE = 3;

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

/** Steepest rise of the smoothed score within a twentieth of the run. */
function steepestRise(smoothed: readonly number[]): { from: number; to: number; rise: number } {
  const span = Math.max(3, Math.round(smoothed.length / 20));
  let best = { from: 0, to: 0, rise: 0 };
  for (let i = 0; i + span < smoothed.length; i++) {
    const rise = smoothed[i + span] - smoothed[i];
    if (rise > best.rise) best = { from: i, to: i + span, rise };
  }
  return best;
}

type Run = { score: readonly number[]; smoothed: readonly number[]; fitted: number; threshold: number; alarm?: number };

/** What the beginning of a run does to the verdict: a detector fitted while a machine still runs in knows only that. */
function wearInNotes({ score, smoothed, fitted, threshold, alarm }: Run, place: (index: number) => string): string[] {
  if (fitted < 6) return [];
  const notes: string[] = [];
  const third = Math.floor(fitted / 3);
  const [early, late] = [median(score.slice(0, third)), median(score.slice(fitted - third, fitted))];
  const shown = (value: number) => value.toFixed(2);
  if (early > 1.1 * late) {
    notes.push(
      `Wear-in: scores fall from ${shown(early)} to ${shown(late)} within the fitted part, so the machine was still settling while it was taken for normal; that widens the threshold.`,
    );
  }
  const steepest = steepestRise(smoothed);
  const climb =
    alarm === undefined
      ? 0
      : smoothed[Math.min(smoothed.length - 1, alarm + (steepest.to - steepest.from))] - smoothed[alarm];
  if (alarm !== undefined && steepest.from > alarm && climb < steepest.rise / 4) {
    notes.push(
      `Slow drift raises the first alarm: after the fitted part (${shown(late)}) the score climbs without a step and crosses ${shown(threshold)} at ${place(alarm)}. A detector fitted at the beginning of a life has not heard the wear-in that follows, and the score alone cannot tell it from early wear. The steepest rise, from ${shown(smoothed[steepest.from])} to ${shown(smoothed[steepest.to])}, comes at ${place(steepest.from)} to ${place(steepest.to)}. To alarm on that alone, fit on a later part (--part), or on more of the healthy life.`,
    );
  }
  return notes;
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
  if (new Set(scored.map(({ path }) => path)).size > 1) return undefined;
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
  const width = Math.max(5, Math.floor(score.length / 60) * 2 + 1);
  const smoothed = runningMedian(score, width);
  notes.push(
    ...wearInNotes({ score, smoothed, fitted, threshold, alarm: at }, (i) => (byRecord ? `record ${i}` : `${x[i]} s`)),
  );
  return {
    x,
    xLabel: byRecord ? 'record' : 'time in s',
    score,
    smoothed,
    threshold,
    notes,
    ...(at !== undefined && { firstAlarm: x[at] }),
  };
}
