import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, shuffled } from '../../signal/simulate/random.ts';
import { createAlarms } from './alarms.ts';
import { inOrder, observation, policyOf, START, usual } from './observations.test-util.ts';
import { renewState } from './state.ts';
import type { AlarmChange, AlarmPolicy, AlarmState, Observation } from './types.ts';

const run = (policy: AlarmPolicy, observations: readonly Observation[], state?: AlarmState): AlarmChange[] => {
  const alarms = createAlarms('pump', policy, state);
  return observations.flatMap((one) => alarms.observe(one));
};
const brief = (changes: readonly AlarmChange[]): string[] =>
  changes.map(({ kind, change, atMs }) => `${kind} ${change} ${(atMs - START) / 1000}`);

/** Alarms as the definition says them, on the whole list: O(n) for every score. */
function oracle(policy: AlarmPolicy, observations: readonly Observation[]): string[] {
  const { k, n, minimumSeconds, clearShare } = policy;
  const said: string[] = [];
  let open = false;
  let since: number | undefined;
  for (let i = 0; i < observations.length; i++) {
    const last = observations.slice(Math.max(0, i + 1 - n), i + 1);
    const limit = (one: Observation) => policy.threshold ?? one.threshold;
    const above = last.filter((one) => one.score >= limit(one));
    since = above.length >= k ? (since ?? above[0].startMs) : undefined;
    const end = (one: Observation) => one.startMs + one.durationSeconds * 1000;
    const raise = since !== undefined && end(above[above.length - 1]) - since >= minimumSeconds * 1000;
    const clear = last.length === n && last.every((one) => one.score < clearShare * limit(one));
    if (open ? !clear : !raise) continue;
    open = !open;
    said.push(`fault ${open ? 'raised' : 'cleared'} ${(end(observations[i]) - START) / 1000}`);
  }
  return said;
}

