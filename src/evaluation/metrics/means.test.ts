import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGoldenJson } from '../../../tests/golden.ts';
import { arithmeticMean, harmonicMean } from './means.ts';

type Case = { name: string; v: number[]; amean: number; hmean_clamped: number };

const { cases } = readGoldenJson<{ cases: Case[] }>('metrics/means.json');
const value = (found: { value: number | null }): number => found.value ?? Number.NaN;

describe('means', () => {
  it.each(cases)('$name', ({ v, amean, hmean_clamped }) => {
    expect(Math.abs(value(arithmeticMean(v)) - amean)).toBeLessThan(1e-12);
    expect(Math.abs(value(harmonicMean(v)) / hmean_clamped - 1)).toBeLessThan(1e-12);
  });

  it('of nothing are undefined, with a reason', () => {
    expect(arithmeticMean([])).toEqual({ value: null, reason: 'mean of no values' });
    expect(harmonicMean([])).toEqual({ value: null, reason: 'mean of no values' });
  });

  it('reject what is not a figure', () => {
    expect(() => arithmeticMean([1, Number.NaN])).toThrow('arithmeticMean: expected finite values, got NaN at index 1');
    expect(() => harmonicMean([Number.POSITIVE_INFINITY])).toThrow('harmonicMean: expected finite values');
    expect(() => harmonicMean([0.5, -0.1])).toThrow('harmonicMean: expected values of at least 0, got -0.1');
  });

  it('lie between smallest and largest, the harmonic one below', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (v) => {
        const [a, h] = [value(arithmeticMean(v)), value(harmonicMean(v))];
        expect(h).toBeLessThanOrEqual(a * (1 + 1e-12));
        expect(h).toBeGreaterThanOrEqual(Math.min(...v) * (1 - 1e-12));
        expect(a).toBeLessThanOrEqual(Math.max(...v) * (1 + 1e-12));
      }),
    );
  });
});
