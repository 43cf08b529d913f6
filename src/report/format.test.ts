import { describe, expect, it } from 'vitest';
import {
  formatBand,
  formatBands,
  formatCount,
  formatDate,
  formatHz,
  formatNumber,
  formatPercent,
  formatPValue,
  formatSeconds,
  formatShare,
  formatTimeRange,
  scoreFormat,
} from './format.ts';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [1.07, '1.07'],
    [0.9996, '1'],
    [12.345, '12.3'],
    [1234.5, '1235'],
    [-0.25, '−0.25'],
    [0.00001234, '1.23e−5'],
    [2_500_000, '2.50e+6'],
  ])('formatNumber(%d) is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('writes the scores of one table with the same decimals', () => {
    expect([0.824, 1.5, 14.1288].map(scoreFormat(1.07))).toEqual(['0.82', '1.50', '14.13']);
    expect([0.01, 0.0312].map(scoreFormat(0.0123))).toEqual(['0.0100', '0.0312']);
    expect(scoreFormat(52_000)(51_234.6)).toBe('51235');
    expect(scoreFormat(0)(-0.5)).toBe('−0.500');
  });

  it.each([
    [0, '< 0.001'],
    [0.000999, '< 0.001'],
    [0.001, '0.001'],
    [0.0123, '0.012'],
    [0.0994, '0.099'],
    [0.0996, '0.10'],
    [0.59, '0.59'],
    [1, '1.00'],
  ])('formatPValue(%d) is %s', (value, text) => {
    expect(formatPValue(value)).toBe(text);
  });

  it('writes rates and shares', () => {
    expect([0.01, 0.015, 0.001, 0.2].map(formatPercent)).toEqual(['1 %', '1.5 %', '0.1 %', '20 %']);
    expect([0, 0.004, 0.414, 1].map(formatShare)).toEqual(['0 %', '< 1 %', '41 %', '100 %']);
  });

  it('counts with plurals and thousands', () => {
    expect([0, 1, 3, 10_000, 1_234_567].map((count) => formatCount(count, 'file'))).toEqual([
      '0 files',
      '1 file',
      '3 files',
      '10,000 files',
      '1,234,567 files',
    ]);
  });
});

describe('frequency and time', () => {
  it.each([
    [2934.2, 3471.8, '2.9–3.5 kHz'],
    [400, 850, '400–850 Hz'],
    [800, 1200, '800–1200 Hz'],
    [0, 250, '0–250 Hz'],
    [12_500, 13_500, '12.5–13.5 kHz'],
    [3200, 3260, '3.2–3.26 kHz'],
    [49.5, 50.5, '49.5–50.5 Hz'],
  ])('formatBand(%d, %d) is %s', (low, high, text) => {
    expect(formatBand(low, high)).toBe(text);
  });

  it('names the bands with the largest shares first', () => {
    const bands = [
      { lowHz: 0, highHz: 250, share: 0.06 },
      { lowHz: 2900, highHz: 3500, share: 0.41 },
      { lowHz: 5800, highHz: 6900, share: 0.12 },
    ];
    expect(formatBands(bands, 2)).toBe('2.9–3.5 kHz 41 %, 5.8–6.9 kHz 12 %');
    expect(formatBands(undefined, 2)).toBe('');
  });

  it('writes single values with their units', () => {
    expect([50, 999.9, 16_000, 44_100].map(formatHz)).toEqual(['50 Hz', '1000 Hz', '16 kHz', '44.1 kHz']);
    expect([0, 0.0244, 3.25, 125].map(formatSeconds)).toEqual(['0 s', '24.4 ms', '3.25 s', '125 s']);
    expect(formatTimeRange(20, 10)).toBe('20–30 s');
    expect(formatDate('2026-03-14T10:26:53+01:00')).toBe('2026-03-14 09:26 UTC');
  });
});
