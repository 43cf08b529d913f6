import { describe, expect, it } from 'vitest';
import { trainingConfig, trainingMetrics } from './training.fixture.ts';
import { CURVE_POINTS, trainingCharts, trainingSeries } from './training-curves.ts';
import { renderTrainingPage } from './training-page.ts';

const page = (
  metrics: Record<string, number>[],
  config: Record<string, unknown> & { steps: number } = { steps: 100 },
) => renderTrainingPage({ title: 'run', config, metrics });

const chartOf = (metrics: Record<string, number>[], id: string) => {
  const chart = trainingCharts(metrics).find((one) => one.id === id);
  if (!chart) throw new Error(`no chart ${id}`);
  return chart;
};

describe('trainingSeries', () => {
  const steps = Array.from({ length: 100_000 }, (_, i) => i + 1);

  it('keeps every peak, and the first and the last point, in at most 1,000', () => {
    const values = steps.map((step) => Math.sin(step / 3000));
    for (const [i, value] of [
      [31_415, 9],
      [31_416, -9],
      [99_998, 5],
    ])
      values[i] = value;
    const { x, raw } = trainingSeries('v', steps, values, { smooth: false, log: false });
    expect(x.length).toBeLessThanOrEqual(CURVE_POINTS);
    expect(x.length).toBeGreaterThan(CURVE_POINTS / 2);
    expect([x[0], x.at(-1)]).toEqual([1, 100_000]);
    expect(x).toEqual(x.toSorted((a, b) => a - b));
    expect(raw).toEqual(x.map((step) => values[step - 1]));
    for (const step of [31_416, 31_417, 99_999]) expect(x).toContain(step);
  });

  it('smooths by a mean over 1 % on each side; a line stays one, and its end is cut off', () => {
    const line = (smooth: boolean) => trainingSeries('v', steps, steps, { smooth, log: false });
    expect(line(false).smoothed).toBeUndefined();
    const { x, smoothed, halfWidth } = line(true);
    expect(halfWidth).toBe(1000);
    for (const [i, step] of x.entries()) {
      const expected = step <= 99_000 ? step : (step - 1000 + 100_000) / 2;
      expect(Math.abs(smoothed![i] - expected)).toBeLessThan(1e-6);
    }
  });

  it('smooths on a logarithmic axis by the geometric mean', () => {
    const values = steps.slice(0, 1000).map((step): number => (step % 2 ? 0.01 : 100));
    const options = { smooth: true, log: true };
    const middle = (list: readonly number[]) => trainingSeries('v', steps.slice(0, 1000), list, options).smoothed![500];
    expect(middle(values)).toBeGreaterThan(0.5);
    expect(middle(values)).toBeLessThan(2);
    expect(middle(values.with(999, 0))).toBeGreaterThan(40);
  });

  it('leaves few points as they are', () => {
    expect(trainingSeries('v', [4], [2], { smooth: true, log: true })).toEqual({
      name: 'v',
      x: [4],
      raw: [2],
      halfWidth: 2,
    });
  });
});

describe('trainingCharts', () => {
  it('puts every number into one chart, unknown ones into their own', () => {
    const metrics: Record<string, number>[] = [
      { step: 1, seconds: 1, loss: 1, frameLoss: 2, lossScale: 3, learningRate: 1 },
      { step: 2, knn: 0.5 },
    ];
    const charts = trainingCharts(metrics);
    expect(charts.map(({ title, series }) => [title, series.map(({ name }) => name)])).toEqual([
      ['Loss', ['loss', 'frameLoss']],
      ['Learning rate', ['learningRate']],
      ['kNN probe', ['knn']],
      ['lossScale', ['lossScale']],
    ]);
    expect(chartOf(metrics, 'probe').series[0].x).toEqual([2]);
  });
});

