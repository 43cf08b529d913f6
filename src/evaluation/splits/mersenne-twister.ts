// The random numbers behind published splits: MT19937 as NumPy's RandomState draws from it, so that splits are the same.
import { InputError } from '../../signal/errors.ts';

const N = 624;
const M = 397;

/** 32-bit integers of MT19937 (Matsumoto & Nishimura 1998), seeded by one integer as `RandomState(seed)` is. */
export function createMersenneTwister(seed: number): () => number {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new InputError(`createMersenneTwister: expected a whole seed from 0 to 4294967295, got ${seed}`);
  }
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = N;
  return () => {
    if (at === N) {
      twist(state);
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
    state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

/** A whole number from 0 to `most`, by rejection under the smallest mask of ones that covers it (NumPy's legacy rule). */
function boundedInteger(next: () => number, most: number): number {
  if (most === 0) return 0;
  const mask = 0xffffffff >>> Math.clz32(most);
  for (;;) {
    const value = (next() & mask) >>> 0;
    if (value <= most) return value;
  }
}

/** Shuffles in place as `RandomState.shuffle` does (Fisher-Yates from the end). */
export function shuffle(values: Int32Array, next: () => number): Int32Array {
  for (let i = values.length - 1; i > 0; i--) {
    const j = boundedInteger(next, i);
    const kept = values[i];
    values[i] = values[j];
    values[j] = kept;
  }
  return values;
}

/** `RandomState(seed).permutation(count)`. */
export const permutation = (count: number, seed: number): Int32Array =>
  shuffle(
    Int32Array.from({ length: count }, (_, i) => i),
    createMersenneTwister(seed),
  );
