// Scenes made from real recordings: which sounds, which seconds of them, and which device hears each.
import { createRandom, shuffled } from '../../signal/simulate/random.ts';
import { groupBy } from '../group-by.ts';
import { type DividedClip, type SceneDevice, subsetAt } from './tau-layout.ts';

/**
 * Classes of ESC-50 that a place sounds like as long as one is there, so that any second tells: weather and water, animals
 * that sing without pause, fire, a household, vehicles from outside or within. Not among them: single events (a dog, a
 * door), and of sounds much alike the one with fewer recordings: thunderstorm (rain), helicopter (airplane, 15
 * recordings of Freesound against 32), engine and chainsaw (machines close by, not places).
 */
export const esc50Scenes: readonly string[] = [
  'rain',
  'sea_waves',
  'crackling_fire',
  'crickets',
  'chirping_birds',
  'wind',
  'washing_machine',
  'vacuum_cleaner',
  'train',
  'airplane',
];

/** The fold of ESC-50 that is for testing. */
export const TEST_FOLD = 5;

/**
 * Responses that stand for devices; device a hears everything as it is. Chosen by their curves at 16 kHz alone (third
 * octaves from 50 to 7000 Hz, 500 to 2000 Hz taken as 0 dB): of the responses of undamaged microphones that are 4 to 13 dB
 * (root mean square) from flat, the six of which any two are farthest apart, at least 4.9 dB. In order of distance from
 * flat they are seen, unseen, unseen, seen, seen, unseen in training, so that neither kind is the milder one.
 */
export const measuredDevices: readonly { device: SceneDevice; file: string }[] = [
  { device: 'b', file: 'Shure315_flat.wav' },
  { device: 'c', file: 'GEC_bigdynamic.wav' },
  { device: 's1', file: 'IR_Shure510C.wav' },
  { device: 's4', file: 'IR_STC4033_Pressure.wav' },
  { device: 's5', file: 'IR_FosterDynamicDF1.wav' },
  { device: 's6', file: 'IR_OktavaMD57.wav' },
];

/**
 * Devices of training clips in turn: 70 % device a, 10 % each of three others. The smallest subset, 8 clips of every class,
 * has six of a and one each of b and c.
 */
export const trainingDevices: readonly SceneDevice[] = ['a', 'a', 'b', 'a', 'a', 'c', 'a', 'a', 's1', 'a'];

/** Root mean square of a tenth of a second below which it counts as silent: -60 dB of full scale. */
const SILENT = 1e-3;
const PARTS = 10;

/**
 * Whether a second says too little: at least half of its tenths are below -60 dB of full scale. Clips of ESC-50 that were
 * shorter than 5 s end in zeros.
 */
export function isNearSilent(second: Float32Array): boolean {
  const length = Math.floor(second.length / PARTS);
  let silent = 0;
  for (let part = 0; part < PARTS; part++) {
    let squares = 0;
    for (let i = part * length; i < (part + 1) * length; i++) squares += second[i] ** 2;
    if (!(Math.sqrt(squares / length) >= SILENT)) silent++;
  }
  return 2 * silent >= PARTS;
}

/** A second of a recording that is loud enough. */
export type SourceSecond = {
  scene: string;
  /** Number of the recording on Freesound. */
  location: string;
  /** Which cut of it, from 0. */
  segment: string;
  second: string;
  fold: number;
};

/**
 * The clips of the set: fold 5 is for testing, by every device; of the others every second is heard by one device, in the
 * order of a shuffle within its class, of which every beginning has devices in their shares. Subsets are such beginnings.
 * Recordings that fold 5 has cuts of are left out of training.
 */
export function planScenes(seconds: readonly SourceSecond[], seed = 0): DividedClip[] {
  const tested = new Set(seconds.filter(({ fold }) => fold === TEST_FOLD).map(({ location }) => location));
  const devices: readonly SceneDevice[] = ['a', ...measuredDevices.map(({ device }) => device)];
  return [...groupBy(seconds, ({ scene }) => scene)].flatMap(([name, all]) => {
    const training = all.filter(({ location }) => !tested.has(location));
    const order = shuffled(training, createRandom(`${seed}/scenes/${name}`));
    const clipOf = ({ fold: _, ...second }: SourceSecond, device: SceneDevice) => ({
      ...second,
      city: 'freesound',
      device,
    });
    return [
      ...order.map((second, i) => ({
        ...clipOf(second, trainingDevices[i % trainingDevices.length]),
        split: 'train' as const,
        subset: subsetAt(i, order.length),
      })),
      ...all
        .filter(({ fold }) => fold === TEST_FOLD)
        .flatMap((second) => devices.map((device) => ({ ...clipOf(second, device), split: 'test' as const }))),
    ];
  });
}
