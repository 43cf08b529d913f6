// What a training page draws: which logged numbers share a chart, thinned to what a screen can show, smoothed where they jump.
import { thinLine } from './curve-plot.ts';

export type TrainingSeries = {
  name: string;
  /** Steps of the points kept. */
  x: number[];
  raw: number[];
  /** Absent where the raw line says it all. */
  smoothed?: number[];
  /** Logged values on each side that go into a smoothed one. */
  halfWidth: number;
};

/** `fitting` is logarithmic where values span a wide range. */
export type ChartAxis = 'linear' | 'log' | 'fitting';

export type TrainingChart = {
  id: string;
  title: string;
  axis: ChartAxis;
  /** Significant digits of a value. */
  digits: number;
  series: TrainingSeries[];
};

type ChartRule = {
  id: string;
  title: string;
  matches: (key: string) => boolean;
  /** `fitting` by default. */
  axis?: ChartAxis;
  digits?: number;
  /** For numbers that jump from step to step; others are drawn as they are. */
  smooth?: boolean;
};

const is =
  (...keys: string[]) =>
  (key: string) =>
    keys.includes(key);

/** In the order of the page. A number belongs to the first chart that matches. */
const rules: readonly ChartRule[] = [
  { id: 'loss', title: 'Loss', matches: (key) => /loss$/i.test(key), smooth: true },
  {
    id: 'accuracy',
    title: 'Accuracy',
    matches: (key) => /accuracy$/i.test(key) && !/^(knn|probe)/i.test(key),
    axis: 'linear',
    smooth: true,
  },
  { id: 'learning-rate', title: 'Learning rate', matches: is('learningRate'), axis: 'linear' },
  { id: 'decay', title: 'Teacher decay', matches: is('decay', 'teacherDecay'), axis: 'linear', digits: 7 },
  { id: 'gradient-norm', title: 'Gradient norm', matches: is('gradientNorm'), axis: 'log', smooth: true },
  { id: 'spread', title: 'Embedding spread', matches: (key) => /spread$/i.test(key), smooth: true },
  { id: 'probe', title: 'kNN probe', matches: (key) => /^(knn|probe)/i.test(key), axis: 'linear' },
  { id: 'speed', title: 'Clips per second', matches: is('clipsPerSecond'), axis: 'linear', smooth: true },
];

/** Known by the axis and the summary. */
const undrawn = new Set(['step', 'seconds']);

/** Points per curve: more than a screen has columns. */
export const CURVE_POINTS = 1000;

/** A smoothed value speaks for this share of the run on each side. */
const HALF_WIDTH_SHARE = 1 / 100;
/** Fewer points need no smoothing. */
const LEAST_SMOOTHED = 20;

/**
 * Mean of the values around `i`; of logarithms where the axis has them. At the start the window reaches no further to
 * the right than to the left, so that a steep beginning stays steep; at the end it is cut off.
 */
function meanAround(values: readonly number[], i: number, halfWidth: number, log: boolean): number {
  const from = Math.max(0, i - halfWidth);
  const to = Math.min(values.length - 1, 2 * i - from);
  let sum = 0;
  for (let j = from; j <= to; j++) sum += log ? Math.log(values[j]) : values[j];
  const mean = sum / (to - from + 1);
  return log ? Math.exp(mean) : mean;
}

/** One curve: lowest and highest of every stretch, the first and the last point, and the smoothed values there. */
export function trainingSeries(
  name: string,
  steps: readonly number[],
  values: readonly number[],
  options: { smooth: boolean; log: boolean },
): TrainingSeries {
  const points = values.map((value, i): [number, number] => [i, value]);
  const kept = new Set(thinLine(points, CURVE_POINTS - 2).map(([i]) => i));
  if (values.length > 0) kept.add(0).add(values.length - 1);
  const indices = [...kept].sort((a, b) => a - b);
  const halfWidth = Math.max(2, Math.round(values.length * HALF_WIDTH_SHARE));
  const log = options.log && values.every((value) => value > 0);
  return {
    name,
    x: indices.map((i) => steps[i]),
    raw: indices.map((i) => values[i]),
    halfWidth,
    ...(options.smooth &&
      values.length >= LEAST_SMOOTHED && { smoothed: indices.map((i) => meanAround(values, i, halfWidth, log)) }),
  };
}

/** Keys in the order in which they are first met. */
const keysOf = (metrics: readonly Readonly<Record<string, number>>[]): string[] => {
  const keys = new Set<string>();
  for (const line of metrics) for (const key of Object.keys(line)) keys.add(key);
  return [...keys].filter((key) => !undrawn.has(key));
};

/** The charts of a log. A number that no chart expects gets one of its own, so that nothing logged is hidden. */
export function trainingCharts(metrics: readonly Readonly<Record<string, number>>[]): TrainingChart[] {
  const keys = keysOf(metrics);
  const unknown = keys.filter((key) => !rules.some((rule) => rule.matches(key)));
  const own = unknown.map((key, i): ChartRule => ({ id: `other-${i}`, title: key, matches: is(key), smooth: true }));
  const all = [...rules, ...own];
  return all.flatMap(({ id, title, axis = 'fitting', digits = 4, smooth = false }, r) => {
    const names = keys.filter((key) => all.findIndex((rule) => rule.matches(key)) === r);
    const series = names.map((name) => {
      const lines = metrics.filter((line) => line[name] !== undefined);
      const [steps, values] = [lines.map(({ step }) => step), lines.map((line) => line[name])];
      return trainingSeries(name, steps, values, { smooth, log: axis === 'log' });
    });
    return series.length > 0 ? [{ id, title, axis, digits, series }] : [];
  });
}
