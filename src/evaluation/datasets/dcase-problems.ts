// What is wrong with the clips of DCASE Task 2 as found: one line per machine, section or folder that says what to do.
import { type DcaseSet, sectionLabel } from '../dcase/years.ts';
import { baseName, folderName } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { counted, listed } from '../text/words.ts';
import type { FoundClip } from './dcase-clips.ts';
import { type DcaseEdition, dcaseDownload } from './dcase-editions.ts';
import type { Problem } from './types.ts';

/** More names than that are counted, not listed. */
const LISTED = 3;

const some = (names: readonly string[]): string => listed(names, LISTED);
const clipCount = (clips: readonly unknown[]): string => counted(clips.length, 'clip');

/** Documents and lists that lie beside the clips. */
const COMPANION = /\.(csv|txt|md|pdf|json|ya?ml|html?)$|(^|\/)(licen[cs]e|readme)$/i;
const PACKED = /(^|\/)(dev|eval)_[^/]*\.zip$/i;

/** Files that are no clips: archives still packed, and all that nobody expects. */
export function fileProblems(edition: DcaseEdition, strange: readonly string[]): Problem[] {
  const packed = strange.filter((path) => PACKED.test(path));
  const unexpected = strange.filter((path) => !PACKED.test(path) && !COMPANION.test(path));
  const problems: Problem[] = [];
  if (packed.length > 0) {
    problems.push({ kind: 'missing', path: packed[0], message: `still packed: ${some(packed)}; unpack where it lies` });
  }
  if (unexpected.length > 0) {
    problems.push({
      kind: 'unexpected',
      path: unexpected[0],
      message: `${unexpected.length} not understood: ${some(unexpected)}; expected <machine>/<train or test>/<official name>.wav with a machine and section of ${edition.year}`,
    });
  }
  return problems;
}

/** Files of recordings that another file holds already, with the path of that one. */
export function duplicateProblems(duplicates: readonly { path: string; of: string }[]): Problem[] {
  return [...groupBy(duplicates, ({ path }) => folderName(path))].map(([folder, found]) => ({
    kind: 'inconsistent',
    path: folder,
    message: `${folder}: ${clipCount(found)} left out that another file holds already (${baseName(found[0].path)} is ${found[0].of}); keep one of each`,
  }));
}

function folderProblems(clips: readonly FoundClip[]): Problem[] {
  const contrary = clips.filter(({ set, statedSet }) => statedSet !== undefined && statedSet !== set);
  return [...groupBy(contrary, ({ path }) => folderName(path))].map(([folder, found]) => {
    const sections = [...new Set(found.map(({ machine, section }) => sectionLabel(machine, section)))];
    const [{ set, statedSet }] = found;
    return {
      kind: 'inconsistent',
      path: folder,
      message: `${folder}: ${clipCount(found)} of the ${set} set (${some(sections)}) in a folder of the ${statedSet} set; taken as ${set}, move them`,
    };
  });
}

type Part = { edition: DcaseEdition; set: DcaseSet; machine: string; clips: readonly FoundClip[] };

function splitProblem({ edition, set, machine, clips }: Part, split: 'train' | 'test'): Problem[] {
  const found = new Set(clips.filter((clip) => clip.split === split).map(({ section }) => section));
  const absent = edition.sections[set][machine].filter((section) => !found.has(section));
  if (absent.length === 0) return [];
  const which = found.size > 0 ? ` of section ${absent.join(', ')}` : '';
  const what = split === 'train' ? 'training' : 'test';
  const download = dcaseDownload(edition, { set, split, machine });
  return [{ kind: 'missing', message: `${machine} (${set}): no ${what} clips${which}; unpack ${download}` }];
}

function truthProblem({ edition, set, machine, clips }: Part): Problem[] {
  const test = clips.filter(({ split }) => split === 'test');
  const unlabelled = test.filter(({ anomalous }) => anomalous === undefined);
  const homeless = test.filter(({ anomalous, domain }) => anomalous !== undefined && domain === undefined);
  const { year } = edition;
  const list = `eval_data_list${year === 2020 ? '' : `_${year}`}.csv`;
  const remedy =
    set === 'development'
      ? 'restore the official names, which tell'
      : `put ${list}, or ground_truth_data and ground_truth_domain of the official evaluator, into the folder`;
  const problem = (what: string, found: readonly FoundClip[]): Problem => ({
    kind: 'missing',
    path: found[0].path,
    message: `${machine} (${set}): ${what} for ${found.length} of ${clipCount(test)} to test with; ${remedy}`,
  });
  return [
    ...(unlabelled.length > 0 ? [problem('no ground truth', unlabelled)] : []),
    ...(homeless.length > 0 && year > 2020 ? [problem('no domain', homeless)] : []),
  ];
}

function classProblems({ set, machine, clips }: Part): Problem[] {
  const test = clips.filter(({ split }) => split === 'test');
  return [...groupBy(test, ({ section }) => section)].flatMap(([section, found]): Problem[] => {
    const [{ anomalous }] = found;
    if (anomalous === undefined || found.some((clip) => clip.anomalous !== anomalous)) return [];
    const message = `${sectionLabel(machine, section)} (${set}): ${clipCount(found)} to test with, all ${anomalous ? 'anomalous' : 'normal'}; AUC needs both classes, restore the others`;
    return [{ kind: 'inconsistent', path: folderName(found[0].path), message }];
  });
}

function machineProblems(part: Part): Problem[] {
  const { edition, set, machine, clips } = part;
  if (clips.length === 0) {
    const downloads = (['train', 'test'] as const).map((split) => dcaseDownload(edition, { set, split, machine }));
    const message = `no clips of ${machine} (${set}); unpack ${[...new Set(downloads)].join(' and ')}`;
    return [{ kind: 'missing', message }];
  }
  return [...splitProblem(part, 'train'), ...splitProblem(part, 'test'), ...truthProblem(part), ...classProblems(part)];
}

function setProblems(edition: DcaseEdition, set: DcaseSet, clips: readonly FoundClip[]): Problem[] {
  const machines = Object.keys(edition.sections[set]);
  if (clips.length === 0) {
    const { development, train, test } = edition.records;
    const records = (set === 'development' ? [development] : [train, test]).map(
      (id) => `https://zenodo.org/records/${id}`,
    );
    const message = `no clips of the ${set} set (${machines.join(', ')}); download it from ${records.join(' and ')}`;
    return [{ kind: 'missing', message }];
  }
  const byMachine = groupBy(clips, ({ machine }) => machine);
  return machines.flatMap((machine) => machineProblems({ edition, set, machine, clips: byMachine.get(machine) ?? [] }));
}

/** What is missing or contradicts itself among the clips. */
export function clipProblems(edition: DcaseEdition, clips: readonly FoundClip[]): Problem[] {
  const bySet = groupBy(clips, ({ set }) => set);
  return [
    ...folderProblems(clips),
    ...setProblems(edition, 'development', bySet.get('development') ?? []),
    ...setProblems(edition, 'evaluation', bySet.get('evaluation') ?? []),
  ];
}
