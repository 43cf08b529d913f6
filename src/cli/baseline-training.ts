// The challenge's baselines on the clips of a data set: reading them, training on those that can be used, scoring others.
import { join } from 'node:path';
import type { Sample } from '../evaluation/datasets/types.ts';
import { groupBy } from '../evaluation/group-by.ts';
import { counted } from '../evaluation/text/words.ts';
import { inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import {
  type AutoencoderClip,
  type AutoencoderModel,
  type AutoencoderOptions,
  trainAutoencoder,
} from '../training/baselines/autoencoder.ts';
import { FRAMES } from '../training/baselines/autoencoder-graph.ts';
import type { EpochOptions } from '../training/baselines/epochs.ts';
import {
  IMAGE_FRAMES,
  type MobileNetModel,
  type MobileNetOptions,
  trainMobileNet,
} from '../training/baselines/mobilenet.ts';
import { checkRecording } from '../training/baselines/windows.ts';
import { createProgress, note } from './output.ts';

/** Clips below a folder, what they are in messages, and what is done with the line about one that cannot be used. */
export type Clips = {
  title: string;
  root: string;
  samples: readonly Sample[];
  leaveOut(message: string): void;
};

type Heard = { sample: Sample; samples: Float32Array; sampleRate: number };

/** The normal training clips, or the test clips. */
export const sideOf = (samples: readonly Sample[], side: 'train' | 'test'): Sample[] =>
  samples.filter(({ split, label }) => split === side && (side === 'test' || label === 'normal'));

/** Calls `use` with every clip in turn; those it or the reader refuses are left out. */
async function hearEach({ title, root, samples, leaveOut }: Clips, does: string, use: (heard: Heard) => unknown) {
  const progress = createProgress(`${title}: ${does}`);
  try {
    for (const [i, sample] of samples.entries()) {
      try {
        const [{ channels, sampleRate }] = await readRecordingFile(join(root, sample.path), sample.read);
        await use({ sample, samples: channels[0], sampleRate });
      } catch (error) {
        const message = inputMessage(error);
        leaveOut(message.includes(sample.path) ? message : `${sample.path}: ${message}`);
      }
      progress.update(i + 1, samples.length);
    }
  } finally {
    progress.end();
  }
}

/** All clips that are long enough, without gaps, and of the rate that most of them have. */
async function trainingClips(clips: Clips, frames: number): Promise<Heard[]> {
  const heard: Heard[] = [];
  await hearEach(clips, 'read', (one) => {
    checkRecording(one.sample.path, one.samples, frames);
    heard.push(one);
  });
  const byRate = [...groupBy(heard, ({ sampleRate }) => String(sampleRate)).values()];
  const most = byRate.reduce((a, b) => (b.length > a.length ? b : a), []);
  for (const { sample, sampleRate } of byRate.filter((own) => own !== most).flat()) {
    clips.leaveOut(`${sample.path}: expected ${most[0].sampleRate} Hz as most have, got ${sampleRate} Hz; resample it`);
  }
  return most;
}

/** Says what is learned from, then how far it is. */
async function withProgress<T>(
  title: string,
  clips: readonly unknown[],
  train: (onEpoch: EpochOptions['onEpoch']) => Promise<T>,
): Promise<T> {
  note(`${title}: training on ${counted(clips.length, 'clip')}`);
  const progress = createProgress(`${title}: epoch`);
  try {
    return await train(({ epoch, epochs }) => progress.update(epoch, epochs));
  } finally {
    progress.end();
  }
}

/** `trainAutoencoder` on the clips that can be used; those without a domain count as source. @throws InputError as it does */
export async function trainAutoencoderOn(clips: Clips, options: AutoencoderOptions): Promise<AutoencoderModel> {
  const heard = (await trainingClips(clips, FRAMES)).map(
    ({ sample, ...one }): AutoencoderClip => ({
      ...one,
      name: sample.path,
      domain: sample.attributes.domain === 'target' ? 'target' : 'source',
    }),
  );
  return withProgress(clips.title, heard, (onEpoch) => trainAutoencoder(heard, { ...options, onEpoch }));
}

export type NamedClassifier = MobileNetModel & { names: readonly string[] };

/**
 * `trainMobileNet` on the clips that can be used, with the names of their classes.
 * @param labelOf words from the widest to the narrowest: `fan/00/vel_6`
 * @throws InputError as it does
 */
export async function trainClassifierOn(
  clips: Clips,
  labelOf: (sample: Sample) => string,
  options: MobileNetOptions,
): Promise<NamedClassifier> {
  const heard = await trainingClips(clips, IMAGE_FRAMES);
  const names = [...new Set(heard.map(({ sample }) => labelOf(sample)))].sort();
  const labelled = heard.map(({ sample, ...one }) => ({
    ...one,
    name: sample.path,
    label: names.indexOf(labelOf(sample)),
  }));
  const model = await withProgress(clips.title, heard, (onEpoch) => trainMobileNet(labelled, { ...options, onEpoch }));
  return { ...model, names };
}

/** Numbers of the classes that are `word`, or begin with it: `fan/00/vel_6` with `fan` and with `fan/00`. */
export const classesOf = (names: readonly string[], word: string): number[] =>
  names.flatMap((name, c) => (name === word || name.startsWith(`${word}/`) ? [c] : []));

/** The lowest score among some classes. */
export const lowestOf = (scores: ArrayLike<number>, classes: readonly number[]): number =>
  Math.min(...classes.map((c) => scores[c]));

/** What `score` says of every clip that can be used; one clip is in memory at a time. */
export async function scoreClips<T>(
  clips: Clips,
  score: (samples: Float32Array, sampleRate: number) => Promise<T>,
): Promise<{ sample: Sample; scores: T }[]> {
  const scored: { sample: Sample; scores: T }[] = [];
  await hearEach(clips, 'scored', async ({ sample, samples, sampleRate }) => {
    scored.push({ sample, scores: await score(samples, sampleRate) });
  });
  return scored;
}
