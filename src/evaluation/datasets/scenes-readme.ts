// What the set of scenes from real recordings says of itself: sources, rules, counts, licences.
import { groupBy } from '../group-by.ts';
import { measuredDevices, TEST_FOLD } from './scenes-plan.ts';
import { textFile } from './simulated.ts';
import { type DividedClip, seenDevices } from './tau-layout.ts';
import type { GeneratedFile } from './types.ts';

export type ScenesFacts = {
  clips: readonly DividedClip[];
  /** Of ESC-50 in the ten classes. */
  recordings: number;
  /** Seconds left out because they say too little. */
  silent: number;
  /** Clips with samples beyond full scale. */
  clipped: number;
  seed: number;
};

const countsOf = (clips: readonly DividedClip[], keyOf: (clip: DividedClip) => string): string =>
  [...groupBy(clips, keyOf)]
    .map(([key, { length }]) => `${key} ${length}`)
    .sort()
    .join(', ');

/** The file README.md of the set. */
export function scenesReadme({ clips, recordings, silent, clipped, seed }: ScenesFacts): GeneratedFile {
  const [train, test] = ['train', 'test'].map((side) => clips.filter(({ split }) => split === side));
  return textFile('README.md', [
    '# Scenes',
    '',
    'Ten classes of ESC-50 as acoustic scenes, heard by seven devices, in the layout of TAU Urban Acoustic Scenes 2022 Mobile.',
    `Written by \`thrum data generate scenes\` (seed ${seed}). The recordings are real; the devices are recordings through`,
    'measured impulse responses.',
    '',
    `- ${recordings} recordings of 5 s, cut into clips of 1 s (16 kHz, 16 bit). Seconds of which at least half of the tenths are`,
    `  below -60 dB of full scale are left out (${silent}).`,
    `- Fold ${TEST_FOLD} is for testing: every second by every device, ${test.length} clips. The other folds are for training: every second`,
    `  by one device, ${train.length} clips.`,
    `- Training clips by device: ${countsOf(train, ({ device }) => device)}.`,
    `- Training clips by class: ${countsOf(train, ({ scene }) => scene)}.`,
    `- Test clips by class: ${countsOf(test, ({ scene }) => scene)}.`,
    '- Device a is the recording itself. The others are it through a response at 16 kHz (resampled, then scaled to a mean power',
    '  gain of 1 from 500 to 2000 Hz); 5 s are heard before they are cut. All clips have half their amplitude; what then still',
    `  exceeds full scale is cut off, as a recorder does (in ${clipped} clips).`,
    '',
    '| device | response (MicIRP) | training |',
    '|---|---|---|',
    ...measuredDevices.map(
      ({ device, file }) => `| ${device} | ${file} | ${seenDevices.includes(device) ? 'seen' : 'unseen'} |`,
    ),
    '',
    'A fair training uses none of the responses of unseen devices.',
    '',
    '## Licences',
    '',
    '- Recordings: ESC-50, K. J. Piczak, CC BY-NC 3.0; of them rain, sea_waves and crackling_fire CC BY (ESC-10). They come from',
    '  Freesound: the number after `freesound-` is that of the recording there.',
    '- Responses: MicIRP, shared under Creative Commons by MicIRP and Xaudia.com.',
    '- So this set is for non-commercial use, with credit to both.',
  ]);
}
