// ESC-50: environmental sounds in 50 classes and five folds (K. J. Piczak, ACM Multimedia 2015).
import { inputMessage } from '../../signal/errors.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { csvLines } from '../files/csv-lines.ts';
import { baseName, type Folder, isSound, stemOf } from '../files/folder.ts';
import { classTone } from './class-tones.ts';
import { repeatedNames } from './problems.ts';
import { scanFiles } from './scan-files.ts';
import { textFile } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Problem, Sample } from './types.ts';

/** Class names by number, ten of a kind in a row: animals, nature, people, indoors, outdoors. */
const CLASSES: readonly string[] = [
  'dog rooster pig cow frog cat hen insects sheep crow',
  'rain sea_waves crackling_fire crickets chirping_birds water_drops wind pouring_water toilet_flush thunderstorm',
  'crying_baby sneezing clapping breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping',
  'door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening washing_machine vacuum_cleaner clock_alarm clock_tick glass_breaking',
  'helicopter chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw',
].flatMap((names) => names.split(' '));

/** The ten classes of ESC-10, which has a freer licence. */
const ESC10: ReadonlySet<number> = new Set([0, 1, 10, 11, 12, 20, 21, 38, 40, 41]);
const FOLDS = 5;
const SAMPLE_RATE = 44_100;
const META = 'meta/esc50.csv';

/** `{fold}-{clip}-{take}-{class}`; several cuts of one clip on Freesound are takes A, B, C … */
function sampleOf(path: string): Sample | undefined {
  const [, fold, clip, letter, target] = /^([1-5])-(\d+)-([A-Z])-(\d{1,2})$/.exec(stemOf(path)) ?? [];
  const label = CLASSES[Number(target)];
  if (label === undefined) return undefined;
  const esc10 = ESC10.has(Number(target)) ? 'yes' : 'no';
  return { path, take: clip, label, fold: Number(fold), attributes: { target, esc10, cut: letter } };
}

const PLACES = Object.fromEntries(CLASSES.map((label, target) => [label, `audio/*-${target}.wav`]));

const scan = (folder: Folder) =>
  scanFiles({
    id: 'esc50',
    files: folder.files.filter(isSound),
    read: sampleOf,
    places: PLACES,
    expected: '1-100032-A-0.wav (fold 1 to 5, clip, take, class 0 to 49)',
    check: (samples) => [...repeatedNames(samples.map(({ path }) => path)), ...absent(folder, samples)],
  });

/** What the table of the official download lists and is not there. */
function absent(folder: Folder, samples: readonly Sample[]): Problem[] {
  const meta = folder.files.find((path) => path === META || path.endsWith(`/${META}`));
  if (meta === undefined) return [];
  const there = new Set(samples.map(({ path }) => stemOf(path)));
  const listed = rowsOf(folder, meta);
  if (!Array.isArray(listed)) return [listed];
  return listed
    .filter((name) => !there.has(stemOf(name)))
    .map((name) => ({
      kind: 'missing',
      path: `audio/${baseName(name)}`,
      message: `esc50: expected audio/${baseName(name)} as listed in ${meta}, found none; unpack the archive again`,
    }));
}

/** The names of files in the table, or why it cannot be read. */
function rowsOf(folder: Folder, meta: string): string[] | Problem {
  try {
    const [, ...rows] = csvLines(folder.readText(meta));
    return rows.map(({ cells }) => cells[0]).filter((name) => name !== '');
  } catch (error) {
    return { kind: 'inconsistent', path: meta, message: inputMessage(error) };
  }
}

/** Recording `i` of a class is in fold i mod 5; those beyond the fifth are further cuts of the same clips. */
function* generate({ seed = 0, perClass = FOLDS, seconds = 0.5 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  const rows = ['filename,fold,target,category,esc10,src_file,take'];
  for (const [target, category] of CLASSES.entries()) {
    for (let i = 0; i < perClass; i++) {
      const fold = 1 + (i % FOLDS);
      const clip = 100_000 + target * FOLDS + fold;
      const letter = String.fromCharCode('A'.charCodeAt(0) + Math.floor(i / FOLDS));
      const name = `${fold}-${clip}-${letter}-${target}.wav`;
      const tone = classTone({ classIndex: target, seed: `${seed}/esc50/${name}`, seconds, sampleRate: SAMPLE_RATE });
      rows.push([name, fold, target, category, ESC10.has(target) ? 'True' : 'False', clip, letter].join(','));
      yield { path: `audio/${name}`, bytes: writeWav(tone) };
    }
  }
  yield textFile(META, rows);
}

/** Attributes: `target` (class number), `esc10` (yes, no), `cut` (letter of the cut of its clip). */
export const esc50: DataSet = {
  id: 'esc50',
  title: 'ESC-50 environmental sounds',
  source: 'https://github.com/karolpiczak/ESC-50',
  licence: 'CC BY-NC 3.0 (its ESC-10 part: CC BY)',
  folder: /^esc-?50([ _-].*)?$/i,
  layout: ['ESC-50-master/', '  audio/1-100032-A-0.wav …', '  meta/esc50.csv', 'or the sound files alone'].join('\n'),
  sampleRate: SAMPLE_RATE,
  seconds: '5',
  channels: ['sound'],
  classes: CLASSES,
  expected: { samples: 2000, perClass: Object.fromEntries(CLASSES.map((name) => [name, 40])) },
  views: [{ id: 'esc50', modality: 'sound' }],
  scan,
  generate,
};
