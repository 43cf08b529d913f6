// Means over the sections of DCASE Task 2, and the official score.
import { arithmeticMean, harmonicMean } from '../metrics/means.ts';
import { combine, type Measured, undefinedBecause } from '../metrics/measured.ts';
import type { Domain } from './names.ts';
import type { DcaseFigures, DcaseMeans, DcaseResult, DcaseSection } from './result.ts';
import type { DcaseYearRules } from './years.ts';

export type DcaseSummary = Pick<DcaseResult, 'machines' | 'overall' | 'official'>;

/** What the means are over: figures of a section, or of a domain of it. */
type Row = DcaseFigures & { domain?: Domain };

/** From 2022 a section gives two rows, and both have its pAUC. Source rows come before target rows. */
function rowsOf(sections: readonly DcaseSection[]): Row[] {
  const rows = sections.flatMap(({ auc, pauc, domain, decisions, domains }): Row[] => {
    if (!domains) return [{ auc, pauc, ...(domain && { domain }), ...decisions }];
    const rowOf = (which: Domain): Row => {
      const { auc, precision, recall, f1 } = domains[which];
      return { domain: which, auc, pauc, precision, recall, f1 };
    };
    return [rowOf('source'), rowOf('target')];
  });
  return [...rows.filter(({ domain }) => domain !== 'target'), ...rows.filter(({ domain }) => domain === 'target')];
}

type Mean = (values: readonly number[]) => Measured;

function figuresOf(rows: readonly Row[], mean: Mean): DcaseFigures {
  const over = (values: (Measured | undefined)[]): Measured =>
    combine(
      values.filter((v) => v !== undefined),
      mean,
    );
  const figures = { auc: over(rows.map(({ auc }) => auc)), pauc: over(rows.map(({ pauc }) => pauc)) };
  if (rows.every(({ precision }) => precision === undefined)) return figures;
  return {
    ...figures,
    precision: over(rows.map(({ precision }) => precision)),
    recall: over(rows.map(({ recall }) => recall)),
    f1: over(rows.map(({ f1 }) => f1)),
  };
}

/** @param split number of rows that count as source; undefined for those that are. */
function meansOf(rows: readonly Row[], split?: number): DcaseMeans {
  const arithmetic = figuresOf(rows, arithmeticMean);
  if (rows.every(({ domain }) => domain === undefined)) return { arithmetic };
  const source = split === undefined ? rows.filter(({ domain }) => domain === 'source') : rows.slice(0, split);
  const target = split === undefined ? rows.filter(({ domain }) => domain === 'target') : rows.slice(split);
  return {
    arithmetic,
    harmonic: figuresOf(rows, harmonicMean),
    sourceHarmonic: figuresOf(source, harmonicMean),
    targetHarmonic: figuresOf(target, harmonicMean),
  };
}

function officialScore(sections: readonly DcaseSection[], { rule }: DcaseYearRules): Measured {
  if (rule === 'machine means') return undefinedBecause('2020 has no total score, only means per machine');
  return combine(
    sections.flatMap(({ auc, pauc, domains }) =>
      domains ? [domains.source.auc, domains.target.auc, pauc] : [auc, pauc],
    ),
    harmonicMean,
  );
}

/**
 * Means per machine and over all, and the official score: the harmonic mean of AUC and pAUC of every section and domain
 * (2021), or of source AUC, target AUC and pAUC of every section (from 2022).
 * @param compat see `evaluateDcase`.
 */
export function summarise(sections: readonly DcaseSection[], rules: DcaseYearRules, compat = false): DcaseSummary {
  const machines = [...new Set(sections.map(({ machine }) => machine))].map((machine) => {
    const own = sections.filter((section) => section.machine === machine);
    // The evaluator of 2022 halves the number of sections where it should halve the number of rows.
    const split = compat && rules.year === 2022 ? Math.floor(own.length / 2) : undefined;
    return { machine, means: meansOf(rowsOf(own), split) };
  });
  return { machines, overall: meansOf(rowsOf(sections)), official: officialScore(sections, rules) };
}
