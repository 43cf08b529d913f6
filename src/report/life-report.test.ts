import { describe, expect, it } from 'vitest';
import { lifeResult } from '../evaluation/life/life.fixture.ts';
import { renderLifeReport } from './life-report.ts';

describe('renderLifeReport', () => {
  it('is one page that refers to nothing outside of it and runs nothing', () => {
    const page = renderLifeReport(lifeResult());
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(page).not.toMatch(/<script|@import|NaN|undefined/);
    const references = [...page.matchAll(/(?:src|href)="([^"]*)"|url\(([^)]*)\)/g)].map(
      (match) => match[1] ?? match[2],
    );
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references) expect(reference).toMatch(/^#/);
  });

  it('has a curve with threshold and first alarm for every bearing', () => {
    const page = renderLifeReport(lifeResult());
    // One for wide and one for narrow screens.
    expect(page.match(/<svg class="plot"/g)).toHaveLength(6);
    // Record 37, 100 s apart.
    expect(page.match(/first alarm at 1\.028</g)).toHaveLength(2);
    expect(page.match(/threshold 1\.5</g)).toHaveLength(6);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says in words what was found', () => {
    const page = renderLifeReport(lifeResult());
    expect(page).toContain('A lasting alarm by the end of life on 3 of 3 bearings.');
    expect(page).toContain('The first came between 61.7 % and 77 % of life. Before it, 0 single records');
    expect(page).toContain('The trend says more about the end than they do.');
  });

  it('says so where alarms come too late to help', () => {
    expect(renderLifeReport(lifeResult())).not.toContain('hardly a warning');
    const result = lifeResult();
    for (const { alarm } of result.bearings.slice(1)) alarm.shareOfLife = { value: 0.98 };
    expect(renderLifeReport(result)).toContain('On half of these bearings 2 % of life or less was left');
  });

  it('says so where a bearing gives no alarm, and where there is only one bearing', () => {
    const quiet = renderLifeReport(lifeResult({ quiet: true }));
    expect(quiet).toContain('A lasting alarm by the end of life on 3 of 4 bearings.');
    expect(quiet).toContain('No alarm: never do 3 of 5 records in a row reach the threshold.');
    expect(quiet).toContain('No mean first alarm: Bearing2_2: never');
  });

  it('does not praise a trend that the baselines beat', () => {
    const result = lifeResult();
    const mean = {
      ...result.mean,
      rulScore: { trend: { value: 0.05 }, age: { value: 0.04 }, constant: { value: 0.13 } },
    };
    expect(renderLifeReport({ ...result, mean })).toContain('The trend does not beat them');
  });

  it('escapes names and problems', () => {
    const result = { ...lifeResult(), problems: ['<b>Bearing</b>'] };
    result.bearings[0].bearing = '<script>alert(1)</script>';
    const page = renderLifeReport(result);
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain('Before you rely on this');
  });

  it('refuses no bearings and curves that cannot be drawn', () => {
    const result = lifeResult();
    expect(() => renderLifeReport({ ...result, bearings: [] })).toThrow(/at least 1 bearing, got none/);
    result.bearings[1].threshold = Number.NaN;
    expect(() => renderLifeReport(result)).toThrow(/finite numbers in the curve of Bearing1_2/);
  });
});
