// IDMT-ISA-Electric-Engine: three units of a small brushless motor, clean to train with and disturbed to test with.
// Layout: the archive as SIREN and RMIS use it; the long recordings are there too, cut into clips of 3 s.
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { type Folder, isWav } from '../files/folder.ts';
import { type Envelope, withNoise } from './noise.ts';
import { scanFiles } from './scan-files.ts';
import { type ClassSource, recordClass, withinFullScale } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const SAMPLE_RATE = 44_100;

const ENGINES: Readonly<Record<string, ClassSource>> = {
  engine1_good: { machine: 'fan', fault: 'normal', load: 0.7 },
  engine2_broken: { machine: 'fan', fault: 'rubbing', severity: 0.9, load: 0.7 },
  engine3_heavyload: { machine: 'fan', fault: 'normal', load: 1.4, speed: 0.8 },
};
const classes = Object.keys(ENGINES);

/** Long recordings of each engine, and how a simulated one is disturbed. */
const talk: Envelope = (seconds) => Math.max(0, Math.sin(2 * Math.PI * 4 * seconds));
const knocks: Envelope = (seconds) => ((seconds * 7) % 1 < 0.1 ? 4 : 0.3);
const TEST_RECORDINGS: Readonly<Record<string, { level: number; envelope?: Envelope }>> = {
  talking_1: { level: 0.3, envelope: talk },
  talking_2: { level: 0.4, envelope: talk },
  talking_3: { level: 0.5, envelope: talk },
  talking_4: { level: 0.6, envelope: talk },
  atmo_low: { level: 0.1 },
  atmo_medium: { level: 0.2 },
  atmo_high: { level: 0.4 },
  whitenoise_low: { level: 0.3 },
  stresstest: { level: 0.6, envelope: knocks },
};
const CONDITIONS = ['pure', 'talking', 'atmo', 'whitenoise', 'stresstest'];

const PATTERN =
  /(?:^|\/)(train|test)_cut\/(engine1_good|engine2_broken|engine3_heavyload)\/(([a-z]+)(?:_(\w+))?)_(\d+)\.wav$/i;
/** The long recordings that the clips were cut from: known, and not needed. */
const LONG = /(?:^|\/)(train|test)\/[^/]+\/[^/]+\.wav$/i;

function sampleOf(path: string): Sample | undefined {
  const match = PATTERN.exec(path);
  if (!match) return undefined;
  const [side, engine, recording, condition, variant, cut] = match.slice(1).map((part) => part?.toLowerCase());
  if (!CONDITIONS.includes(condition)) return undefined;
  return {
    path,
    take: `${side}/${engine}/${recording}`,
    label: engine,
    split: side === 'train' ? 'train' : 'test',
    attributes: { condition, ...(variant && { variant }), cut },
  };
}

const sideOf = (label: string, split: Sample['split']): string => `${label} (${split})`;

/** Both sides are needed, and every class on both. */
const places = Object.fromEntries(
  (['train', 'test'] as const).flatMap((split) =>
    classes.map((label) => [
      sideOf(label, split),
      `${split}_cut/${label}/${split === 'train' ? 'pure' : 'atmo_low'}_0.wav`,
    ]),
  ),
);

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'iiee',
    files: files.filter((path) => isWav(path) && !LONG.test(path)),
    read: sampleOf,
    places,
    expected: `names such as talking_1_12.wav in test_cut/engine1_good (${CONDITIONS.join(', ')})`,
    labelOf: ({ label, split }) => sideOf(label, split),
  });

/** A long recording and its consecutive clips. */
function* withClips(long: Recording, side: string, place: string, clips: number): Generator<GeneratedFile> {
  yield { path: `${side}/${place}.wav`, bytes: writeWav(long, { bits: 'float32' }) };
  const length = Math.floor(long.channels[0].length / clips);
  for (let i = 0; i < clips; i++) {
    const channels = long.channels.map((samples) => samples.subarray(i * length, (i + 1) * length));
    yield { path: `${side}_cut/${place}_${i}.wav`, bytes: writeWav({ ...long, channels }) };
  }
}

/** Of each engine `perClass` clips of every long recording: one clean one to train with, nine disturbed ones. */
function* generate({ seed = 0, perClass = 5, seconds = 0.5 }: GenerateOptions = {}): Generator<GeneratedFile> {
  const sides = { train: { pure: { level: 0, envelope: undefined } }, test: TEST_RECORDINGS };
  for (const [side, recordings] of Object.entries(sides)) {
    for (const [engine, source] of Object.entries(ENGINES)) {
      for (const [name, { level, envelope }] of Object.entries(recordings)) {
        const take = `${seed}/${engine}/${name}`;
        const options = { seed: take, machineSeed: 0, seconds: perClass * seconds, sampleRate: SAMPLE_RATE };
        const long = withinFullScale(withNoise(recordClass(source, options), level, take, envelope));
        yield* withClips(long, side, `${engine}/${name}`, perClass);
      }
    }
  }
}

/** Attributes: `condition`, its `variant` where there are several, and `cut`, the number of the clip. */
export const iiee: DataSet = {
  id: 'iiee',
  title: 'IDMT-ISA-Electric-Engine (Fraunhofer IDMT)',
  source: 'https://www.idmt.fraunhofer.de/en/publications/datasets/isa-electric-engine.html',
  licence: 'CC BY-NC-ND 4.0',
  folder: /iiee|electric[-_ ]?engine|idmt[-_]engine/i,
  layout: `IDMT-ISA-ELECTRIC-ENGINE/
  train/{engine1_good,engine2_broken,engine3_heavyload}/pure.wav
  train_cut/{engine1_good,…}/pure_0.wav …                      clips of 3 s
  test/{engine1_good,…}/{talking_1…4,atmo_low,atmo_medium,atmo_high,whitenoise_low,stresstest}.wav
  test_cut/{engine1_good,…}/talking_1_0.wav …
`,
  sampleRate: SAMPLE_RATE,
  seconds: '3',
  channels: ['microphone'],
  classes,
  views: [{ id: 'iiee', modality: 'sound' }],
  scan,
  generate,
};
