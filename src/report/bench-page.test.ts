import { describe, expect, it } from 'vitest';
import { measured } from '../evaluation/metrics/measured.ts';
import { benchFixture, classificationFixture } from '../evaluation/tables/bench.fixture.ts';
import { publishedRows } from '../evaluation/tables/published.ts';
import { suiteColumns } from '../evaluation/tables/suites.ts';
import { InputError } from '../signal/errors.ts';
import { renderBenchPage } from './bench-page.ts';
import { multiSplitPlot } from './multi-split-plot.ts';

/** The texts of the cells of every row of the table with this id or class. */
const cellsOf = (page: string, marker: string): string[][] => {
  const table = page.slice(
    page.indexOf(`<table ${marker}`),
    page.indexOf('</table>', page.indexOf(`<table ${marker}`)),
  );
  return [...table.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)].map(([, row]) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell.replace(/<[^>]+>/g, '').trim()),
  );
};

/** What a reader sees: no style, no script. */
const visible = (page: string): string => page.replace(/<(style|script)>.*?<\/\1>/gs, '');

describe('renderBenchPage', () => {
  it('has every number of the table, ours above the published', () => {
    const result = benchFixture();
    const [, header, ...rows] = cellsOf(renderBenchPage(result), 'id="bench-table"');
    expect(header.slice(0, 5)).toEqual(['Encoder', 'Source', 'Size', 'DCASE 2020', 'DCASE 2021']);
    expect(rows).toHaveLength(12);
    expect(rows[0]).toEqual([
      'echo-small',
      'measured',
      '21.5\u00a0M',
      '73.12',
      '60.33',
      '59.87',
      '61.23',
      '57.90',
      '59.01',
      '61.91',
      '99.51',
      '94.01',
      '90.00',
      '99.59',
      '81.23',
      '92.87',
      '77.39',
    ]);
    expect(rows[1].slice(6, 11)).toEqual(['57.12', '·', '·', '–1', '·']);
    for (const [i, row] of publishedRows('siren').entries()) {
      const expected = suiteColumns('siren').map(({ id }) => (row.values[id].value! * 100).toFixed(2));
      expect(rows[i + 2].slice(3)).toEqual(expected);
    }
  });

  it('marks the best of every column once, or as often as it is reached', () => {
    const page = renderBenchPage(benchFixture());
    const best = [...page.matchAll(/<strong class="best"[^>]*>([\d.]+)</g)].map((match) => match[1]);
    // 14 columns; 100.00 in MAFAULDA vibration three times.
    expect(best).toHaveLength(16);
    expect(best.filter((text) => text === '100.00')).toHaveLength(4);
    expect(best).toContain('94.30');
  });

  it('tells where ours stand, why figures are missing, what was skipped and what leaked', () => {
    const page = visible(renderBenchPage(benchFixture()));
    expect(page).toContain('<strong>echo-small</strong>: Overall 77.39 %, place 2 of 11');
    expect(page).toContain('<strong>spectral</strong>: no Overall, as 8 of 11 data sets were not run');
    expect(page).toContain('<li id="why-2">only one class was found: no_leak</li>');
    expect(page).toContain('no folder of that data set under data');
    expect(page).toContain('Training and test sides share recordings in cwru');
    expect(page).toContain('2 takes and the content of 1 file on both sides (105_0.mat, 106_1.mat)');
    expect(page).toContain('<code>thrum bench siren --data data --encoder echo-small --encoder spectral</code>');
    expect(page).toContain('b'.repeat(64));
    expect(page).toContain('<dt>Seeds</dt><dd>1, 2</dd>');
    expect(page).not.toContain('Compatibility mode');
    expect(renderBenchPage(benchFixture({ compat: true }))).toContain('Compatibility mode');
  });

  it('has machines, classes, confusion and curve behind the numbers', () => {
    const page = renderBenchPage(benchFixture());
    expect(cellsOf(page, 'class="behind"><caption>By machine and section')).toEqual([
      ['machine', 'section', 'set', 'AUC source', 'AUC target', 'pAUC'],
      ['bearing', '00', 'development', '65.1', '60.2', '52.3'],
      ['ToyCar', '00', 'development', '70.3', '–', '50.0'],
    ]);
    expect(cellsOf(page, 'class="behind confusion"')).toEqual([
      ['', 'ball', 'inner race', 'load fault'],
      ['ball', '14', '1', '0'],
      ['inner race', '0', '13', '0'],
      ['load fault', '1', '1', '0'],
    ]);
    expect(cellsOf(page, 'class="behind"><caption>By class')[3]).toEqual(['load fault', '2', '–', '0.0', '0.0']);
    expect(page).toContain('area 78.3 % (trapezoid), 78.8 % (Simpson); chance 33.3 %');
    expect(page).toContain('load fault: load fault was never predicted');
  });

  it('refers to nothing outside of it, and is the same for the same result', () => {
    const page = renderBenchPage(benchFixture());
    const references = [...page.matchAll(/(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import/g)].map((m) => m[1] ?? m[2]);
    expect(references.length).toBeGreaterThan(3);
    for (const reference of references) expect(reference).toMatch(/^(#|data:)/);
    expect(renderBenchPage(benchFixture())).toBe(page);
  });

  it('holds nothing that is no text', () => {
    const variants = [
      benchFixture(),
      benchFixture({ suite: 'rmis', columns: suiteColumns('rmis'), rows: publishedRows('rmis') }),
      benchFixture({ rows: [] }),
      benchFixture({ columns: [] }),
      benchFixture({ rows: [{ ...benchFixture().rows[0], parameters: undefined, values: {} }] }),
      benchFixture({
        rows: [
          {
            ...benchFixture().rows[0],
            details: [classificationFixture({ perClass: [], confusion: { labels: [], counts: [] } })],
          },
        ],
      }),
    ];
    for (const result of variants)
      expect(visible(renderBenchPage(result))).not.toMatch(/NaN|undefined|Infinity|\[object|null/);
  });

  it('escapes every name', () => {
    const evil = `"'><img src=x onerror="1"></script><script>1</script><!--&`;
    const result = benchFixture({ title: evil, problems: [evil], skipped: [{ view: evil, reason: evil }] });
    const before = renderBenchPage(benchFixture()).match(/<\/?script/g)?.length;
    result.rows[0].encoder = evil;
    result.rows[0].fingerprint = evil;
    result.rows[1].values.iica = { value: null, reason: evil };
    result.columns[0].title = evil;
    result.columns[1].id = evil;
    result.provenance = { version: evil, command: evil, seeds: [], dataHashes: { [evil]: evil } };
    const { confusion, perClass, audit } = classificationFixture();
    result.rows[0].details = [
      classificationFixture({
        view: evil,
        protocol: evil,
        confusion: { ...confusion, labels: [evil, 'b', 'c'] },
        perClass: [{ ...perClass[2], label: evil }],
        audit: { ...audit, examples: [evil] },
      }),
    ];
    const page = renderBenchPage(result);
    expect(page.match(/<\/?script/g)?.length).toBe(before);
    expect(page).not.toMatch(/<img|<!--/);
    expect(page).toContain('&#60;img src=x');
  });

  it('draws ours and the published against their size, and names who is missing', () => {
    const page = renderBenchPage(benchFixture());
    expect(page).toContain(
      'aria-label="Overall against parameters of 11 encoders, highest: ECHO-S 77.65 %, echo-small 77.39 %, ECHO-Tiny 76.94 %."',
    );
    expect(page).toContain('<title>echo-small: 77.39 %, 21.5 M parameters</title>');
    expect(page).toContain('not shown: spectral.');
    expect(page.match(/class="scaling-plot" data-column="overall">/g)).toHaveLength(1);
    expect(page.match(/class="scaling-plot" data-column="(ad|fd)-mean" hidden>/g)).toHaveLength(2);
  });

  it('shows a data set against size where no mean of ours is complete', () => {
    const { rows } = benchFixture();
    const own = { ...rows[0], values: { cwru: measured(0.9) } };
    const page = renderBenchPage(benchFixture({ rows: [own, ...rows.slice(2)] }));
    expect(page).toContain('class="scaling-plot" data-column="cwru">');
    expect(page).toContain('class="scaling-plot" data-column="overall" hidden>');
  });

  it('refuses figures that are no shares', () => {
    const result = benchFixture();
    result.rows[0].values.cwru = measured(90);
    expect(() => renderBenchPage(result)).toThrow(InputError);
    expect(() => renderBenchPage(result)).toThrow(/^renderBenchPage: echo-small, cwru: expected a share/);
  });
});

describe('multiSplitPlot', () => {
  it('starts at chance, passes the points by their share and ends at 100 %', () => {
    const curve = { trainShare: [0.75, 0.25], score: [0.8, 0.6], trapezoid: 0.7, simpson: 0.7 };
    const { markup } = multiSplitPlot(curve, 4);
    // x from 46 to 544, y from 282 (0 %) to 16 (100 %).
    expect(markup).toContain('<path class="curve normal" d="M170.5 122.4L419.5 69.2"/>');
    expect(markup).toContain('d="M46 215.5L170.5 122.4M419.5 69.2L544 16"');
  });
});
