// What the scores of a baseline come to, machine by machine, where the truth is at hand.
import { groupBy } from '../evaluation/group-by.ts';
import type { Measured } from '../evaluation/metrics/measured.ts';
import { type ScoredClip, sectionResults } from '../evaluation/protocols/anomaly-result.ts';
import { type AreaMeans, areaMeans } from '../evaluation/protocols/area-means.ts';
import { alignRows } from '../evaluation/text/plain.ts';

export type BaselineFigures = {
  machines: (AreaMeans & { machine: string })[];
  /** Over all of these machines; absent where there are none. */
  all?: AreaMeans;
  /** Machines with sections whose truth is not at hand: those sections are in no figure. */
  unknown: string[];
};

/** By the challenge's rule of the year, from 2022 on with a domain's normal clips against all anomalies of the section. */
export function baselineFigures(year: number, scored: readonly ScoredClip[]): BaselineFigures {
  const hidden = scored.filter(({ anomalous }) => anomalous === undefined);
  const sections = sectionResults(
    year,
    scored.filter(({ anomalous }) => anomalous !== undefined),
    'all',
  );
  return {
    machines: [...groupBy(sections, ({ machine }) => machine)].map(([machine, own]) => ({
      machine,
      ...areaMeans(own),
    })),
    ...(sections.length > 0 && { all: areaMeans(sections) }),
    unknown: [...new Set(hidden.map(({ machine }) => machine))],
  };
}

const percent = (figure: Measured): string => (figure.value === null ? '-' : (100 * figure.value).toFixed(2));

const figuresOf = ({ auc, pauc, all }: AreaMeans): Measured[] => [...auc.map(({ value }) => value), pauc, all];

/** Lines of a table in per cent, with the reasons of figures that do not exist below it; none where there are no figures. */
export function baselineTable({ machines, all }: BaselineFigures): string[] {
  if (!all) return [];
  const rows = [...machines, { machine: 'all machines', ...all }];
  const head = ['%', ...all.auc.map(({ domain }) => (domain ? `AUC ${domain}` : 'AUC')), 'pAUC', 'harmonic mean'];
  const reasons = figuresOf(all).flatMap((figure) => (figure.value === null ? [`undefined: ${figure.reason}`] : []));
  return [
    ...alignRows([head, ...rows.map((row) => [row.machine, ...figuresOf(row).map(percent)])], (column) =>
      column === 0 ? 'left' : 'right',
    ),
    ...new Set(reasons),
  ];
}
