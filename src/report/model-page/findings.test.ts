import { describe, expect, it } from 'vitest';
import { labelRows, labelRuns, normalText, secondTicks, verdictOf } from './findings.ts';
import type { Heard } from './messages.ts';

const labels = { names: ['fan', 'pump', 'valve'], several: false };
/** Logits whose softmax are these shares. */
const logits = (...shares: number[]): Float32Array => Float32Array.from(shares, Math.log);
const seconds = (...heard: Omit<Heard, 'start' | 'end'>[]): Heard[] =>
  heard.map((one, i) => ({ start: i, end: i + 1, ...one }));

describe('verdictOf', () => {
  const none = { count: 0 };

  it('names the likeliest label: of a file as a whole, of a microphone now', () => {
    const heard = seconds({ logits: logits(0.7, 0.2, 0.1) }, { logits: logits(0.1, 0.1, 0.8) });
    const whole = logits(0.3, 0.6, 0.1);
    expect(verdictOf({ live: false, heard, whole }, labels, none)).toMatchObject({ text: 'pump', detail: '60 %' });
    expect(verdictOf({ live: true, heard }, labels, none)).toMatchObject({ text: 'valve', detail: '80 %' });
    expect(verdictOf({ live: true, heard: [] }, labels, none)).toMatchObject({ text: '…', detail: '' });
  });

  it('names all that are present where labels may come together', () => {
    const several = { ...labels, several: true };
    const whole = Float32Array.of(Math.log(3), -2, Math.log(9));
    expect(verdictOf({ live: false, heard: [], whole }, several, none)).toMatchObject({
      text: 'valve, fan',
      detail: '90 %, 75 %',
    });
    const low = Float32Array.of(-Math.log(3), -2, -3);
    expect(verdictOf({ live: false, heard: [], whole: low }, several, none)).toMatchObject({
      text: 'none of the labels',
      detail: 'fan 25 %',
    });
  });

  it('compares distances with the limit', () => {
    const heard = seconds({ distance: 0.1 }, { distance: 0.4 }, { distance: 0.2 });
    expect(verdictOf({ live: false, heard }, undefined, none).text).toBe('Nothing is normal yet');
    expect(verdictOf({ live: false, heard }, undefined, { count: 2 }).text).toBe('Mark more as normal');
    const known = { count: 8, limit: 0.3 };
    expect(verdictOf({ live: false, heard }, undefined, known)).toEqual({
      ...{ text: 'Unlike normal in 1 of 3 s', detail: '0.4 from normal at most', anomalous: true },
    });
    expect(verdictOf({ live: true, heard }, undefined, known)).toMatchObject({ text: 'Like normal', anomalous: false });
    expect(verdictOf({ live: true, heard: heard.slice(0, 2) }, undefined, known).text).toBe('Unlike normal');
    const unlike = seconds({ distance: 0.1 }, {});
    expect(verdictOf({ live: true, heard: unlike }, undefined, known).text).toBe('Nothing to compare with');
    // What is as far away as normal ones are from each other is normal.
    expect(verdictOf({ live: false, heard }, undefined, { count: 8, limit: 0.4 }).anomalous).toBe(false);
  });
});

describe('labelRows', () => {
  const many = { names: Array.from({ length: 12 }, (_, i) => `label ${i}`), several: true };
  const of = (...likely: number[]): Float32Array =>
    Float32Array.from({ length: 12 }, (_, c) => (likely.includes(c) ? 2 - likely.indexOf(c) / 10 : -3 - c / 100));

  it('of a file are the likeliest ones of the whole, in order', () => {
    const rows = labelRows({ live: false, heard: seconds({ logits: of(1) }), whole: of(11, 7) }, many);
    expect(rows.map(({ label }) => label)).toEqual([11, 7, 0, 1, 2, 3, 4, 5]);
    expect(rows[0].logit).toBe(2);
    expect(rows[3].steps).toEqual([{ start: 0, end: 1, value: expect.closeTo(1 / (1 + Math.exp(-2)), 6) }]);
  });

  it('of a microphone keep the order of the labels, and those that were likely before', () => {
    const heard = seconds({ logits: of(10) }, { logits: of(9) });
    expect(labelRows({ live: true, heard }, many).map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5, 9, 10]);
  });
});

describe('labelRuns', () => {
  it('joins seconds of the same label', () => {
    const heard = [0, 0, 2, 0].map((c) => ({ logits: logits(...[0, 1, 2].map((l) => (l === c ? 0.8 : 0.1))) }));
    expect(labelRuns(seconds(...heard))).toEqual([
      { start: 0, end: 2, label: 0 },
      { start: 2, end: 3, label: 2 },
      { start: 3, end: 4, label: 0 },
    ]);
  });
});

it('normalText counts, and says when that is not enough', () => {
  expect(normalText({ count: 0 })).toContain('Mark sounds');
  expect(normalText({ count: 1 })).toBe(
    '1 normal window known. A few more, and the page can tell what is unlike them.',
  );
  expect(normalText({ count: 12, limit: 0.1 })).toBe('12 normal windows known.');
});

describe('secondTicks', () => {
  it.each<[number, string[], number?]>([
    [0.3, ['0', '0.05', '0.1', '0.15', '0.2', '0.25', '0.3 s']],
    [5.2, ['0', '1', '2', '3', '4', '5 s']],
    [10, ['0', '2', '4', '6', '8', '10 s']],
    [10, ['0', '5', '10 s'], 4],
    [200, ['0:00', '0:30', '1:00', '1:30', '2:00', '2:30', '3:00']],
  ])('of %s s', (length, texts, most) => {
    expect(secondTicks(length, most).map(({ text }) => text)).toEqual(texts);
  });
});
