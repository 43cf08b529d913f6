// ITSC: three-phase currents of an induction motor with inter-turn short circuits (Cardenas-Cornejo et al. 2023).
import { baseName, type Folder } from '../files/folder.ts';
import { repeatedNames } from './problems.ts';
import { scanFiles } from './scan-files.ts';
import { csvFile, recordClass } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Problem, Sample, Scan } from './types.ts';

const SAMPLE_RATE = 1000;
const REPETITIONS = 5;
const PHASES = ['A', 'B', 'C'] as const;
/** Share of shorted turns in percent; the names of files count the levels from 1. */
const LEVELS = [10, 20, 30, 40] as const;

type Condition = { label: string; phase?: (typeof PHASES)[number]; level?: (typeof LEVELS)[number] };

const HEALTHY: Condition = { label: 'healthy' };
const CONDITIONS: readonly Condition[] = [
  HEALTHY,
  ...PHASES.flatMap((phase) => LEVELS.map((level) => ({ label: `${phase}${level}`, phase, level }))),
];

/** `SC_HLT`, `SC_A0_B2_C0`: the names of folders and, with `_001.csv` behind them, of files. */
const fileStem = ({ phase, level }: Condition): string => {
  if (phase === undefined) return 'SC_HLT';
  const digit = 1 + (level === undefined ? 0 : LEVELS.indexOf(level));
  return `SC_${PHASES.map((each) => `${each}${each === phase ? digit : 0}`).join('_')}`;
};

/** `ITSC_HLT`, `ITSC_B20`: the fields of the struct in the MATLAB files. */
const fieldName = ({ phase, level }: Condition): string => `ITSC_${phase === undefined ? 'HLT' : `${phase}${level}`}`;

/** The same 65 recordings in five forms, cut to 1 s and filtered, or raw and 5 s long: the first one there is taken. */
const FORMS: readonly { name: string; holds: (path: string) => boolean }[] = [
  {
    name: 'Cropped_Signals_SF',
    holds: (path) => isCsvForm(path) && /(^|\/)(Cropped_Signals|Signals_Clipped)/i.test(path),
  },
  { name: 'Data_ITSC.mat', holds: (path) => /^Data_ITSC\.mat$/i.test(baseName(path)) },
  { name: 'RAW_Signals_SF', holds: (path) => isCsvForm(path) && /(^|\/)(RAW_Signals_SF|Signals_RAW_SC)\//i.test(path) },
  { name: 'RAW_Signals', holds: (path) => isCsvForm(path) },
  { name: 'RAWData_ITSC.mat', holds: (path) => /^RAWData_ITSC\.mat$/i.test(baseName(path)) },
];

const isCsvForm = (path: string): boolean => /^SC_.*\.csv$/i.test(baseName(path));

function sampleOf(path: string, condition: Condition, repetition: number, variable?: string): Sample {
  const { label, phase, level } = condition;
  return {
    path,
    read: { sampleRate: SAMPLE_RATE, ...(variable !== undefined && { variable }) },
    take: `${fileStem(condition)}_${repetition}`,
    label,
    attributes: {
      repetition: String(repetition),
      ...(phase !== undefined && { phase, level: String(level) }),
    },
  };
}

function csvSample(path: string): Sample | undefined {
  const [, stem, digits] = /^(SC_\w+)_(\d{3})\.csv$/i.exec(baseName(path)) ?? [];
  const condition = CONDITIONS.find((each) => fileStem(each) === stem?.toUpperCase());
  return condition && sampleOf(path, condition, Number(digits));
}

/** All recordings of a MATLAB file: `itsc.ITSC_A10.Repetition01`. */
const matSamples = (path: string): Sample[] =>
  CONDITIONS.flatMap((condition) =>
    Array.from({ length: REPETITIONS }, (_, i) =>
      sampleOf(path, condition, i + 1, `itsc.${fieldName(condition)}.Repetition${String(i + 1).padStart(2, '0')}`),
    ),
  );

const PLACES = Object.fromEntries(
  CONDITIONS.map((condition) => {
    const stem = fileStem(condition);
    return [condition.label, `Cropped_Signals_SF/${stem}/${stem}_001.csv`];
  }),
);

function scan({ files }: Folder): Scan {
  const form = FORMS.find(({ holds }) => files.some(holds));
  const taken = form ? files.filter(form.holds) : [];
  const found = scanFiles({
    id: 'itsc',
    files: taken,
    read: (path) => (isCsvForm(path) ? csvSample(path) : matSamples(path)),
    places: PLACES,
    expected: 'SC_HLT_001.csv, SC_A0_B2_C0_005.csv and alike',
    check: () => repeatedNames(taken),
  });
  return form ? found : { ...found, problems: [...found.problems, ...packed(files)] };
}

/** The download is archives: what to do where nobody unpacked them. */
const packed = (files: readonly string[]): Problem[] =>
  files
    .filter((path) => /^(Cropped|RAW)_Signals(_SF)?\.zip$/i.test(baseName(path)))
    .map((path) => ({
      kind: 'missing',
      path,
      message: `${path}: the recordings are still packed; unpack this archive`,
    }));

/**
 * Cropped_Signals_SF. A short moves between the phases as the names of the three currents do: they are turned, which
 * leaves a motor in balance as it is.
 */
function* generate({ seed = 0, perClass = REPETITIONS, seconds = 1 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  for (const condition of CONDITIONS) {
    const { phase, level = 0 } = condition;
    const turn = phase === undefined ? 0 : PHASES.indexOf(phase);
    for (let repetition = 1; repetition <= perClass; repetition++) {
      const name = `${fileStem(condition)}_${String(repetition).padStart(3, '0')}`;
      const fault = phase === undefined ? 'normal' : 'stator-short';
      const recording = recordClass(
        { machine: 'motor', fault, severity: level / LEVELS[LEVELS.length - 1], load: 0 },
        { seed: `${seed}/itsc/${name}`, machineSeed: seed, seconds, sampleRate: SAMPLE_RATE },
      );
      const channels = PHASES.map((_, c) => recording.channels[(c - turn + PHASES.length) % PHASES.length]);
      yield csvFile(`Cropped_Signals_SF/${fileStem(condition)}/${name}.csv`, { ...recording, channels });
    }
  }
}

/** Attributes: `repetition`, and of faults `phase` and `level` (percent of the turns). */
export const itsc: DataSet = {
  id: 'itsc',
  title: 'ITSC inter-turn short circuits of an induction motor',
  source: 'https://github.com/ibarram/ITSC',
  licence: 'MIT',
  folder: /^itsc([ _-].*)?$/i,
  layout: [
    'Cropped_Signals_SF/SC_HLT/SC_HLT_001.csv …  (unpacked from Cropped_Signals_SF.zip; rows of three currents)',
    'Cropped_Signals_SF/SC_A1_B0_C0/SC_A1_B0_C0_001.csv …',
    'or Data_ITSC.mat, or the raw signals in the same forms',
  ].join('\n'),
  sampleRate: SAMPLE_RATE,
  seconds: '1 (raw: 5)',
  channels: PHASES.map((phase) => `current of phase ${phase}`),
  classes: CONDITIONS.map(({ label }) => label),
  expected: {
    samples: CONDITIONS.length * REPETITIONS,
    perClass: Object.fromEntries(CONDITIONS.map(({ label }) => [label, REPETITIONS])),
  },
  views: [{ id: 'itsc', modality: 'current' }],
  scan,
  generate,
};