describe('renderTrainingPage', () => {
  it('says where the run stands', () => {
    const lines = (count: number) =>
      trainingMetrics(count).map((line, i) => ({ ...line, step: i + 1, seconds: 3 * i }));
    expect(page([])).toContain('No step of 100 has been logged yet.');
    expect(page(lines(1))).toContain('Step 1 of 100 (1 %) after 0 s.');
    expect(page(lines(40))).toContain('Step 40 of 100 (40 %) after 1 min 57 s; about 3 min left at the recent pace.');
    expect(page(lines(100))).toContain('Step 100 of 100 (100 %) after 4 min 57 s: done.');
    expect(page([{ step: 5, loss: 1 }])).toContain('Step 5 of 100 (5 %).');
  });

  it.each([0, 1, 2, 100_000])('draws %d lines, without NaN and in bounded size', (count) => {
    const text = page(trainingMetrics(count), trainingConfig(count));
    expect(text.match(/NaN|Infinity|>undefined|null/g)).toBeNull();
    expect(text.length).toBeLessThan(1_000_000);
    expect(text.match(/<svg class="plot/g)?.length ?? 0).toBe(count === 0 ? 0 : count < 50 ? 12 : 14);
    for (const [, d] of text.matchAll(/<path class="run-[^"]*" d="([^"]*)"/g)) {
      expect(d.split('L').length).toBeLessThanOrEqual(CURVE_POINTS);
    }
  });

  it('draws constants, zeros and negative numbers', () => {
    const metrics = Array.from({ length: 30 }, (_, i) => ({
      step: i + 1,
      loss: -1,
      gradientNorm: i % 2,
      decay: 0.9999,
    }));
    const text = page(metrics);
    expect(text.match(/NaN|Infinity|null/g)).toBeNull();
    expect(text.includes('>gradient norm</text>')).toBe(true);
    expect(text.includes('<b class="run-value">0.9999</b>')).toBe(true);
  });

  it('has a logarithmic axis for the gradient norm, whatever its range, and ticks that differ', () => {
    for (const range of [0, 0.001, 0.5, 50]) {
      const metrics = Array.from({ length: 30 }, (_, i) => ({ step: i + 1, gradientNorm: 1 + (range * i) / 30 }));
      const text = page(metrics);
      expect(text.includes('>gradient norm (log)</text>'), `range ${range}`).toBe(true);
      const ticks = [...text.matchAll(/class="tick-y"[^>]*>([^<]*)</g)].map(([, tick]) => tick);
      expect(ticks.length / 2).toBeGreaterThanOrEqual(2);
      expect(ticks.slice(ticks.length / 2), `range ${range}`).toEqual([...new Set(ticks)]);
    }
  });

  it('escapes what comes from outside, in the page and in its data', () => {
    const evil = '</script><img src=x onerror=alert(1)>';
    const text = renderTrainingPage({
      title: evil,
      config: { steps: 3, path: evil, [evil]: { deep: [1, 2] } },
      metrics: [{ step: 1, [evil]: 2 }],
    });
    expect(text).not.toContain('<img');
    expect(text.match(/<\/script>/g)).toHaveLength(2);
    expect(text).toContain('.deep</th><td>[1,2]</td>');
  });

  it('gives the same bytes for the same log', () => {
    const [first, second] = [60, 60].map((count) => page(trainingMetrics(count)));
    expect(first === second).toBe(true);
  });

  it.each([
    [[{ step: 1, loss: Number.NaN }], 'expected finite numbers in line 1, got NaN as loss'],
    [[{ loss: 1 }], 'expected finite numbers in line 1, got undefined as step'],
    [[{ step: 2 }, { step: 2 }], 'expected a step after 2 in line 2, got 2'],
  ])('refuses a log that would be drawn wrong', (metrics, message) => {
    expect(() => page(metrics as Record<string, number>[])).toThrow(`renderTrainingPage: ${message}`);
    expect(() => page([], { steps: 0 })).toThrow('whole number of steps');
  });
});
