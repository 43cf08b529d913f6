import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatLength, formatTime, inOrder, isName, nameFrom } from './format.ts';

const NOW = Date.UTC(2026, 2, 1, 12);

describe('formatAgo', () => {
  it.each([
    [0, 'now'],
    [-29_000, 'now'],
    [-61_000, '1 minute ago'],
    [-3_600_000 * 0.96, '1 hour ago'],
    [-86_400_000 * 3, '3 days ago'],
    [-86_400_000 * 800, '2 years ago'],
    [40_000, 'in 1 minute'],
  ])('%i ms: %s', (ms, text) => expect(formatAgo(NOW + ms, NOW)).toBe(text));
});

it('writes times as the locale does', () => {
  expect(formatTime(NOW, 'de-DE')).toMatch(/^01\.03\.2026, \d\d:00:00$/);
  expect(formatTime(NOW, 'en-GB')).toMatch(/^1 Mar 2026, \d\d:00:00$/);
});

it('writes lengths and sizes in units of their size', () => {
  expect([12_000, 300_000, 7_200_000, 864_000_000].map(formatLength)).toEqual(['12 s', '5 min', '2 h', '10 days']);
  expect([0, 999, 1_234_567, 5e12].map(formatBytes)).toEqual(['0 B', '999 B', '1.23 MB', '5000 GB']);
});

it('puts machines in trouble first, then by name, numbers as numbers', () => {
  const machine = (name: string, health: string) =>
    ({ name, health }) as Parameters<typeof inOrder>[0] extends Iterable<infer M> ? M : never;
  const list = inOrder([
    machine('pump-10', 'normal'),
    machine('pump-9', 'normal'),
    machine('fan', 'drift'),
    machine('zeta', 'fault'),
  ]);
  expect(list.map(({ name }) => name)).toEqual(['zeta', 'fan', 'pump-9', 'pump-10']);
});

it('makes names that addresses allow', () => {
  expect(['Pumpe 7 (Süd)', '..', '', 'x'.repeat(80), 'ok-1.2'].map(nameFrom)).toEqual([
    'Pumpe-7-Sud',
    'machine',
    'machine',
    'x'.repeat(64),
    'ok-1.2',
  ]);
  for (const text of ['Pumpe 7 (Süd)', '../etc', '  ', '💥', '.hidden']) expect(isName(nameFrom(text))).toBe(true);
});
