// SDUST: bearing and planetary gearbox faults of the Shandong University of Science and Technology.
import { columns, type MatValue, writeMat } from '../../signal/readers/mat-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { type Folder, isMat, stemOf } from '../files/folder.ts';
import { misplaced } from './problems.ts';
import { type PathReading, scanFiles } from './scan-files.ts';
import { type ClassSource, classSources, recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Scan } from './types.ts';

const SAMPLE_RATE = 25_600;
const CHANNELS = 6;
/** Where the matrix of samples lies in every file, an export of a Simcenter Testlab recorder. */
const VARIABLE = 'Signal.y_values.values';

/** One of the two halves of the download: how its folder, its classes and its files are called. */
type Half = {
  id: string;
  title: string;
  /** Folder of the half in the repository. */
  root: string;
  /** Folder of each class, and what the names of its generated files begin with. */
  classes: readonly { label: string; folder: string; source: ClassSource & { machineSeed: number } }[];
  /** The words of a file name after the first: what they say, by position. The first is the class, or alike. */
  words: readonly string[];
  /** Whether the first word must be the class. */
  namedByClass: boolean;
  example: string;
  seconds: string;
  loads: readonly string[];
};

const SPEEDS = [1000, 1500, 2000, 2500];

const bearingClasses = ['IF', 'OF', 'RF'].flatMap((place) =>
  [0.2, 0.4, 0.6].map((size) => {
    const fault = { IF: 'inner-race', OF: 'outer-race', RF: 'ball' }[place];
    return { label: `${place}${size}`, source: { machine: 'bearing' as const, fault, severity: size + 0.3 } };
  }),
);

/** In the order of the benchmark RMIS (`uni_detect/task/split/info.py`, as are the names of the gear classes). */
const bearing: Half = {
  id: 'sdust-bearing',
  title: 'SDUST bearing',
  root: '轴承数据集',
  classes: [
    ...bearingClasses.slice(0, 3),
    { label: 'NC', source: { machine: 'bearing' as const, fault: 'normal' } },
    ...bearingClasses.slice(3),
  ].map(({ label, source }) => ({ label, folder: label, source: { ...source, machineSeed: 0 } })),
  words: ['speed', 'load'],
  namedByClass: true,
  example: 'IF0.2/IF0.2 1000 20.mat',
  seconds: '40',
  loads: ['0', '20', '40', '60'],
};

const GEAR_FOLDERS = [
  ['normal', 'NC'],
  ['planetrayfracture', '行星断裂'],
  ['planetraypitting', '行星点蚀'],
  ['planetraywear', '行星磨损'],
  ['sunfracture', '太阳断裂'],
  ['sunpitting', '太阳点蚀'],
  ['sunwear', '太阳磨损'],
];
const gearSources = classSources('gearbox', GEAR_FOLDERS.length, true);

const gear: Half = {
  id: 'sdust-gear',
  title: 'SDUST planetary gearbox',
  root: '齿轮数据集',
  classes: GEAR_FOLDERS.map(([label, folder], i) => ({ label, folder, source: gearSources[i] })),
  words: ['speed', 'load', 'repetition'],
  namedByClass: false,
  example: '太阳磨损/sunwear 1000 0.5A 1.mat',
  seconds: '20',
  loads: ['0.2A', '0.35A', '0.5A'],
};

/**
 * What a path says: `…/<half>/<class>/<class> <speed> <load> [<repetition>].mat`. The folder gives the class; every
 * file is a take. Speed in turns per minute and load in N or A stay as written, since ramps (`800~1500`) are among them.
 */
function readPath(half: Half, path: string): PathReading {
  const [root, folder] = path.split('/').slice(-3);
  const known = root === half.root ? half.classes.find((one) => one.folder === folder) : undefined;
  const stem = stemOf(path);
  const [first, ...values] = stem.split(' ');
  if (!known || values.length < half.words.length || values.includes('')) return undefined;
  if (half.namedByClass && first !== known.label) return misplaced(half.id, path);
  const note = values.slice(half.words.length).join(' ');
  const attributes = Object.fromEntries(half.words.map((word, i) => [word, values[i]]));
  return {
    path,
    read: { sampleRate: SAMPLE_RATE, variable: VARIABLE },
    take: `${folder}/${stem}`,
    label: known.label,
    attributes: note === '' ? attributes : { ...attributes, note },
  };
}