const scoresOf = fc.array(fc.constantFrom(0.5, 1, 1.7, 1.9, 2, 3), { maxLength: 60 });
const policies = fc
  .record({
    n: fc.integer({ min: 1, max: 6 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    minimumSeconds: fc.constantFrom(0, 10, 35, 100),
    clearShare: fc.constantFrom(0.5, 0.9, 1),
    threshold: fc.constantFrom(undefined, 1, 2.5),
  })
  .map(({ share, ...rest }) => policyOf({ ...rest, k: 1 + Math.floor(share * (rest.n - 1)) }));

describe('k of n', () => {
  it('raises with the third of the last four, and clears after four calm ones', () => {
    const scores = [1, 2, 1, 2, 2, 2, 1.9, 1.7, 1.7, 1.7, 1.7, 1];
    expect(brief(run(policyOf(), inOrder(scores)))).toEqual(['fault raised 50', 'fault cleared 110']);
  });

  it('does as the definition says', () => {
    fc.assert(
      fc.property(scoresOf, policies, (scores, policy) => {
        const observations = inOrder(scores);
        expect(brief(run(policy, observations))).toEqual(oracle(policy, observations));
      }),
      { numRuns: 500 },
    );
  });

  it('waits for the minimum duration, also where it is longer than the last n', () => {
    const long = policyOf({ minimumSeconds: 95 });
    expect(brief(run(long, inOrder(Array(12).fill(3))))).toEqual(['fault raised 100']);
    expect(brief(run(long, inOrder([3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3])))).toEqual([]);
  });

  it('leaves to a detector that judges by p-value what is anomalous', () => {
    const calm = inOrder([3, 3, 3, 3]).map((one) => ({ ...one, anomalous: false }));
    expect(run(policyOf(), calm)).toEqual([]);
    expect(brief(run(policyOf({ threshold: 3 }), calm))).toEqual(['fault raised 30']);
  });
});

describe('what an alarm says', () => {
  it('has the score, the threshold, how often, where, and what is most alike', () => {
    const [{ reason, sinceMs, machine }] = run(policyOf(), inOrder([1, 3, 3, 3.2]));
    expect(reason.text).toBe(
      'score 3.2, threshold 2 (p < 0.001), 3 of the last 4; loudest difference 2.1–2.6 kHz at 0.4 s; most alike: normal/12.wav',
    );
    expect(reason).toMatchObject({ above: 3, of: 4, score: 3.2, threshold: 2, recording: 'r3' });
    expect([machine, sinceMs]).toEqual(['pump', START + 10_000]);
  });

  it('has the band where there are no places, and the name of the fault where there is one', () => {
    const named = { places: [], diagnosis: { label: 'inner-race', confidence: 0.87 } };
    const [{ reason }] = run(policyOf({ k: 1, n: 1, threshold: 1.5 }), inOrder([3], 10, named));
    expect(reason.text).toBe(
      'score 3, threshold 1.5 (p < 0.001), 1 of the last 1; loudest difference 2–4 kHz; sounds like inner-race 87 %; most alike: normal/12.wav',
    );
  });

  it('says how it ended', () => {
    const [, { reason, change }] = run(policyOf({ k: 1, n: 2 }), inOrder([3, 1, 1]));
    expect([change, reason.text]).toEqual([
      'cleared',
      'the last 2 scores lie below 1.8; score 1, threshold 2 (p = 0.40)',
    ]);
  });
});

describe('silences', () => {
  const scores = [3, 3, 3, 3, 1, 1, 1, 1];

  it('decide nothing, and what was heard in them does not count later', () => {
    const silences = [{ fromMs: START + 5000, toMs: START + 30_000 }];
    expect(brief(run(policyOf({ silences }), inOrder(scores)))).toEqual([]);
    expect(brief(run(policyOf({ silences }), inOrder([...Array(5).fill(3)])))).toEqual([]);
    expect(brief(run(policyOf({ silences }), inOrder([...Array(6).fill(3)])))).toEqual(['fault raised 60']);
  });

  it('leave an open alarm open', () => {
    const silences = [{ fromMs: START + 40_000, toMs: START + 1e9 }];
    expect(brief(run(policyOf({ silences }), inOrder(scores)))).toEqual(['fault raised 30']);
  });
});

describe('constant samples', () => {
  const dead = (flags: readonly boolean[]): Observation[] =>
    inOrder(flags.map(() => 1)).map((one, i) => ({ ...one, constant: flags[i], score: flags[i] ? Number.NaN : 1 }));

  it('are an alarm of the sensor, cleared by live ones', () => {
    const changes = run(policyOf(), dead([false, true, true, true, true, false, false, false, false]));
    expect(brief(changes)).toEqual(['sensor raised 40', 'sensor cleared 90']);
    expect(changes[0].reason.text).toContain('every sample is the same in 3 of the last 4 recordings');
  });

  it('do not clear a fault, nor count as scores', () => {
    const fault = inOrder([3, 3, 3]);
    const off = Array.from({ length: 8 }, (_, i) =>
      observation({ startMs: START + (3 + i) * 10_000, constant: true, score: 0, recording: `off ${i}` }),
    );
    expect(brief(run(policyOf(), [...fault, ...off]))).toEqual(['fault raised 30', 'sensor raised 60']);
  });
});

describe('order', () => {
  it('ignores duplicates, whenever they come', () => {
    fc.assert(
      fc.property(scoresOf, fc.array(fc.nat({ max: 12 })), policies, (scores, repeats, policy) => {
        const observations = inOrder(scores);
        const doubled = observations.flatMap((one, i) => {
          const before = observations[i - (repeats[i % Math.max(1, repeats.length)] ?? 0)];
          return before === undefined ? [one] : [one, before];
        });
        expect(brief(run(policy, doubled))).toEqual(brief(run(policy, observations)));
      }),
    );
  });

  it('puts a late one in its place', () => {
    const [a, b, c, d] = inOrder([3, 3, 1, 3]);
    expect(brief(run(policyOf(), [a, c, d, b]))).toEqual(['fault raised 40']);
    // Only now were there three of four: told at the place where it happened, and cleared where that happened.
    const [e, f, g, ...calm] = inOrder([3, 3, 3, 1, 1, 1, 1]);
    const changes = run(policyOf(), [e, g, ...calm, f]);
    expect(brief(changes)).toEqual(['fault raised 30', 'fault cleared 70']);
    expect(changes[0].reason.recording).toBe('r1');
  });

  it('does not raise again what a late one only completes', () => {
    const [a, b, c, d, e] = inOrder([3, 3, 3, 3, 3]);
    expect(brief(run(policyOf(), [a, c, d, e, b]))).toEqual(['fault raised 40']);
  });

  it('raises and clears by turns, whatever the order', () => {
    fc.assert(
      fc.property(scoresOf, fc.string(), policies, (scores, seed, policy) => {
        const changes = run(policy, shuffled(inOrder(scores), createRandom(seed)));
        for (const [i, { change }] of changes.entries()) expect(change).toBe(i % 2 === 0 ? 'raised' : 'cleared');
      }),
    );
  });

  it('ends where it would have in order, if none is late by more than eight', () => {
    fc.assert(
      fc.property(scoresOf, fc.string(), policies, fc.constantFrom(0.1, 9), (scores, seed, policy, last) => {
        // The same scores at the end for so long that every condition is met.
        const observations = inOrder([...scores, ...Array(40).fill(last)]);
        const random = createRandom(seed);
        const jittered = observations
          .map((one, i) => ({ one, at: i + random.uniform(0, 8) }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }) => one);
        const isOpen = (changes: readonly AlarmChange[]) => changes.at(-1)?.change === 'raised';
        expect(isOpen(run(policy, jittered))).toBe(isOpen(run(policy, observations)));
        expect(isOpen(run(policy, jittered))).toBe(last === 9);
      }),
      { numRuns: 50 },
    );
  });
});

describe('clocks that are wrong', () => {
  const YEARS = 20 * 365 * 86_400_000;
  const moved = (observations: readonly Observation[], ms: number): Observation[] =>
    observations.map((one) => ({ ...one, startMs: one.startMs + ms, recording: `${one.recording} moved` }));

  it.each([
    ['ahead', YEARS],
    ['back', -YEARS],
  ])('an alarm is raised and cleared after a jump of years %s and home again', (_, ms) => {
    const away = moved(inOrder(Array(25).fill(1)), ms);
    const home = inOrder([...Array(25).fill(1), ...Array(25).fill(3), ...Array(25).fill(1)]);
    const states = run(policyOf(), [...home.slice(0, 20), ...away, ...home.slice(20)]).map(({ change }) => change);
    expect(states.length).toBeGreaterThanOrEqual(2);
    expect(states.at(-1)).toBe('cleared');
    const faulty = moved(inOrder(Array(25).fill(3)), ms);
    expect(run(policyOf(), [...home.slice(0, 20), ...faulty]).at(-1)?.change).toBe('raised');
  });

  it('one recording from the future does not stop the alarms of the present', () => {
    const [future] = moved(inOrder([1]), YEARS);
    const present = inOrder([...Array(10).fill(1), ...Array(4).fill(3)]);
    expect(brief(run(policyOf(), [present[0], future, ...present.slice(1)]))).toEqual(['fault raised 130']);
  });

  it('every time of a sensor that draws them at random is dealt with', () => {
    const random = createRandom('clock');
    const alarms = createAlarms('pump', policyOf());
    for (let i = 0; i < 2000; i++) {
      const startMs = Math.floor(random.uniform(-8e15, 8e15));
      alarms.observe(observation({ startMs, score: 3, recording: `r${i}` }));
    }
    expect(JSON.stringify(alarms.state()).length).toBeLessThan(20_000);
  });
});

describe('observe', () => {
  it.each([
    [{ startMs: Number.NaN }, 'observe: expected a time and a length of 0 s or more, got NaN and 10'],
    [{ startMs: 9e15 }, 'observe: expected a time'],
    [{ durationSeconds: -1 }, 'and -1'],
    [{ score: Number.NaN }, 'observe: expected a finite score and threshold, got NaN and 2'],
    [{ threshold: Number.POSITIVE_INFINITY }, 'got 1 and Infinity'],
  ])('refuses %j and stays as it was', (given, message) => {
    const alarms = createAlarms('pump', policyOf());
    alarms.observe(observation({}));
    const before = alarms.state();
    expect(() => alarms.observe(observation(given))).toThrow(message);
    expect(alarms.state()).toEqual(before);
  });
});

describe('state', () => {
  it('goes on as if it had never been stored', () => {
    const drift = { windowSeconds: 100, deviations: 1, jumpShare: 0.5 };
    fc.assert(
      fc.property(fc.string(), policies, fc.array(fc.nat({ max: 119 }), { maxLength: 4 }), (seed, policy, stops) => {
        const random = createRandom(seed);
        const late = inOrder(usual(random, 120, (i) => 1 + i / 40))
          .map((one, i) => ({ one, at: i + random.uniform(0, 6) }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }, i) => (i % 17 === 0 ? { ...one, constant: true } : one));
        let alarms = createAlarms('pump', { ...policy, drift });
        const changes = late.flatMap((one, i) => {
          if (stops.includes(i)) {
            alarms = createAlarms('pump', { ...policy, drift }, JSON.parse(JSON.stringify(alarms.state())));
          }
          return alarms.observe(one);
        });
        expect(changes).toEqual(run({ ...policy, drift }, late));
      }),
      { numRuns: 25 },
    );
  });

  it('stays small', () => {
    const alarms = createAlarms('pump', policyOf({ drift: { windowSeconds: 1e4, deviations: 1, jumpShare: 0.5 } }));
    for (const one of inOrder(usual(createRandom('many'), 3000))) alarms.observe(one);
    expect(JSON.stringify(alarms.state()).length).toBeLessThan(10_000);
  });

  it('of another version is refused', () => {
    const state = { ...createAlarms('pump', policyOf()).state(), version: 2 };
    expect(() => createAlarms('pump', policyOf(), state as unknown as AlarmState)).toThrow(
      'createAlarms: expected a state of version 1, got version',
    );
    expect(() => createAlarms('pump', policyOf(), { version: 1 })).toThrow('begin without a state');
  });

  it('may go on under another policy', () => {
    const before = createAlarms('pump', policyOf({ n: 10, k: 10 }));
    for (const one of inOrder(Array(9).fill(3))) before.observe(one);
    const next = observation({ score: 3, startMs: START + 90_000 });
    expect(brief(run(policyOf({ n: 2, k: 2 }), [next], before.state()))).toHaveLength(1);
  });

  it('renewed for another detector keeps open alarms, and forgets scores', () => {
    const alarms = createAlarms('pump', policyOf());
    for (const one of inOrder([3, 3, 3])) alarms.observe(one);
    const later = inOrder([1, 1, 1, 1]).map((one) => ({ ...one, startMs: one.startMs + 30_000 }));
    expect(brief(run(policyOf(), later, renewState(alarms.state())))).toEqual(['fault cleared 70']);
  });
});
