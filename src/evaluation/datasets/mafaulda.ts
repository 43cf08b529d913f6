// MAFAULDA, the machinery fault database of the Federal University of Rio de Janeiro: a simulator of rotor and bearing
// faults at 49 speeds, eight channels. Layout and counts: the data set's page; channels as RMIS and SIREN take them.
import type { Recording } from '../../signal/recording.ts';
import { type Folder, isCsv } from '../files/folder.ts';
import { scanFiles } from './scan-files.ts';
import { classSources, csvFile, recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

/** Channels that SIREN fuses, from 1: the tachometer and all accelerometers. RMIS leaves the tachometer out. */
export const MAFAULDA_SIREN_VIBRATION: readonly number[] = [1, 2, 3, 4, 5, 6, 7];

const SAMPLE_RATE = 50_000;

/** Folders below each class: how far out of line, or the mass added to the rotor. The same for all bearing faults. */
const BEARING_MASSES = ['0g', '6g', '20g', '35g'];
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  normal: [],
  'horizontal-misalignment': ['0.5mm', '1.0mm', '1.5mm', '2.0mm'],
  'vertical-misalignment': ['0.51mm', '0.63mm', '1.27mm', '1.40mm', '1.78mm', '1.90mm'],
  imbalance: ['6g', '10g', '15g', '20g', '25g', '30g', '35g'],
  'overhang-ball_fault': BEARING_MASSES,
  'overhang-cage_fault': BEARING_MASSES,
  'overhang-outer_race': BEARING_MASSES,
  'underhang-ball_fault': BEARING_MASSES,
  'underhang-cage_fault': BEARING_MASSES,
  'underhang-outer_race': BEARING_MASSES,
};

const PER_CLASS: Readonly<Record<string, number>> = {
  normal: 49,
  'horizontal-misalignment': 197,
  'vertical-misalignment': 301,
  imbalance: 333,
  'overhang-ball_fault': 137,
  'overhang-cage_fault': 188,
  'overhang-outer_race': 188,
  'underhang-ball_fault': 186,
  'underhang-cage_fault': 188,
  'underhang-outer_race': 184,
};

const classes = Object.keys(CONDITIONS);

/** `overhang-ball_fault` lies in overhang/ball_fault; the other classes in a folder of their own name. */
const folderOfClass = (label: string): string => label.replace(/^(overhang|underhang)-/, '$1/');

const places = Object.fromEntries(
  classes.map((label) => [label, [folderOfClass(label), ...CONDITIONS[label].slice(0, 1), '12.288.csv'].join('/')]),
);

const PATTERN =
  /(?:^|\/)(?:(normal)|(horizontal-misalignment|vertical-misalignment)\/(\d+(?:\.\d+)?mm)|(?:(imbalance)|((?:over|under)hang\/(?:ball_fault|cage_fault|outer_race)))\/(\d+g))\/(\d+(?:\.\d+)?)\.csv$/;

function sampleOf(path: string): Sample | undefined {
  const match = PATTERN.exec(path);
  if (!match) return undefined;
  const [, normal, misalignment, offset, imbalance, bearing, mass, speed] = match;
  return {
    path,
    // All columns by number: without a header, the reader would have to guess that none of them is time.
    read: { sampleRate: SAMPLE_RATE, variable: '1,2,3,4,5,6,7,8' },
    take: path,
    label: normal ?? misalignment ?? imbalance ?? bearing.replace('/', '-'),
    attributes: { speed, ...(offset && { offset }), ...(mass && { mass }) },
  };
}

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'mafaulda',
    files: files.filter(isCsv),
    read: sampleOf,
    places,
    expected: 'a speed in Hz as file name (12.288.csv) in a folder such as imbalance/6g',
  });

/** One pulse of a tenth of a turn per turn, as the tachometer of the rig gives it. */
const tachometer = ({ sampleRate, channels }: Recording, hz: number): Float32Array =>
  channels[0].map((_, i) => (((i * hz) / sampleRate) % 1 < 0.1 ? 4.5 : -0.6));

function* generate({ seed = 0, perClass = 7, seconds = 0.1 }: GenerateOptions = {}): Generator<GeneratedFile> {
  const sources = classSources('bearing', classes.length, true);
  for (const [c, label] of classes.entries()) {
    const conditions = CONDITIONS[label];
    for (let i = 0; i < perClass; i++) {
      // Speeds of the rig are multiples of 0.2048 Hz.
      const hz = Number(((180 + 8 * i) * 0.2048).toFixed(4));
      const takeSeed = `${seed}/${label}/${i}`;
      const options = { seed: takeSeed, machineSeed: sources[c].machineSeed, seconds, sampleRate: SAMPLE_RATE };
      const recording = recordClass({ ...sources[c], speed: hz / 40.96 }, options);
      const sensors = severalSensors(recording, 7, `${seed}/rig`);
      const all = { ...sensors, channels: [tachometer(recording, hz), ...sensors.channels] };
      const below = conditions.length > 0 ? `/${conditions[i % conditions.length]}` : '';
      yield csvFile(`${folderOfClass(label)}${below}/${hz}.csv`, all, 5);
    }
  }
}

/** Attributes: `speed` in Hz and, as the folders name them, `offset` of misalignments, `mass` of all other faults. */
export const mafaulda: DataSet = {
  id: 'mafaulda',
  title: 'MAFAULDA, machinery fault database (UFRJ)',
  source: 'https://www02.smt.ufrj.br/~offshore/mfs/page_01.html',
  licence: 'none stated',
  folder: /mafaulda/i,
  layout: `mafaulda/
  normal/12.288.csv …                                          name: speed in Hz
  horizontal-misalignment/{0.5mm,1.0mm,1.5mm,2.0mm}/*.csv
  vertical-misalignment/{0.51mm,0.63mm,1.27mm,1.40mm,1.78mm,1.90mm}/*.csv
  imbalance/{6g,10g,15g,20g,25g,30g,35g}/*.csv
  {overhang,underhang}/{ball_fault,cage_fault,outer_race}/{0g,6g,20g,35g}/*.csv
`,
  sampleRate: SAMPLE_RATE,
  seconds: '5',
  channels: [
    'tachometer',
    'underhang accelerometer, axial',
    'underhang accelerometer, radial',
    'underhang accelerometer, tangential',
    'overhang accelerometer, axial',
    'overhang accelerometer, radial',
    'overhang accelerometer, tangential',
    'microphone',
  ],
  classes,
  expected: { samples: 1951, perClass: PER_CLASS },
  views: [
    { id: 'mafaulda-sound', modality: 'sound', channels: [8] },
    { id: 'mafaulda-vibration', modality: 'vibration', channels: [2, 3, 4, 5, 6, 7] },
  ],
  scan,
  generate,
};
