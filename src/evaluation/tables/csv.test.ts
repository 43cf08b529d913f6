import { describe, expect, it } from 'vitest';
import { measured } from '../metrics/measured.ts';
import { benchFixture } from './bench.fixture.ts';
import { benchCsv, detailCsv } from './csv.ts';

/** A reader of RFC 4180, as plain as can be: the comment apart, rows as objects. */
const parse = (text: string): { comment: string; rows: Record<string, string>[] } => {
  const [comment, ...lines] = text.split(/(?<=^[^\n]*)\n/);
  const body = lines.join('\n');
  const table: string[][] = [[]];
  for (const [, quoted, plain, end] of body.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    table.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '\n') table.push([]);
    if (end === '') break;
  }
  const [header, ...rows] = table.filter((cells) => cells.length > 1);
  for (const row of rows) expect(row).toHaveLength(header.length);
  return { comment, rows: rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i]]))) };
};

describe('benchCsv', () => {
  it('says which rows rest on fewer recordings than others', () => {
    const result = benchFixture();
    const own = result.rows.filter(({ details }) => details.length > 0);
    const [detail] = own[0].details;
    own[1].details = [{ ...detail, recordings: detail.recordings - 3 }];
    expect(benchCsv(result).split('\n')[1]).toBe(
      `# ${detail.view}: ${own[1].encoder} heard ${detail.recordings - 3} of ${detail.recordings} recordings`,
    );
  });

  it('reads back to the numbers, with the command above', () => {
    const result = benchFixture();
    result.rows[0].values.cwru = measured(95 / 105);
    const { comment, rows } = parse(benchCsv(result));
    expect(comment).toBe('# thrum 0.1.0: thrum bench siren --data data --encoder echo-small --encoder spectral');
    expect(rows).toHaveLength(12);
    for (const [i, row] of result.rows.entries()) {
      expect(rows[i].encoder).toBe(row.encoder);
      expect(rows[i].published).toBe(String(row.published));
      for (const { id } of result.columns) {
        const value = row.values[id]?.value ?? null;
        if (value === null) expect(rows[i][id]).toBe('');
        else expect(Number(rows[i][id]) / 100).toBeCloseTo(value, 13);
      }
    }
    expect(rows[0].cwru).toBe('90.4761904761905');
    expect(rows[0].dcase2023).toBe('61.23');
    expect(rows[2]['mafaulda-vibration']).toBe('99.69');
    expect(rows[9]['mafaulda-vibration']).toBe('100.00');
    expect(rows[1].reasons).toContain('iica: only one class was found: no_leak; ');
    expect(rows[1].parameters).toBe('');
  });

  it('quotes what would break a line, and keeps the comment on one', () => {
    const result = benchFixture();
    result.rows[0].encoder = 'a,"b"\nc';
    result.provenance.command = 'thrum bench\r\nsiren';
    const { comment, rows } = parse(benchCsv(result));
    expect(comment).toBe('# thrum 0.1.0: thrum bench siren');
    expect(rows[0].encoder).toBe('a,"b"\nc');
    expect(rows).toHaveLength(12);
  });

  it('refuses figures that are no shares', () => {
    const result = benchFixture();
    result.rows[0].values.cwru = measured(Number.POSITIVE_INFINITY);
    expect(() => benchCsv(result)).toThrow(/^benchCsv: echo-small, cwru: expected a share/);
  });
});

describe('detailCsv', () => {
  const { rows } = parse(detailCsv(benchFixture()));
  const pick = (where: Record<string, string>) =>
    rows.filter((row) => Object.entries(where).every(([name, value]) => row[name] === value));
  const value = (where: Record<string, string>) => {
    expect(pick(where)).toHaveLength(1);
    return pick(where)[0].value;
  };

  it('holds every figure behind the numbers', () => {
    const echo = { encoder: 'echo-small' };
    expect(value({ ...echo, view: 'cwru', metric: 'f1', class: 'inner race' })).toBe('92.86');
    expect(value({ ...echo, view: 'cwru', metric: 'confusion', class: 'load fault', predicted: 'inner race' })).toBe(
      '1',
    );
    expect(value({ ...echo, view: 'cwru', metric: 'score-high' })).toBe('96.67');
    expect(value({ ...echo, view: 'cwru', metric: 'shared-takes' })).toBe('2');
    expect(value({ ...echo, view: 'mafaulda-sound', metric: 'run', x: '4' })).toBe('83');
    expect(value({ ...echo, view: 'mafaulda-sound', metric: 'curve', x: '0.25' })).toBe('72');
    expect(value({ ...echo, view: 'mafaulda-sound', metric: 'curve-simpson' })).toBe('78.81');
    expect(value({ ...echo, view: 'dcase2023', metric: 'auc', machine: 'ToyCar', domain: 'source' })).toBe('70.3');
    expect(value({ ...echo, view: 'dcase2023', metric: 'pauc', machine: 'bearing' })).toBe('52.3');
    expect(value({ encoder: 'spectral', metric: 'score' })).toBe('94.3');
  });

  it('gives a reason with every missing value, and a unit with every figure', () => {
    expect(pick({ value: '' }).length).toBeGreaterThan(3);
    for (const row of rows) {
      expect(row.value === '').toBe(row.reason !== '');
      expect(['%', 'count']).toContain(row.unit);
    }
    expect(pick({ encoder: 'BEATs-B' })).toEqual([]);
  });
});
