import { describe, expect, it } from 'vitest';
import { isSilenced } from './silence.ts';
import type { Silence } from './types.ts';

const at = (text: string): number => Date.parse(`${text}Z`);

// 2026-03-06 is a Friday.
const weekend: Silence = { days: [5], from: '22:00', to: '06:00' };
const noon: Silence = { days: [1, 2], from: '12:00', to: '13:30' };
const wholeSunday: Silence = { days: [0], from: '00:00', to: '00:00' };
const once: Silence = { fromMs: at('2026-03-06T10:00'), toMs: at('2026-03-06T11:00') };

describe('isSilenced', () => {
  it.each([
    ['over midnight, on the evening it begins', weekend, '2026-03-06T22:00', true],
    ['over midnight, on the next morning', weekend, '2026-03-07T05:59', true],
    ['over midnight, at its end', weekend, '2026-03-07T06:00', false],
    ['over midnight, on the morning of its own day', weekend, '2026-03-06T05:00', false],
    ['over midnight, on the next evening', weekend, '2026-03-07T23:00', false],
    ['within a day', noon, '2026-03-02T12:00', true],
    ['within a day, at its end', noon, '2026-03-02T13:30', false],
    ['on another day', noon, '2026-03-04T12:30', false],
    ['a whole day, at its first moment', wholeSunday, '2026-03-08T00:00', true],
    ['a whole day, at its last', wholeSunday, '2026-03-08T23:59:59.999', true],
    ['the day after a whole day', wholeSunday, '2026-03-09T00:00', false],
    ['once, at its first moment', once, '2026-03-06T10:00', true],
    ['once, at its end', once, '2026-03-06T11:00', false],
    ['before 1970', { from: '22:00', to: '06:00' } satisfies Silence, '1969-12-31T23:30', true],
    ['before 1970, by day', { from: '22:00', to: '06:00' } satisfies Silence, '1969-12-31T21:30', false],
  ])('%s', (_, silence, time, silenced) => {
    expect(isSilenced([silence], at(time))).toBe(silenced);
  });

  it('agrees with the calendar of ECMAScript on days of the week', () => {
    for (let day = -400; day < 400; day++) {
      const time = day * 86_400_000 + 3_600_000;
      expect(isSilenced([{ days: [new Date(time).getUTCDay()], from: '01:00', to: '01:01' }], time)).toBe(true);
    }
  });
});
