import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstAlarm, lastingAlarms } from './first-alarm.ts';

const rule = { k: 3, n: 5, early: 0.5 };

/** A life of one record per unit of time; `1` reaches the threshold. */
const lifeOf = (pattern: string, fitted = 0) => ({
  scores: [...pattern].map((mark) => (mark === '1' ? 2 : 0.5)),
  ages: [...pattern].map((_, i) => i),
  threshold: 1,
  fitted,
});

describe('firstAlarm', () => {
  it('is raised by the record that makes three of five', () => {
    // Records 5, 7 and 8 of 0 to 10.
    expect(firstAlarm(lifeOf('00000101100'), rule)).toEqual({
      record: 8,
      shareOfLife: { value: 0.8 },
      falseAlarms: 0,
      earlyAlarms: 0,
    });
  });

  it('counts single records before the run of the alarm as false', () => {
    // 1 and 3 are false; the run of five that ends at 10 holds 8, 9 and 10.
    const alarm = firstAlarm(lifeOf('01010000111'), rule);
    expect([alarm.record, alarm.falseAlarms]).toEqual([10, 2]);
  });

  it('counts single records up to the last five in a life without a lasting alarm', () => {
    // Of 16 records, 13 may have heard the failure come; 1, 3 and 8 did not.
    const alarm = firstAlarm(lifeOf('0101000010000100'), rule);
    expect(alarm.record).toBeNull();
    expect(alarm.shareOfLife).toEqual({
      value: null,
      reason: 'never do 3 of 5 records in a row reach the threshold',
    });
    expect(alarm.falseAlarms).toBe(3);
  });

  it('counts lasting alarms of the first half of life once each', () => {
    // Two that come and go before half of 20, one that stays.
    const alarm = firstAlarm(lifeOf('111000001110000011111'), rule);
    expect([alarm.record, alarm.earlyAlarms]).toEqual([2, 1]);
    expect(firstAlarm(lifeOf('111000001110000011111'), { ...rule, early: 0.6 }).earlyAlarms).toBe(2);
  });

  it('hears nothing in the records that the detector was fitted on', () => {
    const alarm = firstAlarm(lifeOf('1111100111', 5), rule);
    expect([alarm.record, alarm.falseAlarms, alarm.earlyAlarms]).toEqual([9, 0, 0]);
  });

  it('counts a score at the threshold', () => {
    const life = { scores: [1, 1, 1], ages: [0, 1, 2], threshold: 1, fitted: 0 };
    expect(firstAlarm(life, rule).record).toBe(2);
  });

  it('comes no earlier with a higher threshold', () => {
    const lists = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(
        lists,
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 5 }),
        (scores, low, by) => {
          const ages = scores.map((_, i) => i);
          const at = (threshold: number) =>
            firstAlarm({ scores, ages, threshold, fitted: 1 }, rule).record ?? Number.POSITIVE_INFINITY;
          expect(at(low + by)).toBeGreaterThanOrEqual(at(low));
        },
      ),
    );
  });

  it('needs no record of the future', () => {
    const lists = fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        const whole = lastingAlarms([...before, ...after], 1, 2, rule);
        expect(whole.slice(0, before.length)).toEqual(lastingAlarms(before, 1, 2, rule));
      }),
    );
  });

  it.each([
    [{ ...rule, k: 6 }, /1 <= k <= n, got 6 of 5/],
    [{ ...rule, k: 0 }, /got 0 of 5/],
    [{ ...rule, early: 2 }, /early share of 0 to 1, got 2/],
  ])('refuses %j', (broken, message) => {
    expect(() => firstAlarm(lifeOf('0011'), broken)).toThrow(message);
  });
});
