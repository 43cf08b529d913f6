import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, maxDifference, readGolden } from '../../tests/golden.ts';
import { convolve } from './convolve.ts';
import { createRandom } from './simulate/random.ts';

/** The definition, sample by sample. */
function byDefinition(x: ArrayLike<number>, h: ArrayLike<number>, length: number): number[] {
  return Array.from({ length }, (_, t) => {
    let sum = 0;
    for (let k = 0; k < h.length; k++) if (t - k >= 0 && t - k < x.length) sum += h[k] * x[t - k];
    return sum;
  });
}

const noise = (seed: string, length: number, level = 1): Float64Array => {
  const random = createRandom(seed);
  return Float64Array.from({ length }, () => level * random.gaussian());
};

describe('convolve', () => {
  // Of values up to 18, in float32.
  it('is the reference of device responses', () => {
    const golden = readGolden('asc/data.safetensors');
    const [x, h, out] = ['dir.x', 'dir.h', 'dir.out'].map((name) => floats(golden, name));
    expect(maxDifference(convolve(x, h, x.length), out)).toBeLessThan(1e-5);
  });

  it('is the definition for any lengths, long and short responses', () => {
    const length = fc.integer({ min: 1, max: 150 });
    fc.assert(
      fc.property(fc.integer(), length, length, length, (seed, n, taps, wanted) => {
        const [x, h] = [noise(`${seed} x`, n), noise(`${seed} h`, taps, 1000)];
        const whole = byDefinition(x, h, n + taps - 1);
        const largest = Math.max(...whole.map(Math.abs));
        expect(maxDifference(convolve(x, h), whole)).toBeLessThan(1e-12 * largest);
        const cut = byDefinition(x, h, wanted);
        expect(maxDifference(convolve(x, h, wanted), cut)).toBeLessThan(1e-12 * largest);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps what one sample is beside a loud one, and silence silent', () => {
    const [x, h] = [noise('x', 300, 1e-6), noise('h', 200, 1e6)];
    expect(maxDifference(convolve(x, h), byDefinition(x, h, 499))).toBeLessThan(1e-11);
    expect(convolve(new Float32Array(100), noise('h', 50), 100)).toEqual(new Float64Array(100));
    expect(convolve(new Float32Array(0), noise('h', 50), 3)).toEqual(new Float64Array(3));
    expect(convolve(noise('x', 3), new Float32Array(0))).toHaveLength(0);
    expect(() => convolve(Float32Array.of(1, Number.NaN), noise('h', 50))).toThrow(
      'convolve: expected finite samples, got NaN at sample 1',
    );
  });
});
