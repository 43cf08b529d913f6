// Scores and decisions of a system, brought to the recordings of the ground truth.
import { createLineProblems } from '../files/csv-lines.ts';
import { type DcaseName, parseDcaseName } from './names.ts';
import type { Submission, SubmissionFile } from './score-files.ts';
import type { TruthClip } from './truth.ts';
import { type DcaseYearRules, sectionLabel } from './years.ts';

/** A recording with what a system says of it; absent where it says nothing. */
export type DcaseClip = TruthClip & { score?: number; decision?: boolean };

/** By machine and section: recordings by what their names tell. */
type Index = Map<string, Map<string, DcaseClip>>;

const keyOf = ({ section, domain, anomalous, index }: DcaseName): string =>
  [section, domain, anomalous, index].join('/');

const sectionKey = ({ machine, section }: { machine: string; section: string }): string => `${machine}/${section}`;

/** Short and long names; attributes are not compared, since some lists hide them. */
function keysOf(clip: TruthClip): string[] {
  const short = parseDcaseName(clip.name);
  const long = clip.longNames.map(parseDcaseName);
  // In 2021 the long name is the short one with the status in it.
  const stated = short?.domain ? { ...short, anomalous: clip.anomalous } : undefined;
  return [short, stated, ...long].flatMap((name) => (name ? [keyOf(name)] : []));
}

function indexOf(clips: readonly DcaseClip[]): Index {
  const index: Index = new Map();
  for (const clip of clips) {
    const key = sectionKey(clip);
    const names = index.get(key) ?? new Map<string, DcaseClip>();
    index.set(key, names);
    for (const name of keysOf(clip)) names.set(name, clip);
  }
  return index;
}

function take(clip: DcaseClip, kind: SubmissionFile['kind'], value: number): boolean {
  const known = kind === 'score' ? clip.score : clip.decision;
  if (known !== undefined) return Number(known) === value;
  if (kind === 'score') clip.score = value;
  else clip.decision = value === 1;
  return true;
}

function addFile(index: Index, file: SubmissionFile): string[] {
  const names = index.get(sectionKey(file));
  if (!names) return [];
  const problems = createLineProblems(file.path);
  for (const { line, name, value } of file.rows) {
    const parsed = parseDcaseName(name);
    const clip = parsed && names.get(keyOf(parsed));
    if (!clip) {
      problems.add('unknown', line, `the ground truth has no recording ${name}; the line is left out`);
    } else if (!take(clip, file.kind, value)) {
      problems.add('twice', line, `a second, different value for ${name}; the first is kept`);
    }
  }
  return problems.messages();
}

/** Names shown of those that are missing. */
const SHOWN = 3;

/** One line per section in which values are missing, one per machine where a whole section is. */
function missingLines(clips: readonly DcaseClip[], rules: DcaseYearRules, kind: 'score' | 'decision'): string[] {
  const what = kind === 'score' ? 'anomaly scores' : 'decisions';
  const lines: string[] = [];
  for (const [machine, sections] of Object.entries(rules.machines)) {
    const whole: string[] = [];
    for (const section of sections) {
      const all = clips.filter((clip) => clip.machine === machine && clip.section === section);
      const missing = all.filter((clip) => clip[kind] === undefined);
      const label = sectionLabel(machine, section);
      if (missing.length > 0 && missing.length === all.length) whole.push(label);
      else if (missing.length > 0) {
        const names = missing.slice(0, SHOWN).map(({ name }) => name);
        const more = missing.length > SHOWN ? ' …' : '';
        lines.push(
          `${label}: ${what} of ${missing.length} of ${all.length} recordings are missing (${names.join(', ')}${more}); the figures are of the others`,
        );
      }
    }
    if (whole.length > 0) lines.push(`${whole.join(', ')}: no ${what}`);
  }
  return lines;
}

/** Every recording of the ground truth with its score and decision, and what is missing or fits no recording. */
export function matchSubmission(
  truth: readonly TruthClip[],
  submission: Pick<Submission, 'files'>,
  rules: DcaseYearRules,
): { clips: DcaseClip[]; problems: string[]; notes: string[] } {
  const clips = truth.map((clip): DcaseClip => ({ ...clip }));
  const index = indexOf(clips);
  const problems = submission.files.flatMap((file) => addFile(index, file));
  problems.push(...missingLines(clips, rules, 'score'));
  if (rules.rule === 'machine means') return { clips, problems, notes: [] };
  if (clips.every(({ decision }) => decision === undefined)) {
    return { clips, problems, notes: ['no decisions (decision_result_….csv): no precision, recall and F1'] };
  }
  problems.push(...missingLines(clips, rules, 'decision'));
  return { clips, problems, notes: [] };
}
