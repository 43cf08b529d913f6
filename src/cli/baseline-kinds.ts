// Both baselines of the challenge behind one interface: what each model learns from, its file, and the scores it gives.
import type { Sample } from '../evaluation/datasets/types.ts';
import { sectionLabel } from '../evaluation/dcase/years.ts';
import { groupBy } from '../evaluation/group-by.ts';
import { InputError } from '../signal/errors.ts';
import { createAutoencoderScorer } from '../training/baselines/autoencoder.ts';
import {
  readAutoencoder,
  readMobileNet,
  writeAutoencoder,
  writeMobileNet,
} from '../training/baselines/baseline-file.ts';
import type { EpochOptions } from '../training/baselines/epochs.ts';
import { createMobileNetScorer } from '../training/baselines/mobilenet.ts';
import { type Clips, classesOf, lowestOf, trainAutoencoderOn, trainClassifierOn } from './baseline-training.ts';

/** Clips that one model is for, training and test clips together. */
export type Part = { title: string; file: string; samples: Sample[] };

type Score = (samples: Float32Array, sampleRate: number) => Promise<number>;

export type OpenBaseline = {
  /** Above it a clip counts as anomalous. */
  threshold: number;
  /** Scores of clips of a section. @throws InputError where the model does not know the section */
  scoreOf(section: string): Score;
  release(): Promise<void>;
};

export type BaselineKind = {
  parts(samples: readonly Sample[]): Part[];
  /** The bytes of the model's file. @throws InputError where the training clips will not do */
  train(clips: Clips, options: Pick<EpochOptions, 'epochs' | 'batch' | 'learningRate' | 'seed'>): Promise<Uint8Array>;
  /** @throws InputError for a file of another kind, or a damaged one */
  open(bytes: Uint8Array, path: string): Promise<OpenBaseline>;
};

/** `fan_section_00`, in 2020 `fan_id_01`: as the challenge names files. */
export const fileLabel = (machine: string, section: string): string =>
  section.startsWith('id_') ? `${machine}_${section}` : `${machine}_section_${section}`;

export const scoreModes = ['mse', 'mahalanobis', 'conventional'] as const;
export type ScoreMode = (typeof scoreModes)[number];

/** The autoencoder, one for every section. Its ends of recordings are padded as the year's own baseline has it. */
export const autoencoderKind = (year: number, mode: ScoreMode): BaselineKind => ({
  parts: (samples) =>
    [...groupBy(samples, ({ attributes }) => fileLabel(attributes.machine, attributes.section))].map(
      ([label, own]): Part => ({
        title: sectionLabel(own[0].attributes.machine, own[0].attributes.section),
        file: `${label}.safetensors`,
        samples: own,
      }),
    ),
  train: async (clips, options) =>
    writeAutoencoder(await trainAutoencoderOn(clips, { ...options, padding: year < 2023 ? 'reflect' : 'constant' })),
  async open(bytes, path) {
    const model = readAutoencoder(bytes, path);
    const scorer = await createAutoencoderScorer(model);
    const pick = ({ mse, mahalanobis }: typeof model.thresholds): number =>
      mode === 'mse' ? mse : mahalanobis[mode === 'mahalanobis' ? 'official' : 'conventional'];
    return {
      threshold: pick(model.thresholds),
      scoreOf: () => async (samples, sampleRate) => pick(await scorer.score(samples, sampleRate)),
      release: scorer.release,
    };
  },
});

/** What a classifier tells apart: sections where there are several, else the attribute groups of the one. */
export function labelsOf(samples: readonly Sample[]): (sample: Sample) => string {
  const several = new Set(samples.map(({ attributes }) => attributes.section)).size > 1;
  return ({ attributes: { section, attributes = '' } }) => (several ? section : `${section}/${attributes}`);
}

/** The classifier, one for every machine. A clip's score is that of its section, or the lowest among its groups. */
export const mobileNetKind: BaselineKind = {
  parts: (samples) =>
    [...groupBy(samples, ({ attributes }) => attributes.machine)].map(
      ([machine, own]): Part => ({ title: machine, file: `${machine}.safetensors`, samples: own }),
    ),
  async train(clips, options) {
    const labelOf = labelsOf(clips.samples);
    const [only, ...others] = new Set(clips.samples.map(labelOf));
    if (others.length === 0) {
      throw new InputError(
        `expected several sections or attribute groups to tell apart, found one (${only}); take the autoencoder`,
      );
    }
    return writeMobileNet(await trainClassifierOn(clips, labelOf, options));
  },
  async open(bytes, path) {
    const model = readMobileNet(bytes, path);
    const { names } = model;
    if (!names)
      throw new InputError(`expected the names of the classes in ${path}, found none; delete it to train anew`);
    const scorer = await createMobileNetScorer(model);
    return {
      threshold: model.threshold,
      scoreOf(section) {
        const own = classesOf(names, section);
        if (own.length === 0) {
          throw new InputError(
            `expected a class of it in ${path}, found ${names.join(', ')}; add its training clips and delete that file to train anew`,
          );
        }
        return async (samples, sampleRate) => lowestOf(await scorer.score(samples, sampleRate), own);
      },
      release: scorer.release,
    };
  },
};
