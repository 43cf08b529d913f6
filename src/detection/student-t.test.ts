import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incompleteBeta, logGamma, studentTail } from './student-t.ts';

const relative = (found: number, wanted: number): number => Math.abs(found - wanted) / Math.abs(wanted);

// Reference values: mpmath at 40 digits.
describe('logGamma', () => {
  it.each([
    [1e-3, 6.907178885383853],
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247001],
    [1.5, -0.12078223763524522],
    [3.7, 1.4280723266653879],
    [10, 12.80182748008147],
    [100.5, 361.4355404677776],
    [1e4, 82099.71749644238],
  ])('of %f', (x, wanted) => {
    expect(relative(logGamma(x), wanted)).toBeLessThan(1e-13);
  });

  it('is 0 at 1 and 2, and grows by ln x from x to x + 1', () => {
    expect(Math.abs(logGamma(1))).toBeLessThan(1e-14);
    expect(Math.abs(logGamma(2))).toBeLessThan(1e-14);
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e3, noNaN: true }), (x) => {
        expect(Math.abs(logGamma(x + 1) - logGamma(x) - Math.log(x))).toBeLessThan(1e-11);
      }),
    );
  });
});

describe('incompleteBeta', () => {
  it.each([
    [0.5, 0.5, 0.3, 0.3690101195655454],
    [2, 3, 0.4, 0.5248],
    [10, 0.5, 0.9, 0.15164090963470991],
    [250, 0.5, 0.99, 0.02505400606031112],
    [0.5, 100, 1e-3, 0.34495648367557025],
    [30, 40, 0.7, 0.9999986807222218],
    [1, 1, 0.25, 0.25],
    [5, 5, 0.5, 0.5],
    [3, 2, 0, 0],
    [3, 2, 1, 1],
  ])('I(%f, %f) at %f', (a, b, x, wanted) => {
    expect(Math.abs(incompleteBeta(a, b, x) - wanted)).toBeLessThan(1e-13);
  });

  it('is mirrored: I_x(a, b) = 1 - I_(1-x)(b, a)', () => {
    const shape = fc.double({ min: 0.1, max: 200, noNaN: true });
    fc.assert(
      fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, x) => {
        expect(Math.abs(incompleteBeta(a, b, x) - (1 - incompleteBeta(b, a, 1 - x)))).toBeLessThan(1e-10);
      }),
    );
  });
});

describe('studentTail', () => {
  it.each([
    [1, 1, 0.25],
    [12.706204736432095, 1, 0.024999999999495655],
    [2.5705818366147395, 5, 0.02499999997031678],
    [2.763769458112696, 10, 0.01],
    [4.604094871415897, 4, 0.004999999999751864],
    [1.6972608943617378, 30, 0.049999999258036144],
    [3.390491311642773, 100, 0.0004999999992178983],
    [10, 19, 2.63151308116795e-9],
    [40, 499, 4.40860523904598e-158],
    [0.1, 3, 0.4633261744004029],
    [1000, 2, 4.9999925000125e-7],
  ])('beyond %f with %i degrees of freedom', (t, degrees, wanted) => {
    expect(relative(studentTail(t, degrees), wanted)).toBeLessThan(1e-11);
  });

  it('is half at 0, symmetric, and falls', () => {
    const t = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(t, t, fc.integer({ min: 1, max: 600 }), (x, y, degrees) => {
        expect(studentTail(0, degrees)).toBe(0.5);
        expect(Math.abs(studentTail(x, degrees) + studentTail(-x, degrees) - 1)).toBeLessThan(1e-14);
        expect(studentTail(Math.max(x, y), degrees)).toBeLessThanOrEqual(
          studentTail(Math.min(x, y), degrees) * (1 + 1e-12),
        );
      }),
    );
  });

  it('has a closed form for 2 degrees of freedom, far into the tail', () => {
    for (const t of [0.5, 3, 1e3, 1e6]) {
      // 1/2 - t / (2 sqrt(2 + t^2)), written without cancellation
      const wanted = 1 / (Math.sqrt(2 + t * t) * (Math.sqrt(2 + t * t) + t));
      expect(relative(studentTail(t, 2), wanted)).toBeLessThan(1e-12);
    }
    expect(studentTail(Number.POSITIVE_INFINITY, 7)).toBe(0);
    expect(studentTail(Number.NEGATIVE_INFINITY, 7)).toBe(1);
  });
});
