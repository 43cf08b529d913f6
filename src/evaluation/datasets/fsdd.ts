// FSDD, the Free Spoken Digit Dataset: English digits by six speakers (Z. Jackson and others).
import { writeWav } from '../../signal/readers/wav-write.ts';
import { type Folder, isSound, stemOf } from '../files/folder.ts';
import { classTone } from './class-tones.ts';
import { repeatedNames } from './problems.ts';
import { scanFiles } from './scan-files.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const DIGITS: readonly string[] = Array.from({ length: 10 }, (_, digit) => String(digit));
const SPEAKERS: readonly string[] = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'];
const TAKES = 50;
/** The official division: of each digit and speaker, these are for testing. */
const TEST_TAKES = 5;
const SAMPLE_RATE = 8000;

/** `{digit}_{speaker}_{take}`. */
function sampleOf(path: string): Sample | undefined {
  const stem = stemOf(path);
  const [, digit, speaker, take] = /^(\d)_([a-z]+)_(\d{1,2})$/i.exec(stem) ?? [];
  if (digit === undefined) return undefined;
  const split = Number(take) < TEST_TAKES ? 'test' : 'train';
  return { path, take: stem, label: digit, split, attributes: { speaker: speaker.toLowerCase(), repetition: take } };
}

const PLACES = Object.fromEntries(DIGITS.map((digit) => [digit, `recordings/${digit}_george_0.wav`]));

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'fsdd',
    files: files.filter(isSound),
    read: sampleOf,
    places: PLACES,
    expected: '7_jackson_32.wav (digit, speaker, take)',
    check: (samples) => repeatedNames(samples.map(({ path }) => path)),
  });

/** Recording `i` of a digit is take i div 6 of speaker i mod 6, so that from 31 on there are some for training. */
function* generate({ seed = 0, perClass = 48, seconds = 0.3 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  for (const [classIndex, digit] of DIGITS.entries()) {
    for (let i = 0; i < perClass; i++) {
      const name = `${digit}_${SPEAKERS[i % SPEAKERS.length]}_${Math.floor(i / SPEAKERS.length)}`;
      const tone = classTone({
        classIndex: 3 * classIndex,
        seed: `${seed}/fsdd/${name}`,
        seconds,
        sampleRate: SAMPLE_RATE,
      });
      yield { path: `recordings/${name}.wav`, bytes: writeWav(tone) };
    }
  }
}

/** Attributes: `speaker`, `repetition` (from 0). */
export const fsdd: DataSet = {
  id: 'fsdd',
  title: 'Free Spoken Digit Dataset',
  source: 'https://github.com/Jakobovski/free-spoken-digit-dataset',
  licence: 'CC BY-SA 4.0',
  folder: /^(fsdd|free-spoken-digit-dataset)([ _-].*)?$/i,
  layout: ['free-spoken-digit-dataset-master/', '  recordings/7_jackson_32.wav …', 'or the sound files alone'].join(
    '\n',
  ),
  sampleRate: SAMPLE_RATE,
  seconds: '0.1 to 2.3',
  channels: ['speech'],
  classes: DIGITS,
  expected: {
    samples: DIGITS.length * SPEAKERS.length * TAKES,
    perClass: Object.fromEntries(DIGITS.map((digit) => [digit, SPEAKERS.length * TAKES])),
  },
  views: [{ id: 'fsdd', modality: 'sound' }],
  scan,
  generate,
};
