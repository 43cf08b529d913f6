import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Measured, measured, undefinedBecause } from '../metrics/measured.ts';
import { benchFixture } from './bench.fixture.ts';
import { suiteColumns } from './suites.ts';
import { partialMeans, summarise } from './summary.ts';

const columns = suiteColumns('siren');
const sets = columns.filter(({ group }) => group !== 'summary').map(({ id }) => id);
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('summarise', () => {
  it('averages the two kinds, then both means', () => {
    // 60 in six columns; 50, 60, 70, 80, 90 in five.
    const values = Object.fromEntries(sets.map((id, i) => [id, measured(i < 6 ? 0.6 : 0.5 + (i - 6) / 10)]));
    const { values: means, notes } = summarise(columns, values);
    expect(means['ad-mean'].value).toBeCloseTo(0.6, 12);
    expect(means['fd-mean'].value).toBeCloseTo(0.7, 12);
    expect(means.overall.value).toBeCloseTo(0.65, 12);
    expect(notes).toEqual([]);
  });

  it('weighs the thirteen columns of RMIS alike', () => {
    const rmis = suiteColumns('rmis');
    const diagnosis = rmis.filter(({ group }) => group === 'fault diagnosis');
    expect(diagnosis).toHaveLength(13);
    const values = Object.fromEntries(diagnosis.map(({ id }, i) => [id, measured(i === 0 ? 1 : 0)]));
    expect(summarise(rmis, values).values['fd-mean'].value).toBeCloseTo(1 / 13, 12);
  });

  it('has no mean over some of the columns, and says what it would be in words only', () => {
    const values = {
      dcase2020: measured(0.7),
      dcase2021: measured(0.6),
      dcase2022: measured(0.5),
      cwru: measured(0.9),
    };
    expect(summarise(columns, values)).toEqual({
      values: {
        'ad-mean': { value: null, reason: '3 of 6 data sets were not run' },
        'fd-mean': { value: null, reason: '4 of 5 data sets were not run' },
        overall: { value: null, reason: '7 of 11 data sets were not run' },
      },
      notes: ['AD mean over the 3 of 6 data sets with a score: 60.00 %, not comparable'],
    });
  });

  it('names the data set whose figure is undefined', () => {
    const values: Record<string, Measured> = Object.fromEntries(sets.map((id) => [id, measured(0.5)]));
    values.iica = undefinedBecause('only one class');
    const { values: means, notes } = summarise(columns, values);
    expect(means['ad-mean']).toEqual({ value: 0.5 });
    expect(means['fd-mean']).toEqual({ value: null, reason: 'IICA: only one class' });
    expect(means.overall).toEqual({ value: null, reason: 'IICA: only one class' });
    expect(notes).toHaveLength(1);
  });

  it('says "was" of one, and gives no overall mean where a suite has one kind only', () => {
    const one = columns.filter(({ id, group }) => group === 'anomaly detection' || id === 'ad-mean');
    const values = Object.fromEntries(one.slice(1).map(({ id }) => [id, measured(0.5)]));
    expect(summarise(one, values).values).toEqual({
      'ad-mean': { value: null, reason: '1 of 6 data sets was not run' },
    });
    expect(summarise([], {})).toEqual({ values: {}, notes: [] });
    const shares = { cwru: measured(0.5), mfpt: measured(0.7) };
    expect(summarise(suiteColumns('open'), shares)).toEqual({ values: {}, notes: [] });
  });

  it('lies between the lowest and the highest, and does not depend on the order within a kind', () => {
    fc.assert(
      fc.property(fc.array(share, { minLength: 11, maxLength: 11 }), (shares) => {
        const of = (numbers: number[]) =>
          summarise(columns, Object.fromEntries(sets.map((id, i) => [id, measured(numbers[i])]))).values.overall.value!;
        const value = of(shares);
        expect(value).toBeGreaterThanOrEqual(Math.min(...shares) - 1e-12);
        expect(value).toBeLessThanOrEqual(Math.max(...shares) + 1e-12);
        expect(of([...shares.slice(0, 6).reverse(), ...shares.slice(6).reverse()])).toBeCloseTo(value, 12);
      }),
    );
  });

  it('leaves published rows alone', () => {
    const { columns: all, rows } = benchFixture();
    expect(partialMeans({ columns: all, rows: rows.filter((row) => row.published) })).toEqual([]);
  });
});
