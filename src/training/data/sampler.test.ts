import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { blockQuotas, clipPlan, epochItem, type SampledSource } from './sampler.ts';

const sources: SampledSource[] = [
  { weight: 3, count: 7 },
  { weight: 1, count: null },
  { weight: 0.5, count: 40 },
];

/** Everything about a clip, with two of its random numbers for its random stream. */
const picture = (n: number, seed: number | string = 5) => {
  const { random, ...rest } = clipPlan(n, seed, sources);
  return { ...rest, drawn: [random.uniform(), random.fork('gain').uniform()] };
};

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe('clipPlan', () => {
  it('gives the same clip wherever a run starts', () => {
    const whole = numbers(2500).map((n) => picture(n));
    expect(numbers(300, 1900).map((n) => picture(n))).toEqual(whole.slice(1900, 2200));
    expect(numbers(300, 0).map((n) => picture(n))).toEqual(whole.slice(0, 300));
    expect(numbers(50).map((n) => picture(n, '5'))).toEqual(whole.slice(0, 50));
  });

  it('gives other clips for another seed, and other random numbers for every clip', () => {
    const items = (seed: number) => numbers(100).map((n) => clipPlan(n, seed, sources).item);
    expect(items(5)).not.toEqual(items(6));
    expect(new Set(numbers(1000).map((n) => picture(n).drawn[0])).size).toBe(1000);
  });

  it('gives every source its share of every thousand clips', () => {
    const count = (from: number, source: number) =>
      numbers(1000, from).filter((n) => clipPlan(n, 1, sources).source === source).length;
    for (const from of [0, 1000, 77_000]) {
      expect([0, 1, 2].map((source) => count(from, source))).toEqual([667, 222, 111]);
    }
    // A shuffled block: the first hundred are near their share too.
    const first = numbers(100).filter((n) => clipPlan(n, 1, sources).source === 0).length;
    expect(Math.abs(first - 66.7)).toBeLessThan(20);
  });

  it('gives every item once per epoch, in an order of its own', () => {
    const plans = numbers(4000).map((n) => clipPlan(n, 9, sources));
    for (const [source, { count }] of sources.entries()) {
      if (count === null) continue;
      const items = plans.filter((plan) => plan.source === source);
      const epochs = Math.floor(items.length / count);
      const orders = numbers(epochs).map((epoch) => items.slice(epoch * count, (epoch + 1) * count));
      for (const [epoch, order] of orders.entries()) {
        expect(order.map(({ item }) => item).sort((a, b) => a - b)).toEqual(numbers(count));
        expect(order.map((plan) => [plan.epoch, plan.position])).toEqual(numbers(count).map((i) => [epoch, i]));
      }
      expect(new Set(orders.map((order) => order.map(({ item }) => item).join())).size).toBeGreaterThan(epochs / 2);
    }
    const made = plans.filter(({ source }) => source === 1);
    expect(made.map(({ item }) => item)).toEqual(numbers(made.length));
  });

  it('names the items that come after one', () => {
    const plans = numbers(1000)
      .map((n) => clipPlan(n, 9, sources))
      .filter(({ source, epoch }) => source === 0 && epoch === 3);
    expect(plans.map(({ position }) => epochItem(9, 0, 7, 3, position))).toEqual(plans.map(({ item }) => item));
  });

  it('refuses what it cannot plan', () => {
    expect(() => clipPlan(-1, 1, sources)).toThrow('clipPlan: expected a whole number from 0 on, got -1');
    expect(() => clipPlan(0.5, 1, sources)).toThrow(InputError);
    expect(() => clipPlan(0, 1, [])).toThrow('expected 1 to 1000 sources, got 0');
    expect(() => clipPlan(0, 1, [{ weight: 0, count: 1 }])).toThrow('a positive weight of source 1, got 0');
    expect(() => clipPlan(0, 1, [{ weight: 1, count: 0 }])).toThrow('expected items in source 1, got 0');
  });
});

describe('blockQuotas', () => {
  it('rounds the largest remainders up, and leaves nobody out', () => {
    expect(blockQuotas([1, 1, 1])).toEqual([334, 333, 333]);
    expect(blockQuotas([1])).toEqual([1000]);
    expect(blockQuotas([1e9, 1, 1])).toEqual([998, 1, 1]);
  });

  it('makes a thousand of any weights, each within one of its share', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }), (weights) => {
        const quotas = blockQuotas(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        expect(quotas.reduce((sum, quota) => sum + quota, 0)).toBe(1000);
        for (const [i, quota] of quotas.entries()) {
          expect(quota).toBeGreaterThanOrEqual(1);
          // Shares below one in a thousand are raised to it, at the cost of at most one clip each from the others.
          expect(Math.abs(quota - (1000 * weights[i]) / total)).toBeLessThan(1 + weights.length);
        }
      }),
    );
  });
});
