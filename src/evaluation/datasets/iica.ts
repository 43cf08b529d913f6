// IDMT-ISA-Compressed-Air: leaks of three kinds between five backgrounds, four microphones, a file for each.
// Layout and names: the archives as RMIS unpacks them, SIREN's description of the file names; classes of both.
import { writeWav } from '../../signal/readers/wav-write.ts';
import { type Folder, isWav } from '../files/folder.ts';
import { withNoise } from './noise.ts';
import { scanFiles } from './scan-files.ts';
import { recordClass, severalSensors, withinFullScale } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Sample } from './types.ts';

const SAMPLE_RATE = 48_000;
const LEAKS = ['tubeleak', 'ventleak', 'ventlow'];
/** Background of a recording, and how loud it is in a simulated set, relative to the leak. */
const BACKGROUNDS: Readonly<Record<string, number>> = { hydr: 0.5, hydr_low: 0.2, lab: 0, work: 0.6, work_low: 0.3 };
const MICROPHONES = 4;

/** SIREN knows two of the three kinds of leak, and one class for the recordings without any. */
export const iicaSirenSamples = (samples: readonly Sample[]): Sample[] =>
  samples.filter(({ attributes }) => attributes.leak !== 'ventlow');

/** Session, iO (in order) or niO, turns of the knob, microphone and its set-up; behind it the number of a cut, if any. */
const PATTERN =
  /(?:^|\/)(tubeleak|ventleak|ventlow)\/(hydr|hydr_low|lab|work|work_low)\/(\d)\/((\d+)_(n?iO)_([^_/]+))_(\d+)([a-z]*)(?:_(\d*))?\.wav$/i;

function sampleOf(path: string): Sample | undefined {
  const match = PATTERN.exec(path);
  if (!match) return undefined;
  const [leak, background, session] = match.slice(1, 4).map((part) => part.toLowerCase());
  const [recording, , state, knob, microphone, setup, cut] = match.slice(4);
  const leaking = state.toLowerCase() === 'nio';
  return {
    path,
    // The set-up of the microphone is left out: should it differ within a take, the take stays whole.
    take: `${leak}/${background}/${session}/${recording}`,
    label: leaking ? leak : 'no_leak',
    attributes: {
      rmis: `${leak}_${leaking ? 'leak' : 'noleak'}`,
      leak,
      background,
      session,
      knob,
      microphone,
      ...(setup && { setup }),
      ...(cut && { cut }),
    },
  };
}

/** Of RMIS's six classes: every kind of leak on its own, with and without it leaking. */
const places = Object.fromEntries(
  LEAKS.flatMap((leak) => [
    [`${leak}_leak`, `${leak}/lab/1/1_niO_1_1l_.wav`],
    [`${leak}_noleak`, `${leak}/lab/1/1_iO_1_1l_.wav`],
  ]),
);

const scan = ({ files }: Folder) =>
  scanFiles({
    id: 'iica',
    files: files.filter(isWav),
    read: sampleOf,
    places,
    expected: 'names such as 1_niO_2_1l_.wav in tubeleak/lab/1',
    labelOf: ({ attributes }) => attributes.rmis,
  });

/** `perClass` recordings of each of the six classes of RMIS, with four microphones each. */
function* generate({ seed = 0, perClass = 6, seconds = 0.5 }: GenerateOptions = {}): Generator<GeneratedFile> {
  const backgrounds = Object.keys(BACKGROUNDS);
  for (const [machineSeed, leak] of LEAKS.entries()) {
    for (const state of ['iO', 'niO']) {
      const fault = state === 'niO' ? 'leakage' : 'normal';
      for (let i = 0; i < perClass; i++) {
        const background = backgrounds[i % backgrounds.length];
        const session = (i % 3) + 1;
        const take = `${seed}/${leak}/${state}/${i}`;
        const options = { seed: take, machineSeed, seconds, sampleRate: SAMPLE_RATE };
        const quiet = recordClass({ machine: 'pump', fault, severity: 1 }, options);
        const heard = severalSensors(withNoise(quiet, BACKGROUNDS[background], take), MICROPHONES, `${seed}/room`);
        const { channels, ...rest } = withinFullScale(heard);
        for (const [m, samples] of channels.entries()) {
          yield {
            path: `${leak}/${background}/${session}/${session}_${state}_${i}_${m + 1}l_.wav`,
            bytes: writeWav({ ...rest, channels: [samples] }, { bits: 'float32' }),
          };
        }
      }
    }
  }
}

/**
 * Classes as SIREN has them: no leak, or the kind of leak. Attributes: `rmis` (one of its six classes), `leak`,
 * `background`, `session`, `knob` in turns, `microphone` and, where the name has them, its `setup` and the `cut`.
 */
export const iica: DataSet = {
  id: 'iica',
  title: 'IDMT-ISA-Compressed-Air (Fraunhofer IDMT)',
  source: 'https://www.idmt.fraunhofer.de/en/publications/datasets/isa-compressed-air.html',
  licence: 'as stated at https://zenodo.org/records/7551606',
  folder: /iica|compressed[-_ ]?air|idmt[-_]air/i,
  layout: `IDMT-ISA-Compressed-Air/                                      (a folder raw/ between is fine)
  {tubeleak,ventleak,ventlow}/{hydr,hydr_low,lab,work,work_low}/{1,2,3}/
    1_niO_2_1l_.wav …                                          session, iO: no leak or niO: leak, knob, microphone
`,
  sampleRate: SAMPLE_RATE,
  seconds: '30',
  channels: ['microphone'],
  classes: ['no_leak', ...LEAKS],
  expected: { samples: 5592 },
  views: [{ id: 'iica', modality: 'sound' }],
  scan,
  generate,
};
