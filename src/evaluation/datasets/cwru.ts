// CWRU bearing data: bearing faults at 12 kHz, told by the official file numbers, in SIREN's ten classes.
// Files may lie in SIREN's folders, or as downloaded one by one (105.mat), or under the names of the tables (IR007_0.mat).
import { column, writeMat } from '../../signal/readers/mat-write.ts';
import { type Folder, isMat } from '../files/folder.ts';
import { type CwruRecording, cwruClass, cwruNormalNumbers, cwruRecordings, isCwru48k } from './cwru-table.ts';
import { missingLabels, notUnderstood } from './problems.ts';
import { recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Problem, Sample, Scan } from './types.ts';

const SAMPLE_RATE = 12_000;

const classes = ['DE', 'FE'].flatMap((end) => ['IR', 'B', 'OC@3', 'OC@6', 'OC@12'].map((fault) => `${end}_${fault}`));

const perClass = Object.fromEntries(
  classes.map((label) => [label, cwruRecordings.filter((recording) => cwruClass(recording) === label).length]),
);

const FOLDERS = { DE: '12k_Drive_End_Bearing_Fault_Data', FE: '12k_Fan_End_Bearing_Fault_Data' };

/** Path in SIREN's layout, of which the shared copies of the data set are. */
function pathOf({ number, end, kind, size, position, load }: CwruRecording): string {
  const folder = [FOLDERS[end], kind, size];
  // Files at 6 o'clock of the sizes 007 and 014 at the drive end repeat the position in their name; 014 has it there only.
  const inName = end === 'DE' && position === '6' && size !== '021' ? '@6' : '';
  if (position && !(end === 'DE' && size === '014')) folder.push(`@${position}`);
  return `${folder.join('/')}/${number}${inName}_${load}.mat`;
}

const places = Object.fromEntries(
  classes.map((label) => [
    label,
    pathOf(cwruRecordings.find((recording) => cwruClass(recording) === label) as CwruRecording),
  ]),
);

/** What a path says, as far as it says anything. */
type Stated = Partial<CwruRecording>;

const NUMBERED = /^(\d+)(?:@(?:3|6|12))?(?:_([0-3]))?$/;
const NAMED = /^(?:.*[_ ])?(IR|B|OR)(\d{3})(?:@(3|6|12))?_([0-3])(?:_(\d+))?$/i;

function statedBy(path: string): Stated {
  const parts = path.replace(/\.mat$/i, '').split('/');
  const stem = parts.at(-1) ?? '';
  const folders = parts.slice(0, -1);
  const numbered = NUMBERED.exec(stem);
  const named = NAMED.exec(stem);
  const end = /drive[-_ ]?end|(?:^|[/_ ])DE(?=[/_ ])/i.test(path)
    ? 'DE'
    : /fan[-_ ]?end|(?:^|[/_ ])FE(?=[/_ ])/i.test(path)
      ? 'FE'
      : undefined;
  const number = numbered?.[1] ?? named?.[5];
  const kind = named?.[1] ?? folders.find((folder) => /^(IR|B|OR)$/.test(folder));
  const load = numbered?.[2] ?? named?.[4];
  return {
    number: number === undefined ? undefined : Number(number),
    end,
    kind: kind?.toUpperCase() as CwruRecording['kind'] | undefined,
    size: named?.[2] ?? folders.find((folder) => /^\d{3}$/.test(folder)),
    position: /@(3|6|12)(?!\d)/.exec(path)?.[1] as CwruRecording['position'],
    load: load as CwruRecording['load'] | undefined,
  };
}

const FACTS = ['end', 'kind', 'size', 'position', 'load'] as const;

/** Facts of the path that the table contradicts. */
const contradictions = (stated: Stated, recording: CwruRecording): (typeof FACTS)[number][] =>
  FACTS.filter((fact) => stated[fact] !== undefined && stated[fact] !== recording[fact]);

function recordingOf(stated: Stated): CwruRecording | undefined {
  if (stated.number !== undefined) return cwruRecordings.find(({ number }) => number === stated.number);
  // Without its number a recording is known by everything else, position included where the fault has one.
  const { end, kind, size, load } = stated;
  if (!end || !kind || !size || !load) return undefined;
  return cwruRecordings.find((one) => one.position === stated.position && contradictions(stated, one).length === 0);
}

const isNormal = (path: string): boolean =>
  /(?:^|[/_ ])normal/i.test(path) || cwruNormalNumbers.includes(statedBy(path).number ?? 0);

const is48k = (path: string): boolean => /48k/i.test(path) || isCwru48k(statedBy(path).number ?? 0);

function sampleOf(path: string, recording: CwruRecording): Sample {
  const { number, end, size, position, load } = recording;
  return {
    path,
    // No variable: among the keys of these files the reader takes X…_DE_time, which is the first that ends in _time.
    read: { sampleRate: SAMPLE_RATE },
    take: String(number),
    label: cwruClass(recording),
    attributes: { end, size, load, ...(position && { position }) },
  };
}

