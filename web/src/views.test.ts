// What the views compute before they show it.
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/monitor/alarm/policy.ts';
import { thresholdReplay } from '../../src/monitor/alarm/replay.ts';
import type { ApiScore } from './backend/api.ts';
import { addScore, withAlarm } from './live.ts';
import { commonScales, relevel, waveOutline } from './parts/figure-data.ts';
import { levels } from './parts/sparkline.tsx';
import { histogram } from './parts/spread.tsx';
import { nextAnomalous, suggestedAxis } from './parts/timeline-text.ts';
import { falseAlarms, shareReaching } from './replay.ts';
import { machineAddress, parseRoute } from './route.ts';
import { loadScores } from './scores.ts';
import { pictureStart, placesText, verdictText } from './views/moment.tsx';
import { policyOf } from './views/settings.tsx';
import { sliderRange } from './views/threshold.tsx';

const hashOf = (n: number): string => n.toString(16).padStart(64, '0');
const scoreOf = (n: number, score = 1, more: Partial<ApiScore> = {}): ApiScore => ({
  ...{ machine: 'm', hash: hashOf(n), index: 0, detector: 'd', version: 1, startMs: n * 60_000, durationSeconds: 10 },
  ...{ sampleRate: 8000, constant: false, score, pValue: 0.5, threshold: 2, anomalous: score >= 2 },
  ...{ bands: [], places: [], nearest: { file: 'a', startSeconds: 0, durationSeconds: 10 } },
  ...more,
});

describe('parseRoute', () => {
  it('reads what machineAddress writes', () => {
    const at = { hash: hashOf(7), index: 3 };
    expect(parseRoute(machineAddress('pump-7', at))).toEqual({ view: 'machine', name: 'pump-7', ...at });
    expect(parseRoute(machineAddress('ä b'))).toEqual({ view: 'machine', name: 'ä b', index: 0 });
  });

  it.each(['', '#/', '#/nothing', '#/machines/%', '#/machines/'])('shows the machines for %j', (address) => {
    expect(parseRoute(address)).toEqual({ view: 'machines' });
  });

  it('takes no hash that is none', () => {
    expect(parseRoute('#/machines/m?at=../../x&index=-1')).toEqual({ view: 'machine', name: 'm', index: 0 });
  });
});

describe('scores', () => {
  it('take their place by time, and the place of what they replace', () => {
    const scores = [scoreOf(1), scoreOf(3)];
    expect(addScore(scores, scoreOf(2)).map(({ startMs }) => startMs / 60_000)).toEqual([1, 2, 3]);
    expect(addScore(scores, scoreOf(3, 9)).map(({ score }) => score)).toEqual([1, 9]);
  });

  it('are loaded page by page, each once, also where pages meet in one moment', async () => {
    const all = Array.from({ length: 2500 }, (_, n) => scoreOf(n, 1, { startMs: Math.floor(n / 3) }));
    const backend = {
      scores: async (_machine: string, { fromMs = 0, limit = 0 }) =>
        all.filter(({ startMs }) => startMs >= fromMs).slice(0, limit),
    };
    expect(await loadScores(backend, 'm', undefined)).toEqual(all);
    expect((await loadScores(backend, 'm', 800)).length).toBe(100);
  });

  it('end where thousands began at once', async () => {
    const all = Array.from({ length: 1500 }, (_, n) => scoreOf(n, 1, { startMs: 5 }));
    const backend = { scores: async (_machine: string, { limit = 0 }) => all.slice(0, limit) };
    expect((await loadScores(backend, 'm', undefined)).length).toBe(1000);
  });

  it('are shown in order where their times say nothing', () => {
    const copied = Array.from({ length: 9 }, (_, n) => scoreOf(n, 1, { startMs: 1000 + n }));
    expect(suggestedAxis(copied)).toBe('order');
    expect(suggestedAxis(Array.from({ length: 9 }, (_, n) => scoreOf(n)))).toBe('time');
  });

  it('that are not normal are found in both directions', () => {
    const scores = [1, 3, 1, 4, 1].map((score, n) => scoreOf(n, score));
    expect(nextAnomalous(scores, 1, 1)).toBe(3);
    expect(nextAnomalous(scores, 3, -1)).toBe(1);
    expect(nextAnomalous(scores, 3, 1)).toBeUndefined();
  });
});

it('open alarms lose what is cleared, and show the newest first', () => {
  const alarm = (id: number, clearedMs?: number) =>
    ({ id, raisedMs: id, clearedMs }) as Parameters<typeof withAlarm>[1];
  const open = [alarm(1), alarm(2)].reduce(withAlarm, [] as ReturnType<typeof withAlarm>);
  expect(open.map(({ id }) => id)).toEqual([2, 1]);
  expect(withAlarm(open, alarm(1, 5)).map(({ id }) => id)).toEqual([2]);
});

