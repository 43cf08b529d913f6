// What the ground truth beside the clips says of the evaluation clips of DCASE Task 2.
import { inputMessage } from '../../signal/errors.ts';
import { clipName } from '../dcase/names.ts';
import { readTruth, type TruthClip } from '../dcase/truth.ts';
import { dcaseYear } from '../dcase/years.ts';
import { baseName, type Folder } from '../files/folder.ts';
import type { Problem } from './types.ts';

const TRUTH_FILE = /^(eval_data_list|ground_truth_).*\.csv$/i;

export type DcaseLabels = {
  /** The entry of an evaluation clip by machine and file name (with or without `.wav`, in any case). */
  find(machine: string, name: string): TruthClip | undefined;
  problems: Problem[];
};

/** Reads whatever ground truth lies among the files; none at all is no problem here. */
export function readDcaseLabels(year: number, folder: Folder): DcaseLabels {
  const clips = new Map<string, TruthClip>();
  const problems: Problem[] = [];
  const sources = folder.files.filter((path) => TRUTH_FILE.test(baseName(path)));
  try {
    const truth =
      sources.length > 0 ? readTruth({ ...folder, files: sources }, dcaseYear(year)) : { clips: [], problems: [] };
    for (const clip of truth.clips) clips.set(`${clip.machine}/${clip.name.toLowerCase()}`, clip);
    problems.push(...truth.problems.map((message): Problem => ({ kind: 'inconsistent', message })));
  } catch (error) {
    problems.push({ kind: 'inconsistent', path: sources[0], message: inputMessage(error) });
  }
  return { find: (machine, name) => clips.get(`${machine}/${clipName(name).toLowerCase()}`), problems };
}
