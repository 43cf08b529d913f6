import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitScale, linearTicks, logTicks } from './scale.ts';

describe('ticks', () => {
  it('are round numbers', () => {
    expect(linearTicks(0.62, 2.48, 10)).toEqual([0.8, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4]);
    expect(linearTicks(0, 8, 6)).toEqual([0, 2, 4, 6, 8]);
    expect(linearTicks(-0.15, 0.35, 5)).toEqual([-0.1, 0, 0.1, 0.2, 0.3]);
    expect(logTicks(0.6, 14, 10)).toEqual([1, 2, 5, 10]);
    expect(logTicks(0.6, 400, 4)).toEqual([1, 10, 100]);
    expect(logTicks(1e-9, 1e9, 7)).toEqual([1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]);
  });
});

describe('fitScale', () => {
  it('is linear over a narrow range and logarithmic over a wide one', () => {
    const narrow = fitScale([1, 2], 0, 108, 5);
    expect(narrow.log).toBe(false);
    expect([1, 1.5, 2].map(narrow.position)).toEqual([4, 54, 104].map((x) => expect.closeTo(x, 9)));
    const wide = fitScale([1, 100], 0, 108, 5);
    expect(wide.log).toBe(true);
    expect([1, 10, 100].map(wide.position)).toEqual([4, 54, 104].map((x) => expect.closeTo(x, 9)));
    expect(fitScale([0, 100], 0, 108, 5).log).toBe(false);
    expect(fitScale([1, 1e12], 0, 108, 5).position(1e6)).toBeCloseTo(54, 9);
  });

  it('gives one value a range of its own', () => {
    expect(fitScale([3], 0, 100, 5).position(3)).toBeCloseTo(50, 9);
    expect(fitScale([0], 0, 100, 5).position(0)).toBeCloseTo(0, 9);
    expect(fitScale([1e6, 1e6 + 1e-9], 0, 100, 5).ticks).toContain(1e6);
  });

  it('keeps every value between the ends, in order, with ticks inside', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), (values) => {
        const scale = fitScale(values, 10, 200, 6);
        const places = [...values].sort((a, b) => a - b).map(scale.position);
        expect(places.every((place, i) => place >= 10 && place <= 200 && (i === 0 || place >= places[i - 1]))).toBe(
          true,
        );
        expect(scale.ticks.length).toBeLessThan(20);
        const slack = (scale.high - scale.low) * 1e-6;
        expect(scale.ticks.every((tick) => tick >= scale.low - slack && tick <= scale.high + slack)).toBe(true);
      }),
    );
  });
});
