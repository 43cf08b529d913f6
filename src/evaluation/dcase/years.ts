// What each year of DCASE Task 2 evaluates: machines, sections, and the rule that turns figures into the official score.
import { InputError } from '../../signal/errors.ts';
import type { DcaseName } from './names.ts';

/** What a challenge publishes with labels, and what it ranks systems on. */
export type DcaseSet = 'development' | 'evaluation';

export type DcaseYear = 2020 | 2021 | 2022 | 2023 | 2024 | 2025;

/**
 * - `machine means`: AUC and pAUC per machine id, arithmetic means per machine, no total (2020).
 * - `per domain`: AUC and pAUC of the source and of the target recordings of a section, each with their own anomalies;
 *   harmonic mean of all (2021).
 * - `all anomalies`: AUC of the normal recordings of a domain against all anomalies of the section, pAUC of the whole
 *   section; harmonic mean of all (from 2022).
 */
export type DcaseRule = 'machine means' | 'per domain' | 'all anomalies';

export type DcaseYearRules = {
  year: DcaseYear;
  rule: DcaseRule;
  /** Sections (2020: machine ids) of every machine of the evaluation set, in the order of the official tables. */
  machines: Readonly<Record<string, readonly string[]>>;
};

/** Machines, separated by blanks, that all have these sections. */
export const sameSections = (machines: string, ...sections: string[]): Record<string, readonly string[]> =>
  Object.fromEntries(machines.split(' ').map((machine) => [machine, sections]));

/** From the evaluators of the organisers (y-kawagu, Kota-Dohi and nttcslab on GitHub). */
const YEARS: readonly DcaseYearRules[] = [
  {
    year: 2020,
    rule: 'machine means',
    machines: {
      ...sameSections('fan pump slider valve', 'id_01', 'id_03', 'id_05'),
      ...sameSections('ToyCar', 'id_05', 'id_06', 'id_07'),
      ...sameSections('ToyConveyor', 'id_04', 'id_05', 'id_06'),
    },
  },
  {
    year: 2021,
    rule: 'per domain',
    machines: sameSections('ToyCar ToyTrain fan gearbox pump slider valve', '03', '04', '05'),
  },
  {
    year: 2022,
    rule: 'all anomalies',
    machines: sameSections('ToyCar ToyTrain bearing fan gearbox slider valve', '03', '04', '05'),
  },
  {
    year: 2023,
    rule: 'all anomalies',
    machines: sameSections('ToyDrone ToyNscale ToyTank Vacuum bandsaw grinder shaker', '00'),
  },
  {
    year: 2024,
    rule: 'all anomalies',
    machines: sameSections(
      '3DPrinter AirCompressor BrushlessMotor HairDryer HoveringDrone RoboticArm Scanner ToothBrush ToyCircuit',
      '00',
    ),
  },
  {
    year: 2025,
    rule: 'all anomalies',
    machines: sameSections('AutoTrash BandSealer CoffeeGrinder HomeCamera Polisher ScrewFeeder ToyPet ToyRCCar', '00'),
  },
];

/** @throws InputError for a year that is not one of the challenge. */
export function dcaseYear(year: number): DcaseYearRules {
  const rules = YEARS.find((known) => known.year === year);
  if (rules) return rules;
  throw new InputError(`dcaseYear: expected a year from ${YEARS[0].year} to ${YEARS.at(-1)?.year}, got ${year}`);
}

/** The machine of the evaluation set with this name, in any case. */
export const machineOf = ({ machines }: DcaseYearRules, name: string): string | undefined =>
  Object.keys(machines).find((machine) => machine.toLowerCase() === name.toLowerCase());

/** Whether a recording bears such a name in the evaluation set: no status; the domain in 2021 only. */
export const isEvaluationName = ({ rule }: DcaseYearRules, { section, domain, anomalous, split }: DcaseName): boolean =>
  anomalous === undefined &&
  split !== 'train' &&
  section.startsWith('id_') === (rule === 'machine means') &&
  (domain !== undefined) === (rule === 'per domain');

/** `section 03`, `id_01`. */
export const sectionName = (section: string): string => (section.startsWith('id_') ? section : `section ${section}`);

/** `fan section 03`, `fan section 03 source`, `fan id_01`: how messages and tables name a section. */
export const sectionLabel = (machine: string, section: string, domain?: string): string =>
  [machine, sectionName(section), ...(domain ? [domain] : [])].join(' ');
