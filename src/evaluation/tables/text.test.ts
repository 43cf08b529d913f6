import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measured } from '../metrics/measured.ts';
import type { BenchResult } from '../result.ts';
import { plainTable, wrap } from '../text/plain.ts';
import { benchFixture, classificationFixture } from './bench.fixture.ts';
import { publishedRows } from './published.ts';
import { suiteColumns } from './suites.ts';
import { formatBench } from './text.ts';

const small = (): BenchResult =>
  benchFixture({
    columns: suiteColumns('siren').filter(({ id }) => ['dcase2023', 'cwru', 'overall'].includes(id)),
    rows: benchFixture().rows.slice(0, 3),
    skipped: [],
    problems: [],
  });

describe('formatBench', () => {
  it('is a table with the best marked, reasons below, and where it comes from', () => {
    expect(formatBench(small())).toBe(
      `SIREN: anomaly detection and fault diagnosis

                    DCASE
encoder       size   2023    CWRU   Overall
echo-small  21.5 M  61.23   90.00     77.39*
spectral            57.12   94.30*      -[1]
published:
BEATs-B     90.3 M  62.89*  88.57     71.86

percent; * best of the column
[1] 8 of 11 data sets were not run
Published rows: SIREN, table of 2025-09-15; measured by its authors with their released code.
EAT-L and EAT-B: MAFAULDA sound, FD mean and Overall agree with the remaining cells only if each is
    moved to the other of the two rows; shown as published.
thrum 0.1.0: thrum bench siren --data data --encoder echo-small --encoder spectral`,
    );
  });

  it('keeps to the width, by group and then by columns, and loses no number', () => {
    const rmis = benchFixture({ suite: 'rmis', columns: suiteColumns('rmis'), rows: publishedRows('rmis') });
    const numbers = (text: string) => (text.match(/\d+\.\d\d(?=[* ]|$)/gm) ?? []).sort();
    const table = (text: string) => text.slice(0, text.indexOf('\npercent'));
    const wide = formatBench(rmis, { width: 400 });
    expect(numbers(table(wide))).toHaveLength(14 * 22);
    for (const width of [40, 60, 80, 120]) {
      const text = formatBench(rmis, { width });
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
      expect(numbers(table(text))).toEqual(numbers(table(wide)));
      expect(text).toContain('\nfault diagnosis\n');
    }
    expect(wide).not.toContain('\nfault diagnosis\n');
  });

  it('marks all that print as the best, and nothing where there is nothing to be better than', () => {
    const result = small();
    result.rows[0].values.cwru = measured(0.943001);
    expect(formatBench(result).match(/94\.30\*/g)).toHaveLength(2);
    expect(formatBench({ ...result, rows: [result.rows[0]] })).not.toContain('*');
  });

  it('says what lies behind the numbers when asked', () => {
    const text = formatBench(benchFixture(), { width: 100, details: true });
    expect(text).toContain('  development  ToyCar   00             70.3        -[6]  50.0');
    expect(text).toContain('[6] no anomalous recording in section 00, target');
    expect(text).toContain('  inner race     13       86.7   100.0  92.9');
    expect(text).toContain('  1  ball        14   1  0');
    expect(text).toContain('score 90.0 (95 % interval 80.0 to 96.7)');
    expect(text).toContain('10 splits: 79.0 to 83.0 %, mean 81.3 %');
    expect(text).toContain('5: 51.0, 25: 72.0, 50: 81.2');
    expect(text).toContain('30 splits: 2 takes and the content of 1 file on both sides (105_0.mat, 106_1.mat)');
    expect(text).toContain('2 splits: no take and no content on both sides');
    expect(formatBench(benchFixture())).not.toContain('inner race');
  });

  it('lists what was not run and what was wrong with the data', () => {
    const text = formatBench(benchFixture({ compat: true }));
    expect(text).toContain('not run: dcase2020 (spectral): no folder of that data set under data');
    expect(text).toContain('data: cwru: 3 files could not be read');
    expect(text).toContain('compatibility mode');
    expect(text).toContain('; empty: not run');
    expect(formatBench(benchFixture({ rows: [] }))).toContain('nothing was run');
    expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('lets no name move the cursor or end a line', () => {
    const result = small();
    result.rows[0].encoder = 'evil\u001b[2J\nname';
    const before = formatBench(small()).split('\n').length;
    const text = formatBench(result);
    expect(text.split('\n')).toHaveLength(before);
    expect(text).not.toContain('\u001b');
  });

  it.each<[string, (result: BenchResult) => void, RegExp]>([
    [
      'a score that is no number',
      (r) => (r.rows[0].values.cwru = { value: Number.NaN }),
      /^formatBench: echo-small, cwru: expected a share from 0 to 1, got NaN/,
    ],
    ['a score in percent', (r) => (r.rows[0].values.cwru = measured(90)), /got 90; give/],
    [
      'a matrix that is not square',
      (r) => (r.rows[0].details = [classificationFixture({ confusion: { labels: ['a', 'b'], counts: [[1, 2]] } })]),
      /expected a 2 x 2 confusion matrix/,
    ],
    [
      'a curve without its scores',
      (r) =>
        (r.rows[0].details = [
          classificationFixture({ curve: { trainShare: [0.5], score: [], trapezoid: 0.5, simpson: 0.5 } }),
        ]),
      /got 0 and 1/,
    ],
    ['a negative size', (r) => (r.rows[0].parameters = -1), /expected a number of parameters, got -1/],
  ])('refuses %s', (_, change, message) => {
    const result = small();
    change(result);
    expect(() => formatBench(result)).toThrow(message);
  });
});

describe('plainTable', () => {
  it('aligns by characters, headings standing on the rows', () => {
    const { head, body } = plainTable([
      { head: ['name'], cells: ['a', 'Käfer'], align: 'left' },
      { head: ['two', 'lines'], cells: ['1', '22'], align: 'right' },
    ]);
    expect([...head, ...body]).toEqual(['         two', 'name   lines', 'a          1', 'Käfer     22']);
  });
});

describe('wrap', () => {
  it('keeps every word in order and lines within the width where words allow', () => {
    const word = fc.string({ minLength: 1, maxLength: 9, unit: fc.constantFrom('a', 'b', 'ü') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 12, max: 40 }), (words, width) => {
        const lines = wrap(words.join(' '), width, '  ');
        expect(lines.join(' ').split(/ +/)).toEqual(words);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
