// A result as a table of text.
import type { Measured } from '../metrics/measured.ts';
import { alignRows } from '../text/plain.ts';
import type { DcaseFigures, DcaseMeans, DcaseResult, DcaseSection } from './result.ts';
import { sectionName } from './years.ts';

/** A heading stands alone. */
type Line = string | string[];

const cellOf = (value: Measured | undefined): string =>
  value === undefined ? '' : value.value === null ? '-' : value.value.toFixed(4);

const MEANS: readonly (readonly [keyof DcaseMeans, string])[] = [
  ['arithmetic', 'arithmetic mean'],
  ['harmonic', 'harmonic mean'],
  ['sourceHarmonic', 'source harmonic mean'],
  ['targetHarmonic', 'target harmonic mean'],
];

const FIGURES: readonly (keyof DcaseFigures)[] = ['auc', 'pauc', 'precision', 'recall', 'f1'];

const figures = (values: DcaseFigures): string[] => FIGURES.map((name) => cellOf(values[name]));

/** One line per section and domain: name, domain, recordings, figures. */
function sectionLines({ section, domain, domains, normal, anomalous, auc, pauc, decisions }: DcaseSection): Line[] {
  const whole = [sectionName(section), domain ?? (domains ? 'all' : ''), `${normal}+${anomalous}`];
  if (!domains) return [[...whole, ...figures({ auc, pauc, ...decisions })]];
  const lineOf = (which: 'source' | 'target'): Line => {
    const { normal, anomalous, auc, precision, recall, f1 } = domains[which];
    const [area, , ...rest] = figures({ auc, pauc, precision, recall, f1 });
    return ['', which, `${normal}+${anomalous}`, area, '', ...rest];
  };
  return [[...whole, cellOf(auc), cellOf(pauc)], lineOf('source'), lineOf('target')];
}

const meanLines = (means: DcaseMeans): Line[] =>
  MEANS.flatMap(([key, title]) => {
    const values = means[key];
    return values ? [[title, '', '', ...figures(values)]] : [];
  });

/** Every reason why a figure of a section is undefined, once. */
function reasonsOf(sections: readonly DcaseSection[]): string[] {
  const values = sections.flatMap(({ auc, pauc, decisions, domains }) => [
    auc,
    pauc,
    ...[decisions, domains?.source, domains?.target].flatMap((one) => (one ? [one.precision, one.recall, one.f1] : [])),
    ...[domains?.source, domains?.target].flatMap((one) => (one ? [one.auc] : [])),
  ]);
  return [...new Set(values.flatMap((value) => (value.value === null ? [value.reason] : [])))];
}

/**
 * Lines of a table: every machine with its sections and means, means over all, and the official score. AUC and pAUC
 * are shares from 0 to 1; recordings are `normal+anomalous`; an undefined figure is `-`, and its reason stands below.
 */
export function formatDcase(result: DcaseResult): string[] {
  const lines: Line[] = [['', '', 'clips', 'AUC', 'pAUC', ...(result.year > 2020 ? ['prec.', 'recall', 'F1'] : [])]];
  for (const { machine, means } of result.machines) {
    const own = result.sections.filter((section) => section.machine === machine);
    lines.push(machine, ...own.flatMap(sectionLines), ...meanLines(means), '');
  }
  lines.push('all machines', ...meanLines(result.overall));
  const { official } = result;
  const incomplete = result.missing > 0 ? ` (incomplete: ${result.missing} recordings without a score)` : '';
  const score = official.value === null ? `none: ${official.reason}` : `${official.value.toFixed(6)}${incomplete}`;
  const compat = result.compat ? ', means as the released evaluator' : '';
  return [
    `DCASE ${result.year} Task 2, ${result.system} (${result.rule}${compat})`,
    ...alignRows(lines, (column) => (column < 2 ? 'left' : 'right')),
    '',
    `official score  ${score}`,
    ...reasonsOf(result.sections).map((reason) => `undefined: ${reason}`),
  ];
}