it('alarms at a labelled fault are not false', () => {
  const scores = [1, 3, 1, 1, 3, 1].map((score, n) => scoreOf(n, score));
  const { alarms } = thresholdReplay(scores, { ...defaultPolicy, k: 1, n: 1 }, 2);
  const label = { hash: hashOf(4), label: 'bearing', undone: false };
  expect(alarms).toHaveLength(2);
  expect(falseAlarms(alarms, scores, [])).toBe(2);
  expect(falseAlarms(alarms, scores, [label])).toBe(1);
  expect(falseAlarms(alarms, scores, [{ ...label, undone: true }])).toBe(2);
  expect(falseAlarms(alarms, scores, [{ ...label, label: 'normal' }])).toBe(2);
  expect([shareReaching([1, 2, 3, 4], 3), shareReaching([], 1)]).toEqual([0.5, 0]);
});

describe('pictures', () => {
  const picture = (low: number, high: number, seconds: number, peak: number) => ({
    ...{ durationSeconds: seconds, sampleRate: 8000 },
    spectrogram: {
      frames: 1,
      bins: 1,
      maxHz: 4000,
      values: Uint8Array.of(0),
      dbRange: [low, high] as [number, number],
    },
    waveform: { min: Float32Array.of(-peak), max: Float32Array.of(peak / 2), unit: '' },
  });

  it('share scales that hold both', () => {
    const scales = commonScales([picture(-70, 0, 1, 0.5), picture(-50, 20, 2, 0.25)]);
    expect(scales).toEqual({ dbRange: [-50, 20], maxHz: 4000, seconds: 2, amplitude: 0.5 });
    expect(commonScales([picture(-70, 0, 1, 0)]).amplitude).toBe(1);
  });

  it('keep their level when it is written on another scale', () => {
    const table = relevel([-70, 0], [-50, 20]);
    // 0 dB is the highest of its own 70, and 50 of 70 in the other.
    expect([table[0], table[255]]).toEqual([0, Math.round((255 * 50) / 70)]);
    expect([...relevel([-70, 0], [-70, 0])]).toEqual([...Array(256).keys()]);
  });

  it('begin with the segment that is looked at', () => {
    expect(pictureStart(7.2, 2, 10)).toBe(6);
    expect(pictureStart(9.9, 4, 10)).toBe(6);
    expect(pictureStart(3, 10, 10)).toBe(0);
  });

  it('have waveforms as closed outlines', () => {
    expect(waveOutline(picture(0, 1, 1, 0.5).waveform, 0.5)).toBe('M500.0 26.0L500.0 98.0Z');
    expect(waveOutline({ min: new Float32Array(), max: new Float32Array(), unit: '' }, 1)).toBe('');
  });
});

describe('words', () => {
  it('say how far and how often', () => {
    expect(verdictText(scoreOf(1, 5, { pValue: 1e-6 }))).toBe(
      'Not normal: 2.5 times the threshold, and fewer than 1 in 1000 normal recordings score this high.',
    );
    expect(verdictText(scoreOf(1, 1))).toBe(
      'Normal: 0.5 of the threshold; 50 % of normal recordings score at least this high.',
    );
    expect(verdictText(scoreOf(1, 1, { constant: true }))).toMatch(/dead sensor/);
  });

  it('say where', () => {
    const place = { startSeconds: 1, endSeconds: 1.5, lowHz: 2000, highHz: 2500, deviations: 6.04 };
    expect(placesText({ places: [place], bands: [] })).toBe(
      'Most unusual at 2–2.5 kHz from 1 s to 1.5 s: 6 standard deviations from normal.',
    );
    expect(placesText({ places: [], bands: [{ lowHz: 0, highHz: 500, share: 0.4, deviations: 1 }] })).toBe(
      'Most of the difference lies at 0–500 Hz (40 %).',
    );
    expect(placesText({ places: [], bands: [] })).toBe('');
  });
});

describe('scales', () => {
  it('of a sparkline hold scores and threshold, also zeros', () => {
    const { heights, limit } = levels([0, 1, 4], 2);
    expect(heights[0]).toBe(0);
    expect(heights[1]).toBeLessThan(limit);
    expect(heights[2]).toBeGreaterThan(limit);
    expect(levels([], Number.NaN)).toEqual({ heights: [], limit: 1 });
  });

  it('of a histogram count everything once, what lies outside at the ends', () => {
    expect(histogram([0.1, 1, 3.1, 10, 99], 1, 10, 2)).toEqual([3, 2]);
    expect(histogram([0, Number.NaN], 1, 10, 2)).toEqual([0, 0]);
  });

  it('of the slider hold everything', () => {
    const { low, high } = sliderRange([1, 2], [0.5, 8], 3);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(8);
    expect(sliderRange([], [], 1).high).toBeGreaterThan(1);
  });
});

it('a policy is refused with what is wrong', () => {
  const draft = { k: '3', n: '4', minimumSeconds: '0', clearPercent: '90', daily: [] };
  expect(policyOf(draft)).toEqual({ k: 3, n: 4, minimumSeconds: 0, clearShare: 0.9 });
  expect(policyOf({ ...draft, k: '5' })).toMatch(/from 1 to 4/);
  expect(policyOf({ ...draft, minimumSeconds: '' })).toMatch(/shortest time/);
  expect(policyOf({ ...draft, clearPercent: '0' })).toMatch(/per cent/);
  expect(policyOf({ ...draft, daily: [{ from: '22:00', to: '' }] })).toMatch(/both times/);
});
