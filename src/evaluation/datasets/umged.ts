// UMGED: a gear mounted off its centre by eleven amounts, heard by eleven sensors; University of Macau.
import { column } from '../../signal/readers/mat-write.ts';
import { writeMat73 } from '../../signal/readers/mat73-write.ts';
import { baseName, type Folder, folderName, isMat, stemOf } from '../files/folder.ts';
import { misplaced } from './problems.ts';
import { type PathReading, scanFiles } from './scan-files.ts';
import { recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const SAMPLE_RATE = 51_200;
/** Sensors in a file, and those that a view takes. The rest (9 to 11) are of quantities no view is about. */
const SENSORS = 11;
const USED = [1, 2, 3, 4, 5, 6, 7, 8];

/** The eccentricity in hundredths of a millimetre. */
const CLASSES = Array.from({ length: 11 }, (_, i) => `E${String(2 * i).padStart(2, '0')}`);
/** Gears without and with a chipped tooth, structures of the drive train, speeds of the motor: 2 x 4 x 4 recordings a class. */
const GEARS = 2;
const STRUCTURES = 4;
/** In turns per minute. Only 1200 is named in the documents, the third of four. */
const SPEEDS = [600, 900, 1200, 1500];

const NAME = /^N(\d+)_(G[12])_(E\d\d)_(T\d+)_S(\d+)\.mat$/;
const EXAMPLE = 'G1/E16/N139_G1_E16_T3_S1200.mat';

const variableOf = (channel: number): string => `DataSensor${String(channel).padStart(2, '0')}`;

/**
 * What a path says, wherever below G1 or G2 the file lies: its name has everything in it,
 * `N<number>_G<gear>_E<eccentricity>_T<structure>_S<speed>.mat`. Every used sensor is a sample; all of a file are one take.
 */
function readPath(path: string): PathReading {
  const match = NAME.exec(baseName(path));
  if (!match) return undefined;
  const [number, gear, label, structure, speed] = match.slice(1);
  if (!CLASSES.includes(label)) return undefined;
  const folders = folderName(path).split('/');
  if (folders.some((part) => isOther(part, /^G\d$/, gear) || isOther(part, /^E\d\d$/, label)))
    return misplaced('umged', path);
  const attributes = { gear, structure, speed, number };
  return USED.map((channel): Sample => {
    const read = { sampleRate: SAMPLE_RATE, variable: variableOf(channel) };
    return { path, read, take: stemOf(path), label, channel, attributes };
  });
}

const isOther = (part: string, pattern: RegExp, wanted: string): boolean => pattern.test(part) && part !== wanted;

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'umged',
    files: files.filter(isMat),
    read: readPath,
    places: Object.fromEntries(CLASSES.map((label) => [label, `N*_G*_${label}_T*_S*.mat below G1 and G2`])),
    expected: `names such as ${EXAMPLE} (number, gear, eccentricity, drive train, speed)`,
  });

/**
 * The take of a class: gear, structure and speed from 0. The first eight are on the diagonal of structure and speed,
 * where a recording's number does not depend on which of the two counts faster.
 */
const conditionsOf = (take: number): { gear: number; structure: number; speed: number } => {
  const structure = Math.floor(take / GEARS) % STRUCTURES;
  const round = Math.floor(take / (GEARS * STRUCTURES));
  return { gear: take % GEARS, structure, speed: (structure + round) % SPEEDS.length };
};

function* generate({ seed = 0, perClass = 4, seconds = 0.3 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  const takes = Math.min(perClass, GEARS * STRUCTURES * SPEEDS.length);
  for (const [e, label] of CLASSES.entries()) {
    for (let take = 0; take < takes; take++) {
      const { gear, structure, speed } = conditionsOf(take);
      const cell = STRUCTURES * SPEEDS.length;
      const number = 1 + (gear * CLASSES.length + e) * cell + structure * SPEEDS.length + speed;
      const rpm = SPEEDS[speed];
      const name = `N${String(number).padStart(3, '0')}_G${gear + 1}_${label}_T${structure + 1}_S${rpm}.mat`;
      const source = { machine: 'gearbox' as const, fault: e === 0 ? 'normal' : 'eccentricity', severity: e / 10 };
      const recording = recordClass(
        { ...source, speed: rpm / 1200 },
        { seed: `${seed}/${name}`, machineSeed: structure, seconds, sampleRate: SAMPLE_RATE },
      );
      const { channels } = severalSensors(recording, SENSORS, `${seed}/rig`);
      const variables = channels.map((samples, c) => [
        variableOf(c + 1),
        // Singles, so that a set stays small.
        { shape: column(samples).shape, data: samples },
      ]);
      yield { path: `G${gear + 1}/${label}/${name}`, bytes: writeMat73(Object.fromEntries(variables)) };
    }
  }
}

/**
 * Eleven classes: the eccentricity of a gear, 0 (E00) to 0.20 mm (E20); with and without a chipped tooth, in four drive
 * trains, at four speeds. MATLAB 7.3 files with one variable a sensor, so every sensor is a sample of its own:
 * 352 recordings x 8 sensors. Which sensor measures what: `umged_mat2wav_600s.py` of the benchmark RMIS.
 */
export const umged: DataSet = {
  id: 'umged',
  title: 'UM-GearEccDataset',
  source: 'https://github.com/LeeJMJM/UM-GearEccDataset',
  licence: 'CC BY 4.0 for the part on Mendeley Data (doi 10.17632/ym6pk4889r); none stated for the rest',
  folder: /umged|gear-?ecc/i,
  layout: [
    'GearEccDataset/',
    '  G1/                             no chipped tooth',
    '    E16/                          files may lie in any folder below G1 and G2',
    '      N139_G1_E16_T3_S1200.mat    number, gear, eccentricity, drive train, turns per minute',
    '  G2/                             a chipped tooth',
    '  in each file DataSensor01 … DataSensor11: [samples, 1] (MATLAB 7.3)',
  ].join('\n'),
  sampleRate: SAMPLE_RATE,
  seconds: '600',
  channels: [
    'current 1',
    'current 2',
    'vibration 1',
    'vibration 2',
    'vibration 3',
    'sound',
    'voltage 1',
    'voltage 2',
    'sensor 9',
    'sensor 10',
    'sensor 11',
  ],
  classes: CLASSES,
  expected: {
    samples: 352 * USED.length,
    perClass: Object.fromEntries(CLASSES.map((label) => [label, 32 * USED.length])),
  },
  views: [
    { id: 'umged-sound', modality: 'sound', channels: [6] },
    { id: 'umged-vibration', modality: 'vibration', channels: [3, 4, 5] },
    { id: 'umged-voltage', modality: 'voltage', channels: [7, 8] },
    { id: 'umged-current', modality: 'current', channels: [1, 2] },
  ],
  scan,
  generate,
};
