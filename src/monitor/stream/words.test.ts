import { describe, expect, it } from 'vitest';
import { describeEvent, formatSpan } from './words.ts';

const noon = Date.UTC(2026, 10, 30, 12);
const about = { stream: 'pump', atMs: noon };

describe('describeEvent', () => {
  it.each([
    [{ ...about, kind: 'gap', fromMs: noon, toMs: noon + 4000 }, '4 s are missing from 2026-11-30 12:00:00 on'],
    [
      { ...about, kind: 'clock-jump', fromMs: noon, toMs: noon - 3_600_000 },
      'the clock went back by 60 min, from 2026-11-30 12:00:00',
    ],
    [
      { ...about, kind: 'rate-refused', expectedRate: 8000, foundRate: 16000 },
      '16000 Hz refused, the stream began with 8000 Hz; it goes on when that is back',
    ],
    [{ ...about, kind: 'trouble', reason: 'no disk' }, 'no disk'],
  ] as const)('says %j', (event, text) => {
    expect(describeEvent(event)).toBe(text);
  });

  it.each([
    [400, '0.4 s'],
    [720_000, '12 min'],
    [-10_800_000, '3 h'],
    [1.75e12, '20300 days'],
  ])('calls %d ms %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });
});