function scan(folder: Folder): Scan {
  const samples = new Map<number, Sample>();
  const others: string[] = [];
  const inconsistent: Problem[] = [];
  for (const path of folder.files) {
    if (!isMat(path) || isNormal(path) || is48k(path)) continue;
    const stated = statedBy(path);
    const recording = recordingOf(stated);
    if (!recording) {
      others.push(path);
      continue;
    }
    const wrong = contradictions(stated, recording);
    const twin = samples.get(recording.number);
    if (wrong.length > 0) {
      const found = wrong.map((fact) => `${fact} ${stated[fact]}`).join(', ');
      const message = `cwru: expected file ${recording.number} as ${pathOf(recording)}, found ${found} in ${path}; taken as the former, move it there`;
      inconsistent.push({ kind: 'inconsistent', path, message });
    }
    if (twin) {
      const message = `cwru: expected file ${recording.number} once, found ${twin.path} and ${path}; remove one`;
      inconsistent.push({ kind: 'inconsistent', path, message });
    } else samples.set(recording.number, sampleOf(path, recording));
  }
  const found = [...samples.values()];
  const expected =
    'an official file number (105.mat, 105_0.mat), or a name such as IR007_0.mat in a folder that says drive end or fan end';
  return {
    samples: found,
    problems: [...missingLabels('cwru', found, places), ...inconsistent, ...notUnderstood('cwru', others, expected)],
  };
}

const DEFECTS = { IR: 'inner-race', B: 'ball', OR: 'outer-race' };
const SEVERITIES: Readonly<Record<string, number>> = { '007': 0.5, '014': 0.65, '021': 0.8, '028': 0.95 };

/** Name of the variables in a file: its own number, but for the eight largest faults (3001 holds X056 …). */
const variableNumber = (number: number): string =>
  String(number < 3000 ? number : number < 3005 ? number - 2945 : number - 2957).padStart(3, '0');

function generatedFile(recording: CwruRecording, seed: number, seconds: number): GeneratedFile {
  const { number, end, kind, size, position, load } = recording;
  const source = {
    machine: 'bearing',
    fault: DEFECTS[kind],
    severity: SEVERITIES[size],
    speed: 1 - 0.0125 * Number(load),
    load: 0.4 + 0.2 * Number(load),
  } as const;
  const rig = `${seed}/${end} ${position ?? ''}`;
  const options = { seed: `${seed}/${number}`, machineSeed: rig, seconds, sampleRate: SAMPLE_RATE };
  const sensors = severalSensors(recordClass(source, options), 2, rig);
  const [near, far] = sensors.channels.map(column);
  const x = `X${variableNumber(number)}`;
  const rpm = { shape: [1, 1], data: Float64Array.of(1797 - 22 * Number(load)) };
  // The files of the largest faults hold the drive end alone.
  const variables =
    number > 3000 ? { [`${x}_DE_time`]: near } : { [`${x}_DE_time`]: near, [`${x}_FE_time`]: far, [`${x}RPM`]: rpm };
  return { path: pathOf(recording), bytes: writeMat(variables) };
}

/** `perClass` recordings of each class, or as many as it has (four of FE_OC@12), over all sizes and loads; one normal one. */
function* generate({ seed = 0, perClass: wanted = 6, seconds = 1 }: GenerateOptions = {}): Generator<GeneratedFile> {
  for (const label of classes) {
    const all = cwruRecordings.filter((recording) => cwruClass(recording) === label);
    const count = Math.min(wanted, all.length);
    for (let i = 0; i < count; i++) {
      yield generatedFile(all[Math.floor((i * all.length) / count)], seed, seconds);
    }
  }
  const options = { seed: `${seed}/97`, machineSeed: `${seed}/DE `, seconds, sampleRate: SAMPLE_RATE };
  const normal = severalSensors(recordClass({ machine: 'bearing', fault: 'normal' }, options), 2, seed);
  const [near, far] = normal.channels.map(column);
  yield { path: 'Normal/97_Normal_0.mat', bytes: writeMat({ X097_DE_time: near, X097_FE_time: far }) };
}

/**
 * The ten classes of SIREN, as `DE_IR` and `FE_OC@6`. Attributes: `end`, `size` of the fault in thousandths of an inch,
 * `load` in horsepower and, of outer-race faults, `position` in o'clock.
 */
export const cwru: DataSet = {
  id: 'cwru',
  title: 'CWRU bearing data (Case Western Reserve University)',
  source: 'https://engineering.case.edu/bearingdatacenter',
  licence: 'none stated',
  folder: /cwru|case[-_ ]?western/i,
  layout: `cwru/
  12k_Drive_End_Bearing_Fault_Data/{IR,B}/{007,014,021,028}/105_0.mat …       file number, load
  12k_Drive_End_Bearing_Fault_Data/OR/{007,021}/{@3,@6,@12}/144_0.mat …, OR/014/197@6_0.mat …
  12k_Fan_End_Bearing_Fault_Data/{IR,B}/{007,014,021}/278_0.mat …
  12k_Fan_End_Bearing_Fault_Data/OR/{007,014,021}/{@3,@6,@12}/294_0.mat …
  Normal/, 48k_Drive_End_Bearing_Fault_Data/                                  not needed
or the files as downloaded, by number: 105.mat …
`,
  sampleRate: SAMPLE_RATE,
  seconds: '10',
  channels: ['accelerometer at the drive end'],
  classes,
  expected: { samples: cwruRecordings.length, perClass },
  views: [{ id: 'cwru', modality: 'vibration' }],
  scan,
  generate,
};
