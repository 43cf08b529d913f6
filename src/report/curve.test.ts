import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Detector, fitDetector } from '../detection/detector.ts';
import type { ScoredRecording } from '../detection/score-files.node.ts';
import { syntheticFiles, syntheticFit } from '../detection/synthetic.test-util.ts';
import { curveOf, firstAlarm, runningMedian } from './curve.ts';

describe('runningMedian', () => {
  it('is the middle of the values around', () => {
    expect(runningMedian([5, 1, 9, 2, 7], 3)).toEqual([5, 5, 2, 7, 7]);
    expect(runningMedian([5, 1, 9, 2, 7], 1)).toEqual([5, 1, 9, 2, 7]);
    expect(runningMedian([1, 1, 50, 1, 1, 1], 5)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(runningMedian([], 5)).toEqual([]);
  });

  it('keeps a rising curve, and never leaves the range of its window', () => {
    const values = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 6 }), (list, half) => {
        const smoothed = runningMedian(list, 2 * half + 1);
        for (const [i, value] of smoothed.entries()) {
          const window = list.slice(Math.max(0, i - half), i + half + 1);
          const below = window.filter((one) => one < value).length;
          const above = window.filter((one) => one > value).length;
          expect(window).toContain(value);
          expect(Math.max(below, above)).toBeLessThanOrEqual(window.length >> 1);
        }
        const rising = list.toSorted((a, b) => a - b);
        const found = runningMedian(rising, 2 * half + 1);
        expect(found.slice(half, -half || undefined)).toEqual(rising.slice(half, -half || undefined));
      }),
    );
  });
});

describe('firstAlarm', () => {
  it.each([
    [[1, 1, 1, 2, 2, 2, 1], 3],
    [[2, 2, 1, 2, 2, 1, 2, 2], undefined],
    [[2, 2, 2], 0],
    [[1, 2, 2, 2, 2], 1],
    [[1, 1, 2, 2], undefined],
    [[], undefined],
  ])('of %o at a threshold of 2 is %s', (score, wanted) => {
    expect(firstAlarm(score, 2)).toBe(wanted);
  });
});

const fitted = await fitDetector(syntheticFit(syntheticFiles('normal', 4)));

/** A detector with this threshold, fitted on the first `count` of these points. */
const detectorOf = (threshold: number, points: readonly ScoredRecording[] = [], count = 0): Detector => ({
  ...fitted,
  threshold,
  entries: points.slice(0, count).map(({ name, startSeconds }) => ({ file: name, startSeconds, durationSeconds: 1 })),
});

const pointOf = (path: string, name: string, startSeconds: number, score: number): ScoredRecording => ({
  path,
  name,
  startSeconds,
  durationSeconds: 1,
  constant: false,
  verdict: { score, pValue: 0.5, anomalous: false, bands: [], nearest: fitted.entries[0], segments: [] },
});

const recordsOf = (scores: readonly number[], file = 'run.mat') =>
  scores.map((score, i) => pointOf(file, `${file}#${i + 1}`, 0, score));
const piecesOf = (scores: readonly number[]) =>
  scores.map((score, i) => pointOf('long.wav', 'long.wav', 2.5 * i, score));

const quiet = Array.from({ length: 20 }, (_, i) => 1 + 0.01 * (i % 3));

describe('curveOf', () => {
  it('draws the records of a run, with the first alarm that lasts', () => {
    const scores = [...quiet, 3, 1, 1, 3, 3, 3.5, 4];
    const curve = curveOf(recordsOf(scores), detectorOf(2));
    expect(curve).toMatchObject({ xLabel: 'record', score: scores, threshold: 2, firstAlarm: 23 });
    expect(curve?.x).toEqual(scores.map((_, i) => i));
    expect(curve?.smoothed).toEqual(runningMedian(scores, 5));
    expect(curve?.notes.slice(0, 2)).toEqual([
      'First alarm (3 in a row) at record 23, 85.2 % of the run; 14.8 % of it was left.',
      '1 single alarm before that, outside the fitted part.',
    ]);
  });

  it('draws the pieces of a long recording over time', () => {
    const curve = curveOf(piecesOf([...quiet, 2, 2, 2]), detectorOf(2));
    expect(curve).toMatchObject({ xLabel: 'time in s', firstAlarm: 50 });
    expect(curve?.x.slice(0, 3)).toEqual([0, 2.5, 5]);
    expect(curve?.notes[0]).toMatch(/^First alarm \(3 in a row\) at 50 s, 87\.0 % of the run; 13\.0 % of it was left/);
  });

  it('counts no alarm inside the part that was fitted', () => {
    const scores = [3, 3, 3, 3, 3, ...quiet, 3, 1, 3, 1];
    const points = recordsOf(scores);
    const curve = curveOf(points, detectorOf(2, points, 5));
    expect(curve?.firstAlarm).toBeUndefined();
    expect(curve?.notes.slice(0, 3)).toEqual([
      'No 3 records in a row reach the threshold.',
      '2 single alarms before that, outside the fitted part.',
      'The first 17.2 % are what the detector was fitted on; they are scored against each other.',
    ]);
    // Only what the run begins with counts as fitted.
    expect(curveOf(points, detectorOf(2, points.slice(1), 5))?.firstAlarm).toBe(0);
    expect(curveOf(points, detectorOf(2, points, points.length))?.firstAlarm).toBeUndefined();
  });

  it('says that the machine ran in while it was fitted', () => {
    const scores = [...Array(4).fill(2), ...Array(8).fill(1), ...quiet];
    const points = recordsOf(scores);
    const about = (count: number) =>
      curveOf(points, detectorOf(5, points, count))?.notes.filter((note) => /wear-in/i.test(note));
    expect(about(12)).toHaveLength(1);
    expect(about(12)?.[0]).toContain('2.00 to 1.00');
    expect(about(0)).toEqual([]);
  });

  it('is none where the rows are no run', () => {
    const scores = quiet.slice(0, 10);
    expect(curveOf(recordsOf(scores), detectorOf(2))).toBeDefined();
    expect(curveOf(recordsOf(scores.slice(1)), detectorOf(2))).toBeUndefined();
    const files = scores.map((score, i) => pointOf(`${i}.wav`, `${i}.wav`, 0, score));
    expect(curveOf(files, detectorOf(2))).toBeUndefined();
    const sharp = scores.map((score, i) => pointOf(`pump#${i}.wav`, `pump#${i}.wav`, 0, score));
    expect(curveOf(sharp, detectorOf(2))).toBeUndefined();
    const piecesOfRecords = recordsOf([...scores, ...scores]).map((point, i) => ({
      ...point,
      name: `run.mat#${i >> 1}`,
    }));
    expect(curveOf(piecesOfRecords, detectorOf(2))).toBeUndefined();
    expect(curveOf(recordsOf(scores), { ...detectorOf(2), threshold: undefined })).toBeUndefined();
    expect(curveOf([], detectorOf(2))).toBeUndefined();
  });
});
