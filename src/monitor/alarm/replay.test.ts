import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../signal/simulate/random.ts';
import { createAlarms } from './alarms.ts';
import { inOrder, policyOf, START, usual } from './observations.test-util.ts';
import { thresholdReplay } from './replay.ts';

describe('thresholdReplay', () => {
  it('gives the alarms that this threshold would have given', () => {
    const scores = inOrder([1, 3, 3, 3, 1, 1, 1, 1, 3, 3, 3]);
    expect(thresholdReplay(scores, policyOf(), 2)).toEqual({
      alarms: [
        { sinceMs: START + 10_000, raisedMs: START + 40_000, clearedMs: START + 80_000 },
        { sinceMs: START + 80_000, raisedMs: START + 110_000 },
      ],
      above: 6,
      of: 11,
    });
    expect(thresholdReplay(scores, policyOf(), 4)).toEqual({ alarms: [], above: 0, of: 11 });
  });

  it('agrees with the alarms themselves, drift, silences and dead sensors included', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0.8, max: 3, noNaN: true }), (seed, threshold) => {
        const random = createRandom(seed);
        const policy = policyOf({
          silences: [{ fromMs: START + 300_000, toMs: START + 400_000 }],
          drift: { windowSeconds: 200, deviations: 1, jumpShare: 0.5 },
        });
        const scores = inOrder(usual(random, 200, (i) => 1 + i / 100)).map((one) => ({
          ...one,
          constant: random.uniform() < 0.05,
        }));
        const alarms = createAlarms('pump', { ...policy, threshold });
        const changes = scores.flatMap((one) => alarms.observe(one)).filter(({ kind }) => kind === 'fault');
        const replayed = thresholdReplay(scores, policy, threshold).alarms.flatMap(({ raisedMs, clearedMs }) =>
          clearedMs === undefined ? [raisedMs] : [raisedMs, clearedMs],
        );
        expect(replayed).toEqual(changes.map(({ atMs }) => atMs));
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a threshold of 0', () => {
    expect(() => thresholdReplay([], policyOf(), 0)).toThrow('checkPolicy: expected a threshold above 0');
  });
});
