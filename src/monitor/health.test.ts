import { describe, expect, it } from 'vitest';
import { endOf, healthOf, silentFromMs } from './health.ts';

const HOUR = 3_600_000;
const at = (startMs: number, receivedMs = startMs + 10_000) => ({ startMs, durationSeconds: 10, receivedMs });

describe('silentFromMs', () => {
  it.each([
    ['one recording: an hour', [at(0)], 10_000, 10_000 + HOUR],
    ['one a minute: an hour', [at(0), at(60_000), at(120_000)], 130_000, 130_000 + HOUR],
    ['one a day: ten days', [at(0), at(24 * HOUR), at(48 * HOUR)], 48 * HOUR + 10_000, 48 * HOUR + 10_000 + 240 * HOUR],
    ['any order', [at(48 * HOUR), at(0), at(24 * HOUR)], 48 * HOUR + 10_000, 48 * HOUR + 10_000 + 240 * HOUR],
    ['a clock in the future: when it came', [at(0), at(1e12, 70_000)], 70_000, 70_000 + HOUR],
    ['sent long after it was taken: when it was taken', [at(0, 5 * HOUR)], 10_000, 10_000 + HOUR],
  ])('%s', (_, recordings, lastMs, fromMs) => {
    expect(silentFromMs(recordings.map(endOf))).toEqual({ lastMs, fromMs });
  });

  it('says nothing where nothing ever came', () => expect(silentFromMs([])).toBeUndefined());
});

describe('healthOf', () => {
  const fitted = { fitted: true, open: [], ends: [1000] };
  it.each([
    ['normal', fitted, 2000, { health: 'normal' }],
    ['silent after an hour', fitted, 1001 + HOUR, { health: 'silent', silentSinceMs: 1000 }],
    ['silent from the beginning', { ...fitted, ends: [] }, 0, { health: 'silent' }],
    ['without a detector', { ...fitted, fitted: false }, 2000, { health: 'unfitted' }],
    ['the alarm that weighs most', { ...fitted, open: ['drift', 'fault'] as const }, 2000, { health: 'fault' }],
  ] as const)('%s', (_, facts, nowMs, expected) => expect(healthOf(facts, nowMs)).toEqual(expected));
});
