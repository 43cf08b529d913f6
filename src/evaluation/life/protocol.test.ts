import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growingLife, lifeResult } from './life.fixture.ts';
import { evaluateLives, windowRecords } from './protocol.ts';
import { phmScore } from './rul.ts';

const encoder = { id: 'synthetic', fingerprint: 'synthetic:1' };

describe('windowRecords', () => {
  it.each([
    [[0, 100, 200, 300], 500, 5],
    [[0, 10, 20, 30], 500, 50],
    // A gap does not count as the usual step.
    [[0, 100, 200, 900, 1000], 500, 5],
    [[0, 1000, 2000], 500, 1],
    [[0], 500, 1],
  ])('of ages %j over %s s is %s', (ages, seconds, expected) => {
    expect(windowRecords(ages, seconds)).toBe(expected);
  });
});

describe('evaluateLives', () => {
  it('finds the measures of lives that grow alike', () => {
    const { bearings, prognosability, mean } = lifeResult();
    const [first] = bearings;
    expect([first.records, first.lifeSeconds, first.window, first.condition]).toEqual([61, 6000, 5, '1']);
    // 1.1^5 = 1.61 is the first score above 1.5: record 35, and the third such record is 37.
    expect(first.alarm).toEqual({ record: 37, shareOfLife: { value: 37 / 60 }, falseAlarms: 0, earlyAlarms: 0 });
    // Level for 30 steps, rising for 30.
    expect(first.monotonicity).toEqual({ value: 0.5 });
    expect(prognosability.value).toBeCloseTo(1, 9);
    expect(mean.firstAlarm.value).toBeCloseTo((37 / 60 + 57 / 80 + 77 / 100) / 3, 12);
    expect(mean.falseAlarms).toEqual({ value: 0 });
  });

  it('predicts the end of a trend exactly where the others end alike', () => {
    const [first] = lifeResult().bearings;
    const last = first.rul[4];
    expect([last.share, last.ageSeconds, last.actualSeconds, last.basis]).toEqual([0.9, 5400, 600, 'trend']);
    expect(last.predictedSeconds.trend).toBeCloseTo(600, 6);
    expect(last.score.trend).toBeCloseTo(1, 6);
  });

  it('goes by the age of the others before the onset, and its baselines always', () => {
    const [first] = lifeResult().bearings;
    const early = first.rul[0];
    // Others: 8,000 and 10,000 s; shares leave 70, 50, 30, 20 and 10 %, 36 % on average.
    expect([early.ageSeconds, early.actualSeconds, early.basis]).toEqual([1800, 4200, 'age']);
    expect(early.predictedSeconds.trend).toBe(7200);
    expect(early.predictedSeconds.age).toBe(7200);
    expect(early.predictedSeconds.constant).toBeCloseTo(3240, 9);
    expect(early.score.constant).toBe(phmScore(4200, early.predictedSeconds.constant));
    const mean = first.rul.reduce((sum, { score }) => sum + score.trend, 0) / 5;
    expect(first.rulScore.trend.value).toBeCloseTo(mean, 12);
  });

  it('looks at nothing behind the truncation', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 50, noNaN: true }), { minLength: 30, maxLength: 30 }), (tail) => {
        const others = [growingLife('Bearing1_2', 81, 50), growingLife('Bearing2_1', 101, 70)];
        const own = growingLife('Bearing1_1', 61, 15);
        // Half of 6,000 s is record 30.
        const other = { ...own, score: [...own.score.slice(0, 31), ...tail] };
        const at = (life: typeof own) =>
          evaluateLives({ encoder, channel: 'all', lives: [life, ...others] }).bearings[0].rul[1];
        expect(at(other)).toEqual(at(own));
      }),
    );
  });

  it('has no mean first alarm where one bearing gives none, and says which', () => {
    const { mean } = lifeResult({ quiet: true });
    expect(mean.firstAlarm.value).toBeNull();
    expect(mean.firstAlarm.value === null && mean.firstAlarm.reason).toMatch(/^Bearing2_2: never do 3 of 5/);
    expect(mean.rulScore.trend.value).not.toBeNull();
  });

  it('predicts no remaining life from one bearing', () => {
    const { bearings, mean, prognosability } = evaluateLives({
      encoder,
      channel: 'all',
      lives: [growingLife('Bearing1_1', 61, 30)],
    });
    expect(bearings[0].rul).toEqual([]);
    expect(bearings[0].rulScore.trend.value).toBeNull();
    expect(mean.rulScore.age.value).toBeNull();
    expect(prognosability.value).toBeNull();
  });

  it.each([
    [{ shares: [0.5, 1] }, /shares of life between 0 and 1, got 1/],
    [{ shares: [] }, /shares of life between 0 and 1, got none/],
    [{ smoothSeconds: 0 }, /smooth over some s, got 0/],
    [{ alarm: { k: 4, n: 3, early: 0.5 } }, /got 4 of 3/],
  ])('refuses settings %j', (settings, message) => {
    const lives = [growingLife('Bearing1_1', 61, 30)];
    expect(() => evaluateLives({ encoder, channel: 'all', lives, settings })).toThrow(message);
  });

  it('refuses no lives, and lives without a length', () => {
    expect(() => evaluateLives({ encoder, channel: 'all', lives: [] })).toThrow(/at least 1 life, got none/);
    const short = { ...growingLife('Bearing1_1', 1, 0), fitted: 0 };
    expect(() => evaluateLives({ encoder, channel: 'all', lives: [short] })).toThrow(
      /at least 2 records of Bearing1_1/,
    );
  });
});
