// Window values against their published tables and symmetries.
import { describe, expect, it } from 'vitest';
import { floats, maxDifference, readGolden } from '../../tests/golden.ts';
import { besselI0, hammingWindow, hannWindow, kaiserWindow, poveyWindow } from './window.ts';

describe('windows', () => {
  it('has the values of the definitions', () => {
    expect(Array.from(hannWindow(4))).toEqual([0, 0.5, 1, 0.5].map((v) => expect.closeTo(v, 15)));
    expect(Array.from(hannWindow(5, { periodic: false }))).toEqual(
      [0, 0.5, 1, 0.5, 0].map((v) => expect.closeTo(v, 15)),
    );
    expect(Array.from(hammingWindow(3, { periodic: false }))).toEqual(
      [0.08, 1, 0.08].map((v) => expect.closeTo(v, 15)),
    );
    expect(poveyWindow(5)[1]).toBeCloseTo(0.5 ** 0.85, 15);
    expect(Array.from(hannWindow(1))).toEqual([1]);
  });

  it('matches torch.hann_window(400, periodic=False)', () => {
    const golden = floats(readGolden('kaldi_fbank/data.safetensors'), 'window.hanning400');
    expect(maxDifference(hannWindow(400, { periodic: false }), golden)).toBeLessThan(2e-7);
  });

  it('sums the Bessel series (Abramowitz & Stegun table 9.8: I0(1), I0(5), I0(10))', () => {
    expect(besselI0(0)).toBe(1);
    expect(besselI0(1)).toBeCloseTo(1.2660658777520082, 14);
    expect(besselI0(5)).toBeCloseTo(27.239871823604442, 12);
    expect(besselI0(10) / 2815.716628466254).toBeCloseTo(1, 14);
  });

  it('is symmetric, 1 in the middle and 1/I0(β) at the ends (Kaiser)', () => {
    const window = kaiserWindow(11, 5);
    expect(window[5]).toBe(1);
    expect(window[0]).toBeCloseTo(1 / 27.239871823604442, 14);
    expect(maxDifference(window, window.slice().reverse())).toBeLessThan(1e-15);
  });

  it('refuses lengths that are no positive integers', () => {
    expect(() => hannWindow(0)).toThrow('hannWindow: expected a positive whole number of samples, got 0');
    expect(() => kaiserWindow(2.5, 5)).toThrow('kaiserWindow');
  });
});
