// MFPT: bearings with faults of the outer and inner race under several loads (E. Bechhoefer for the MFPT society).
import { column, writeMat } from '../../signal/readers/mat-write.ts';
import { baseName, type Folder, isMat } from '../files/folder.ts';
import { repeatedNames } from './problems.ts';
import { scanFiles } from './scan-files.ts';
import { recordClass } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

/** A folder of the official download: the names `stem_1.mat` and on, and the load of each in pounds. */
type Group = { folder: string; stem: string; label: string; sampleRate: number; loads: readonly number[] };

const GROUPS: readonly Group[] = [
  {
    folder: '1 - Three Baseline Conditions',
    stem: 'baseline',
    label: 'normal',
    sampleRate: 97_656,
    loads: [270, 270, 270],
  },
  {
    folder: '2 - Three Outer Race Fault Conditions',
    stem: 'OuterRaceFault',
    label: 'outer race',
    sampleRate: 97_656,
    loads: [270, 270, 270],
  },
  {
    folder: '3 - Seven More Outer Race Fault Conditions',
    stem: 'OuterRaceFault_vload',
    label: 'outer race',
    sampleRate: 48_828,
    loads: [25, 50, 100, 150, 200, 250, 300],
  },
  {
    folder: '4 - Seven Inner Race Fault Conditions',
    stem: 'InnerRaceFault_vload',
    label: 'inner race',
    sampleRate: 48_828,
    loads: [0, 50, 100, 150, 200, 250, 300],
  },
];

/** The download also holds programs and recordings of other machines. */
const OTHER_FOLDER = /(^|\/)(5 - Analyses|6 - Real World Examples)\//i;
const SHAFT_HZ = 25;

function sampleOf(path: string): Sample | undefined {
  const [, stem, digits] = /^(.+)_(\d+)\.mat$/i.exec(baseName(path)) ?? [];
  const group = GROUPS.find((each) => each.stem.toLowerCase() === stem?.toLowerCase());
  const load = group?.loads[Number(digits) - 1];
  if (!group || load === undefined) return undefined;
  // The copy on GitHub is divided into these two folders.
  const split = /(?:^|\/)(train|test)_data\//i.exec(path)?.[1].toLowerCase();
  return {
    path,
    read: { variable: 'bearing.gs' },
    take: `${group.stem}_${Number(digits)}`,
    label: group.label,
    ...((split === 'train' || split === 'test') && { split }),
    attributes: { load: String(load), sampleRate: String(group.sampleRate) },
  };
}

const PLACES: Readonly<Record<string, string>> = {
  normal: `${GROUPS[0].folder}/baseline_1.mat`,
  'outer race': `${GROUPS[2].folder}/OuterRaceFault_vload_1.mat`,
  'inner race': `${GROUPS[3].folder}/InnerRaceFault_vload_1.mat`,
};

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'mfpt',
    files: files.filter((path) => isMat(path) && !OTHER_FOLDER.test(path)),
    read: sampleOf,
    places: PLACES,
    expected: 'baseline_1.mat, OuterRaceFault_vload_7.mat and alike',
    check: (samples) => repeatedNames(samples.map(({ path }) => path)),
  });

/** Every official name where `perClass` is not given, else the first ones of each class. */
function* generate({ seed = 0, perClass = Infinity, seconds = 0.5 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  const made = new Map<string, number>();
  for (const { folder, stem, label, sampleRate, loads } of GROUPS) {
    for (const [i, load] of loads.entries()) {
      const count = made.get(label) ?? 0;
      if (count >= perClass) break;
      made.set(label, count + 1);
      const fault = label.replace(' ', '-');
      const recording = recordClass(
        { machine: 'bearing', fault, severity: 0.8, load: load / 300 },
        { seed: `${seed}/mfpt/${stem}_${i + 1}`, machineSeed: seed, seconds, sampleRate },
      );
      const fields = {
        sr: { shape: [1, 1], data: Float64Array.of(sampleRate) },
        gs: column(recording.channels[0]),
        load: String(load),
        rate: { shape: [1, 1], data: Float64Array.of(SHAFT_HZ) },
      };
      yield { path: `${folder}/${stem}_${i + 1}.mat`, bytes: writeMat({ bearing: { fields } }) };
    }
  }
}

/**
 * Official download and its copy on GitHub (`train_data`, `test_data`). Attributes: `load` in pounds, `sampleRate` in Hz
 * (the first two groups were recorded at twice the rate of the others).
 */
export const mfpt: DataSet = {
  id: 'mfpt',
  title: 'MFPT bearing fault data',
  source: 'https://www.mfpt.org/fault-data-sets/',
  licence: 'CC BY-NC-SA 4.0',
  folder: /^(mfpt([ _-].*)?|RollingElementBearingFaultDiagnosis-Data(-\w+)?)$/i,
  layout: [
    'MFPT Fault Data Sets/',
    ...GROUPS.map(({ folder, stem, loads }) => `  ${folder}/${stem}_1.mat … ${stem}_${loads.length}.mat`),
    'or the copy on GitHub:',
    '  train_data/baseline_1.mat, OuterRaceFault_1.mat, InnerRaceFault_vload_1.mat …',
    '  test_data/…',
  ].join('\n'),
  sampleRate: 48_828,
  seconds: '3, 6',
  channels: ['acceleration'],
  classes: ['normal', 'inner race', 'outer race'],
  expected: { samples: 20, perClass: { normal: 3, 'inner race': 7, 'outer race': 10 } },
  views: [{ id: 'mfpt', modality: 'vibration' }],
  scan,
  generate,
};
