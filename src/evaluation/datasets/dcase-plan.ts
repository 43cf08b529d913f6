// The clips of a small DCASE Task 2 data set under their official names and paths, before anything is simulated.
import { createRandom, type Random } from '../../signal/simulate/random.ts';
import type { Domain } from '../dcase/names.ts';
import type { DcaseSet } from '../dcase/years.ts';
import { attributesOf, conditionOf } from './dcase-conditions.ts';
import type { DcaseEdition } from './dcase-editions.ts';
import type { GenerateOptions } from './types.ts';

export type PlannedClip = {
  path: string;
  set: DcaseSet;
  machine: string;
  section: string;
  split: 'train' | 'test';
  domain: Domain;
  anomalous: boolean;
  /** Number within its section, split, domain and class, from 0. */
  number: number;
  /** What it is recorded under, whether the name tells or not. None in 2020. */
  condition?: string;
  /** Name that tells everything, without `.wav`; the file name itself except in evaluation test sets. */
  longName: string;
};

type Clip = Omit<PlannedClip, 'path' | 'longName'>;

/** Years whose hidden test names carry the number of the full name; in the others both are counted apart. */
const SAME_NUMBER = new Set([2021, 2022, 2024]);

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

function attributeEnding({ year, hidden }: DcaseEdition, { machine, split, condition }: Clip): string {
  if (hidden.includes(machine)) return '_noAttribute';
  // In 2021 only the names of training clips tell the conditions.
  if (condition === undefined || (year === 2021 && split === 'test')) return '';
  return `_${attributesOf(machine, condition)}`;
}

function longNameOf(edition: DcaseEdition, clip: Clip, number: number): string {
  const { section, domain, split, anomalous } = clip;
  const status = anomalous ? 'anomaly' : 'normal';
  if (edition.year === 2020) return `${status}_${section}_${padded(number, 8)}`;
  const attributes = attributeEnding(edition, clip);
  return `section_${section}_${domain}_${split}_${status}_${padded(number, 4)}${attributes}`;
}

function shortNameOf({ year }: DcaseEdition, { section, domain }: Clip, number: number): string {
  if (year === 2020) return `${section}_${padded(number, 8)}`;
  return `section_${section}${year === 2021 ? `_${domain}_test` : ''}_${padded(number, 4)}`;
}

function folderOf({ year }: DcaseEdition, { set, machine, split, domain }: Clip): string {
  const root = set === 'development' ? 'dev_data' : 'eval_data';
  return `${root}/${machine}/${year === 2021 && split === 'test' ? `${domain}_test` : split}`;
}

/** In an order that tells nothing of domain and label. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const keys = new Map(items.map((item) => [item, random.uniform()]));
  return [...items].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
}

/** Numbers hidden clips in the order given, in 2021 each domain for itself. */
function named(edition: DcaseEdition, clips: readonly Clip[]): PlannedClip[] {
  const next = new Map<string, number>();
  return clips.map((clip) => {
    const hidden = clip.set === 'evaluation' && clip.split === 'test';
    const folder = folderOf(edition, clip);
    const position = next.get(folder) ?? 0;
    next.set(folder, position + 1);
    const longName = longNameOf(edition, clip, hidden && SAME_NUMBER.has(edition.year) ? position : clip.number);
    return { ...clip, longName, path: `${folder}/${hidden ? shortNameOf(edition, clip, position) : longName}.wav` };
  });
}

type Count = { split: 'train' | 'test'; domain: Domain; anomalous: boolean; count: number };

export type DcaseAmount = Required<Pick<GenerateOptions, 'perClass'>> & Pick<GenerateOptions, 'train' | 'set'>;

/** 2020 knows no target domain; training clips are normal, and few of them are of the target domain. */
function countsOf({ year }: DcaseEdition, { perClass, train }: DcaseAmount): Count[] {
  const domains: Domain[] = year === 2020 ? ['source'] : ['source', 'target'];
  const learned = train ?? { source: 2 * perClass, target: Math.ceil((2 * perClass) / 3) };
  const test = [false, true].flatMap((anomalous) =>
    domains.map((domain): Count => ({ split: 'test', domain, anomalous, count: perClass })),
  );
  return [
    ...domains.map((domain): Count => ({ split: 'train', domain, anomalous: false, count: learned[domain] })),
    ...test,
  ];
}

/**
 * Clips of all machines and sections of a year, or of one of its sets. Of each section: `perClass` normal and as many
 * anomalous test clips per domain, and normal training clips: as `train` says, or twice as many of the source and two
 * thirds as many of the target domain.
 */
export function planDcase(edition: DcaseEdition, amount: DcaseAmount, seed: number): PlannedClip[] {
  const sets = (['development', 'evaluation'] as const)
    .filter((set) => set === (amount.set ?? set))
    .flatMap((set) =>
      Object.entries(edition.sections[set]).flatMap(([machine, sections]) =>
        sections.map((section) => ({ set, machine, section })),
      ),
    );
  return sets.flatMap((where) => {
    const clips = countsOf(edition, amount).flatMap(({ count, ...kind }) =>
      Array.from({ length: count }, (_, number): Clip => {
        const clip = { ...where, ...kind, number };
        if (edition.year === 2020) return clip;
        return { ...clip, condition: conditionOf(where.machine, kind.domain, number) };
      }),
    );
    const order = createRandom(`${seed}/${edition.year}/${where.machine}/${where.section}`);
    return named(edition, shuffled(clips, order));
  });
}
