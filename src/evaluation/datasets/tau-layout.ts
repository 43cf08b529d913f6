// The layout of TAU Urban Acoustic Scenes 2022 Mobile: names of clips, and the lists that come with them.
import { inputMessage } from '../../signal/errors.ts';
import { csvLines } from '../files/csv-lines.ts';
import { baseName, type Folder, stemOf } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { textFile } from './simulated.ts';
import type { GeneratedFile, Problem } from './types.ts';

/** Recording devices: three real ones and six simulated. */
export const sceneDevices = ['a', 'b', 'c', 's1', 's2', 's3', 's4', 's5', 's6'] as const;
export type SceneDevice = (typeof sceneDevices)[number];

/** Devices that training clips may come from; the others are for testing alone. */
export const seenDevices: readonly SceneDevice[] = ['a', 'b', 'c', 's1', 's2', 's3'];

/** Nested parts of the training clips (DCASE 2024 Task 1), in percent. */
export const sceneSubsets = [5, 10, 25, 50, 100] as const;
export type SceneSubset = (typeof sceneSubsets)[number];

/** What the name of a clip says: a second of a segment recorded at a location. */
export type SceneClip = {
  scene: string;
  city: string;
  location: string;
  segment: string;
  /** Number within the segment, from 0. */
  second: string;
  device: SceneDevice;
};

/** A clip with its place in the official division: in all subsets from `subset` on, where it is for training. */
export type DividedClip = SceneClip & ({ split: 'train'; subset: SceneSubset } | { split: 'test' });

/** `airport-lisbon-1000-40000-0-a`. */
export const sceneClipName = ({ scene, city, location, segment, second, device }: SceneClip): string =>
  [scene, city, location, segment, second, device].join('-');

/** What a name says; undefined for other names. Clips of 10 s (the edition of 2020) have no second: it is empty. */
export function readSceneName(stem: string): SceneClip | undefined {
  const [, scene, city, location, segment, second = '', device] =
    /^([a-z_]+)-([a-z]+)-(\d+)-(\d+)(?:-(\d+))?-([abc]|s[1-6])$/.exec(stem) ?? [];
  if (scene === undefined) return undefined;
  return { scene, city, location, segment, second, device: device as SceneDevice };
}

/** Where a clip lies in the official download. */
export const sceneClipPath = (clip: SceneClip): string => `audio/${sceneClipName(clip)}.wav`;

const table = (path: string, header: readonly string[], rows: readonly (readonly string[])[]): GeneratedFile =>
  textFile(
    path,
    [header, ...rows].map((cells) => cells.join('\t')),
  );

/** The lists of a data set: facts of all clips, the official division, and the subsets. */
export function sceneLists(clips: readonly DividedClip[]): GeneratedFile[] {
  const name = ['filename'];
  const labelled = [...name, 'scene_label'];
  const named = (of: readonly DividedClip[]) => of.map((clip) => [sceneClipPath(clip)]);
  const withLabels = (of: readonly DividedClip[]) => of.map((clip) => [sceneClipPath(clip), clip.scene]);
  const train = clips.filter(({ split }) => split === 'train');
  const test = clips.filter(({ split }) => split === 'test');
  return [
    table(
      'meta.csv',
      [...labelled, 'identifier', 'source_label'],
      clips.map((clip) => [sceneClipPath(clip), clip.scene, `${clip.city}-${clip.location}`, clip.device]),
    ),
    table('evaluation_setup/fold1_train.csv', labelled, withLabels(train)),
    table('evaluation_setup/fold1_test.csv', name, named(test)),
    table('evaluation_setup/fold1_evaluate.csv', labelled, withLabels(test)),
    ...sceneSubsets.map((percent) =>
      table(
        `split_setup/split${percent}.csv`,
        name,
        named(train.filter((clip) => clip.split === 'train' && clip.subset <= percent)),
      ),
    ),
    table('split_setup/test.csv', name, named(test)),
  ];
}

/** What lists of a folder say of clips, by the names of their files without ending. */
export type FoundLists = {
  /** Undefined where there is no list. */
  train?: ReadonlySet<string>;
  test?: ReadonlySet<string>;
  subsets: ReadonlyMap<SceneSubset, ReadonlySet<string>>;
  /** All clips that are listed anywhere, in order. */
  listed: ReadonlySet<string>;
  problems: Problem[];
};

/** The column `filename` of a list; nothing, and a problem, where it cannot be read. */
function readList(folder: Folder, path: string, problems: Problem[]): Set<string> {
  try {
    const [header, ...rows] = csvLines(folder.readText(path));
    const column = header?.cells.indexOf('filename') ?? -1;
    if (column >= 0) return new Set(rows.flatMap(({ cells }) => (cells[column] ? [stemOf(cells[column])] : [])));
    const found = header?.cells.join(', ') || 'an empty file';
    problems.push({
      kind: 'inconsistent',
      path,
      message: `${path}: expected a column filename, found ${found}; copy the list again`,
    });
  } catch (error) {
    problems.push({ kind: 'inconsistent', path, message: inputMessage(error) });
  }
  return new Set();
}

const union = (sets: readonly ReadonlySet<string>[]): ReadonlySet<string> | undefined =>
  sets.length === 0 ? undefined : new Set(sets.flatMap((set) => [...set]));

/** The lists of a folder, by their official names wherever they lie. */
export function readSceneLists(folder: Folder): FoundLists {
  const problems: Problem[] = [];
  const byName = groupBy(
    folder.files.filter((path) => path.endsWith('.csv')),
    baseName,
  );
  const lists = (...names: string[]): ReadonlySet<string>[] =>
    names.flatMap((name) => byName.get(name) ?? []).map((path) => readList(folder, path, problems));
  const subsets = new Map<SceneSubset, ReadonlySet<string>>();
  for (const percent of sceneSubsets) {
    const [list] = lists(`split${percent}.csv`);
    if (list) subsets.set(percent, list);
  }
  const whole = subsets.get(100);
  const train = union([...lists('fold1_train.csv'), ...(whole ? [whole] : [])]);
  const test = union(lists('fold1_test.csv', 'fold1_evaluate.csv', 'test.csv'));
  const listed = union([...lists('meta.csv'), ...(train ? [train] : []), ...(test ? [test] : [])]) ?? new Set();
  return { ...(train && { train }), ...(test && { test }), subsets, listed, problems };
}

/** The smallest subset that a training clip is in; undefined where no list has it. */
export const subsetOf = (name: string, { subsets }: FoundLists): SceneSubset | undefined =>
  [...subsets].find(([, names]) => names.has(name))?.[0];

/** The smallest subset that clip `place` of `count` in a fixed order is in: the first ones are in all of them. */
export const subsetAt = (place: number, count: number): SceneSubset =>
  sceneSubsets.find((percent) => place < Math.ceil((percent * count) / 100)) ?? 100;
