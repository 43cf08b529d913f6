// Seeded random numbers: the same seed draws the same numbers on every platform, and streams do not depend on call order.
import { InputError } from '../errors.ts';

export type Random = {
  /** Uniform in the open interval (low, high); 0 to 1 by default. */
  uniform(low?: number, high?: number): number;
  /** Normally distributed. */
  gaussian(mean?: number, deviation?: number): number;
  /** Integer from low to high, both included. */
  integer(low: number, high: number): number;
  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T;
  /** Uniform on a logarithmic scale, for frequencies and levels; 0 < low <= high. */
  logUniform(low: number, high: number): number;
  /** An independent stream named by `label`; it depends on seed and label, not on what was drawn before. */
  fork(label: string): Random;
};

// 32-bit variant of splitmix (Steele et al. 2014, "Fast splittable pseudorandom number generators"): spreads a seed over a state.
const splitmix = (seed: number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
};

// FNV-1a over UTF-16 code units, in two lanes with different primes: 64 bits, so that labels do not meet by chance.
const hash = (key: string): [number, number] => {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < key.length; i++) {
    low = Math.imul(low ^ key.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ key.charCodeAt(i), 0x85ebca6b);
    high ^= high >>> 13;
  }
  return [low, high];
};

// sfc32 (Doty-Humphrey, PractRand): 128 bits of state, additions and shifts only.
const sfc32 = (key: string) => {
  const [low, high] = hash(key);
  const first = splitmix(low);
  const second = splitmix(high);
  let a = first();
  let b = second();
  let c = first() ^ second();
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return ((sum >>> 0) + 0.5) * 2 ** -32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
};

// Ratio of uniforms with Leva's quadratic bounds (ACM TOMS 18, 1992, algorithm 712). Chosen over Box-Muller because a
// draw is made of +, -, * and / alone (the logarithm only decides about 1 % of the candidates): no platform's libm shows.
const leva = (next: () => number) => {
  while (true) {
    const u = next();
    const v = 1.7156 * (next() - 0.5);
    const x = u - 0.449871;
    const y = Math.abs(v) + 0.386595;
    const q = x * x + y * (0.196 * y - 0.25472 * x);
    if (q < 0.27597) return v / u;
    if (q <= 0.27846 && v * v <= -4 * Math.log(u) * u * u) return v / u;
  }
};

const create = (key: string): Random => {
  const next = sfc32(key);
  return {
    uniform: (low = 0, high = 1) => low + (high - low) * next(),
    gaussian: (mean = 0, deviation = 1) => mean + deviation * leva(next),
    integer: (low, high) => low + Math.floor((high - low + 1) * next()),
    pick: (items) => items[Math.floor(items.length * next())],
    logUniform: (low, high) => low * (high / low) ** next(),
    fork: (label) => create(`${key}\u0000${label}`),
  };
};

/**
 * A generator (sfc32, seeded through splitmix) with independent named streams. The number 7 and the string '7' are one seed.
 * Uniform, integer and gaussian draws are bit-identical everywhere; `logUniform` up to the platform's `pow`.
 * @throws InputError for a number that is not finite.
 * @example const noise = createRandom(7).fork('noise').gaussian();
 */
export const createRandom = (seed: number | string): Random => {
  if (typeof seed === 'number' && !Number.isFinite(seed))
    throw new InputError(`createRandom: expected a finite number or a string as seed, got ${seed}`);
  return create(String(seed));
};

/** The items in any order, all orders equally likely (Fisher and Yates); the list itself stays as it is. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
