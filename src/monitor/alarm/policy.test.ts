import { describe, expect, it } from 'vitest';
import { policyOf } from './observations.test-util.ts';
import { checkPolicy, defaultPolicy } from './policy.ts';

describe('checkPolicy', () => {
  it('takes the usual settings, and all kinds of silences', () => {
    expect(checkPolicy(defaultPolicy)).toEqual(defaultPolicy);
    const silences = [
      { fromMs: 0, toMs: 1 },
      { from: '22:00', to: '06:00' },
      { days: [0, 6], from: '00:00', to: '00:00' },
    ];
    expect(checkPolicy(policyOf({ silences, threshold: 3, k: 4, clearShare: 1 })).silences).toEqual(silences);
  });

  it.each([
    [{ n: 0 }, 'n from 1 to 1000, got 0'],
    [{ n: 1001 }, 'n from 1 to 1000, got 1001'],
    [{ k: 5 }, 'k from 1 to n (4), got 5'],
    [{ k: 1.5 }, 'k from 1 to n (4), got 1.5'],
    [{ minimumSeconds: -1 }, 'minimumSeconds of 0 or more, got -1'],
    [{ minimumSeconds: Number.POSITIVE_INFINITY }, 'minimumSeconds'],
    [{ threshold: 0 }, 'a threshold above 0, or none, got 0'],
    [{ threshold: Number.NaN }, 'a threshold above 0'],
    [{ clearShare: 0 }, 'clearShare above 0, at most 1, got 0'],
    [{ clearShare: 1.1 }, 'clearShare'],
    [{ silences: [{ fromMs: 2, toMs: 2 }] }, 'a silence from one time to a later one, got {"fromMs":2,"toMs":2}'],
    [{ silences: [{ from: '24:00', to: '06:00' }] }, 'a silence such as 22:00 to 06:00'],
    [{ silences: [{ from: '22:00', to: '06:00', days: [7] }] }, 'days of a silence from 0 (Sunday) to 6, got [7]'],
    [{ drift: { windowSeconds: 0, deviations: 1, jumpShare: 0.5 } }, 'drift.windowSeconds above 0, got 0'],
    [{ drift: { windowSeconds: 1, deviations: 0, jumpShare: 0.5 } }, 'drift.deviations above 0, got 0'],
    [{ drift: { windowSeconds: 1, deviations: 1, jumpShare: 1.5 } }, 'drift.jumpShare above 0, at most 1, got 1.5'],
  ])('refuses %j', (change, message) => {
    expect(() => checkPolicy({ ...defaultPolicy, ...change })).toThrow(message);
  });
});