function scan(half: Half, { files }: Folder): Scan {
  // The other half of the download is none of this one's business.
  const own = files.filter((path) => isMat(path) && path.split('/').includes(half.root));
  const places = half.classes.map(({ label, folder }) => [label, `${half.root}/${folder}`]);
  const words = ['class', ...half.words].map((word) => `<${word}>`).join(' ');
  const expected = `names such as ${half.root}/${half.example} (${words})`;
  const read = (path: string) => readPath(half, path);
  return scanFiles({ id: half.id, files: own, read, places: Object.fromEntries(places), expected });
}

/** The struct the recorder exports: how x counts, and a column of y per channel. */
function signalOf({ channels }: Recording): MatValue {
  const single = (value: number) => ({ shape: [1, 1], data: Float64Array.of(value) });
  const x = {
    start_value: single(0),
    increment: single(1 / SAMPLE_RATE),
    number_of_values: single(channels[0].length),
  };
  const y = { values: columns(channels) };
  return { fields: { x_values: { fields: x }, y_values: { fields: y } } };
}

/** Bearings have one recording under each condition, gears repetitions. */
function* generate(half: Half, options: GenerateOptions): Iterable<GeneratedFile> {
  const { seed = 0, perClass = 4, seconds = 0.5 } = options;
  const conditions = SPEEDS.length * half.loads.length;
  const repeated = half.words.includes('repetition');
  for (const { label, folder, source } of half.classes) {
    for (let take = 0; take < (repeated ? perClass : Math.min(perClass, conditions)); take++) {
      const speed = SPEEDS[take % SPEEDS.length];
      const load = half.loads[(take + Math.floor(take / SPEEDS.length)) % half.loads.length];
      const words = [label, speed, load, ...(repeated ? [1 + Math.floor(take / conditions)] : [])];
      const path = `${half.root}/${folder}/${words.join(' ')}.mat`;
      const recording = recordClass(
        { ...source, speed: speed / 2000 },
        { seed: `${seed}/${path}`, machineSeed: source.machineSeed, seconds, sampleRate: SAMPLE_RATE },
      );
      const sensors = severalSensors(recording, CHANNELS, `${seed}/rig`);
      yield { path, bytes: writeMat({ Signal: signalOf(sensors) }) };
    }
  }
}

const layoutOf = (half: Half): string =>
  [
    `SDUST-Dataset/                  git clone, or the archive unpacked`,
    `  ${half.root}/`,
    ...half.classes.map(({ folder, label }) => `    ${folder}/${folder === label ? '' : `    ${label}`}`),
    `  every file as ${half.example}: ${['class', ...half.words].join(', ')}, blanks between`,
    `  in it ${VARIABLE}: [samples, ${CHANNELS}]`,
  ].join('\n');

const dataSetOf = (half: Half): DataSet => ({
  id: half.id,
  title: half.title,
  source: 'https://github.com/JRWang-SDUST/SDUST-Dataset',
  licence: 'none stated; ask the authors before any use but research',
  folder: /sdust/i,
  layout: layoutOf(half),
  sampleRate: SAMPLE_RATE,
  seconds: half.seconds,
  channels: Array.from({ length: CHANNELS }, (_, c) => `vibration ${c + 1}`),
  classes: half.classes.map(({ label }) => label),
  views: [{ id: half.id, modality: 'vibration' }],
  scan: (folder) => scan(half, folder),
  generate: (options = {}) => generate(half, options),
});

/**
 * Ten classes: normal (NC), and faults of the inner race (IF), the outer race (OF) and the rollers (RF) of 0.2, 0.4 and
 * 0.6 mm, at constant speeds and ramps, loads in N. Six accelerometers are the columns of a file; the released code of
 * RMIS counts them backwards, from 6 to 1.
 */
export const sdustBearing: DataSet = dataSetOf(bearing);

/** Seven classes: normal, and fracture, pitting and wear of a planet gear or of the sun gear; loads in A of the brake. */
export const sdustGear: DataSet = dataSetOf(gear);
