// WT planetary gearbox of the Beijing University of Technology: five states of the sun gear at eight speeds, each twice.
// Layout and counts: the authors' repository; channels and rate as RMIS takes them.
import { columns, writeMat } from '../../signal/readers/mat-write.ts';
import { type Folder, isMat } from '../files/folder.ts';
import { scanFiles } from './scan-files.ts';
import { type ClassSource, recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const SAMPLE_RATE = 48_000;
const SPEEDS = [20, 25, 30, 35, 40, 45, 50, 55];

/** Class (also its folder), the letter that its file names begin with, and what stands for it in a simulated set. */
const STATES: readonly { label: string; letter: string; source: ClassSource & { machineSeed: number } }[] = [
  {
    label: 'broken',
    letter: 'B',
    source: { machine: 'gearbox', fault: 'broken-tooth', severity: 0.7, machineSeed: 0 },
  },
  { label: 'healthy', letter: 'N', source: { machine: 'gearbox', fault: 'normal', machineSeed: 0 } },
  {
    label: 'missing_tooth',
    letter: 'M',
    source: { machine: 'gearbox', fault: 'broken-tooth', severity: 1, machineSeed: 1 },
  },
  {
    label: 'root_crack',
    letter: 'R',
    source: { machine: 'gearbox', fault: 'eccentricity', severity: 0.8, machineSeed: 0 },
  },
  { label: 'wear', letter: 'W', source: { machine: 'gearbox', fault: 'wear', severity: 0.9, machineSeed: 0 } },
];

const classes = STATES.map(({ label }) => label);
const places = Object.fromEntries(STATES.map(({ label, letter }) => [label, `${label}/1/${letter}1_20.MAT`]));

const PATTERN = /(?:^|\/)(broken|healthy|missing_tooth|root_crack|wear)\/(?:([12])\/)?([BNMRW])([12])_(\d+)\.mat$/i;

function sampleOf(path: string): Sample | undefined {
  const [, label, runFolder, letter, run, speed] = PATTERN.exec(path) ?? [];
  const state = STATES.find((one) => one.label === label?.toLowerCase());
  const fits = state?.letter === letter?.toUpperCase() && (runFolder === undefined || runFolder === run);
  if (!state || !fits) return undefined;
  const read = { sampleRate: SAMPLE_RATE, variable: 'Data' };
  return { path, read, take: path, label: state.label, attributes: { speed, run } };
}

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'wtpg',
    files: files.filter(isMat),
    read: sampleOf,
    places,
    expected: 'names such as N1_20.MAT in healthy/1 (state, run, speed in Hz)',
  });

/** At most 16 recordings of a class: there are no more speeds and runs. */
function* generate({ seed = 0, perClass = 8, seconds = 0.4 }: GenerateOptions = {}): Generator<GeneratedFile> {
  for (const { label, letter, source } of STATES) {
    for (let i = 0; i < Math.min(perClass, 2 * SPEEDS.length); i++) {
      const speed = SPEEDS[i % SPEEDS.length];
      const run = ((i + Math.floor(i / SPEEDS.length)) % 2) + 1;
      const options = {
        seed: `${seed}/${label}/${i}`,
        machineSeed: source.machineSeed,
        seconds,
        sampleRate: SAMPLE_RATE,
      };
      const recording = recordClass({ ...source, speed: speed / 40 }, options);
      const { channels } = severalSensors(recording, 4, `${seed}/rig`);
      const bytes = writeMat({ Data: columns(channels) });
      yield { path: `${label}/${run}/${letter}${run}_${speed}.MAT`, bytes };
    }
  }
}

/** Attributes: `speed` in Hz, `run` (1 or 2). */
export const wtpg: DataSet = {
  id: 'wtpg',
  title: 'WT planetary gearbox (Beijing University of Technology)',
  source: 'https://github.com/Liudd-BJUT/WT-planetary-gearbox-dataset',
  licence: 'none stated; please cite doi 10.1088/1361-6501/acf390',
  folder: /wtpg|(wt|planetary|plane)[-_ ]?(planetary[-_ ]?)?gearbox/i,
  layout: `WT-planetary-gearbox-dataset/
  broken/{1,2}/B{1,2}_{20,25,30,35,40,45,50,55}.MAT            run, speed in Hz; variable Data [samples, 4]
  healthy/{1,2}/N{1,2}_*.MAT
  missing_tooth/{1,2}/M{1,2}_*.MAT
  root_crack/{1,2}/R{1,2}_*.MAT
  wear/{1,2}/W{1,2}_*.MAT
`,
  sampleRate: SAMPLE_RATE,
  seconds: 'about 300',
  channels: ['vibration 1', 'vibration 2', 'not evaluated (3)', 'not evaluated (4)'],
  classes,
  expected: { samples: 80, perClass: Object.fromEntries(classes.map((label) => [label, 16])) },
  views: [{ id: 'wtpg', modality: 'vibration', channels: [1, 2] }],
  scan,
  generate,
};
