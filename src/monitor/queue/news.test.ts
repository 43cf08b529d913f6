import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buriedNews, readBeat, readNews } from './news.ts';

describe('readNews', () => {
  it('reads what is sent', () => {
    const news = buriedNews('pump-7');
    expect(readNews(JSON.stringify(news))).toEqual(news);
    const change = { kind: 'fault', change: 'raised', atMs: 5 } as const;
    const more = { ...news, hash: 'a'.repeat(64), changes: [change], by: { name: 'pump', version: 2 } };
    expect(readNews(JSON.stringify(more))).toEqual(more);
  });

  it.each([
    ['another version', { version: 2 }],
    ['a hash that is none', { hash: '../../etc/passwd' }],
    ['a count below 0', { scores: -1 }],
    ['a count that is none', { scores: 1e300 }],
    ['an endless list', { changes: Array.from({ length: 101 }, () => ({ kind: 'fault', change: 'raised', atMs: 0 })) }],
    ['a kind that is none', { changes: [{ kind: 'x', change: 'raised', atMs: 0 }] }],
    ['a time that is none', { changes: [{ kind: 'fault', change: 'raised', atMs: null }] }],
    ['no machine', { machine: '' }],
  ])('passes over %s', (_, wrong) => {
    expect(readNews(JSON.stringify({ ...buriedNews('pump'), ...wrong }))).toBeUndefined();
  });

  it('throws at nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readNews(text)).toBeUndefined();
        expect(readBeat(text)).toBeUndefined();
      }),
    );
  });
});
