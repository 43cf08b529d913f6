// The files that teams hand in: which of them belong to which system, and what stands in them.
import { inputMessage } from '../../signal/errors.ts';
import { type CsvLine, createLineProblems, csvLines } from '../files/csv-lines.ts';
import { baseName, type Folder, folderName } from '../files/folder.ts';
import { parseDcaseName } from './names.ts';
import { type DcaseYearRules, machineOf } from './years.ts';

export type SubmissionRow = { line: number; name: string; value: number };

/** One `anomaly_score_…csv` or `decision_result_…csv`. */
export type SubmissionFile = {
  path: string;
  kind: 'score' | 'decision';
  machine: string;
  section: string;
  rows: SubmissionRow[];
};

/** What one system handed in: its name is the path of its folder, empty for the folder that was read. */
export type Submission = { system: string; files: SubmissionFile[]; problems: string[]; notes: string[] };

type FileName = { kind: SubmissionFile['kind']; machine: string; section: string };

/** What follows the section (`_test`, `_source_test`, seeds, a copy's number) does not matter: rows name their recordings. */
const FILE_NAME =
  /^(anomaly_score|decision_result)s?_(?:DCASE20\d\dT2)?(.+?)_(?:(id_\d{2})|section_(\d{2}))(?!\d).*\.csv$/i;

function parseFileName(path: string): FileName | undefined {
  const found = FILE_NAME.exec(baseName(path));
  if (!found) return undefined;
  const [, kind, machine, id, section] = found;
  return {
    kind: kind.toLowerCase() === 'anomaly_score' ? 'score' : 'decision',
    machine,
    section: id?.toLowerCase() ?? section,
  };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEADINGS = { score: /score/i, decision: /decision|result|predict/i };

/** Position of the value that a heading names. */
function headingOf({ cells }: CsvLine, kind: SubmissionFile['kind']): number | undefined {
  const column = cells.findIndex((cell) => HEADINGS[kind].test(cell));
  return column < 0 ? undefined : column;
}

const isHeader = ({ cells }: CsvLine): boolean => cells.every((cell) => !parseDcaseName(cell) && !NUMBER.test(cell));

/**
 * Rows of a score or decision file. The file is the first cell that is the name of a recording; the value is in the
 * column that a header names, else in the first column after it that is no name.
 */
function rowsOf(text: string, path: string, kind: SubmissionFile['kind']) {
  const lines = csvLines(text);
  const problems = createLineProblems(path);
  const rows: SubmissionRow[] = [];
  const header = lines.length > 0 && isHeader(lines[0]) ? lines[0] : undefined;
  const column = header && headingOf(header, kind);
  for (const { line, cells } of header ? lines.slice(1) : lines) {
    const at = cells.findIndex((cell) => parseDcaseName(cell));
    if (at < 0) {
      problems.add('name', line, `expected the name of a recording, got \`${cells.join(',')}\`; the line is left out`);
      continue;
    }
    const valueAt =
      column === undefined || column === at ? cells.findIndex((other, i) => i > at && !parseDcaseName(other)) : column;
    const cell = cells[valueAt] ?? '';
    const value = NUMBER.test(cell) ? Number(cell) : Number.NaN;
    const valid = kind === 'score' ? Number.isFinite(value) : value === 0 || value === 1;
    if (valid) rows.push({ line, name: cells[at], value });
    else {
      const expected = kind === 'score' ? 'a finite number as the score' : 'a decision, 0 or 1,';
      problems.add('value', line, `expected ${expected} of ${cells[at]}, got \`${cell}\`; the line is left out`);
    }
  }
  return { rows, problems: problems.messages() };
}

/** Where every machine has a folder of its own, the system is the folder above. */
function systemOf(path: string, rules: DcaseYearRules): string {
  const folder = folderName(path);
  return machineOf(rules, baseName(folder)) ? folderName(folder) : folder;
}

function addFile(submission: Submission, path: string, found: FileName, folder: Folder, rules: DcaseYearRules): void {
  const machine = machineOf(rules, found.machine);
  if (machine === undefined || !rules.machines[machine].includes(found.section)) {
    const what = machine === undefined ? found.machine : `${machine} ${found.section}`;
    submission.notes.push(`${path}: ${what} is not in the evaluation set of ${rules.year}; the file is not used`);
    return;
  }
  try {
    const { rows, problems } = rowsOf(folder.readText(path), path, found.kind);
    submission.files.push({ path, kind: found.kind, machine, section: found.section, rows });
    submission.problems.push(...problems);
  } catch (error) {
    submission.problems.push(inputMessage(error));
  }
}

/**
 * Reads all systems below a folder, in order of their paths: every folder that holds files named
 * `anomaly_score_<machine>_section_NN…csv` (2020: `…_id_NN…csv`) or `decision_result_…csv`. Lines that cannot be used
 * become problems, and the others are still read; files of other machines become notes.
 */
export function readSubmissions(folder: Folder, rules: DcaseYearRules): Submission[] {
  const systems = new Map<string, Submission>();
  for (const path of folder.files) {
    const found = parseFileName(path);
    if (!found) continue;
    const system = systemOf(path, rules);
    const submission = systems.get(system) ?? { system, files: [], problems: [], notes: [] };
    systems.set(system, submission);
    addFile(submission, path, found, folder, rules);
  }
  return [...systems.values()];
}
