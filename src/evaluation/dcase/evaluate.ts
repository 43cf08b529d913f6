// The figures of DCASE Task 2 by the rules of each year: sections first, then means, then the official score.
import { type Measured, measured, measuredOf, undefinedBecause } from '../metrics/measured.ts';
import { partialAuc, rocAuc } from '../metrics/roc.ts';
import { type DcaseSummary, summarise } from './aggregate.ts';
import type { DcaseClip } from './match.ts';
import type { Domain } from './names.ts';
import type { DcaseDecisions, DcaseDomain, DcaseResult, DcaseSection } from './result.ts';
import { type DcaseRule, type DcaseYearRules, sectionLabel } from './years.ts';

const DOMAINS: readonly Domain[] = ['source', 'target'];

type ScoredClip = DcaseClip & { score: number };

const scored = (clips: readonly DcaseClip[]): ScoredClip[] =>
  clips.filter((clip): clip is ScoredClip => clip.score !== undefined);

const count = (clips: readonly DcaseClip[], anomalous: boolean): number =>
  clips.filter((clip) => clip.anomalous === anomalous).length;

type AreaOf = (anomalous: boolean[], scores: number[]) => Measured;

function areaOf(area: AreaOf, clips: readonly DcaseClip[], label: string): Measured {
  if (clips.length === 0) return undefinedBecause(`${label}: no ground truth`);
  const used = scored(clips);
  if (used.length === 0) return undefinedBecause(`${label}: no anomaly scores`);
  const labels = used.map(({ anomalous }) => anomalous);
  const scores = used.map(({ score }) => score);
  return measuredOf(label, area(labels, scores));
}

/** Precision, recall and F1 of the anomalous class. */
function decisionsOf(clips: readonly DcaseClip[], label: string): DcaseDecisions {
  const decided = clips.filter(({ decision }) => decision !== undefined);
  const anomalous = count(decided, true);
  if (decided.length === 0 || anomalous === 0) {
    const why =
      clips.length === 0 ? 'no ground truth' : decided.length === 0 ? 'no decisions' : 'no anomalous recordings';
    const undefinedHere = undefinedBecause(`${label}: ${why}`);
    return { precision: undefinedHere, recall: undefinedHere, f1: undefinedHere };
  }
  const alarms = decided.filter(({ decision }) => decision);
  const hits = count(alarms, true);
  // Under every division of the official evaluators: nothing detected is a precision of 0.
  const precision = hits / Math.max(alarms.length, Number.EPSILON);
  const recall = hits / anomalous;
  const f1 = (2 * precision * recall) / Math.max(precision + recall, Number.EPSILON);
  return { precision: measured(precision), recall: measured(recall), f1: measured(f1) };
}

/** From 2022: normal recordings of the domain against ALL anomalies of the section; decisions within the domain. */
function domainOf(clips: readonly DcaseClip[], domain: Domain, label: string): DcaseDomain {
  const own = clips.filter((clip) => clip.domain === domain);
  const unknown = clips.filter((clip) => clip.domain === undefined).length;
  const used = scored(own);
  const counts = { normal: count(used, false), anomalous: count(used, true) };
  if (unknown > 0) {
    const why = undefinedBecause(
      `${label}: the domain of ${unknown} recordings is not known; ground_truth_domain is missing`,
    );
    return { ...counts, auc: why, precision: why, recall: why, f1: why };
  }
  const against = clips.filter((clip) => clip.anomalous || clip.domain === domain);
  return { ...counts, auc: areaOf(rocAuc, against, label), ...decisionsOf(own, label) };
}

function sectionOf(
  clips: readonly DcaseClip[],
  machine: string,
  section: string,
  rule: DcaseRule,
  domain?: Domain,
): DcaseSection {
  const own = clips.filter(
    (clip) => clip.machine === machine && clip.section === section && (domain === undefined || clip.domain === domain),
  );
  const label = sectionLabel(machine, section, domain);
  const used = scored(own);
  const inDomain = (which: Domain): DcaseDomain => domainOf(own, which, `${label} ${which}`);
  return {
    machine,
    section,
    ...(domain && { domain }),
    normal: count(used, false),
    anomalous: count(used, true),
    missing: own.length - used.length,
    auc: areaOf(rocAuc, own, label),
    pauc: areaOf(partialAuc, own, label),
    ...(rule === 'per domain' && { decisions: decisionsOf(own, label) }),
    ...(rule === 'all anomalies' && { domains: { source: inDomain('source'), target: inDomain('target') } }),
  };
}

/** Every section of the evaluation set, those without recordings or scores too; in the order of the official tables. */
function sectionsOf(clips: readonly DcaseClip[], { machines, rule }: DcaseYearRules): DcaseSection[] {
  return Object.entries(machines).flatMap(([machine, sections]) =>
    rule === 'per domain'
      ? DOMAINS.flatMap((domain) => sections.map((section) => sectionOf(clips, machine, section, rule, domain)))
      : sections.map((section) => sectionOf(clips, machine, section, rule)),
  );
}

/**
 * All figures of one system on the evaluation set of a year, as the official evaluators define them: AUC, pAUC up to a
 * false-positive rate of 0.1, precision, recall and F1 per section and domain, their means, and the official score.
 * A figure that needs a class, a section or scores that are missing is null, with a reason that names the section.
 * @param compat 2022: the source and target means of a machine as the released evaluator computes them, where the
 *   source mean has the first section alone in it and the target mean all the rest. No other figure differs.
 * Sources: dcase2020_task2_evaluator and dcase2021_task2_evaluator (y-kawagu), dcase2022_evaluator (Kota-Dohi),
 * dcase2023_task2_evaluator to dcase2025_task2_evaluator (nttcslab), all on GitHub.
 */
export function evaluateDcase(
  clips: readonly DcaseClip[],
  rules: DcaseYearRules,
  { compat = false }: { compat?: boolean } = {},
): DcaseSummary & Pick<DcaseResult, 'year' | 'rule' | 'compat' | 'sections' | 'missing'> {
  const sections = sectionsOf(clips, rules);
  return {
    year: rules.year,
    rule: rules.rule,
    compat,
    sections,
    ...summarise(sections, rules, compat),
    missing: clips.filter(({ score }) => score === undefined).length,
  };
}
