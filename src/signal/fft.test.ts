// The transforms against a naive O(n²) DFT over a named case table, then inverse, linearity and Parseval as properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFft, createRealFft } from './fft.ts';

const cases: [string, number][] = [
  ['one sample', 1],
  ['two samples', 2],
  ['radix 3', 3],
  ['radix 4', 4],
  ['radix 5', 5],
  ['small prime', 7],
  ['power of two', 64],
  ['odd powers of two', 32],
  ['square of a prime', 49],
  ['odd, mixed', 105],
  ['prime 61, last direct', 61],
  ['prime 67, first chirp', 67],
  ['37 by 41, chirp', 1517],
  ['12 kHz window', 300],
  ['16 kHz window', 400],
  ['22.05 kHz window, odd', 551],
  ['25.6 kHz window', 640],
  ['44.1 kHz window', 1102],
  ['50 kHz window', 1250],
  ['large prime', 1009],
  ['twice a large prime', 2018],
];

// A plain generator instead of Math.random: a failure repeats.
const noise = (length: number, seed: number): Float64Array => {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

const naiveDft = (re: ArrayLike<number>, im: ArrayLike<number>) => {
  const n = re.length;
  const outRe = new Float64Array(n);
  const outIm = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      const angle = (-2 * Math.PI * ((k * i) % n)) / n;
      outRe[k] += re[i] * Math.cos(angle) - im[i] * Math.sin(angle);
      outIm[k] += re[i] * Math.sin(angle) + im[i] * Math.cos(angle);
    }
  }
  return { re: outRe, im: outIm };
};

const distance = (a: ArrayLike<number>, b: ArrayLike<number>, length = a.length): number => {
  let largest = 0;
  for (let i = 0; i < length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
};

describe('createFft', () => {
  it.each(cases)('agrees with the naive DFT: %s (%i)', (_, size) => {
    const re = noise(size, 1);
    const im = noise(size, 2);
    const expected = naiveDft(re, im);
    const fft = createFft(size);
    fft.forward(re, im);
    // Both sides round: the naive sum alone is off by about 1e-16 times the length.
    expect(distance(re, expected.re)).toBeLessThan(1e-14 * (size + 10));
    expect(distance(im, expected.im)).toBeLessThan(1e-14 * (size + 10));
  });

  it('inverts itself at any length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer(), (size, seed) => {
        const re = noise(size, seed);
        const im = noise(size, seed + 1);
        const fft = createFft(size);
        const [outRe, outIm] = [re.slice(), im.slice()];
        fft.forward(outRe, outIm);
        fft.inverse(outRe, outIm);
        expect(Math.max(distance(outRe, re), distance(outIm, im))).toBeLessThan(1e-13);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses sizes and arrays that do not fit', () => {
    expect(() => createFft(0)).toThrow('createFft: expected a positive whole number of points, got 0');
    expect(() => createFft(2.5)).toThrow('got 2.5');
    expect(() => createFft(8).forward(new Float64Array(7), new Float64Array(8))).toThrow('got 7 and 8');
  });
});

describe('createRealFft', () => {
  it.each(cases)('gives the non-negative half of the DFT: %s (%i)', (_, size) => {
    const a = noise(size, 3);
    const b = noise(size, 4);
    const fft = createRealFft(size);
    const [re, im, reA, imA, reB, imB] = Array.from({ length: 6 }, () => new Float64Array(fft.bins));
    expect(fft.bins).toBe(Math.floor(size / 2) + 1);
    const tolerance = 1e-14 * (size + 10);
    const expectedA = naiveDft(a, new Float64Array(size));
    const expectedB = naiveDft(b, new Float64Array(size));
    fft.forward(a, re, im);
    expect(Math.max(distance(re, expectedA.re), distance(im, expectedA.im))).toBeLessThan(tolerance);
    fft.forwardPair(a, b, reA, imA, reB, imB);
    expect(Math.max(distance(reA, expectedA.re), distance(imA, expectedA.im))).toBeLessThan(tolerance);
    expect(Math.max(distance(reB, expectedB.re), distance(imB, expectedB.im))).toBeLessThan(tolerance);
  });

  it('refuses inputs and outputs that are too short', () => {
    const bins = new Float64Array(5);
    expect(() => createRealFft(8).forward(new Float64Array(7), bins, bins)).toThrow('expected 8 samples');
    expect(() => createRealFft(9).forward(new Float64Array(9), new Float64Array(4), bins)).toThrow('room for 5 bins');
  });

  it('keeps the energy (Parseval) at any length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer(), (size, seed) => {
        const input = Float32Array.from(noise(size, seed));
        const fft = createRealFft(size);
        const [re, im] = [new Float64Array(fft.bins), new Float64Array(fft.bins)];
        fft.forward(input, re, im);
        const energy = input.reduce((sum, value) => sum + value * value, 0);
        // Every bin but DC and, for even sizes, Nyquist stands for two.
        const spectral = re.reduce((sum, value, k) => {
          const single = k === 0 || 2 * k === size;
          return sum + (single ? 1 : 2) * (value * value + im[k] * im[k]);
        }, 0);
        expect(Math.abs(spectral / size - energy)).toBeLessThan(1e-12 * (energy + 1));
      }),
      { numRuns: 60 },
    );
  });
});
