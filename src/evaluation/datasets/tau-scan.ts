// What is found in a folder in the layout of TAU Urban Acoustic Scenes 2022 Mobile, and what is wrong with it.
import { type Folder, isSound, stemOf } from '../files/folder.ts';
import { counted, listed } from '../text/words.ts';
import { repeatedNames } from './problems.ts';
import { scanFiles } from './scan-files.ts';
import { type FoundLists, readSceneLists, readSceneName, subsetOf } from './tau-layout.ts';
import type { Problem, Sample, Scan } from './types.ts';

/** More names than that are counted, not listed. */
const LISTED = 3;

function sideOf(name: string, { train, test }: FoundLists): Sample['split'] {
  // A clip on both sides is told of, and kept out of training.
  if (test?.has(name)) return 'test';
  return train?.has(name) ? 'train' : undefined;
}

function sampleOf(path: string, scenes: ReadonlySet<string>, lists: FoundLists): Sample | undefined {
  const name = stemOf(path);
  const clip = readSceneName(name);
  if (!clip || !scenes.has(clip.scene)) return undefined;
  const { scene, city, location, segment, second, device } = clip;
  const split = sideOf(name, lists);
  const subset = split === 'train' ? subsetOf(name, lists) : undefined;
  return {
    path,
    take: `${city}-${location}`,
    label: scene,
    ...(split && { split }),
    attributes: { device, city, location, segment, second, ...(subset !== undefined && { subset: String(subset) }) },
  };
}

/** Lists that say too little, too much or not the same. */
function listProblems(id: string, samples: readonly Sample[], lists: FoundLists): Problem[] {
  const problems: Problem[] = [...lists.problems];
  for (const [side, list] of [
    ['train', lists.train],
    ['test', lists.test],
  ] as const) {
    if (list) continue;
    const path = `evaluation_setup/fold1_${side}.csv`;
    problems.push({
      kind: 'missing',
      path,
      message: `${id}: expected the list ${path}, found none: no clip is known to be for ${side === 'train' ? 'training' : 'testing'}; unpack the part with the lists too`,
    });
  }
  const both = [...(lists.train ?? [])].filter((name) => lists.test?.has(name));
  if (both.length > 0) {
    problems.push({
      kind: 'inconsistent',
      path: 'evaluation_setup',
      message: `${id}: ${counted(both.length, 'clip')} listed for training and for testing (${listed(both, LISTED)}); taken for testing, copy the lists again`,
    });
  }
  const subsets = [...lists.subsets];
  for (const [i, [percent, names]] of subsets.slice(0, -1).entries()) {
    const [larger, others] = subsets[i + 1];
    const outside = [...names].filter((name) => !others.has(name));
    if (outside.length === 0) continue;
    problems.push({
      kind: 'inconsistent',
      path: `split${percent}.csv`,
      message: `${id}: expected all clips of split${percent}.csv in split${larger}.csv, found ${outside.length} that are not (${listed(outside, LISTED)}); copy both again`,
    });
  }
  const there = new Set(samples.map(({ path }) => stemOf(path)));
  const absent = [...lists.listed].filter((name) => !there.has(name));
  if (absent.length > 0) {
    problems.push({
      kind: 'missing',
      path: `audio/${absent[0]}.wav`,
      message: `${id}: ${counted(absent.length, 'clip')} of ${lists.listed.size} in the lists not found (${listed(absent, LISTED)}); unpack all parts of the download`,
    });
  }
  return problems;
}

/**
 * The clips of a folder. Attributes: `device`, `city`, `location`, `segment`, `second`, and of training clips that the lists
 * of DCASE 2024 name `subset`, the smallest of the nested ones in percent. The take is the location: no location is on both
 * sides of the official division. Clips that it leaves out have no side.
 */
export function scanScenes(id: string, scenes: readonly string[], folder: Folder): Scan {
  const lists = readSceneLists(folder);
  const known = new Set(scenes);
  return scanFiles({
    id,
    files: folder.files.filter(isSound),
    read: (path) => sampleOf(path, known, lists),
    places: Object.fromEntries(scenes.map((scene) => [scene, `audio/${scene}-*.wav`])),
    expected: `${scenes[0]}-lisbon-1000-40000-0-a.wav (scene, city, location, segment, second, device a to c or s1 to s6)`,
    check: (samples) => [...repeatedNames(samples.map(({ path }) => path)), ...listProblems(id, samples, lists)],
  });
}
