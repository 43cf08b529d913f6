// Acoustic scenes heard by several devices: TAU Urban Acoustic Scenes 2022 Mobile, and sets in its layout.
import { esc50Scenes, measuredDevices, trainingDevices } from './scenes-plan.ts';
import { generateScenes, type MadeUpScenes } from './tau-generate.ts';
import { type SceneDevice, sceneDevices } from './tau-layout.ts';
import { scanScenes } from './tau-scan.ts';
import type { DataSet } from './types.ts';

const TAU_SCENES: readonly string[] = [
  'airport',
  'bus',
  'metro',
  'metro_station',
  'park',
  'public_square',
  'shopping_mall',
  'street_pedestrian',
  'street_traffic',
  'tram',
];

/** Half from device A, the other half from those that are seen in training. */
const TAU_TRAINING: readonly SceneDevice[] = ['a', 'b', 'a', 'c', 'a', 's1', 'a', 's2', 'a', 's3'];

const layoutOf = (folder: string, clip: string): string =>
  [
    `${folder}/`,
    `  audio/${clip}.wav …`,
    '  meta.csv',
    '  evaluation_setup/fold1_train.csv, fold1_test.csv, fold1_evaluate.csv',
    '  split_setup/split5.csv, split10.csv, … split100.csv, test.csv (DCASE 2024)',
  ].join('\n');

type SceneSet = Pick<DataSet, 'id' | 'title' | 'source' | 'licence' | 'folder' | 'layout' | 'expected'> & {
  madeUp: MadeUpScenes;
};

const sceneSet = ({ madeUp, ...facts }: SceneSet): DataSet => ({
  ...facts,
  sampleRate: madeUp.sampleRate,
  seconds: '1',
  channels: ['microphone'],
  classes: madeUp.scenes,
  views: [{ id: facts.id, modality: 'sound' }],
  scan: (folder) => scanScenes(facts.id, madeUp.scenes, folder),
  generate: (options) => generateScenes(madeUp, options),
});

/** Attributes: see `scanScenes`. Devices a to c are real, s1 to s6 simulated; s4 to s6 are in the test clips alone. */
export const tau2022: DataSet = sceneSet({
  id: 'tau2022',
  title: 'TAU Urban Acoustic Scenes 2022 Mobile, development set',
  source: 'https://zenodo.org/records/6337421',
  licence: 'Tampere University, non-commercial with attribution (licence in the download)',
  folder: /^tau[-_ ]?(urban[-_ ]acoustic[-_ ]scenes[-_ ])?2022([-_ ].*)?$/i,
  layout: layoutOf('TAU-urban-acoustic-scenes-2022-mobile-development', 'airport-lisbon-1000-40000-0-a'),
  expected: { samples: 230_350 },
  madeUp: {
    scenes: TAU_SCENES,
    devices: sceneDevices,
    trainDevices: TAU_TRAINING,
    city: 'lisbon',
    sampleRate: 44_100,
  },
});

/**
 * Ten classes of ESC-50 in the layout of TAU, heard by measured microphones (`thrum data generate scenes --esc50 DIR
 * --responses DIR`); without these sources a made-up set of its form.
 */
export const scenes: DataSet = sceneSet({
  id: 'scenes',
  title: 'Ten ESC-50 classes as scenes, heard by seven devices',
  source: 'https://github.com/karolpiczak/ESC-50',
  licence: 'CC BY-NC 3.0 (recordings); responses by MicIRP and Xaudia.com under Creative Commons',
  folder: /^scenes([ _-].*)?$/i,
  layout: layoutOf('scenes', 'rain-freesound-17367-0-3-a'),
  madeUp: {
    scenes: esc50Scenes,
    devices: ['a', ...measuredDevices.map(({ device }) => device)],
    trainDevices: trainingDevices,
    city: 'freesound',
    sampleRate: 16_000,
  },
});

/** The data sets in this layout. */
export const sceneDataSets: readonly DataSet[] = [tau2022, scenes];
