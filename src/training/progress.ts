// How far a run is, in one line for a terminal, and the time it still needs.

export type Progress = {
  step: number;
  steps: number;
  /** Loss terms by name, in the order to be shown. */
  losses: Readonly<Record<string, number>>;
  learningRate: number;
  clipsPerSecond?: number;
  /** Recent pace; absent before the second logged step. */
  secondsPerStep?: number;
};

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

const threeDigits = (value: number): string => {
  const size = Math.abs(value);
  if (size >= 999.5 && size < 1e6) return grouped(Math.round(value));
  return size === 0 || (size >= 1e-3 && size < 1e3) ? value.toPrecision(3) : value.toExponential(2);
};

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** Seconds as the two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `1 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const largest = UNITS.findIndex(([, size]) => whole >= size);
  if (largest < 0) return '0 s';
  const [unit, size] = UNITS[largest];
  const next = UNITS[largest + 1];
  const count = Math.floor(whole / size);
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return rest > 0 ? `${count} ${unit} ${rest} ${next[0]}` : `${count} ${unit}`;
}

const RECENT_LINES = 100;

/**
 * Seconds per step over the last 100 logged lines, from their `step` and `seconds` (time of training since the run
 * began); undefined where fewer than two lines have both.
 */
export function recentPace(lines: readonly Readonly<Record<string, number>>[]): number | undefined {
  const timed = lines.slice(-RECENT_LINES).filter(({ step, seconds }) => step !== undefined && seconds !== undefined);
  if (timed.length < 2) return undefined;
  const [first, last] = [timed[0], timed[timed.length - 1]];
  const [steps, seconds] = [last.step - first.step, last.seconds - first.seconds];
  return steps > 0 && seconds >= 0 ? seconds / steps : undefined;
}

/**
 * One line: `step 1,200 of 10,000, loss 0.482, learning rate 4.80e-4, 35.2 clips/s, 2 h 5 min left`.
 * What is not known yet is left out.
 */
export function progressLine(progress: Progress): string {
  const { step, steps, losses, learningRate, clipsPerSecond, secondsPerStep } = progress;
  const parts = [`step ${grouped(step)} of ${grouped(steps)}`];
  for (const [name, value] of Object.entries(losses)) parts.push(`${name} ${threeDigits(value)}`);
  parts.push(`learning rate ${threeDigits(learningRate)}`);
  if (clipsPerSecond !== undefined) parts.push(`${threeDigits(clipsPerSecond)} clips/s`);
  if (secondsPerStep !== undefined) parts.push(`${formatDuration(secondsPerStep * Math.max(0, steps - step))} left`);
  return parts.join(', ');
}
