import { describe, expect, it } from 'vitest';
import { timeInName } from './file-time.ts';

const noon = Date.UTC(2026, 10, 30, 12, 0, 0);

describe('timeInName', () => {
  it.each([
    ['2026-11-30T12-00-00.wav', noon],
    ['pump-7_20261130_120000.flac', noon],
    ['20261130120000.wav', noon],
    ['2026-11-30 12.00.00.250.wav', noon + 250],
    ['2026-11-30T12-00-00-0017.wav', noon],
    ['2026-11-30T12-00-00.5.wav', noon + 500],
  ])('reads %s', (name, time) => {
    expect(timeInName(name)).toBe(time);
  });

  it.each([
    'pump.wav',
    '2026-13-30T12-00-00.wav',
    '2026-02-30T12-00-00.wav',
    '2026-11-30T25-00-00.wav',
    '120261130120000.wav',
    '00010101000000.wav',
  ])('finds no time in %s', (name) => {
    expect(timeInName(name)).toBeUndefined();
  });
});
