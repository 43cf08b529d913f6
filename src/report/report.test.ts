import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { curveFixture, reportFixture } from './report.fixture.ts';
import { renderReport } from './report.ts';
import type { ReportData } from './types.ts';

describe('renderReport', () => {
  it('is one page that refers to nothing outside of it', () => {
    const page = renderReport(reportFixture({ curve: curveFixture(50) }));
    expect(page.startsWith('<!doctype html>')).toBe(true);
    const references = [...page.matchAll(/(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import/g)].map(
      (match) => match[1] ?? match[2],
    );
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references) expect(reference).toMatch(/^(#|data:)/);
  });

  it('is the same for the same data', () => {
    expect(renderReport(reportFixture())).toBe(renderReport(reportFixture()));
  });

  it('holds as many script elements as it wrote, whatever the names', () => {
    const data = reportFixture();
    const count = (page: string) => page.match(/<\/?script/gi)?.length;
    const before = count(renderReport(data));
    data.rows[1].file = '</script><script>alert(1)</script>';
    data.notes = ['<script>alert(1)</script>'];
    expect(count(renderReport(data))).toBe(before);
  });

  it('reads without the script: verdict, notes, worst rows and failures are in the markup', () => {
    const page = renderReport(reportFixture());
    expect(page).toContain('<h1>3 of 14 recordings are not normal at a false-alarm rate of 1 %.</h1>');
    expect(page).toContain('other weather or loads may score higher');
    expect(page).toContain('score 2.41, 2.25 × the threshold');
    expect(page).toContain('readWav: expected RIFF');
  });

  const broken: [string, (data: ReportData) => void, RegExp][] = [
    [
      'a score that is not finite',
      (data) => (data.rows[2].score = Number.NaN),
      /score of line 3\/pump_0003.wav, got NaN/,
    ],
    ['a p-value above 1', (data) => (data.rows[2].pValue = 1.5), /p-value between 0 and 1 .* got 1.5/],
    ['no normal scores', (data) => (data.calibration.scores = []), /at least one normal score/],
    ['unsorted normal scores', (data) => (data.calibration.scores = [2, 1]), /ascending order/],
    [
      'a spectrogram of another size',
      (data) => (data.details[0].spectrogram.bins = 100),
      /expected 30000 .* got 38400/,
    ],
    ['a picture too long to draw', (data) => (data.details[0].spectrogram.frames = 20_000), /1 to 16384 .* got 20000/],
    ['a detail of no row', (data) => (data.details[1].row = 14), /scored row \(0 to 13\) as details\[1\].row, got 14/],
    ['a detail of a failed row', (data) => (data.rows[1].error = 'unreadable'), /details\[0\].row, got 1/],
    [
      'a curve that goes back',
      (data) => (data.curve = { ...curveFixture(2), x: [2, 1] }),
      /curve.x in ascending order/,
    ],
    ['a date that is none', (data) => (data.generatedAt = 'today'), /ISO date .* got today/],
  ];
  it.each(broken)('refuses %s', (_, change, message) => {
    const data = reportFixture();
    change(data);
    expect(() => renderReport(data)).toThrow(InputError);
    expect(() => renderReport(data)).toThrow(message);
  });
});
