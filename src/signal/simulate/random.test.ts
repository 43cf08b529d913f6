import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, shuffled } from './random.ts';

const draw = (count: number, next: () => number) => Array.from({ length: count }, next);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('createRandom', () => {
  it('draws the numbers it always drew', () => {
    // Written down once: a change here changes every simulated recording.
    const random = createRandom('thrum');
    expect(draw(3, () => random.uniform())).toEqual([0.8148751967819408, 0.6140743821160868, 0.7337355861673132]);
    expect(draw(2, () => random.gaussian())).toEqual([-1.4385350067506404, -1.8856818159083035]);
    expect(draw(5, () => random.integer(1, 6))).toEqual([6, 2, 6, 2, 4]);
  });

  it('takes a number and its text as one seed, and other seeds as others', () => {
    expect(createRandom(7).uniform()).toBe(createRandom('7').uniform());
    const seeds = Array.from({ length: 500 }, (_, seed) => createRandom(seed).uniform());
    expect(new Set(seeds).size).toBe(500);
  });

  it('has the moments of its distributions', () => {
    const random = createRandom(1);
    const uniform = draw(40_000, () => random.uniform());
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    expect(mean(uniform.map((u) => (u - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    const gaussian = draw(40_000, () => random.gaussian());
    expect(Math.abs(mean(gaussian))).toBeLessThan(0.02);
    expect(Math.abs(mean(gaussian.map((g) => g ** 2)) - 1)).toBeLessThan(0.03);
    expect(Math.abs(mean(gaussian.map((g) => g ** 4)) - 3)).toBeLessThan(0.25);
    expect(mean(gaussian.map((g) => Number(Math.abs(g) > 1.959964)))).toBeCloseTo(0.05, 2);
    const logarithmic = draw(40_000, () => Math.log10(random.logUniform(10, 1000)));
    expect(mean(logarithmic)).toBeCloseTo(2, 1);
  });

  it('forks streams that depend on the label alone', () => {
    const early = createRandom(3).fork('noise').uniform();
    const parent = createRandom(3);
    draw(17, () => parent.gaussian());
    parent.fork('other').uniform();
    expect(parent.fork('noise').uniform()).toBe(early);
    expect(parent.fork('a').fork('b').uniform()).not.toBe(parent.fork('ab').uniform());
  });

  it('forks streams that are not correlated', () => {
    const a = createRandom(3).fork('a');
    const b = createRandom(3).fork('b');
    const product = mean(draw(20_000, () => a.gaussian() * b.gaussian()));
    expect(Math.abs(product)).toBeLessThan(0.03);
  });

  it('keeps integers and picks within their range', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 20 }),
        (seed, low, span) => {
          const random = createRandom(seed);
          const values = draw(50, () => random.integer(low, low + span));
          expect(values.every((value) => Number.isInteger(value) && value >= low && value <= low + span)).toBe(true);
          expect(['x', 'y']).toContain(random.pick(['x', 'y']));
        },
      ),
    );
  });

  it('refuses a seed that is no number', () => {
    expect(() => createRandom(Number.NaN)).toThrow(
      'createRandom: expected a finite number or a string as seed, got NaN',
    );
  });
});

describe('shuffled', () => {
  it('gives every order as often, and leaves the list', () => {
    const items = ['a', 'b', 'c'];
    const orders = draw(6000, () => 0).map((_, seed) => shuffled(items, createRandom(seed)).join(''));
    for (const order of ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']) {
      const share = orders.filter((found) => found === order).length / 6000;
      expect(Math.abs(share - 1 / 6)).toBeLessThan(0.02);
    }
    expect(items).toEqual(['a', 'b', 'c']);
    expect(shuffled([], createRandom(1))).toEqual([]);
  });
});
