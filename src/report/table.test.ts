import { describe, expect, it } from 'vitest';
import { escapeHtml } from './html.ts';
import { reportFixture } from './report.fixture.ts';
import { rowHtml, sortRows, type TableRow, tableOf } from './table.ts';

const row = (name: string, key: TableRow['keys'][number], state: TableRow['state'] = 'normal'): TableRow => ({
  cells: [name],
  keys: [name, key],
  state,
  detail: -1,
  level: -1,
});

const names = (rows: TableRow[]) => rows.map((each) => each.cells[0]);

describe('sortRows', () => {
  const rows = [row('a', 2), row('broken', null, 'failed'), row('b', null), row('c', 10), row('d', -1)];

  it('compares numbers by value, with absent values behind and failures last', () => {
    expect(names(sortRows(rows, 1, false))).toEqual(['d', 'a', 'c', 'b', 'broken']);
    expect(names(sortRows(rows, 1, true))).toEqual(['c', 'a', 'd', 'b', 'broken']);
  });

  it('sorts names as people do', () => {
    const files = ['pump_10.wav', 'Pump_9.wav', 'pump_1.wav'].map((name) => row(name, 0));
    expect(names(sortRows(files, 0, false))).toEqual(['pump_1.wav', 'Pump_9.wav', 'pump_10.wav']);
  });

  it('keeps the order of equals', () => {
    const equals = ['x', 'm', 'z'].map((name) => row(name, 1));
    expect(names(sortRows(equals, 1, true))).toEqual(['x', 'm', 'z']);
  });
});

describe('tableOf', () => {
  it('has the worst first, failures last, and only columns with something to show', () => {
    const table = tableOf(reportFixture());
    expect(table.columns.map((column) => column.id)).toEqual(['file', 'verdict', 'score', 'p', 'bands', 'diagnosis']);
    expect(table.rows[0]).toMatchObject({
      cells: [
        'line 3/pump_0002.wav',
        'not normal',
        '2.41',
        '< 0.001',
        '2.9–3.5\u00a0kHz\u00a041\u00a0%, 5.8–6.9\u00a0kHz\u00a012\u00a0%',
        'bearing wear 87 %',
      ],
      keys: ['line 3/pump_0002.wav', 1, 2.41, 0.0005, 2900, 'bearing wear'],
      state: 'anomalous',
      detail: 0,
      level: 1,
    });
    expect(table.rows.at(-1)).toMatchObject({ state: 'failed', detail: -1 });
    expect(table.rows.find((each) => each.cells[0].includes('0004'))?.level).toBeCloseTo(0.93 / 2.14, 12);
  });

  it('shows times for segments and known labels where there are any', () => {
    const data = reportFixture();
    data.rows[0].startSeconds = 20;
    data.rows[0].truth = 'normal';
    const { columns } = tableOf(data);
    expect(columns.map((column) => column.label)).toEqual(expect.arrayContaining(['Time', 'Known label']));
  });
});

describe('rowHtml', () => {
  it('escapes every cell', () => {
    const columns = ['file', 'verdict', 'score'].map((id) => ({ id, label: id, numeric: id === 'score' }));
    const cells = ['<img src=x>', '<b>', '<i>'];
    for (const state of ['normal', 'failed'] as const) {
      const markup = rowHtml({ cells, keys: [], state, detail: 0, level: 0.5 }, columns, escapeHtml);
      expect(markup).toContain('&#60;img src=x&#62;');
      expect(markup).not.toMatch(/<img|<b>|<i>/);
    }
  });
});
