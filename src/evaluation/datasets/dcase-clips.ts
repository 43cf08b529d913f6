// The clips of DCASE Task 2 among the files of a folder, each with all that its name, its folders and the ground truth say.
import { clipName, type DcaseName, type Domain, parseDcaseName } from '../dcase/names.ts';
import type { DcaseSet } from '../dcase/years.ts';
import { isWav } from '../files/folder.ts';
import { type DcaseEdition, machinesOf, setOf } from './dcase-editions.ts';
import type { DcaseLabels } from './dcase-labels.ts';
import { type DcasePlace, readDcaseFolders } from './dcase-layout.ts';

export type FoundClip = {
  path: string;
  set: DcaseSet;
  /** The set that a folder above it names. */
  statedSet?: DcaseSet;
  machine: string;
  section: string;
  split: 'train' | 'test';
  domain?: Domain;
  /** Absent where nothing tells. */
  anomalous?: boolean;
  attributes: string;
  /** The name that tells most, without `.wav`, in lower case: the same for two files of one recording. */
  fullName: string;
  renamed: boolean;
};

/** `skipped`: belongs to the download, but is no clip of the task (supplemental recordings of 2025). */
export type DcaseFile = FoundClip | 'skipped' | 'not understood';

const splitOf = (name: DcaseName, place: DcasePlace, set: DcaseSet): 'train' | 'test' | undefined =>
  name.split ?? place.split ?? (set === 'evaluation' && name.anomalous === undefined ? 'test' : undefined);

/** A reader of the files of one year. */
export function dcaseClipReader(edition: DcaseEdition, labels: DcaseLabels): (path: string) => DcaseFile {
  const machines = new Map(machinesOf(edition).map((machine) => [machine.toLowerCase(), machine]));
  return (path) => {
    const place = readDcaseFolders(path, machines);
    if (place.supplemental) return 'skipped';
    const name = isWav(path) ? parseDcaseName(path) : undefined;
    if (!name || place.machine === undefined) return 'not understood';
    if (name.supplemental !== undefined) return 'skipped';
    const set = setOf(edition, place.machine, name.section);
    const split = set && splitOf(name, place, set);
    if (!set || !split) return 'not understood';
    const truth = set === 'evaluation' && split === 'test' ? labels.find(place.machine, path) : undefined;
    const long = truth?.longNames[0];
    const anomalous = name.anomalous ?? place.anomalous ?? truth?.anomalous ?? (split === 'train' ? false : undefined);
    return {
      path,
      set,
      statedSet: place.set,
      machine: place.machine,
      section: name.section,
      split,
      domain: name.domain ?? place.domain ?? truth?.domain,
      anomalous,
      attributes: (long && parseDcaseName(long)?.attributes) || name.attributes,
      fullName: clipName(long ?? path).toLowerCase(),
      renamed: place.renamed ?? false,
    };
  };
}
