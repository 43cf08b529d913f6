// Ground truth of the evaluation sets, in every form that the organisers and SIREN publish it.
import { InputError } from '../../signal/errors.ts';
import { type CsvLine, createLineProblems, csvLines } from '../files/csv-lines.ts';
import { baseName, type Folder, folderName } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { clipName, type DcaseName, type Domain, parseDcaseName } from './names.ts';
import { type DcaseYearRules, isEvaluationName, machineOf, sectionLabel } from './years.ts';

/** A recording of the evaluation set. */
export type TruthClip = {
  machine: string;
  section: string;
  /** As in the evaluation set, without `.wav`: `section_00_0012`. */
  name: string;
  anomalous: boolean;
  /** Absent in 2020, and where nothing tells. */
  domain?: Domain;
  /** Names that tell more, under which files in the wild list it: `section_00_source_test_normal_0031_vel_8`. */
  longNames: string[];
};

export type Truth = { clips: TruthClip[]; problems: string[]; notes: string[] };

type Kind = 'label' | 'domain' | 'long names' | 'list';

type Source = { path: string; kind: Kind; machine?: string };

/** What the files say of one recording; `list` and `long` give way to `label` and `domain`. */
type Facts = {
  machine: string;
  name: DcaseName;
  clip: string;
  label?: boolean;
  listed?: boolean;
  domain?: Domain;
  long: Map<string, DcaseName>;
};

const TRUTH_FILE = /^ground_truth_(.+?)_(?:section|id)_\d{2}(?!\d).*\.csv$/i;
const ATTRIBUTE_FILE = /^attributes_\d{2}\.csv$/i;
const LIST_FILE = /^eval_data_list.*\.csv$/i;

function sourceOf(path: string, rules: DcaseYearRules): Source | undefined {
  const base = baseName(path);
  const parent = baseName(folderName(path));
  if (LIST_FILE.test(base)) return { path, kind: 'list' };
  const named = TRUTH_FILE.exec(base);
  const machine = machineOf(rules, named ? named[1] : parent);
  if (machine === undefined) return undefined;
  if (ATTRIBUTE_FILE.test(base)) return { path, kind: 'long names', machine };
  if (!named) return undefined;
  const kind = /attribute/i.test(parent) ? 'long names' : /domain/i.test(parent) ? 'domain' : 'label';
  return { path, kind, machine };
}

type Collector = {
  rules: DcaseYearRules;
  /** By machine and name of the recording, in lower case. */
  facts: Map<string, Facts>;
};

/** The entry of a recording of the evaluation set; undefined for any other name. */
function factsFor({ rules, facts }: Collector, machine: string, cell: string): Facts | undefined {
  const name = parseDcaseName(cell);
  if (!name || !isEvaluationName(rules, name) || !rules.machines[machine].includes(name.section)) return undefined;
  const clip = clipName(cell);
  const key = `${machine}/${clip.toLowerCase()}`;
  const known = facts.get(key) ?? { machine, name, clip, long: new Map() };
  facts.set(key, known);
  return known;
}

function addLongNames(entry: Facts, cells: readonly string[]): void {
  for (const cell of cells) {
    const name = parseDcaseName(cell);
    if (name && (name.anomalous !== undefined || name.domain !== undefined)) entry.long.set(clipName(cell), name);
  }
}

/** @throws InputError where two files say different things. */
function agree<T>(known: T | undefined, found: T, where: string, what: string): T {
  if (known === undefined || known === found) return found;
  throw new InputError(
    `readTruth: expected one ground truth, but ${where} gives another ${what} than a file before it; name the folder of one year with --truth`,
  );
}

/**
 * The label of a line of a list: its third column or, in the official lists from 2021 on, which have none, what the
 * long name says. Where attributes were hidden first, a third column may hold the name with them.
 */
function listedLabel([, long, label]: readonly string[]): string | undefined {
  const labelless = long !== undefined && (!label || parseDcaseName(label) !== undefined);
  const anomalous = labelless ? parseDcaseName(long)?.anomalous : undefined;
  return anomalous === undefined ? label : anomalous ? '1' : '0';
}

function addLine(entry: Facts, kind: Kind, cells: readonly string[], where: string): boolean {
  if (kind === 'long names') {
    addLongNames(entry, cells.slice(1));
    return true;
  }
  const value = kind === 'list' ? listedLabel(cells) : cells[1];
  if (value !== '0' && value !== '1') return false;
  if (kind === 'label') entry.label = agree(entry.label, value === '1', where, 'label');
  if (kind === 'domain') entry.domain = agree(entry.domain, value === '1' ? 'target' : 'source', where, 'domain');
  if (kind === 'list') {
    entry.listed = agree(entry.listed, value === '1', where, 'label');
    addLongNames(entry, cells.slice(1, 2));
  }
  return true;
}

