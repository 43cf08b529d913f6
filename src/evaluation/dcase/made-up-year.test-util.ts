// A small evaluation set of any year with ground truth and scores, as files in memory, for tests.
import { type DcaseYearRules, dcaseYear } from './years.ts';

export type Files = Record<string, string>;

export type MadeUpClip = {
  machine: string;
  section: string;
  domain?: 'source' | 'target';
  anomalous: boolean;
  short: string;
  long: string;
  score: number;
  decision: number;
};

/** Whole numbers below `n` that look random and are the same in every run. */
const scramble = (i: number, n: number): number => (Math.imul(i + 1, 2654435761) % n) >>> 0;

function clipOf(rules: DcaseYearRules, machine: string, section: string, i: number): MadeUpClip {
  const anomalous = i % 3 === 0;
  const domain = i % 2 === 0 ? 'source' : 'target';
  const status = anomalous ? 'anomaly' : 'normal';
  const number = (n: number): string => String(n).padStart(rules.year === 2020 ? 8 : 4, '0');
  const score =
    scramble(i + machine.length * 31 + section.charCodeAt(section.length - 1), 97) / 8 + (anomalous ? 3 : 0);
  const shared = { machine, section, anomalous, score, decision: score > 8 ? 1 : 0 };
  if (rules.year === 2020) {
    return { ...shared, short: `${section}_${number(i)}`, long: `${status}_${section}_${number(1000 - i)}` };
  }
  if (rules.year === 2021) {
    const start = `section_${section}_${domain}_test`;
    return { ...shared, domain, short: `${start}_${number(i)}`, long: `${start}_${status}_${number(i)}` };
  }
  const long = `section_${section}_${domain}_test_${status}_${number((i * 7) % 24)}_vel_${i}`;
  return { ...shared, domain, short: `section_${section}_${number(i)}`, long };
}

/** 24 recordings of every section. */
export const madeUpClips = (year: number): MadeUpClip[] => {
  const rules = dcaseYear(year);
  return Object.entries(rules.machines).flatMap(([machine, sections]) =>
    sections.flatMap((section) => Array.from({ length: 24 }, (_, i) => clipOf(rules, machine, section, i))),
  );
};

/** `fan_section_00_test`, `fan_section_03_source_test`, `fan_id_01`. */
const stem = (year: number, { machine, section, domain }: MadeUpClip): string =>
  year === 2020 ? `${machine}_${section}` : `${machine}_section_${section}${year === 2021 ? `_${domain}` : ''}_test`;

/** Files of lines `short.wav,value`, one per section (2021: and domain). */
export function filesOf(
  year: number,
  clips: readonly MadeUpClip[],
  prefix: string,
  value: (clip: MadeUpClip) => string | number,
): Files {
  const files: Files = {};
  for (const clip of clips) {
    const path = `${prefix}_${stem(year, clip)}.csv`;
    files[path] = `${files[path] ?? ''}${clip.short}.wav,${value(clip)}\n`;
  }
  return files;
}

/** Ground truth in the form of the year. */
export function truthFiles(year: number, clips: readonly MadeUpClip[]): Files {
  if (year === 2020) return { 'eval_data_list.csv': listOf(clips) };
  const labels = filesOf(year, clips, 'ground_truth_data/ground_truth', ({ anomalous }) => Number(anomalous));
  if (year === 2021) return labels;
  return {
    ...labels,
    ...filesOf(year, clips, 'ground_truth_domain/ground_truth', ({ domain }) => Number(domain === 'target')),
    ...filesOf(year, clips, 'ground_truth_attributes/ground_truth', ({ long }) => long),
  };
}

/** One list of all machines: `short,long,label` below the name of each. */
export function listOf(clips: readonly MadeUpClip[]): string {
  const lines: string[] = [];
  for (const [i, { machine, short, long, anomalous }] of clips.entries()) {
    if (machine !== clips[i - 1]?.machine) lines.push(machine);
    lines.push(`${short}.wav,${long}.wav,${Number(anomalous)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Scores, and decisions from 2021 on. */
export const scoreFiles = (year: number, clips: readonly MadeUpClip[], folder = ''): Files => ({
  ...filesOf(year, clips, `${folder}anomaly_score`, ({ score }) => score),
  ...(year > 2020 && filesOf(year, clips, `${folder}decision_result`, ({ decision }) => decision)),
});
