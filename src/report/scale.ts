// Axes: from values to positions, linear or logarithmic, and the round numbers to write along them.

export type Scale = {
  log: boolean;
  low: number;
  high: number;
  /** Position of a value; outside values are placed at the nearer end. */
  position(value: number): number;
  /** Round values within the range, ascending. */
  ticks: number[];
};

/** Ratio of the largest to the smallest value from which a linear axis would crush the small ones. */
const wideRange = 8;

/** Below this, rounding to zero would take the bottom from a logarithmic axis. */
const smallestLog = 1e-100;

const extentOf = (values: readonly number[]): [number, number] => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
};

/** Multiples of 1, 2 or 5 times a power of ten within `[low, high]`, about `count` of them. */
export const linearTicks = (low: number, high: number, count: number): number[] => {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // toPrecision removes what binary fractions add (3 * 0.1).
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
};

/** 1, 2 and 5 times powers of ten within `[low, high]`; powers of ten alone when there would be more than `count`. */
export const logTicks = (low: number, high: number, count: number): number[] => {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  );
  const within = (values: number[]) => values.filter((value) => value >= low && value <= high);
  const fine = within(decades.flatMap((decade) => [1, 2, 5].map((factor) => Number(`${factor}e${decade}`))));
  if (fine.length <= count) return fine;
  const coarse = within(decades.map((decade) => Number(`1e${decade}`)));
  const stride = Math.ceil(coarse.length / count);
  return coarse.filter((_, i) => i % stride === 0);
};

/**
 * A scale that fits `values` between positions `start` and `end`, with 4 % of room on both sides. Logarithmic when all
 * values are positive and the largest is 8 times the smallest or more. One value alone gets a range around itself.
 */
export const fitScale = (values: readonly number[], start: number, end: number, tickCount: number): Scale => {
  const [least, most] = extentOf(values);
  const log = least > smallestLog && most / least >= wideRange;
  const forward = (value: number) => (log ? Math.log10(value) : value);
  const backward = (value: number) => (log ? 10 ** value : value);
  const span = forward(most) - forward(least);
  const size = Math.max(Math.abs(forward(least)), Math.abs(forward(most)));
  // Differences that are rounding errors of the values themselves are none.
  const room = span > size * 1e-9 ? span * 0.04 : size * 0.1 || 1;
  // A distance is never negative: a linear axis over distances does not begin below 0.
  const padded = forward(least) - room;
  const bottom = !log && least >= 0 ? Math.max(0, padded) : padded;
  const top = forward(most) + room;
  const [low, high] = [backward(bottom), backward(top)];
  return {
    log,
    low,
    high,
    ticks: log ? logTicks(low, high, tickCount) : linearTicks(low, high, tickCount),
    position: (value) => {
      const share = log && value <= 0 ? 0 : (forward(value) - bottom) / (top - bottom);
      return start + Math.min(1, Math.max(0, share)) * (end - start);
    },
  };
};

/** A coordinate with one decimal: enough for a screen, and short. */
export const coordinate = (value: number): string => String(Math.round(value * 10) / 10);
