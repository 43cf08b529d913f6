import { describe, expect, it } from 'vitest';
import { lifeResult } from './life.fixture.ts';
import { formatLifeTable, lifeCsv, lifeJson, scoresByShare } from './table.ts';

describe('formatLifeTable', () => {
  it('has a row per bearing, their mean, and a row per share of life', () => {
    const lines = formatLifeTable(lifeResult()).split('\n');
    const row = (start: string) =>
      lines
        .find((line) => line.startsWith(start))
        ?.trim()
        .split(/ {2,}/);
    expect(lines[0]).toBe('condition over life, synthetic, all channels');
    expect(row('Bearing1_1')?.slice(0, 8)).toEqual(['Bearing1_1', '61', '10', '1.67', '61.7 %', '0', '0', '0.500']);
    expect(row('mean')?.slice(0, 4)).toEqual(['mean', '70.0 %', '0.0', '0.0']);
    expect(row('90 %')?.slice(0, 3)).toEqual(['90 %', '3 of 3', '1.000']);
    expect(row('prognosability')).toEqual(['prognosability 1.000']);
  });

  it('says why a figure is undefined', () => {
    const text = formatLifeTable(lifeResult({ quiet: true }));
    expect(text).toMatch(/^- {2}Bearing2_2: never do 3 of 5 records in a row reach the threshold$/m);
    expect(text).not.toMatch(/NaN|null|undefined/);
  });
});

describe('scoresByShare', () => {
  it('is the mean over the bearings', () => {
    const result = lifeResult();
    const [first] = scoresByShare(result);
    expect(first.trends).toBe(0);
    expect(first.score.age).toBeCloseTo(result.bearings.reduce((sum, { rul }) => sum + rul[0].score.age, 0) / 3, 12);
  });
});

describe('lifeCsv', () => {
  const rows = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));

  it('has a row per bearing and share of life', () => {
    const [head, ...body] = rows(lifeCsv(lifeResult()));
    expect(body).toHaveLength(15);
    for (const cells of body) expect(cells).toHaveLength(head.length);
    const cell = (r: number, name: string) => body[r][head.indexOf(name)];
    expect(cell(4, 'bearing')).toBe('Bearing1_1');
    expect(cell(4, 'truncated_at')).toBe('0.9');
    expect(cell(4, 'actual_s')).toBe('600');
    expect(Number(cell(4, 'predicted_trend_s'))).toBeCloseTo(600, 6);
    expect(cell(4, 'basis')).toBe('trend');
  });

  it('leaves undefined figures empty', () => {
    const [head, ...body] = rows(lifeCsv(lifeResult({ quiet: true })));
    const quiet = body.filter((cells) => cells.includes('Bearing2_2'));
    expect(quiet).toHaveLength(5);
    for (const cells of quiet) expect(cells[head.indexOf('first_alarm_share')]).toBe('');
  });

  it('quotes what would break a row', () => {
    const result = { ...lifeResult(), encoder: { id: 'a,"b"', fingerprint: 'f' } };
    expect(lifeCsv(result).split('\n')[1].startsWith('"a,""b""",all,Bearing1_1')).toBe(true);
  });
});

describe('lifeJson', () => {
  it('is the result', () => {
    expect(JSON.parse(lifeJson(lifeResult()))).toEqual(lifeResult());
  });
});
