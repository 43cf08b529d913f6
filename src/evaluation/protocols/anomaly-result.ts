// From anomaly scores to a year's figure, by the rules of SIREN, of RMIS and of the challenge itself.
import { sectionLabel } from '../dcase/years.ts';
import { groupBy } from '../group-by.ts';
import { arithmeticMean, harmonicMean } from '../metrics/means.ts';
import { combine, type Measured, measuredOf, undefinedBecause } from '../metrics/measured.ts';
import { partialAuc, rocAuc } from '../metrics/roc.ts';
import type { SectionResult } from '../result.ts';
import type { BankRule, Clip } from './anomaly-scores.ts';

export type Suite = 'siren' | 'rmis';

/** How a suite evaluates a year, and what its released code does otherwise. */
export type AnomalyRules = {
  banks: BankRule;
  /** Which anomalies a domain's normal clips are held against, from 2022 on. */
  anomalies: 'same-domain' | 'all';
  /** `pooled`: all AUC and pAUC at once (SIREN); `nested`: within a section, over sections, machines, sets (RMIS). */
  aggregation: 'pooled' | 'nested';
};

/** @param compat as the suite's released code does, where it differs from its paper */
export function anomalyRules(suite: Suite, year: number, compat: boolean): AnomalyRules {
  if (suite === 'siren') {
    return { banks: year === 2020 ? 'one' : 'domains', anomalies: 'same-domain', aggregation: 'pooled' };
  }
  const inCode: BankRule = year <= 2021 ? 'one' : 'domains-standardised';
  const inPaper: BankRule = year === 2020 ? 'one' : 'domains';
  return { banks: compat ? inCode : inPaper, anomalies: 'all', aggregation: 'nested' };
}

export type ScoredClip = Clip & { score: number };

const areaOf = (
  clips: readonly ScoredClip[],
  what: string,
  area: (anomalous: boolean[], scores: number[]) => Measured,
): Measured => {
  const known = clips.filter(({ anomalous }) => anomalous !== undefined);
  if (known.length === 0 && clips.length > 0) return undefinedBecause(`${what}: the truth is not at hand`);
  const labels = known.map(({ anomalous }) => anomalous === true);
  const scores = known.map(({ score }) => score);
  return measuredOf(what, area(labels, scores));
};

const auc = (clips: readonly ScoredClip[], what: string): Measured => areaOf(clips, what, rocAuc);
const pauc = (clips: readonly ScoredClip[], what: string): Measured =>
  areaOf(clips, what, (anomalous, scores) => partialAuc(anomalous, scores, 0.1));

/** Clips of a domain. Where there are none but some of which nothing is known, those: it is their truth that is missing. */
const ofDomain = (clips: readonly ScoredClip[], domain: 'source' | 'target'): ScoredClip[] => {
  const own = clips.filter((clip) => clip.domain === domain);
  return own.length > 0 ? own : clips.filter((clip) => clip.domain === undefined && clip.anomalous === undefined);
};

/**
 * AUC and partial AUC (maximum false-positive rate 0.1, McClish) of every section. 2020: per machine id. 2021: per
 * section and domain. From 2022 on AUC per section and domain, pAUC per section (DCASE 2022 task 2, evaluation metrics).
 */
export function sectionResults(
  year: number,
  scored: readonly ScoredClip[],
  anomalies: AnomalyRules['anomalies'],
): SectionResult[] {
  const groups = groupBy(scored, ({ set, machine, section }) => [set, machine, section].join('/'));
  return [...groups.values()].map((clips): SectionResult => {
    const { set, machine, section } = clips[0];
    const what = sectionLabel(machine, section);
    const whole = { set, machine, section };
    if (year === 2020) return { ...whole, auc: [{ value: auc(clips, what) }], pauc: [{ value: pauc(clips, what) }] };
    const domains = (['source', 'target'] as const).map((domain) => ({
      domain,
      what: `${what} ${domain}`,
      own: ofDomain(clips, domain),
      against: [
        ...ofDomain(clips, domain),
        ...clips.filter((clip) => clip.domain !== domain && clip.anomalous === true),
      ],
    }));
    if (year === 2021) {
      return {
        ...whole,
        auc: domains.map(({ domain, own, what: name }) => ({ domain, value: auc(own, name) })),
        pauc: domains.map(({ domain, own, what: name }) => ({ domain, value: pauc(own, name) })),
      };
    }
    return {
      ...whole,
      auc: domains.map(({ domain, own, against, what: name }) => ({
        domain,
        value: auc(anomalies === 'all' ? against : own, name),
      })),
      pauc: [{ value: pauc(clips, what) }],
    };
  });
}

const valuesOf = ({ auc: areas, pauc: partial }: SectionResult): Measured[] =>
  [...areas, ...partial].map(({ value }) => value);

const distinct = (values: readonly string[]): string[] => [...new Set(values)];

const NOTHING = undefinedBecause('nothing was scored');

export type YearFigures = { score: Measured; development: Measured; evaluation: Measured };

/** The figures of development set, evaluation set and year. */
export function yearFigures(
  year: number,
  sections: readonly SectionResult[],
  aggregation: AnomalyRules['aggregation'],
): YearFigures {
  const mean = year === 2020 ? arithmeticMean : harmonicMean;
  const over = (values: Measured[]): Measured => (values.length === 0 ? NOTHING : combine(values, mean));
  const pooled = (part: readonly SectionResult[]): Measured => over(part.flatMap(valuesOf));
  const nested = (part: readonly SectionResult[]): Measured =>
    over(
      distinct(part.map(({ machine }) => machine)).map((machine) =>
        over(part.filter((result) => result.machine === machine).map((result) => over(valuesOf(result)))),
      ),
    );
  const figure = aggregation === 'pooled' ? pooled : nested;
  const setFigure = (set: SectionResult['set']): Measured => figure(sections.filter((result) => result.set === set));
  const [development, evaluation] = [setFigure('development'), setFigure('evaluation')];
  const score =
    aggregation === 'pooled' && evaluation.value !== null && development.value !== null
      ? pooled(sections)
      : over([development, evaluation]);
  return { score, development, evaluation };
}

/**
 * The challenge's own score of the evaluation set: the harmonic mean over all machines, sections and domains of AUC and
 * pAUC, from 2022 on with a domain's normal clips against all anomalies of the section. In 2020 there was none.
 */
export function officialScore(year: number, scored: readonly ScoredClip[]): Measured {
  if (year === 2020) return undefinedBecause('the challenge of 2020 ranked machines one by one, without a total');
  const sections = sectionResults(
    year,
    scored.filter(({ set }) => set === 'evaluation'),
    'all',
  );
  return sections.length === 0 ? NOTHING : combine(sections.flatMap(valuesOf), harmonicMean);
}
