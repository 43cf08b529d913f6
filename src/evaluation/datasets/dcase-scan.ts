// Finds the clips of DCASE Task 2 in a folder, in the official layout, SIREN's or RMIS's, or a mixture of them.
import type { Folder } from '../files/folder.ts';
import { dcaseClipReader, type FoundClip } from './dcase-clips.ts';
import type { DcaseEdition } from './dcase-editions.ts';
import { readDcaseLabels } from './dcase-labels.ts';
import { liesInOtherYear } from './dcase-layout.ts';
import { clipProblems, duplicateProblems, fileProblems } from './dcase-problems.ts';
import type { Sample, Scan } from './types.ts';

/** Leftovers of operating systems: `.DS_Store`, `__MACOSX/._clip.wav`. */
const isHidden = (path: string): boolean => /(^|\/)(\.|__MACOSX\/)/.test(path);

const labelOf = ({ anomalous }: FoundClip): string =>
  anomalous === undefined ? 'unknown' : anomalous ? 'anomaly' : 'normal';

const toSample = (clip: FoundClip): Sample => {
  const { path, set, machine, section, domain, split, attributes } = clip;
  return {
    path,
    take: path,
    label: labelOf(clip),
    split,
    attributes: { set, machine, section, ...(domain && { domain }), ...(attributes !== '' && { attributes }) },
  };
};

/**
 * The official baselines keep the test clips of an evaluation machine a second time, under names that state the label
 * (`test_rename`): where they are, the nameless ones are left out.
 */
function withoutRenamedOriginals(clips: readonly FoundClip[]): FoundClip[] {
  const renamed = new Set(clips.filter((clip) => clip.renamed).map(({ machine }) => machine));
  return clips.filter(
    ({ set, split, machine, renamed: kept }) =>
      kept || set === 'development' || split === 'train' || !renamed.has(machine),
  );
}

/** The first file of every recording, and the others with the path of the first. */
function uniqueClips(clips: readonly FoundClip[]): { kept: FoundClip[]; duplicates: { path: string; of: string }[] } {
  const first = new Map<string, string>();
  const kept: FoundClip[] = [];
  const duplicates: { path: string; of: string }[] = [];
  for (const clip of clips) {
    const key = [clip.machine, clip.split, clip.fullName].join('/');
    const of = first.get(key);
    if (of === undefined) {
      first.set(key, clip.path);
      kept.push(clip);
    } else duplicates.push({ path: clip.path, of });
  }
  return { kept, duplicates };
}

/**
 * The clips of one year. Set and section go together in every year, so the set is told by them; folders that say
 * otherwise are reported. Labels, domains and attributes of evaluation clips come from their names, or else from the
 * ground truth found anywhere in the folder. Files below a folder that names another year are not looked at.
 */
export function scanDcase(edition: DcaseEdition, folder: Folder): Scan {
  const files = folder.files.filter((path) => !isHidden(path) && !liesInOtherYear(path, edition.year));
  const labels = readDcaseLabels(edition.year, { files, readText: (path) => folder.readText(path) });
  const read = dcaseClipReader(edition, labels);
  const found: FoundClip[] = [];
  const strange: string[] = [];
  for (const path of files) {
    const clip = read(path);
    if (clip === 'not understood') strange.push(path);
    else if (clip !== 'skipped') found.push(clip);
  }
  const { kept, duplicates } = uniqueClips(withoutRenamedOriginals(found));
  return {
    samples: kept.map(toSample),
    problems: [
      ...clipProblems(edition, kept),
      ...labels.problems,
      ...duplicateProblems(duplicates),
      ...fileProblems(edition, strange),
    ],
  };
}