const isHeader = ({ cells }: CsvLine, i: number): boolean => i === 0 && !parseDcaseName(cells[0]);

function addFile(collector: Collector, { path, kind, machine: ofFile }: Source, text: string): string[] {
  const problems = createLineProblems(path);
  let machine = ofFile;
  for (const [i, row] of csvLines(text).entries()) {
    const { line, cells } = row;
    // Lists of all machines name each of them on a line of its own.
    if (kind === 'list' && cells.filter((cell) => cell !== '').length === 1) {
      machine = machineOf(collector.rules, cells[0]);
    } else if (machine !== undefined && !(kind !== 'list' && isHeader(row, i))) {
      const entry = factsFor(collector, machine, cells[0]);
      const where = `${path} line ${line}`;
      if (entry && !addLine(entry, kind, cells, where)) {
        problems.add('value', line, `expected 0 or 1 for ${cells[0]}, got \`${cells.slice(1).join(',')}\``);
      } else if (!entry && !parseDcaseName(cells[0])) {
        problems.add('name', line, `expected the name of a recording, got \`${cells.join(',')}\``);
      }
    }
  }
  return problems.messages();
}

/** Whether a long name says otherwise than the files of labels and domains. */
const contradicts = ({ label, listed, domain }: Facts, long: DcaseName): boolean => {
  const known = label ?? listed;
  return (
    (known !== undefined && long.anomalous !== undefined && long.anomalous !== known) ||
    (domain !== undefined && long.domain !== undefined && long.domain !== domain)
  );
};

const isContradicted = (facts: Facts): boolean => [...facts.long.values()].some((long) => contradicts(facts, long));

const firstKnown = <T>(values: Iterable<T | undefined>): T | undefined =>
  [...values].find((value) => value !== undefined);

/** Long names of a section in which some contradict the labels belong to nobody knows which recording. */
function clipsOf(section: readonly Facts[], notes: string[]): TruthClip[] {
  const wrong = section.filter(isContradicted).length;
  const { machine, name } = section[0];
  if (wrong > 0) {
    notes.push(
      `ground truth: long names of ${sectionLabel(machine, name.section, name.domain)} contradict labels or domains of ${wrong} of ${section.length} recordings; the labels and domains are used, the long names are not`,
    );
  }
  return section.flatMap((facts) => {
    const long = wrong > 0 ? [] : [...facts.long];
    const anomalous = facts.label ?? facts.listed ?? firstKnown(long.map(([, said]) => said.anomalous));
    if (anomalous === undefined) return [];
    const domain = facts.domain ?? facts.name.domain ?? firstKnown(long.map(([, said]) => said.domain));
    const { section: id } = facts.name;
    return {
      machine,
      section: id,
      name: facts.clip,
      anomalous,
      ...(domain && { domain }),
      longNames: long.map(([full]) => full),
    };
  });
}

const LAYOUT =
  'ground_truth_data/ground_truth_<machine>_section_NN_test.csv with ground_truth_domain and ground_truth_attributes beside it, or eval_data_list….csv';

/**
 * Reads the ground truth of a year from whatever a folder holds of it: `ground_truth_data` (0 normal, 1 anomalous),
 * `ground_truth_domain` (0 source, 1 target), `ground_truth_attributes` (long names), lists of all machines
 * (`eval_data_list.csv` of 2020, and SIREN's converted ones). Files of other years in the same folder do no harm.
 * Where they disagree, `ground_truth_data` and `ground_truth_domain` hold: in 2022 the attributes of ToyCar and ToyTrain
 * contradict them.
 * @throws InputError if no recording of that year is found, or two files of one kind disagree.
 */
export function readTruth(folder: Folder, rules: DcaseYearRules): Truth {
  const collector: Collector = { rules, facts: new Map() };
  const problems: string[] = [];
  for (const path of folder.files) {
    const source = sourceOf(path, rules);
    if (source) problems.push(...addFile(collector, source, folder.readText(path)));
  }
  const sections = groupBy(collector.facts.values(), ({ machine, name }) =>
    [machine, name.section, name.domain].join('/'),
  );
  const notes: string[] = [];
  const clips = [...sections.values()].flatMap((section) => clipsOf(section, notes));
  if (clips.length === 0) {
    throw new InputError(
      `readTruth: expected the ground truth of ${rules.year}, found no recording of its evaluation set; the folder holds ${LAYOUT}`,
    );
  }
  const found = new Set(clips.map(({ machine, section }) => sectionLabel(machine, section)));
  for (const [machine, ids] of Object.entries(rules.machines)) {
    const missing = ids.map((section) => sectionLabel(machine, section)).filter((label) => !found.has(label));
    if (missing.length > 0) problems.push(`ground truth: nothing found for ${missing.join(', ')}`);
  }
  return { clips, problems, notes };
}
