import { describe, expect, it } from 'vitest';
import type { BenchRow } from '../result.ts';
import { publishedNotes, publishedRows } from './published.ts';
import { suiteColumns } from './suites.ts';

const cell = (row: BenchRow, id: string): number => Number(((row.values[id].value ?? Number.NaN) * 100).toFixed(4));
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const find = (suite: 'siren' | 'rmis', encoder: string): BenchRow =>
  publishedRows(suite).find((row) => row.encoder === encoder)!;

/** Half a unit of the second decimal, and the rounding of binary fractions. Means of rounded cells add half a unit. */
const rounding = 0.0101;

/** Means that differ from those of their cells by more than rounding: `encoder, column`. */
const contradictions = (suite: 'siren' | 'rmis'): string[] => {
  const columns = suiteColumns(suite);
  const of = (group: string) => columns.filter((column) => column.group === group).map(({ id }) => id);
  return publishedRows(suite).flatMap((row) => {
    const expected: Record<string, number> = {
      'ad-mean': mean(of('anomaly detection').map((id) => cell(row, id))),
      'fd-mean': mean(of('fault diagnosis').map((id) => cell(row, id))),
      overall: mean([cell(row, 'ad-mean'), cell(row, 'fd-mean')]),
    };
    return Object.entries(expected)
      .filter(([id, value]) => !(Math.abs(value - cell(row, id)) < rounding))
      .map(([id]) => `${row.encoder}, ${id}`);
  });
};

describe('publishedRows', () => {
  it.each([
    ['siren', 10, 14],
    ['rmis', 14, 22],
  ] as const)('gives every cell of %s: %i rows of %i columns', (suite, count, width) => {
    const rows = publishedRows(suite);
    const ids = suiteColumns(suite).map(({ id }) => id);
    expect(new Set(ids).size).toBe(width);
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map((row) => row.encoder)).size).toBe(count);
    for (const row of rows) {
      expect(Object.keys(row.values)).toEqual(ids);
      for (const id of ids) expect(cell(row, id)).toSatisfy((percent: number) => percent > 4 && percent <= 100);
      expect(row.published).toBe(true);
      expect(row.parameters).toBeGreaterThan(5e6);
    }
  });

  it('has the cells of the papers in their columns', () => {
    expect(cell(find('siren', 'ECHO-S'), 'cwru')).toBe(90.48);
    expect(cell(find('siren', 'FISHER-Tiny'), 'mafaulda-sound')).toBe(88.52);
    expect(cell(find('siren', 'CED-B'), 'iiee')).toBe(80.21);
    expect(find('siren', 'ECHO-S').parameters).toBe(21_540_096);
    expect(cell(find('rmis', 'FISHER small'), 'overall')).toBe(62.23);
    expect(cell(find('rmis', 'FISHER mini'), 'umged-current')).toBe(29.97);
    expect(cell(find('rmis', 'BEATs iter3'), 'wtpg')).toBe(70.57);
    expect(cell(find('rmis', 'DaSheng base'), 'pu-current')).toBe(42.42);
  });

  it('has means that follow from its cells, but for those that the notes name', () => {
    expect(contradictions('siren')).toEqual(['EAT-L, fd-mean', 'EAT-L, overall', 'EAT-B, fd-mean', 'EAT-B, overall']);
    expect(contradictions('rmis')).toEqual(['CED tiny, ad-mean']);
    expect(publishedNotes('siren').join()).toContain('EAT-L and EAT-B');
    expect(publishedNotes('rmis').join()).toContain('CED tiny');
    expect(publishedNotes('another')).toEqual([]);
  });

  it('would agree for EAT in SIREN with three cells of the two rows exchanged, as the note says', () => {
    const [large, base] = [find('siren', 'EAT-L'), find('siren', 'EAT-B')];
    for (const [row, other] of [
      [large, base],
      [base, large],
    ]) {
      const diagnosis = [
        ...['iiee', 'iica', 'cwru', 'mafaulda-vibration'].map((id) => cell(row, id)),
        cell(other, 'mafaulda-sound'),
      ];
      expect(Math.abs(mean(diagnosis) - cell(other, 'fd-mean'))).toBeLessThan(rounding);
      expect(Math.abs(mean([cell(row, 'ad-mean'), cell(other, 'fd-mean')]) - cell(other, 'overall'))).toBeLessThan(
        rounding,
      );
    }
  });
});
