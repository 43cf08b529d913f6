// The means at the end of a benchmark row. A mean over only some of its data sets is no number of the table.
import { mean } from '../../signal/average.ts';
import { arithmeticMean } from '../metrics/means.ts';
import { combine, type Measured, measuredOf, undefinedBecause } from '../metrics/measured.ts';
import type { BenchResult, Column } from '../result.ts';

export type Summary = {
  /** `ad-mean`, `fd-mean` and `overall`. */
  values: Record<string, Measured>;
  /** What an incomplete mean would be over the data sets that were run: lines of text, not to be compared. */
  notes: string[];
};

const notRun = (missing: number, all: number): string =>
  `${missing} of ${all} data sets ${missing === 1 ? 'was' : 'were'} not run`;

type Values = Readonly<Record<string, Measured | undefined>>;

/** Arithmetic mean over `columns`, or why there is none: columns not run, then the first that is undefined. */
function meanOver(columns: readonly Column[], values: Values): Measured {
  const parts = columns.flatMap((column) => values[column.id] ?? []);
  if (parts.length < columns.length) return undefinedBecause(notRun(columns.length - parts.length, columns.length));
  return combine(
    columns.map(({ title }, i) => measuredOf(title, parts[i])),
    arithmeticMean,
  );
}

function noteOf(title: string, columns: readonly Column[], values: Values): string[] {
  const numbers = columns.flatMap((column) => values[column.id]?.value ?? []);
  if (numbers.length < 2 || numbers.length === columns.length) return [];
  const shown = (mean(numbers) * 100).toFixed(2);
  return [
    `${title} over the ${numbers.length} of ${columns.length} data sets with a score: ${shown} %, not comparable`,
  ];
}

/**
 * Means of one row, from its shares by column id.
 *
 * `ad-mean` is the mean over the anomaly detection columns, `fd-mean` over the fault diagnosis columns (SIREN: IIEE, IICA,
 * CWRU and both views of MAFAULDA count one fifth each; RMIS: one thirteenth each), `overall` the mean of those two, as
 * in the published tables of both suites. A kind of column that the suite lacks has no mean, and then no `overall`; nor has a suite whose columns name none.
 */
export function summarise(columns: readonly Column[], values: Values): Summary {
  const of = (group: Column['group']) => columns.filter((column) => column.group === group);
  const [ad, fd] = [of('anomaly detection'), of('fault diagnosis')];
  const summary: Summary = { values: {}, notes: [] };
  for (const [id, title, group] of [['ad-mean', 'AD mean', ad] as const, ['fd-mean', 'FD mean', fd] as const]) {
    if (group.length === 0 || !columns.some((column) => column.id === id)) continue;
    summary.values[id] = meanOver(group, values);
    summary.notes.push(...noteOf(title, group, values));
  }
  if (summary.values['ad-mean'] === undefined || summary.values['fd-mean'] === undefined) return summary;
  const both = meanOver([...ad, ...fd], values);
  summary.values.overall =
    both.value === null ? both : combine([summary.values['ad-mean'], summary.values['fd-mean']], arithmeticMean);
  return summary;
}

/** The notes on incomplete means of the rows measured here, each with the encoder's name. */
export const partialMeans = ({ columns, rows }: Pick<BenchResult, 'columns' | 'rows'>): string[] =>
  rows
    .filter((row) => !row.published)
    .flatMap((row) => summarise(columns, row.values).notes.map((note) => `${row.encoder}: ${note}`));
